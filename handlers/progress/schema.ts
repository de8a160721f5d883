// JSON Schema (draft-07) of everything that goes over the wire, for clients in other languages. Further members may be added at any
// time, so none are forbidden, and readers ignore those that they do not know.
import {
  LEARNING_RUNS,
  MAXIMUM_CAUSE_CHARACTERS,
  PROGRESS_PROTOCOL_VERSION,
  REPLAY_PAGE,
  WHOLE,
  type ProgressAction,
  type ProgressErrorCode,
  type ProgressKind,
  type RunState,
} from "./contract";

const KINDS = [
  "started",
  "step",
  "item",
  "succeeded",
  "failed",
  "timed-out",
  "aborted",
  "redriven",
] as const satisfies readonly ProgressKind[];
const STATES = ["running", "succeeded", "failed", "timed-out", "aborted"] as const satisfies readonly RunState[];
const CODES = [
  "BadRequest",
  "Forbidden",
  "NotFound",
  "Conflict",
  "TooManyRequests",
  "InternalError",
] as const satisfies readonly ProgressErrorCode[];

const id = { type: "string", minLength: 1, maxLength: 128 } as const;
const name = { type: "string", minLength: 1, maxLength: 80 } as const;
const time = { type: "string", format: "date-time", pattern: "Z$" } as const;
const number = { type: "integer", minimum: 0 } as const;
const seconds = { type: "number", minimum: 0 } as const;
const percent = { type: "integer", minimum: 0, maximum: 100 } as const;
const version = { const: PROGRESS_PROTOCOL_VERSION } as const;
const definition = (reference: string): object => ({ $ref: `#/definitions/${reference}` });

/** An object with members that must be there and members that may. */
function shape(required: Readonly<Record<string, object>>, optional: Readonly<Record<string, object>> = {}): object {
  return { type: "object", required: Object.keys(required), properties: { ...required, ...optional } };
}

function message(action: ProgressAction, members: Readonly<Record<string, object>> = {}): object {
  return shape({ action: { const: action }, requestId: id, ...members });
}

/** Schema of all messages. Validate against one of its definitions: `{ $ref: "…#/definitions/serverMessage" }`. */
export const PROGRESS_SCHEMA = {
  $schema: "http://json-schema.org/draft-07/schema#",
  $id: "https://serverless-patterns.example/progress.schema.json",
  title: "Messages of ProgressTrackedWorkflow",
  definitions: {
    progressEvent: {
      ...shape(
        {
          version,
          type: { const: "progress" },
          executionId: name,
          sequence: { type: "integer", minimum: 1 },
          at: time,
          kind: { enum: KINDS },
          percent,
        },
        {
          step: name,
          label: { type: "string" },
          error: shape({ name: { type: "string" }, cause: { type: "string", maxLength: MAXIMUM_CAUSE_CHARACTERS } }),
          detail: {},
          detailBytes: number,
        },
      ),
      allOf: [
        {
          if: { properties: { kind: { const: "succeeded" } } },
          then: { properties: { percent: { const: 100 } } },
        },
        {
          if: { properties: { kind: { enum: ["started", "failed", "timed-out", "aborted", "redriven"] } } },
          then: { properties: { percent: { maximum: 99 } } },
        },
        { if: { properties: { kind: { enum: ["step", "item"] } } }, then: { required: ["step", "label"] } },
        { if: { properties: { kind: { enum: ["failed", "timed-out", "aborted"] } } }, then: { required: ["error"] } },
        { not: { required: ["detail", "detailBytes"] } },
      ],
    },
    progressStep: shape({ step: name, label: { type: "string" }, weight: { type: "number", exclusiveMinimum: 0 } }),
    expectedDurations: shape({
      runs: { type: "integer", minimum: 1, maximum: LEARNING_RUNS },
      sentAt: time,
      totalSeconds: seconds,
      secondsAfter: { type: "object", additionalProperties: seconds },
    }),
    runDescription: shape(
      {
        executionId: name,
        startedAt: time,
        state: { enum: STATES },
        percent,
        sequence: number,
        steps: { type: "array", items: definition("progressStep") },
      },
      { expected: definition("expectedDurations") },
    ),
    clientMessage: {
      oneOf: [
        message("start", { idempotencyKey: id, input: {} }),
        message("subscribe", { executionId: name, since: { ...number, maximum: Number.MAX_SAFE_INTEGER } }),
        message("unsubscribe", { executionId: name }),
        message("cancel", { executionId: name }),
        message("redrive", { executionId: name }),
        message("detail", { executionId: name, step: name }),
        message("list"),
        message("ping"),
      ],
    },
    serverReply: {
      oneOf: [
        shape(
          { version, type: { const: "reply" }, requestId: { type: "string" }, ok: { const: true } },
          {
            run: definition("runDescription"),
            events: { type: "array", maxItems: REPLAY_PAGE, items: definition("progressEvent") },
            completeTo: number,
            runs: { type: "array", maxItems: 20, items: definition("runDescription") },
            detail: {},
          },
        ),
        shape({
          version,
          type: { const: "reply" },
          requestId: { type: "string" },
          ok: { const: false },
          error: shape({ code: { enum: CODES }, message: { type: "string" } }),
        }),
      ],
    },
    serverMessage: { oneOf: [definition("progressEvent"), definition("serverReply")] },
    ticketRequest: shape({}, { executionId: name }),
    ticketResponse: shape({
      ticket: { type: "string", pattern: "^[A-Za-z0-9_-]{43}$" },
      expiresAt: time,
      url: { type: "string", pattern: "^wss?://" },
    }),
    progressReport: shape(
      {
        executionId: name,
        at: time,
        kind: { enum: ["step", "item"] },
        step: name,
        key: { type: "string", minLength: 1, maxLength: 100 },
        share: { ...number, maximum: WHOLE },
        label: { type: "string" },
      },
      { detail: {}, detailBytes: { type: "number" } },
    ),
  },
} as const;
