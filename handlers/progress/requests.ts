// Reads what clients, states and events send. Unknown members are ignored.
import type { ClientMessage, ProgressAction, ProgressReport, TicketRequest } from "./contract";
import { WHOLE } from "./contract";
import { BadRequestError, InvalidReportError } from "./errors";
import type { ExecutionFacts } from "./ports";
import { toExecutionFacts } from "./step-functions";

type Fields = Readonly<Record<string, unknown>>;

const ACTIONS: ReadonlySet<unknown> = new Set<ProgressAction>([
  "start",
  "subscribe",
  "unsubscribe",
  "cancel",
  "redrive",
  "detail",
  "list",
  "ping",
]);
const MAXIMUM_ID_CHARACTERS = 128;
/** Of Step Functions. */
const MAXIMUM_NAME_CHARACTERS = 80;
const MAXIMUM_STEP_CHARACTERS = 80;
/** "<step>#<index>" */
const MAXIMUM_KEY_CHARACTERS = 100;

/** Parses a text as an object; undefined when it is none. */
export function parseFields(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The id that the reply names; empty when the message has none. */
export function readRequestId(fields: Fields | undefined): string {
  return isText(fields?.requestId, MAXIMUM_ID_CHARACTERS) ? fields.requestId : "";
}

/** Reads a client's message. @throws BadRequestError that says what is wrong. */
export function readClientMessage(fields: Fields | undefined): ClientMessage {
  if (!fields) throw new BadRequestError("The message must be a JSON object");
  const { action } = fields;
  if (!ACTIONS.has(action)) throw new BadRequestError(`action must be one of ${[...ACTIONS].join(", ")}`);
  const requestId = requireText(fields, "requestId", MAXIMUM_ID_CHARACTERS);
  switch (action as ProgressAction) {
    case "start":
      return {
        action: "start",
        requestId,
        idempotencyKey: requireText(fields, "idempotencyKey", MAXIMUM_ID_CHARACTERS),
        input: requireInput(fields),
      };
    case "subscribe":
      return { action: "subscribe", requestId, executionId: requireExecutionId(fields), since: requireSince(fields) };
    case "detail": {
      const step = requireText(fields, "step", MAXIMUM_STEP_CHARACTERS);
      return { action: "detail", requestId, executionId: requireExecutionId(fields), step };
    }
    case "list":
      return { action: "list", requestId };
    case "ping":
      return { action: "ping", requestId };
    default:
      return {
        action: action as "unsubscribe" | "cancel" | "redrive",
        requestId,
        executionId: requireExecutionId(fields),
      };
  }
}

/** Reads the body of POST /tickets. @throws BadRequestError. */
export function readTicketRequest(fields: Fields): TicketRequest {
  return fields.executionId === undefined ? {} : { executionId: requireExecutionId(fields) };
}

/** Reads the report of a state, sent as it is or as an event's detail. @throws InvalidReportError. */
export function readReport(payload: unknown): ProgressReport {
  const isEvent = isFields(payload) && "detail-type" in payload;
  const report = isEvent ? payload.detail : payload;
  if (!isFields(report)) throw new InvalidReportError("it is no object");
  const { executionId, at, kind, step, key, share, label, detail, detailBytes } = report;
  const problems = [
    isText(executionId, MAXIMUM_NAME_CHARACTERS) ? "" : "executionId",
    typeof at === "string" && !Number.isNaN(Date.parse(at)) ? "" : "at",
    kind === "step" || kind === "item" ? "" : "kind",
    isText(step, MAXIMUM_STEP_CHARACTERS) ? "" : "step",
    isText(key, MAXIMUM_KEY_CHARACTERS) ? "" : "key",
    typeof share === "number" && Number.isInteger(share) && share >= 0 && share <= WHOLE ? "" : "share",
    typeof label === "string" ? "" : "label",
  ].filter((name) => name !== "");
  if (problems.length > 0) throw new InvalidReportError(problems.join(", "));
  return {
    executionId: executionId as string,
    at: new Date(at as string).toISOString(),
    kind: kind as ProgressReport["kind"],
    step: step as string,
    key: key as string,
    share: share as number,
    label: label as string,
    ...(detail === undefined || detail === null ? readSize(detailBytes) : { detail }),
  };
}

const STATUSES: ReadonlySet<unknown> = new Set(["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]);

/** Reads a "Step Functions Execution Status Change". @throws InvalidReportError. */
export function readStatusEvent(event: unknown): {
  readonly executionId: string;
  readonly stateMachineArn: string;
  readonly facts: ExecutionFacts;
} {
  const detail = isFields(event) ? event.detail : undefined;
  if (!isFields(detail)) throw new InvalidReportError("it has no detail");
  const { name, stateMachineArn, status } = detail;
  if (!isText(name, MAXIMUM_NAME_CHARACTERS)) throw new InvalidReportError("name");
  if (typeof stateMachineArn !== "string") throw new InvalidReportError("stateMachineArn");
  if (!STATUSES.has(status)) throw new InvalidReportError("status");
  // Times come in milliseconds.
  const time = (member: string): number | undefined =>
    typeof detail[member] === "number" ? Math.round(detail[member]) : undefined;
  const times = { startedAt: time("startDate"), stoppedAt: time("stopDate"), redrivenAt: time("redriveDate") };
  return { executionId: name, stateMachineArn, facts: toExecutionFacts(detail, times) };
}

function readSize(detailBytes: unknown): Pick<ProgressReport, "detailBytes"> {
  return typeof detailBytes === "number" && Number.isSafeInteger(detailBytes) && detailBytes > 0 ? { detailBytes } : {};
}

function requireText(fields: Fields, name: string, maximum: number): string {
  const value = fields[name];
  if (!isText(value, maximum)) throw new BadRequestError(`${name} must be a text of 1 to ${maximum} characters`);
  return value;
}

function requireExecutionId(fields: Fields): string {
  return requireText(fields, "executionId", MAXIMUM_NAME_CHARACTERS);
}

function requireSince({ since }: Fields): number {
  if (typeof since === "number" && Number.isSafeInteger(since) && since >= 0) return since;
  throw new BadRequestError("since must be a whole number from 0");
}

function requireInput(fields: Fields): unknown {
  if (fields.input !== undefined) return fields.input;
  throw new BadRequestError("input must be the JSON that the workflow begins with");
}

function isText(value: unknown, maximum: number): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= maximum;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
