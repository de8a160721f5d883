// The API of event source mappings: list, get, update, delete. They are created by declaring them.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html
import { AwsError, NotSimulatedError } from "../../core/errors";
import { isJsonObject, type JsonObject } from "../../core/json-api";
import type { PropertyMap, PropertyValue } from "../../core/resource-model";
import type { CloudContext, GatewayCall } from "../../core/service";
import { type FunctionReference, parseFunctionReference } from "../definition";
import { sendJson } from "../rest-answers";
import { checkMapping } from "./checks";
import { functionArnOf, type Mapping, stateOf } from "./mapping";
import type { Mappings } from "./mappings";

const ROUTE = /^\/2015-03-31\/event-source-mappings\/?(?<uuid>[^/]*)$/;
const REQUEST_BYTES = 1024 ** 2;
const DEFAULT_PAGE = 100;
const LARGEST_PAGE = 10_000;

const OPERATIONS: Readonly<Record<string, string>> = {
  GET: "GetEventSourceMapping",
  PUT: "UpdateEventSourceMapping",
  DELETE: "DeleteEventSourceMapping",
};

/** Whether a path names mappings. */
export function isMappingPath(rawPath: string): boolean {
  return ROUTE.test(rawPath);
}

/** Answers calls about mappings. */
export class MappingApi {
  constructor(
    private readonly context: CloudContext,
    private readonly mappings: Mappings,
  ) {}

  async handle(call: GatewayCall): Promise<void> {
    const uuid = decodeURIComponent(ROUTE.exec(call.rawPath)?.groups?.uuid ?? "");
    if (uuid === "") {
      this.list(call);
      return;
    }
    const operation = OPERATIONS[call.method];
    if (operation === undefined) throw notSimulated(call);
    call.describe({ operation });
    const mapping = this.authorise(call, operation, uuid);
    if (operation === "GetEventSourceMapping") sendJson(call, 200, describe(mapping));
    else if (operation === "UpdateEventSourceMapping") await this.update(call, mapping);
    else this.delete(call, mapping);
  }

  private list(call: GatewayCall): void {
    if (call.method !== "GET") throw notSimulated(call);
    call.describe({ operation: "ListEventSourceMappings" });
    const accountId = this.accountOf(call);
    call.authorize({ action: "lambda:ListEventSourceMappings", resource: "*", resourceAccountId: accountId });
    const source = call.query.get("EventSourceArn");
    const name = call.query.get("FunctionName");
    const reference = name === null ? undefined : parseFunctionReference(name, accountId, call.region);
    const found = this.mappings
      .all()
      .filter((mapping) => mapping.accountId === accountId && mapping.region === call.region)
      .filter(({ settings }) => source === null || settings.queueArn === source)
      .filter((mapping) => name === null || (reference && isSame(mapping.reference, reference)));
    const from = Number(call.query.get("Marker") ?? 0);
    const size = Math.min(Number(call.query.get("MaxItems") ?? DEFAULT_PAGE), LARGEST_PAGE);
    const page = found.slice(from, from + size).map((mapping) => describe(mapping));
    const more = from + size < found.length;
    sendJson(call, 200, { EventSourceMappings: page, ...(more ? { NextMarker: String(from + size) } : {}) });
  }

  private accountOf({ principal }: GatewayCall): string {
    return principal.accountId || this.context.accountId;
  }

  /** Permission is asked before existence is told. */
  private authorise(call: GatewayCall, operation: string, uuid: string): Mapping {
    const accountId = this.accountOf(call);
    const resource = `arn:aws:lambda:${call.region}:${accountId}:event-source-mapping:${uuid}`;
    const mapping = this.mappings.get(uuid);
    const found = mapping?.arn === resource ? mapping : undefined;
    call.describe({ resource });
    call.authorize({
      action: `lambda:${operation}`,
      resource,
      resourceAccountId: accountId,
      ...(found && { context: { "lambda:FunctionArn": functionArnOf(found) } }),
    });
    if (found) return found;
    throw new AwsError("ResourceNotFoundException", "The resource you requested does not exist.", 404);
  }

  private async update(call: GatewayCall, mapping: Mapping): Promise<void> {
    const body = parse(await call.readBody(REQUEST_BYTES));
    const before = mapping.settings.enabled;
    const inputs = changed(mapping.inputs, body);
    const [problem] = checkMapping(inputs);
    if (problem) throw new AwsError("InvalidParameterValueException", `${problem.property} ${problem.reason}`);
    // AWS applies changes within a minute; the local run at once. The answer names the transition all the same.
    this.mappings.update(mapping, inputs);
    const { enabled } = mapping.settings;
    const transition = enabled ? "Enabling" : "Disabling";
    sendJson(call, 202, describe(mapping, enabled === before ? "Updating" : transition));
  }

  private delete(call: GatewayCall, mapping: Mapping): void {
    this.mappings.delete(mapping.uuid);
    sendJson(call, 202, describe(mapping, "Deleting"));
  }
}

function notSimulated({ method, rawPath }: GatewayCall): NotSimulatedError {
  return new NotSimulatedError(`lambda ${method} ${rawPath}`, "local/cloud/lambda/event-source/api.ts");
}

function isSame(one: FunctionReference, other: FunctionReference): boolean {
  return one.arn === other.arn && one.qualifier === other.qualifier;
}

function parse(body: Buffer): JsonObject {
  try {
    const value: unknown = JSON.parse(body.toString() || "{}");
    if (isJsonObject(value)) return value;
  } catch {
    // Answered below.
  }
  throw new AwsError("InvalidRequestContentException", "Could not parse request body into json");
}

/** Members of an update and the inputs they change. */
const MEMBERS: Readonly<Record<string, string>> = {
  BatchSize: "batchSize",
  Enabled: "enabled",
  FilterCriteria: "filterCriteria",
  FunctionName: "functionName",
  FunctionResponseTypes: "functionResponseTypes",
  KMSKeyArn: "kmsKeyArn",
  MaximumBatchingWindowInSeconds: "maximumBatchingWindowInSeconds",
  MetricsConfig: "metricsConfig",
  ProvisionedPollerConfig: "provisionedPollerConfig",
  ScalingConfig: "scalingConfig",
};

/** The inputs as an update leaves them. An empty configuration removes what was set. */
function changed(inputs: PropertyMap, body: JsonObject): PropertyMap {
  const next: Record<string, PropertyValue> = { ...inputs };
  for (const [member, value] of Object.entries(body)) {
    if (value === null) continue;
    // An unknown member keeps its name, which the check refuses.
    const name = MEMBERS[member] ?? `${member.charAt(0).toLowerCase()}${member.slice(1)}`;
    const isEmpty = value === "" || (isJsonObject(value) && Object.keys(value).length === 0);
    next[name] = isEmpty ? undefined : toInput(value);
  }
  return next;
}

/** AWS's spelling to the provider's: { MaximumConcurrency: 2 } to { maximumConcurrency: 2 }. */
function toInput(value: unknown): PropertyValue {
  if (Array.isArray(value)) return value.map(toInput);
  if (!isJsonObject(value)) return value as PropertyValue;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [`${name.charAt(0).toLowerCase()}${name.slice(1)}`, toInput(item)]),
  );
}

function describe(mapping: Mapping, state: string = stateOf(mapping)): JsonObject {
  const { settings, inputs } = mapping;
  const { maximumConcurrency, pollers, filters, partialResponses, countsEvents } = settings;
  return {
    UUID: mapping.uuid,
    EventSourceMappingArn: mapping.arn,
    EventSourceArn: settings.queueArn,
    FunctionArn: functionArnOf(mapping),
    BatchSize: settings.batchSize,
    MaximumBatchingWindowInSeconds: settings.windowSeconds,
    LastModified: mapping.lastModified / 1000,
    LastProcessingResult: mapping.lastResult,
    State: state,
    StateTransitionReason: "USER_INITIATED",
    FunctionResponseTypes: partialResponses ? ["ReportBatchItemFailures"] : [],
    ...(maximumConcurrency === undefined ? {} : { ScalingConfig: { MaximumConcurrency: maximumConcurrency } }),
    ...(pollers && { ProvisionedPollerConfig: { MinimumPollers: pollers.minimum, MaximumPollers: pollers.maximum } }),
    ...(filters.length > 0 && { FilterCriteria: { Filters: filters.map((Pattern) => ({ Pattern })) } }),
    ...(countsEvents && { MetricsConfig: { Metrics: ["EventCount"] } }),
    ...(typeof inputs.kmsKeyArn === "string" && { KMSKeyArn: inputs.kmsKeyArn }),
  };
}
