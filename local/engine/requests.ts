// What a program asks of the engine, free of any transport.
import type { ResourceOptions, WireMap, WireValue } from "./types";

/** An alias as the program wrote it: an URN, or what differs from the present identity. */
export type AliasRequest =
  | { readonly urn: string }
  | {
      readonly name?: string;
      readonly type?: string;
      readonly stack?: string;
      readonly project?: string;
      /** URN of the former parent; empty for "had none". Missing: the present parent. */
      readonly parent?: string;
    };

/** Registers a resource or component. */
export interface RegisterRequest {
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  readonly remote: boolean;
  /** Empty: the stack. */
  readonly parent: string;
  readonly inputs: WireMap;
  readonly dependencies: readonly string[];
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  /** "urn::id", or empty for the default provider. */
  readonly provider: string;
  readonly providers: Readonly<Record<string, string>>;
  readonly version: string;
  readonly aliases: readonly AliasRequest[];
  readonly options: ResourceOptions;
  readonly replacementTrigger?: WireValue;
  readonly sourcePosition?: string;
}

/** Reads an existing resource. */
export interface ReadResourceRequest {
  readonly type: string;
  readonly name: string;
  readonly id: string;
  readonly parent: string;
  readonly inputs: WireMap;
  readonly dependencies: readonly string[];
  readonly provider: string;
  readonly version: string;
  readonly additionalSecretOutputs: readonly string[];
  readonly sourcePosition?: string;
}

/** Calls a provider function. */
export interface CallFunctionRequest {
  readonly token: string;
  readonly args: WireMap;
  readonly provider: string;
  readonly version: string;
  readonly dependencies: readonly string[];
}

/** What the program gets back for a resource. */
export interface ResourceAnswer {
  readonly urn: string;
  /** Empty when unknown or a component. */
  readonly id: string;
  readonly outputs: WireMap;
}

/** What the program gets back for a function: `undefined` when it cannot be known in a preview. */
export type FunctionAnswer = WireMap | undefined;
