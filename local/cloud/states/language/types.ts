// Amazon States Language as data. https://states-language.net/spec.html and the Step Functions developer guide.

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonRecord = Readonly<Record<string, Json>>;

export type QueryLanguage = "JSONPath" | "JSONata";

/** A state machine, or the body of a branch or an item processor. */
export interface StatesDefinition {
  readonly Comment?: string;
  readonly QueryLanguage?: QueryLanguage;
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
  /** Seconds that an execution may take; of the machine only. */
  readonly TimeoutSeconds?: number;
  readonly ProcessorConfig?: { readonly Mode?: "INLINE" | "DISTRIBUTED" };
}

/** A retrier. */
export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
  readonly BackoffRate?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: "FULL" | "NONE";
}

/** A catcher. */
export interface Catcher {
  readonly ErrorEquals: readonly string[];
  readonly Next: string;
  readonly ResultPath?: string | null;
  readonly Output?: Json;
  readonly Assign?: JsonRecord;
}

/** A rule of a Choice state; `Condition` in JSONata, an operator and `Variable` in JSONPath. */
export interface ChoiceRule {
  readonly Next?: string;
  readonly Condition?: string;
  readonly Variable?: string;
  readonly And?: readonly ChoiceRule[];
  readonly Or?: readonly ChoiceRule[];
  readonly Not?: ChoiceRule;
  readonly Output?: Json;
  readonly Assign?: JsonRecord;
  readonly [operator: string]: unknown;
}

/** A state with every field that some type knows; validation has refused fields that do not belong. */
export interface State {
  readonly Type: "Pass" | "Task" | "Choice" | "Wait" | "Succeed" | "Fail" | "Parallel" | "Map";
  readonly Comment?: string;
  readonly QueryLanguage?: QueryLanguage;
  readonly Next?: string;
  readonly End?: boolean;
  readonly InputPath?: string | null;
  readonly OutputPath?: string | null;
  readonly Parameters?: Json;
  readonly ResultSelector?: JsonRecord;
  readonly ResultPath?: string | null;
  readonly Arguments?: Json;
  readonly Output?: Json;
  readonly Assign?: JsonRecord;
  readonly Result?: Json;
  readonly Resource?: string;
  readonly Credentials?: JsonRecord;
  readonly TimeoutSeconds?: number | string;
  readonly TimeoutSecondsPath?: string;
  readonly HeartbeatSeconds?: number | string;
  readonly HeartbeatSecondsPath?: string;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly Catcher[];
  readonly Choices?: readonly ChoiceRule[];
  readonly Default?: string;
  readonly Seconds?: number | string;
  readonly SecondsPath?: string;
  readonly Timestamp?: string;
  readonly TimestampPath?: string;
  readonly Error?: string;
  readonly ErrorPath?: string;
  readonly Cause?: string;
  readonly CausePath?: string;
  readonly Branches?: readonly StatesDefinition[];
  readonly ItemProcessor?: StatesDefinition;
  readonly Iterator?: StatesDefinition;
  readonly Items?: Json;
  readonly ItemsPath?: string;
  readonly ItemSelector?: JsonRecord;
  readonly MaxConcurrency?: number | string;
  readonly MaxConcurrencyPath?: string;
}
