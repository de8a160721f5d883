// Proves that a passage through a dead-letter queue ends only when SQS has no more messages, however long it takes, and that it says so when
// it cannot. Against a queue that knows visibility and nothing else of SQS, on a clock of its own.
import assert from "node:assert/strict";
import type { SQS } from "@aws-sdk/client-sqs";
import { EXIT } from "../../../../local/cli/command";
import type { DlqTask } from "../../../../local/cli/dlq/command";
import { NOT_ALL_SEEN, passThrough, type Passed } from "../../../../local/cli/dlq/messages";
import { peek } from "../../../../local/cli/dlq/peek";
import { purge } from "../../../../local/cli/dlq/purge";
import { redrive } from "../../../../local/cli/dlq/redrive";

interface Stored {
  readonly id: string;
  visibleAt: number;
  receives: number;
}

interface Entry {
  readonly ReceiptHandle: string;
  readonly VisibilityTimeout: number;
}

/** Messages in their order. */
class Queue {
  now = 0;
  /** Whether visibility can be changed. */
  renews = true;
  /** Whether received messages stay hidden at all. */
  hides = true;
  readonly messages: readonly Stored[];

  constructor(count: number) {
    this.messages = Array.from({ length: count }, (_, index) => ({ id: `m${index}`, visibleAt: 0, receives: 0 }));
  }

  get visible(): number {
    return this.messages.filter(({ visibleAt }) => visibleAt <= this.now).length;
  }

  async receiveMessage(input: {
    readonly MaxNumberOfMessages: number;
    readonly VisibilityTimeout: number;
  }): Promise<object> {
    const found = this.messages.filter(({ visibleAt }) => visibleAt <= this.now).slice(0, input.MaxNumberOfMessages);
    for (const message of found) {
      if (this.hides) message.visibleAt = this.now + input.VisibilityTimeout * 1000;
      message.receives++;
    }
    return { Messages: found.map(({ id }) => ({ MessageId: id, ReceiptHandle: id, Body: id })) };
  }

  async changeMessageVisibilityBatch({ Entries }: { readonly Entries: readonly Entry[] }): Promise<void> {
    if (!this.renews) throw new Error("AccessDenied");
    for (const { ReceiptHandle, VisibilityTimeout } of Entries) {
      const message = this.messages.find(({ id }) => id === ReceiptHandle);
      if (message) message.visibleAt = this.now + VisibilityTimeout * 1000;
    }
  }
}

/** Goes through and keeps everything. @param seconds that each batch takes. */
async function pass(queue: Queue, seconds: number): Promise<Passed & { readonly visits: readonly string[] }> {
  const visits: string[] = [];
  const passed = await passThrough({ sqs: queue as unknown as SQS, waitSeconds: 0 }, "url", {
    limit: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    now: () => queue.now,
    visit: async (batch) => {
      visits.push(...batch.map(({ id }) => id));
      queue.now += seconds * 1000;
      return [];
    },
  });
  return { ...passed, visits };
}

/** A command with a filter that means no message. */
function taskFor(queue: Queue, options: DlqTask["options"], write: (text: string) => void): DlqTask {
  const facts = { name: "dead", url: "dead", arn: "dead", visible: 30, inFlight: 0, fifo: false };
  const interrupt = new AbortController().signal;
  return {
    context: { stdout: { write: () => true }, stderr: { write }, interrupt },
    connection: { sqs: queue, waitSeconds: 0 },
    options,
    queue: facts,
    sources: [{ ...facts, name: "work", arn: "work" }],
    filter: () => false,
    limit: undefined,
    rate: undefined,
  } as unknown as DlqTask;
}

describe("A passage through a dead-letter queue", () => {
  it("Q17: sees every message once and receives it once, when it takes longer than messages are held", async () => {
    const queue = new Queue(100);

    const { seen, incomplete, visits } = await pass(queue, 200);

    assert.deepEqual([seen, incomplete, new Set(visits).size, visits.length], [100, false, 100, 100]);
    assert.deepEqual([Math.max(...queue.messages.map(({ receives }) => receives)), queue.visible], [1, 100]);
  });

  it("Q17: sees every message once when holds cannot be renewed and messages come back meanwhile", async () => {
    const queue = new Queue(100);
    queue.renews = false;

    const { seen, incomplete, visits } = await pass(queue, 200);

    assert.deepEqual([seen, incomplete, visits.length], [100, false, 100]);
  });

  it("rejects to call a passage complete when messages keep coming back", async () => {
    const queue = new Queue(30);
    queue.hides = false;

    const { seen, incomplete } = await pass(queue, 0);

    assert.deepEqual([seen, incomplete], [10, true]);
  });

  for (const [name, act, options] of [
    ["peek", peek, {}],
    ["redrive", redrive, {}],
    ["redrive --dry-run", redrive, { "dry-run": true }],
    ["purge", purge, { yes: "dead" }],
    ["purge --dry-run", purge, { "dry-run": true }],
  ] as const) {
    it(`rejects to end ${name} with success when messages keep coming back`, async () => {
      const queue = new Queue(30);
      queue.hides = false;
      let err = "";

      const code = await act(taskFor(queue, options, (text) => (err += text)));

      assert.deepEqual([code, err.endsWith(NOT_ALL_SEEN)], [EXIT.failed, true], err);
    });
  }
});
