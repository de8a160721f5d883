// What a declared resource becomes: the contract between the engine's registrations and a service of the embedded cloud.
import type { InputProblem } from "./errors";

/** Property values as they come over the wire from the program: plain JSON, plus assets and archives. */
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

/** A file in a resource's inputs: exactly one of text, path. */
export interface Asset {
  readonly kind: "asset";
  readonly text?: string;
  readonly path?: string;
}

/** A folder or zip in a resource's inputs: exactly one of assets, path. */
export interface Archive {
  readonly kind: "archive";
  readonly assets?: Readonly<Record<string, Asset | Archive>>;
  readonly path?: string;
}

/** Who declares a resource, and where it is to live. */
export interface ResourceContext {
  readonly urn: string;
  readonly type: string;
  /** Logical name in the program. */
  readonly name: string;
  readonly accountId: string;
  readonly region: string;
  /** Tags of the provider's `defaultTags`. */
  readonly defaultTags: Readonly<Record<string, string>>;
  /** A physical name as Pulumi makes it: logical name, "-" and seven random hex digits, at most `maxLength` long. */
  autoname(maxLength: number): string;
}

/** A created or updated resource. */
export interface RealisedResource {
  readonly id: string;
  /** Everything the AWS provider would return, inputs included, with AWS's own names and hosts. */
  readonly outputs: PropertyMap;
}

/** Model of one resource type. */
export interface ResourceModel {
  /** "aws:s3/bucket:Bucket" */
  readonly type: string;
  /** "realised" does something locally; "recorded" has no local effect and is only shown. */
  readonly fidelity: "realised" | "recorded";
  /** One sentence for the console and the docs: what it does here, what it leaves out. */
  readonly summary: string;
  /** Checks inputs as the AWS API would. All problems at once; an empty list when they are fine. */
  check(inputs: PropertyMap, context: ResourceContext): readonly InputProblem[];
  create(inputs: PropertyMap, context: ResourceContext): Promise<RealisedResource>;
  /** Applies changed inputs in place. Left out: the resource is replaced. */
  update?(id: string, inputs: PropertyMap, old: PropertyMap, context: ResourceContext): Promise<RealisedResource>;
  delete?(id: string, outputs: PropertyMap, context: ResourceContext): Promise<void>;
}

/** A provider function such as "aws:index/getCallerIdentity:getCallerIdentity". */
export type InvokeModel = (
  args: PropertyMap,
  context: { readonly accountId: string; readonly region: string },
) => PropertyMap | Promise<PropertyMap>;
