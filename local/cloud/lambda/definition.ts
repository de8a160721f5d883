// A function as the running half knows it: what the resource models write and the process pool reads.
import type { PolicyStatement } from "../core/access";
import { AwsError } from "../core/errors";

/** One version of a function, immutable. An update makes a new definition. */
export interface FunctionDefinition {
  /** Unqualified ARN. */
  readonly arn: string;
  readonly name: string;
  readonly accountId: string;
  readonly region: string;
  /** "$LATEST", or the number of a published version. */
  readonly version: string;
  readonly urn: string;
  readonly roleArn: string;
  readonly handler: string;
  readonly runtime: string;
  readonly architecture: string;
  readonly description: string;
  /** Mebibytes. */
  readonly memorySize: number;
  readonly timeoutSeconds: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly logging: LoggingSettings;
  readonly tracingMode: string;
  readonly codeDirectory: string;
  /** Base64 of SHA-256. */
  readonly codeSha256: string;
  readonly codeBytes: number;
  /** ISO 8601. */
  readonly lastModified: string;
}

/** Where and how a function logs. */
export interface LoggingSettings {
  readonly format: "Text" | "JSON";
  readonly applicationLevel?: string;
  readonly systemLevel?: string;
  readonly group: string;
  /** A group of the user's own: its streams carry the function's name. */
  readonly custom: boolean;
}

/** Settings of asynchronous invocation. */
export interface EventInvokeSettings {
  readonly maximumEventAgeSeconds: number;
  readonly maximumRetryAttempts: number;
  /** ARN of the standard queue that gets events that were given up. */
  readonly onFailureArn?: string;
}

/** A statement of a function's resource policy; `qualifier` names the version or alias that it belongs to. */
export interface FunctionPermission {
  readonly id: string;
  readonly qualifier?: string;
  readonly statement: PolicyStatement;
}

/** A function with its versions, aliases, policy and settings. */
export interface FunctionRecord {
  latest: FunctionDefinition;
  /** Undefined: none reserved. Zero: every invocation is throttled. */
  reservedConcurrency: number | undefined;
  readonly versions: Map<string, FunctionDefinition>;
  readonly aliases: Map<string, string>;
  readonly permissions: Map<string, FunctionPermission>;
  readonly eventInvoke: Map<string, EventInvokeSettings>;
  /** Running executions, for reserved concurrency and the metric. */
  executions: number;
}

/** A function as an ARN, a name or a partial ARN names it. */
export interface FunctionReference {
  readonly arn: string;
  readonly qualifier?: string;
}

/** A function that was found, with the version that a qualifier leads to. */
export interface ResolvedFunction {
  readonly record: FunctionRecord;
  readonly definition: FunctionDefinition;
  readonly qualifier?: string;
  /** ARN as the caller named it, with its qualifier: the resource of the IAM decision. */
  readonly qualifiedArn: string;
}

const REFERENCE =
  /^(?:arn:aws:lambda:(?<region>[a-z0-9-]+):(?<account>\d{12}):function:|(?<partial>\d{12}):function:)?(?<name>[A-Za-z0-9_-]+)(?::(?<qualifier>\$LATEST|[A-Za-z0-9_-]+))?$/;

/** Reads "name", "name:alias", "123456789012:function:name" or an ARN. */
export function parseFunctionReference(text: string, accountId: string, region: string): FunctionReference | undefined {
  const groups = REFERENCE.exec(text)?.groups;
  if (!groups) return undefined;
  const account = groups.account ?? groups.partial ?? accountId;
  const arn = `arn:aws:lambda:${groups.region ?? region}:${account}:function:${groups.name ?? ""}`;
  return groups.qualifier === undefined ? { arn } : { arn, qualifier: groups.qualifier };
}

/** All functions of the embedded cloud, by unqualified ARN. */
export class FunctionRegistry {
  private readonly records = new Map<string, FunctionRecord>();

  add(definition: FunctionDefinition, reservedConcurrency: number | undefined): FunctionRecord {
    const record: FunctionRecord = {
      latest: definition,
      reservedConcurrency,
      versions: new Map(),
      aliases: new Map(),
      permissions: new Map(),
      eventInvoke: new Map(),
      executions: 0,
    };
    this.records.set(definition.arn, record);
    return record;
  }

  get(arn: string): FunctionRecord | undefined {
    return this.records.get(arn);
  }

  remove(arn: string): void {
    this.records.delete(arn);
  }

  all(): readonly FunctionRecord[] {
    return [...this.records.values()];
  }

  /** @throws AwsError ResourceNotFoundException, as AWS words it. */
  resolve(reference: FunctionReference): ResolvedFunction {
    const resolved = this.find(reference);
    if (resolved) return resolved;
    throw new AwsError("ResourceNotFoundException", `Function not found: ${qualify(reference)}`, 404);
  }

  /** Like `resolve`; undefined when there is no such function, version or alias. */
  find(reference: FunctionReference): ResolvedFunction | undefined {
    const { arn, qualifier } = reference;
    const record = this.records.get(arn);
    const definition = record && findVersion(record, qualifier);
    if (!record || !definition) return undefined;
    const qualifiedArn = qualify(reference);
    return { record, definition, qualifiedArn, ...(qualifier === undefined ? {} : { qualifier }) };
  }
}

function qualify({ arn, qualifier }: FunctionReference): string {
  return qualifier === undefined ? arn : `${arn}:${qualifier}`;
}

function findVersion(record: FunctionRecord, qualifier: string | undefined): FunctionDefinition | undefined {
  if (qualifier === undefined || qualifier === "$LATEST") return record.latest;
  const version = record.aliases.get(qualifier) ?? qualifier;
  return version === "$LATEST" ? record.latest : record.versions.get(version);
}
