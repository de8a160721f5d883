// The mappings of one run: what is declared, and what is known of it while it runs.
import { AwsError } from "../../core/errors";
import type { PropertyMap } from "../../core/resource-model";
import type { FunctionReference } from "../definition";
import type { MappingSettings } from "./settings";

/** Last processing result of a mapping that has had nothing to do. */
export const NO_RECORDS = "No records processed";

/** One event source mapping. */
export interface Mapping {
  readonly uuid: string;
  readonly arn: string;
  readonly urn: string;
  readonly accountId: string;
  readonly region: string;
  /** As declared, or as the API changed it: what the provider returns. */
  inputs: PropertyMap;
  settings: MappingSettings;
  reference: FunctionReference;
  /** Milliseconds since the epoch. */
  lastModified: number;
  /** "OK", "No records processed", or "PROBLEM: …". */
  lastResult: string;
  /** Invocations that run now. */
  running: number;
}

/** All mappings, by UUID. */
export class MappingRegistry {
  private readonly mappings = new Map<string, Mapping>();

  add(mapping: Mapping): void {
    this.mappings.set(mapping.uuid, mapping);
  }

  remove(uuid: string): void {
    this.mappings.delete(uuid);
  }

  get(uuid: string): Mapping | undefined {
    return this.mappings.get(uuid);
  }

  all(): readonly Mapping[] {
    return [...this.mappings.values()];
  }

  /** @throws AwsError ResourceConflictException when the queue already feeds this function, version or alias. */
  refuseDuplicate(queueArn: string, { arn, qualifier }: FunctionReference, except?: Mapping): void {
    const twin = this.all().find(
      (other) =>
        other !== except &&
        other.settings.queueArn === queueArn &&
        other.reference.arn === arn &&
        other.reference.qualifier === qualifier,
    );
    if (!twin) return;
    const name = (arn.split(":").at(-1) ?? "") + (qualifier === undefined ? "" : `:${qualifier}`);
    throw new AwsError(
      "ResourceConflictException",
      `An event source mapping with SQS arn (" ${queueArn} ") and function (" ${name} ") already exists. ` +
        `Please update or delete the existing mapping with UUID ${twin.uuid}`,
      409,
    );
  }
}

/** "arn:aws:lambda:…:function:name", with the qualifier where there is one. */
export function functionArnOf({ reference: { arn, qualifier } }: Mapping): string {
  return qualifier === undefined ? arn : `${arn}:${qualifier}`;
}

/** AWS's state of a mapping that is not changing. */
export function stateOf({ settings }: Mapping): "Enabled" | "Disabled" {
  return settings.enabled ? "Enabled" : "Disabled";
}
