// Proves the circuit breaker: its states, that events may come twice, late and in any order, that an operator's pause is respected, and
// the calls that it makes of Lambda and DynamoDB.
import assert from "node:assert/strict";
import fc from "fast-check";
import { CircuitStore, createMapping } from "../../../handlers/queue/breaker-ports";
import { readAlarmEvent, readBreakerSettings } from "../../../handlers/queue/breaker-settings";
import {
  advance,
  type AlarmLevel,
  CLOSED,
  settingOf,
  type Circuit,
  type CircuitEvent,
  type CircuitSettings,
} from "../../../handlers/queue/breaker-state";
import { createJsonClient } from "../../../handlers/queue/kit";
import { runBreaker } from "../../../handlers/queue/run-breaker";
import { StateTable } from "../../../handlers/queue/state-table";
import { DYNAMODB } from "../../../handlers/shared/aws-json";
import { Log } from "../../../handlers/shared/log";
import { BASE_ENVIRONMENT, startQueueStub, startStateTable, type QueueStub } from "../../support/queue-stub";

const MINUTE = 60_000;
const settings = { cooldownMs: 2 * MINUTE, probeMs: MINUTE, maximumConcurrency: 20 };
const TICK: CircuitEvent = { kind: "tick" };

describe("The circuit breaker", () => {
  let stub: QueueStub;
  let database: { readonly endpoint: string; close(): Promise<void> };
  let now: number;
  /** What CloudWatch says of the alarm when it is asked. */
  let level: AlarmLevel | Error | undefined;

  before(async () => {
    database = await startStateTable();
  });
  after(() => database.close());
  beforeEach(async () => {
    stub = await startQueueStub();
    stub.mapping = { State: "Enabled", MaximumConcurrency: 20 };
    now = Date.UTC(2026, 0, 1);
    level = undefined;
    await client().call("DeleteItem", { TableName: "state", Key: { pk: { S: "breaker" } } });
  });
  afterEach(() => stub.close());

  function environment(): Record<string, string> {
    return { ...BASE_ENVIRONMENT, AWS_ENDPOINT_URL: stub.endpoint, AWS_ENDPOINT_URL_DYNAMODB: database.endpoint };
  }
  function client(): ReturnType<typeof createJsonClient> {
    return createJsonClient(DYNAMODB, environment(), () => now);
  }
  function run(event: CircuitEvent, given: CircuitSettings = settings): Promise<Circuit> {
    return runBreaker(
      {
        store: new CircuitStore(new StateTable(client(), "state")),
        mapping: createMapping("uuid-1", environment(), () => now),
        alarm: { read: () => (level instanceof Error ? Promise.reject(level) : Promise.resolve(level)) },
        settings: given,
        now: () => now,
        log: new Log({}, () => undefined),
      },
      event,
    );
  }
  const alarm = (inAlarm: boolean, changedAt = now): CircuitEvent => ({ kind: "alarm", inAlarm, changedAt });
  const puts = (): { readonly Enabled?: boolean }[] =>
    stub
      .callsOf("PUT /2015-03-31/event-source-mappings/uuid-1")
      .map(({ input }) => JSON.parse(String(input.body)) as { readonly Enabled?: boolean });

  it("Q31: disables the mapping on the alarm, probes after the cooldown, and restores it after a quiet probe", async () => {
    const phases: string[] = [];
    const step = async (event: CircuitEvent, waitMs: number): Promise<void> => {
      phases.push(`${(await run(event)).phase} ${stub.mapping.State} ${stub.mapping.MaximumConcurrency}`);
      now += waitMs;
    };

    await step(alarm(true), MINUTE);
    await step(TICK, 0);
    await step(alarm(false), MINUTE);
    await step(TICK, MINUTE);
    await step(TICK, MINUTE);
    await step(TICK, 0);

    assert.deepEqual(phases, [
      "open Disabled 20",
      "open Disabled 20",
      "open Disabled 20",
      "half-open Enabled 2",
      "closed Enabled 20",
      "closed Enabled 20",
    ]);
    assert.deepEqual(puts(), [
      { Enabled: false },
      { Enabled: true, ScalingConfig: { MaximumConcurrency: 2 } },
      { ScalingConfig: { MaximumConcurrency: 20 } },
    ]);
  });

  it("Q31: opens again when the alarm comes during the probe, and when it is still on at its end", async () => {
    await run(alarm(true));
    now += settings.cooldownMs;
    await run(TICK);
    const during = await run(alarm(true));
    now += settings.cooldownMs;
    const probing = await run(TICK);
    now += settings.probeMs;
    const after = await run(TICK);

    assert.deepEqual(
      [during.phase, probing.phase, after.phase, stub.mapping.State],
      ["open", "half-open", "open", "Disabled"],
    );
  });

  it("Q31: leaves a mapping alone that an operator has paused while the circuit is closed", async () => {
    stub.mapping.State = "Disabled";

    const paused = await run(alarm(true));
    now += 10 * MINUTE;
    await run(TICK);
    const calls = puts().length;
    stub.mapping.State = "Enabled";
    const resumed = await run(TICK);

    assert.deepEqual([paused.phase, calls, resumed.phase, stub.mapping.State], ["closed", 0, "open", "Disabled"]);
  });

  it("Q20, Q31: while people have paused the queue never enables it, and opens when they resume if the alarm still rings", async () => {
    await run(alarm(true));
    const paused = { ...settings, paused: true };

    const ended = await run(TICK, paused);
    const restored = { ...stub.mapping };
    now += 10 * MINUTE;
    await run(TICK, paused);
    await run(alarm(false), paused);
    await run(alarm(true), paused);
    const during = stub.mapping.State;
    // The mapping is enabled a moment before the breaker is told.
    stub.mapping.State = "Enabled";
    const early = await run(TICK, paused);
    const resumed = await run(TICK);

    assert.deepEqual([ended.phase, restored], ["closed", { State: "Disabled", MaximumConcurrency: 20 }]);
    assert.deepEqual(
      [during, early.phase, resumed.phase, stub.mapping.State],
      ["Disabled", "closed", "open", "Disabled"],
    );
  });

  it("Q20, Q31: ends a probe that began while the pause was being carried out", async () => {
    await run(alarm(true));
    now += settings.cooldownMs;
    await run(TICK);
    const probing = stub.mapping.State;

    await run(TICK, { ...settings, paused: true });

    assert.deepEqual([probing, stub.mapping], ["Enabled", { State: "Disabled", MaximumConcurrency: 20 }]);
  });

  it("asks no concurrency of a mapping that somebody gave provisioned pollers, as Lambda refuses both together", async () => {
    Object.assign(stub.mapping, { ProvisionedPollerConfig: { MinimumPollers: 2 } });

    await run(alarm(true));
    now += settings.cooldownMs;
    await run(TICK);
    now += settings.probeMs;
    await run(alarm(false));
    await run(TICK);

    assert.deepEqual(puts(), [{ Enabled: false }, { Enabled: true }]);
  });

  it("makes up at the next tick for a setting that failed", async () => {
    stub.fail = ({ operation }) =>
      operation.startsWith("PUT") ? { status: 409, code: "ResourceConflictException" } : undefined;
    await assert.rejects(run(alarm(true)), /ResourceConflictException|Http409/);
    stub.fail = () => undefined;

    await run(TICK);

    assert.equal(stub.mapping.State, "Disabled");
  });

  it("waits while Lambda is still changing the mapping", async () => {
    stub.mapping.State = "Updating";
    await run(alarm(true));
    const early = puts().length;
    stub.mapping.State = "Enabled";
    await run(TICK);

    assert.deepEqual([early, puts()], [0, [{ Enabled: false }]]);
  });

  it("sets the mapping once for an event that comes twice, and for two runs at once", async () => {
    await Promise.allSettled([run(alarm(true)), run(alarm(true))]);
    await run(alarm(true));

    assert.ok(puts().every(({ Enabled }) => Enabled === false));
    assert.equal(stub.mapping.State, "Disabled");
    assert.equal((await run(TICK)).applied, true);
  });

  it("Q31: opens at a tick for an alarm whose event was lost, and closes again when its end was lost too", async () => {
    level = { inAlarm: true, changedAt: now - MINUTE };
    assert.equal((await run(TICK)).phase, "open");
    now += 2 * MINUTE;
    level = { inAlarm: false, changedAt: now - 1 };
    assert.equal((await run(TICK)).phase, "half-open");
    stub.mapping = { ...stub.mapping, State: "Enabled" };
    now += MINUTE;

    assert.equal((await run(TICK)).phase, "closed");
  });

  it("Q31: opens again at a tick for an alarm that came during the probe", async () => {
    await run(alarm(true));
    now += 2 * MINUTE;
    level = { inAlarm: false, changedAt: now };
    await run(TICK);
    now += 1;
    level = { inAlarm: true, changedAt: now };

    assert.equal((await run(TICK)).phase, "open");
  });

  it("Q31: begins a probe when the mapping polls, not when Lambda was asked to enable it", async () => {
    await run(alarm(true));
    level = { inAlarm: false, changedAt: now };
    now += 2 * MINUTE;
    await run(TICK);
    stub.mapping = { ...stub.mapping, State: "Enabling" };
    now += MINUTE;
    assert.equal((await run(TICK)).phase, "half-open");
    stub.mapping = { ...stub.mapping, State: "Enabled" };
    now += MINUTE - 1;
    assert.equal((await run(TICK)).phase, "half-open");
    now += 1;

    assert.equal((await run(TICK)).phase, "closed");
  });

  it("Q31: goes by the alarm's events while CloudWatch does not answer", async () => {
    level = new Error("Throttling");
    assert.equal((await run(TICK)).phase, "closed");

    assert.equal((await run(alarm(true))).phase, "open");
  });

  it("disregards an older change of the alarm that comes late", async () => {
    await run(alarm(false, now + 1000));

    const late = await run(alarm(true, now));

    assert.equal(late.phase, "closed");
  });

  it("over random events never enables the mapping before the cooldown, and closes only after a quiet probe", () => {
    const event = fc.record({
      kind: fc.constantFrom("tick", "on", "off"),
      waitMs: fc.integer({ min: 1, max: 3 * MINUTE }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let [circuit, enabled, at, openedAt] = [CLOSED, true, 1, 0];
        for (const { kind, waitMs } of events) {
          at += waitMs;
          const happened: CircuitEvent =
            kind === "tick" ? TICK : { kind: "alarm", inAlarm: kind === "on", changedAt: at };
          const before = circuit;
          circuit = advance(circuit, happened, enabled, settings, at);
          const setting = settingOf(circuit, settings);
          if (setting?.enabled === false) openedAt = at;
          if (setting?.enabled === true) assert.ok(at - openedAt >= settings.cooldownMs);
          if (before.phase !== "closed" && circuit.phase === "closed") {
            assert.equal(before.phase, "half-open");
            assert.ok(at - before.since >= settings.probeMs && !circuit.inAlarm);
          }
          enabled = setting?.enabled ?? enabled;
          circuit = { ...circuit, applied: true };
          assert.equal(enabled, circuit.phase !== "open");
        }
      }),
    );
  });

  it("reads alarm events of EventBridge, and takes everything else for a tick", () => {
    const state = { value: "ALARM", timestamp: "2026-01-01T00:00:05.000+0000" };

    assert.deepEqual(readAlarmEvent({ detail: { alarmName: "a", state } }), {
      kind: "alarm",
      inAlarm: true,
      changedAt: Date.UTC(2026, 0, 1, 0, 0, 5),
    });
    assert.deepEqual(readAlarmEvent({ detail: { state: { value: "OK" } }, time: "2026-01-01T00:00:00Z" }), {
      kind: "alarm",
      inAlarm: false,
      changedAt: Date.UTC(2026, 0, 1),
    });
    assert.deepEqual(readAlarmEvent({ "detail-type": "Scheduled Event", detail: {} }), TICK);
    assert.deepEqual(readAlarmEvent(undefined), TICK);
  });

  it("Q20: reads the pause from the environment", () => {
    const required = {
      EVENT_SOURCE_MAPPING_ID: "id",
      STATE_TABLE_NAME: "t",
      QUEUE_NAME: "q",
      ALARM_ARN: "a",
      COOLDOWN_SECONDS: "60",
      PROBE_SECONDS: "60",
    };

    const read = (more: Record<string, string>): unknown => readBreakerSettings({ ...required, ...more }).paused;

    assert.deepEqual([read({}), read({ PAUSED: "false" }), read({ PAUSED: "true" })], [false, false, true]);
  });

  it("rejects an environment without its settings", () => {
    assert.throws(
      () => readBreakerSettings({ STATE_TABLE_NAME: "t", QUEUE_NAME: "q", COOLDOWN_SECONDS: "1" }),
      /^Error: Environment variables are not set: EVENT_SOURCE_MAPPING_ID, ALARM_ARN, PROBE_SECONDS$/,
    );
  });
});
