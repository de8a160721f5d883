// The public vocabulary of the engine: what a caller gives to an evaluation, and what it gets back.

/**
 * Stands for a value that only a deployment can know, in the inputs, outputs and stack outputs of a preview.
 * The string is the one of Pulumi's own protocol.
 */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A property of a resource: plain JSON, assets and archives. Secrets are unwrapped; unknowns are {@link UNKNOWN}. */
export type PropertyValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | Asset
  | Archive
  | readonly PropertyValue[]
  | { readonly [key: string]: PropertyValue };

/** Inputs or outputs of a resource. */
export type PropertyMap = Readonly<Record<string, PropertyValue>>;

/** A file in a resource's inputs: exactly one of text, path (absolute). */
export interface Asset {
  readonly kind: "asset";
  readonly text?: string;
  readonly path?: string;
}

/** A folder or zip in a resource's inputs: exactly one of assets, path (absolute). */
export interface Archive {
  readonly kind: "archive";
  readonly assets?: Readonly<Record<string, Asset | Archive>>;
  readonly path?: string;
}

/** The provider that manages a resource, explicit, inherited or default. */
export interface ResolvedProvider {
  /** "aws" */
  readonly package: string;
  /** Empty for Pulumi's built-in types. */
  readonly urn: string;
  /** Version the program asked for; empty when it asked for none. */
  readonly version: string;
  /** Configuration; values that Pulumi sends as JSON text (objects, lists, booleans) are decoded. */
  readonly inputs: PropertyMap;
}

/** Options of a resource as they arrive at the engine, after transforms. */
export interface ResourceOptions {
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly deleteBeforeReplace?: boolean;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  readonly hideDiffs: readonly string[];
  readonly replaceWith: readonly string[];
  readonly deletedWith: string;
  readonly importId: string;
  /** "5m" and the like, only those that were given. */
  readonly customTimeouts: Readonly<Record<string, string>>;
  /** Names of the hooks per moment, "beforeCreate" say. */
  readonly hooks: Readonly<Record<HookMoment, readonly string[]>>;
}

/** When a resource hook runs. */
export type HookMoment =
  "beforeCreate" | "afterCreate" | "beforeUpdate" | "afterUpdate" | "beforeDelete" | "afterDelete" | "onError";

/** What every call to a provider says about the resource. */
export interface ResourceRequest {
  readonly urn: string;
  readonly type: string;
  /** Logical name in the program. */
  readonly name: string;
  readonly inputs: PropertyMap;
  readonly preview: boolean;
  /** URNs of the parent, its parent and so on, up to the stack. */
  readonly parents: readonly string[];
  readonly provider: ResolvedProvider;
  readonly options: ResourceOptions;
}

/** Asks for validated, completed inputs. */
export interface CheckRequest extends ResourceRequest {
  /** Checked inputs of the previous evaluation: reuse generated names from them. */
  readonly oldInputs?: PropertyMap;
}

/** Asks how changed inputs are to be applied; `changed` holds the top-level property names. */
export interface DiffRequest extends UpdateRequest {
  readonly changed: readonly string[];
}

/** Asks to apply changed inputs in place. */
export interface UpdateRequest extends ResourceRequest {
  readonly id: string;
  readonly oldInputs: PropertyMap;
  readonly oldOutputs: PropertyMap;
}

/** Asks to delete; `inputs` are those of the resource that goes. */
export interface DeleteRequest extends ResourceRequest {
  readonly id: string;
  readonly outputs: PropertyMap;
}

/** Asks for the state of an existing resource (`Resource.get`). */
export interface ReadRequest extends ResourceRequest {
  readonly id: string;
}

/** Asks for the result of a provider function. */
export interface InvokeRequest {
  /** "aws:index/getRegion:getRegion" */
  readonly token: string;
  readonly args: PropertyMap;
  readonly preview: boolean;
  readonly provider: ResolvedProvider;
}

/** What a provider returns for a created or updated resource. */
export interface CreatedResource {
  /** Physical id; ignored in a preview. */
  readonly id?: string;
  /** Inputs are merged in below these. In a preview, leave out or set {@link UNKNOWN} what only a deployment knows. */
  readonly outputs: PropertyMap;
}

/**
 * Stands for the cloud. Every method may throw: an error with `problems: {property, reason}[]` is reported property by
 * property, any other by its message.
 */
export interface ResourceProvider {
  /** Validates and completes inputs (physical names, defaults). Left out: inputs are taken as they are. */
  check?(request: CheckRequest): PropertyMap | Promise<PropertyMap>;
  /** Decides between update and replacement. Left out: an update if there is `update`, else a replacement. */
  diff?(request: DiffRequest): "update" | "replace" | Promise<"update" | "replace">;
  create(request: ResourceRequest): CreatedResource | Promise<CreatedResource>;
  update?(request: UpdateRequest): CreatedResource | Promise<CreatedResource>;
  delete?(request: DeleteRequest): void | Promise<void>;
  /** Returns the outputs of an existing resource. Left out: `Resource.get` is an error. */
  read?(request: ReadRequest): PropertyMap | Promise<PropertyMap>;
  invoke(request: InvokeRequest): PropertyMap | Promise<PropertyMap>;
}

/** What happens to a resource. */
export type Operation = "create" | "same" | "update" | "replace" | "delete" | "read";

/** One line of the plan. */
export interface Step {
  readonly op: Operation;
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** Top-level input properties that changed. */
  readonly changed: readonly string[];
  /** The old URN, when an alias made the connection to the previous evaluation. */
  readonly aliasedFrom?: string;
}

/** A registered or read resource. */
export interface EvaluatedResource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** False for components and the stack. */
  readonly custom: boolean;
  /** URN of the parent; empty for the stack and for default providers. */
  readonly parent: string;
  readonly provider: ResolvedProvider;
  /** Providers that a component hands to its children: package → provider URN. */
  readonly providers: Readonly<Record<string, string>>;
  readonly inputs: PropertyMap;
  readonly outputs: PropertyMap;
  /** Top-level properties that hold a secret. */
  readonly secretInputs: readonly string[];
  readonly secretOutputs: readonly string[];
  /** Missing for components and for resources a preview would create. */
  readonly id?: string;
  readonly dependencies: readonly string[];
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  /** URNs this resource was or may have been known by. */
  readonly aliases: readonly string[];
  readonly protect: boolean;
  readonly options: ResourceOptions;
  readonly operation: Operation;
  /** "file:///…/site.ts:21", when the SDK reports it. */
  readonly sourcePosition?: string;
  /** What the component handed to `registerOutputs`. */
  readonly registeredOutputs?: PropertyMap;
  /** True for `Resource.get` and stack references. */
  readonly external: boolean;
}

/** Why an evaluation failed. */
export type ErrorKind =
  | "program"
  | "config"
  | "apply"
  | "input"
  | "duplicate-urn"
  | "registration"
  | "provider"
  | "invoke"
  | "hook"
  | "transform"
  | "protected"
  | "unresolved"
  | "unsupported"
  | "cancelled"
  | "process";

/** One broken rule of one property. */
export interface PropertyProblem {
  readonly property: string;
  readonly reason: string;
}

/** A failure, plain data so that it crosses process borders. The message names resource and property. */
export interface EvaluationError {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly urn?: string;
  readonly type?: string;
  readonly name?: string;
  readonly problems: readonly PropertyProblem[];
  /** Where it came from in the program or the provider. */
  readonly stack?: string;
}

/** A message of the program's `pulumi.log`. */
export interface LogLine {
  readonly severity: "debug" | "info" | "warning" | "error";
  readonly message: string;
  /** Empty when the message is not about a resource. */
  readonly urn: string;
}

/** A value the program exports. */
export interface StackOutput {
  readonly value: PropertyValue;
  readonly secret: boolean;
}

/** A provider function the program called. */
export interface EvaluatedInvoke {
  readonly token: string;
  readonly args: PropertyMap;
  readonly provider: ResolvedProvider;
  readonly dependencies: readonly string[];
  /** Missing when the call failed or was not made because it depends on something a preview would create. */
  readonly result?: PropertyMap;
}

/** The only result of an evaluation, also of a failed one. */
export interface Evaluation {
  /** In order of registration. */
  readonly resources: readonly EvaluatedResource[];
  readonly outputs: Readonly<Record<string, StackOutput>>;
  readonly steps: readonly Step[];
  readonly invokes: readonly EvaluatedInvoke[];
  readonly errors: readonly EvaluationError[];
  readonly logs: readonly LogLine[];
  /** State to give to the next evaluation; after a preview, the one that was given. JSON without functions. */
  readonly snapshot: Snapshot;
}

/** Progress of a running evaluation. */
export type EngineEvent =
  | {
      readonly kind: "registered" | "done" | "failed";
      readonly urn: string;
      readonly type: string;
      readonly name: string;
      readonly operation?: Operation;
      /** Counts so far; `failed` resources are not among `done`. */
      readonly counts: { readonly registered: number; readonly done: number; readonly failed: number };
    }
  | ({ readonly kind: "log" } & LogLine);

/** Property values in Pulumi's own encoding, secrets wrapped. */
export type WireValue = string | number | boolean | null | readonly WireValue[] | { readonly [key: string]: WireValue };
/** Properties in Pulumi's own encoding. */
export type WireMap = Readonly<Record<string, WireValue>>;

/** One resource of a snapshot. */
export interface SnapshotResource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  readonly external: boolean;
  readonly parent: string;
  readonly provider: ResolvedProvider;
  readonly id?: string;
  readonly inputs: WireMap;
  readonly outputs: WireMap;
  readonly dependencies: readonly string[];
  readonly options: ResourceOptions;
  readonly replacementTrigger?: WireValue;
}

/** The state an evaluation leaves, in an order in which no resource precedes what it depends on. */
export interface Snapshot {
  readonly resources: readonly SnapshotResource[];
}

/** What all ways to evaluate have in common. */
export interface EngineOptions {
  readonly project: string;
  readonly stack: string;
  /** @default "organization" */
  readonly organization?: string;
  /** Full keys ("site:domain", "aws:region"); structured values as JSON text. */
  readonly config?: Readonly<Record<string, string>>;
  readonly secretConfigKeys?: readonly string[];
  readonly provider: ResourceProvider;
  /** @default false */
  readonly preview?: boolean;
  readonly previous?: Snapshot;
  /** Provider operations at a time, 1 or more. @default 32 */
  readonly parallel?: number;
  /** Outputs of other stacks by full name, for `StackReference`. Any other name is an error. */
  readonly stackReferences?: Readonly<Record<string, PropertyMap>>;
  readonly signal?: AbortSignal;
  /**
   * Milliseconds without any progress (no registration, no running provider call) after which inputs that do not
   * resolve are given up and reported by resource and property. @default 10000
   */
  readonly idleTimeout?: number;
  readonly onEvent?: (event: EngineEvent) => void;
}

/** Options of {@link evaluate}. */
export interface EvaluateOptions extends EngineOptions {
  /** Absolute path of the program, or a function whose result are the stack outputs. */
  readonly program: string | (() => unknown);
}
