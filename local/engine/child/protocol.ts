// What parent and child say to each other over IPC. Structured clones: everything here is plain data.
import type { EngineEvent, EvaluateOptions, Evaluation, PropertyProblem, ResourceProvider } from "../types";

/** Methods of a provider. */
export type Method = keyof ResourceProvider;

/** The options that can cross a process border. */
export type PlainOptions = Omit<EvaluateOptions, "program" | "provider" | "signal" | "onEvent">;

/** Begins the evaluation. */
export interface Start {
  readonly kind: "start";
  readonly program: string;
  readonly options: PlainOptions;
  /** Methods the provider has; the others stay missing in the child. */
  readonly methods: readonly Method[];
}

/** A failure of the provider. */
export interface PlainError {
  readonly message: string;
  readonly stack?: string;
  readonly problems: readonly PropertyProblem[];
}

/** The provider's answer to the call with the same number. */
export type Answer =
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "answer"; readonly id: number; readonly error: PlainError };

/** A call of the provider. */
export interface Call {
  readonly kind: "call";
  readonly id: number;
  readonly method: Method;
  readonly request: unknown;
}

/** Parent → child. */
export type ToChild = Start | Answer;
/** Child → parent. */
export type ToParent =
  | Call
  | { readonly kind: "event"; readonly event: EngineEvent }
  | { readonly kind: "result"; readonly evaluation: Evaluation };
