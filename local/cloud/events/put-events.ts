// PutEvents: limits of the request, refusals per entry, and the permission for each.
import { AwsError } from "../core/errors";
import { isJsonObject, type JsonObject, numberOf, objectsOf, textOf, textsOf } from "../core/json-api";
import type { GatewayCall } from "../core/service";
import { busArn, placeOf } from "./buses";
import { type EventRouter, isoSeconds } from "./router";

/** Entries of one request. */
export const MAX_ENTRIES = 10;
/** Size of all entries of one request, in bytes (256 KB until January 2026). */
export const MAX_TOTAL_BYTES = 1024 * 1024;
const TIME_BYTES = 14;

interface EntryError {
  readonly ErrorCode: string;
  readonly ErrorMessage: string;
}

/** Answers PutEvents. */
export function putEvents(router: EventRouter, input: JsonObject, call: GatewayCall): JsonObject {
  const entries = objectsOf(input, "Entries");
  if (textOf(input, "EndpointId")) {
    throw new AwsError("NotSimulated", "Global endpoints are not simulated; add them in local/cloud/events", 501);
  }
  checkLimits(entries);
  for (const entry of entries) authorize(router, entry, call);
  const results = entries.map((entry) => putEntry(router, entry, call));
  const failed = results.filter((result) => "ErrorCode" in result).length;
  call.describe({ detail: { entries: entries.length, failed } });
  return { FailedEntryCount: failed, Entries: results };
}

function checkLimits(entries: readonly JsonObject[]): void {
  if (entries.length < 1 || entries.length > MAX_ENTRIES) {
    const bound = entries.length < 1 ? "greater than or equal to 1" : `less than or equal to ${MAX_ENTRIES}`;
    throw new AwsError(
      "ValidationException",
      `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length ${bound}`,
    );
  }
  const total = entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
  if (total < MAX_TOTAL_BYTES) return;
  throw new AwsError("ValidationException", "Total size of the entries in the request is over the limit.");
}

/** Size by EventBridge's own rule. */
function entryBytes(entry: JsonObject): number {
  const texts = [textOf(entry, "Source"), textOf(entry, "DetailType"), textOf(entry, "Detail")];
  const parts = [...texts, ...textsOf(entry, "Resources")].map((text) => Buffer.byteLength(text ?? ""));
  return parts.reduce((sum, bytes) => sum + bytes, entry.Time === undefined ? 0 : TIME_BYTES);
}

function authorize(router: EventRouter, entry: JsonObject, call: GatewayCall): void {
  const place = placeOf(busNameOf(entry), call.principal.accountId, call.region);
  const policy = router.buses.find(busNameOf(entry), call.principal.accountId, call.region)?.policy;
  call.describe({ resource: busArn(place) });
  call.authorize({
    action: "events:PutEvents",
    resource: busArn(place),
    resourceAccountId: place.accountId,
    context: {
      "events:source": textOf(entry, "Source") ?? "",
      "events:detail-type": textOf(entry, "DetailType") ?? "",
      "events:eventBusInvocation": "false",
    },
    ...(policy ? { resourcePolicy: policy } : {}),
  });
}

function busNameOf(entry: JsonObject): string {
  return textOf(entry, "EventBusName") ?? "default";
}

function putEntry(
  router: EventRouter,
  entry: JsonObject,
  call: GatewayCall,
): EntryError | { readonly EventId: string } {
  const detail = parseDetail(textOf(entry, "Detail"));
  const error = entryError(entry, detail);
  if (error) return error;
  const bus = router.buses.find(busNameOf(entry), call.principal.accountId, call.region);
  if (!bus) return { ErrorCode: "InvalidArgument", ErrorMessage: `Event bus ${busNameOf(entry)} does not exist.` };
  const time = numberOf(entry, "Time");
  const event = router.complete(
    {
      source: textOf(entry, "Source") ?? "",
      detailType: textOf(entry, "DetailType") ?? "",
      detail: detail ?? {},
      resources: textsOf(entry, "Resources"),
      accountId: call.principal.accountId,
      region: bus.region,
    },
    time === undefined ? undefined : isoSeconds(time * 1000),
  );
  router.route(bus, event);
  return { EventId: event.id };
}

function entryError(entry: JsonObject, detail: JsonObject | undefined): EntryError | undefined {
  for (const member of ["Source", "DetailType", "Detail"]) {
    if (textOf(entry, member)) continue;
    const ErrorMessage = `Parameter ${member} is not valid. Reason: ${member} is a required argument.`;
    return { ErrorCode: "InvalidArgument", ErrorMessage };
  }
  if (textOf(entry, "Source")?.toLowerCase().startsWith("aws.")) {
    return { ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source." };
  }
  return detail ? undefined : { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
}

function parseDetail(text: string | undefined): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
