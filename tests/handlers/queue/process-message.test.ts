// Proves what the kit does with one message when time runs out between its steps, and when it waits: nothing is begun, rejected or held
// that will be delivered again. Ports are fakes; whole batches are proven in lambda.test.ts.
import assert from "node:assert/strict";
import { NonRetryableError } from "../../../handlers/queue";
import type { Claim, ClaimResult, IdempotencyStore } from "../../../handlers/queue/idempotency";
import { processOne, type Kit, type Outcome } from "../../../handlers/queue/process-message";
import type { SlotStock } from "../../../handlers/queue/rate-limit";

const NOW = 1_000_000;
const CLAIM: Claim = { key: "k", owner: "o" };

interface Attempt {
  readonly kit?: Partial<Kit>;
  readonly claim?: () => ClaimResult;
  readonly slot?: { readonly startAt: number } | { readonly retryAfterMs: number };
}

describe("One message", () => {
  let time: AbortController;
  let events: string[];

  beforeEach(() => {
    time = new AbortController();
    events = [];
  });

  /** Works on a message, and waits until whatever goes on after its outcome has ended. */
  async function attempt({ kit, claim, slot }: Attempt): Promise<Outcome> {
    const idempotency = {
      claim: async () => claim?.() ?? { kind: "claimed", claim: CLAIM },
      complete: async () => events.push("completed") > 0,
      release: async () => void events.push("released"),
    };
    const slots = { next: async () => slot, giveBack: (startAt: number) => events.push(`gave back ${startAt}`) };
    const outcome = await processOne(
      {
        consumer: { processMessage: async () => void events.push("processed") },
        now: () => NOW,
        random: () => 0.5,
        sleep: async () => undefined,
        startTimer: () => () => undefined,
        writeLine: () => undefined,
        ...(claim ? { idempotency: idempotency as unknown as IdempotencyStore } : {}),
        ...kit,
      },
      { id: "m", receiptHandle: "h", text: "{}", attributes: {}, system: {}, queueArn: "arn:aws:sqs:::q" },
      { signal: time.signal, deadline: NOW + 10_000, claimUntil: () => NOW + 50_000, fields: {} },
      slot && (slots as unknown as SlotStock),
    );
    await new Promise((resolve) => setImmediate(resolve));
    return outcome;
  }

  it("is not begun when time runs out while it waits for its turn", async () => {
    const sleep = async (): Promise<void> => time.abort();

    const claim = (): ClaimResult => ({ kind: "claimed", claim: CLAIM });

    const outcome = await attempt({ slot: { startAt: NOW + 1000 }, claim, kit: { sleep } });

    assert.deepEqual([outcome.kind, events], ["returned", []]);
  });

  it("is not begun when time runs out while it is claimed, and leaves no claim behind", async () => {
    const outcome = await attempt({
      claim: () => {
        time.abort();
        return { kind: "claimed", claim: CLAIM };
      },
    });

    assert.deepEqual([outcome.kind, events], ["returned", ["released"]]);
  });

  it("Q22: gives its turn to another message when it is a duplicate", async () => {
    const outcome = await attempt({ slot: { startAt: NOW }, claim: () => ({ kind: "completed" }) });

    assert.deepEqual([outcome.kind, events], ["duplicate", [`gave back ${NOW}`]]);
  });

  it("Q22: comes back at a random time after the next turn is free", async () => {
    const outcome = await attempt({ slot: { retryAfterMs: 10_000 } });

    assert.deepEqual(outcome, { kind: "returned", delaySeconds: 15 });
  });

  it("Q21: does not go to the dead-letter queue when it was returned before, for want of time", async () => {
    const outcome = await attempt({
      kit: {
        consumer: {
          processMessage: () => {
            time.abort();
            return Promise.reject(new NonRetryableError("too late"));
          },
        },
        deadLetters: { send: async () => void events.push("sent") },
      },
    });

    assert.deepEqual([outcome.kind, events], ["failed", []]);
  });

  it("Q8, Q26: that was cut off comes back no earlier than its claim falls", async () => {
    const outcome = await attempt({
      claim: () => ({ kind: "claimed", claim: CLAIM }),
      kit: {
        backoff: { baseSeconds: 5, maximumSeconds: 900 },
        consumer: {
          processMessage: () => {
            time.abort();
            return new Promise(() => undefined);
          },
        },
      },
    });

    assert.deepEqual(outcome, { kind: "failed", delaySeconds: 50 });
  });
});
