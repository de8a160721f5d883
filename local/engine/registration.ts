// The engine's own record of a resource while an evaluation runs.
import { toPlainMap } from "./values";
import type {
  Operation,
  ResolvedProvider,
  ResourceOptions,
  ResourceRequest,
  SnapshotResource,
  WireMap,
  WireValue,
} from "./types";

/** Mutable: it is filled in as the resource passes through check, diff and create. */
export interface Registration {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  readonly external: boolean;
  readonly parent: string;
  readonly provider: ResolvedProvider;
  readonly providers: Readonly<Record<string, string>>;
  readonly dependencies: readonly string[];
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  readonly aliases: readonly string[];
  readonly options: ResourceOptions;
  readonly replacementTrigger?: WireValue;
  readonly sourcePosition?: string;
  /** What the previous evaluation knew of it, and under which URN. */
  readonly old?: SnapshotResource;
  inputs: WireMap;
  outputs: WireMap;
  id?: string;
  operation: Operation;
  changed: readonly string[];
  registeredOutputs?: WireMap;
  state: "running" | "done" | "failed";
  /** Place in the order of completion, for the snapshot. */
  finished?: number;
}

/** Options of a resource for which the program gave none. */
export const NO_OPTIONS: ResourceOptions = {
  protect: false,
  retainOnDelete: false,
  ignoreChanges: [],
  replaceOnChanges: [],
  additionalSecretOutputs: [],
  hideDiffs: [],
  replaceWith: [],
  deletedWith: "",
  importId: "",
  customTimeouts: {},
  hooks: {
    beforeCreate: [],
    afterCreate: [],
    beforeUpdate: [],
    afterUpdate: [],
    beforeDelete: [],
    afterDelete: [],
    onError: [],
  },
};

/** The provider of Pulumi's built-in types and of components. */
export const NO_PROVIDER: ResolvedProvider = { package: "pulumi", urn: "", version: "", inputs: {} };

/** What a provider is told about a resource. */
export function toResourceRequest(
  { urn, type, name, inputs, provider, options }: Registration,
  parents: readonly string[],
  preview: boolean,
): ResourceRequest {
  return { urn, type, name, inputs: toPlainMap(inputs), preview, parents, provider, options };
}

/** What the next evaluation is told about a resource. */
export function toSnapshotResource(registration: Registration): SnapshotResource {
  const { urn, type, name, custom, external, parent, provider, id, inputs, outputs, dependencies, options } =
    registration;
  const { replacementTrigger } = registration;
  return {
    urn,
    type,
    name,
    custom,
    external,
    parent,
    provider,
    ...(id !== undefined && { id }),
    inputs,
    outputs,
    dependencies,
    options,
    ...(replacementTrigger !== undefined && { replacementTrigger }),
  };
}
