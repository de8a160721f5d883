// Proves that the published schema and the code say the same about messages.
import assert from "node:assert/strict";
import Ajv, { type ValidateFunction } from "ajv";
import fc from "fast-check";
import { answerMessage } from "../../../handlers/progress/answer-message";
import {
  FINAL_KINDS,
  MAXIMUM_DETAIL_BYTES,
  type ProgressEvent,
  type ServerReply,
} from "../../../handlers/progress/contract";
import { issueTicket } from "../../../handlers/progress/issue-ticket";
import { appendToLog, startLog, type Happening } from "../../../handlers/progress/progress-log";
import { readClientMessage, readReport } from "../../../handlers/progress/requests";
import { PROGRESS_SCHEMA } from "../../../handlers/progress/schema";
import type { ServiceStub } from "../../support/json-service-stub";
import {
  AT,
  createProgressSystem,
  createReport,
  createRun,
  startProgressTable,
  type ProgressSystem,
} from "../../support/progress-handlers";

const ajv = new Ajv({
  allErrors: true,
  strict: true,
  strictRequired: false,
  strictTypes: false,
  formats: { "date-time": true },
});
ajv.addSchema(PROGRESS_SCHEMA);

function validator(definition: keyof typeof PROGRESS_SCHEMA.definitions): ValidateFunction {
  return ajv.compile({ $ref: `${PROGRESS_SCHEMA.$id}#/definitions/${definition}` });
}

function assertValid(definition: keyof typeof PROGRESS_SCHEMA.definitions, value: unknown): void {
  const validate = validator(definition);
  assert.ok(
    validate(JSON.parse(JSON.stringify(value))),
    `${JSON.stringify(value)}: ${ajv.errorsText(validate.errors)}`,
  );
}

describe("Schema of the messages", () => {
  let stub: ServiceStub;
  let system: ProgressSystem;

  before(async () => {
    stub = await startProgressTable();
    system = createProgressSystem(stub);
  });
  after(() => stub.close());

  it("W15: holds for every kind of event", () => {
    const happenings: Happening[] = [
      { type: "report", report: createReport() },
      { type: "report", report: createReport({ kind: "item", key: "a", detail: [1] }) },
      { type: "report", report: createReport({ key: "b", detail: "x".repeat(MAXIMUM_DETAIL_BYTES) }) },
      { type: "redriven", at: AT, redrives: 1 },
      ...FINAL_KINDS.map((kind): Happening => {
        const error = { name: "E".repeat(1000), cause: "c".repeat(40_000) };
        return { type: "final", kind, at: AT, redrives: 0, ...(kind === "succeeded" ? {} : { error }) };
      }),
    ];
    const events = [startLog(createRun()), ...happenings.map((each) => appendToLog(createRun(), each)!.event)];

    assert.equal(new Set(events.map(({ kind }) => kind)).size, 8);
    for (const event of events) {
      assertValid("progressEvent", event);
      assertValid("serverMessage", event);
    }
  });

  it("W15: holds for every reply", async () => {
    const send = (body: object): Promise<ServerReply> =>
      answerMessage(system, { connectionId: "c", owner: "alice" }, JSON.stringify({ requestId: "r", ...body }));
    const mean = { runs: 1, seconds: 2.5 };
    await system.durations.replace(undefined, { total: mean, after: { Reserve: mean } });
    const started = await send({ action: "start", idempotencyKey: "k", input: {} });
    const executionId = started.ok ? started.run?.executionId : undefined;
    const replies = [
      started,
      await send({ action: "subscribe", executionId, since: 0 }),
      await send({ action: "list" }),
      await send({ action: "ping" }),
      await send({ action: "cancel", executionId }),
      await send({ action: "redrive", executionId }),
      await send({ action: "unsubscribe", executionId }),
      await send({ action: "cancel", executionId: "unknown" }),
      await send({ action: "fly", requestId: 7 }),
    ];

    for (const reply of replies) assertValid("serverReply", reply);
    assert.ok(started.ok && started.run?.expected);
    assert.equal(replies.filter(({ ok }) => !ok).length, 2);
  });

  it("W15: holds for tickets", async () => {
    const url = "wss://api.example.com/dev";

    assertValid("ticketResponse", await issueTicket({ ...system, socketUrl: url }, "alice", {}));
    assertValid("ticketRequest", {});
    assertValid("ticketRequest", { executionId: "x" });
  });

  it("W15: lets further members pass everywhere", () => {
    assertValid("progressEvent", { ...startLog(createRun()), colour: "red" });
    assertValid("clientMessage", { action: "ping", requestId: "r", colour: "red" });
    assertValid("progressReport", { ...createReport(), stateMachineArn: "arn" });
  });

  it("W15: takes the messages that the handler takes, and rejects those that it rejects", () => {
    const validate = validator("clientMessage");
    const text = fc.oneof(fc.string({ maxLength: 130 }), fc.constantFrom("", "x".repeat(80), "x".repeat(81)));
    const member = fc.oneof(text, fc.integer(), fc.double(), fc.constant(null), fc.boolean());
    const messages = fc.record(
      {
        action: fc.oneof(
          fc.constantFrom("start", "subscribe", "unsubscribe", "cancel", "redrive", "detail", "list", "ping", "fly"),
          member,
        ),
        requestId: fc.oneof(fc.constant("r"), member),
        idempotencyKey: fc.oneof(fc.constant("k"), member),
        executionId: fc.oneof(fc.constant("e"), member),
        step: fc.oneof(fc.constant("s"), member),
        since: fc.oneof(fc.nat(), member),
        input: fc.jsonValue(),
      },
      { requiredKeys: ["action"] },
    );

    fc.assert(
      fc.property(messages, (message) => {
        const sent = JSON.parse(JSON.stringify(message)) as Record<string, unknown>;
        assert.equal(
          accepts(() => readClientMessage(sent)),
          validate(sent),
          JSON.stringify(sent),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("W15: takes the reports that the handler takes, and rejects those that it rejects", () => {
    const validate = validator("progressReport");
    const good = createReport();
    const names = Object.keys(good) as (keyof typeof good)[];
    const changed = fc.tuple(fc.constantFrom(...names), fc.oneof(fc.string(), fc.integer(), fc.constant(undefined)));

    fc.assert(
      fc.property(changed, ([name, value]) => {
        const report = JSON.parse(JSON.stringify({ ...good, [name]: value })) as Record<string, unknown>;
        // The format of a time is checked by the handler alone.
        if (name === "at") return;
        assert.equal(
          accepts(() => readReport(report)),
          validate(report),
          JSON.stringify(report),
        );
      }),
    );
  });

  it("rejects events that break the rules of the log", () => {
    const validate = validator("progressEvent");
    const event = startLog(createRun());
    const broken: Partial<ProgressEvent>[] = [
      { sequence: 0 },
      { percent: 100 },
      { kind: "succeeded", percent: 99 },
      { kind: "step" },
      { kind: "failed" },
      { detail: 1, detailBytes: 1 },
      { version: 2 },
    ];

    for (const change of broken) assert.equal(validate({ ...event, ...change }), false, JSON.stringify(change));
  });
});

function accepts(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}
