// Proves the simulated work: how long it takes, how it ends, what it refuses.
import assert from "node:assert/strict";
import { isNonRetryable } from "../../../handlers/queue/errors";
import { toQueueMessage, type MessageContext } from "../../../handlers/queue/message";
import { Log } from "../../../handlers/shared/log";
import { processMessage } from "../../../handlers/work/process-work";

const order = { durationMs: 0, outcome: "succeed", sequence: 1, loadId: "load-1" };

function work(body: unknown, more: Partial<MessageContext> = {}): Promise<unknown> {
  const received = { id: "m", receiptHandle: "r", text: "", attributes: {}, system: {}, queueArn: "arn:q" };
  const context = {
    log: new Log({}, () => undefined),
    signal: new AbortController().signal,
    remainingMs: () => 1000,
    receiveCount: 1,
    ...more,
  };
  return processMessage(toQueueMessage(received, JSON.stringify(body)), context);
}

describe("Simulated work", () => {
  it("succeeds, and takes its time", async () => {
    const startedAt = performance.now();

    await work({ ...order, durationMs: 30 });

    assert.ok(performance.now() - startedAt >= 28);
  });

  it("fails on every attempt, or on the first alone", async () => {
    await assert.rejects(work({ ...order, outcome: "fail" }, { receiveCount: 5 }), /asks to fail/);
    await assert.rejects(work({ ...order, outcome: "fail-once" }), /asks to fail/);
    await work({ ...order, outcome: "fail-once" }, { receiveCount: 2 });
  });

  it("rejects when the order says so, as non-retryable", async () => {
    await assert.rejects(work({ ...order, outcome: "reject" }), isNonRetryable);
  });

  it("ends when the signal aborts", async () => {
    const controller = new AbortController();
    const working = work({ ...order, durationMs: 600_000 }, { signal: controller.signal });

    controller.abort();

    await assert.rejects(working, /cut short/);
    await assert.rejects(work({ ...order, durationMs: 600_000 }, { signal: AbortSignal.abort() }), /cut short/);
  });

  for (const [what, body] of [
    ["a text", "hello"],
    ["a duration above 14 minutes", { ...order, durationMs: 840_001 }],
    ["a duration that is no number", { ...order, durationMs: "1" }],
    ["an unknown outcome", { ...order, outcome: "explode" }],
    ["a sequence of 0", { ...order, sequence: 0 }],
    ["a missing load id", { ...order, loadId: undefined }],
  ] as const) {
    it(`rejects ${what} as non-retryable`, async () => {
      await assert.rejects(work(body), isNonRetryable);
    });
  }
});
