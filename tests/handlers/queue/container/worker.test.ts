// Proves the worker against ports that are fakes: what its last poll brings is not dropped, and its health is that of its polls, unless
// all slots are in use. Whole processes are proven in container.test.ts.
import assert from "node:assert/strict";
import { Health } from "../../../../handlers/queue/container/health";
import { readContainerSettings } from "../../../../handlers/queue/container/settings";
import { Worker } from "../../../../handlers/queue/container/worker";
import type { ReceivedMessage } from "../../../../handlers/queue/message";
import type { SqsQueue } from "../../../../handlers/queue/sqs";
import { Log } from "../../../../handlers/shared/log";

const MESSAGE: ReceivedMessage = {
  id: "late",
  receiptHandle: "handle-late",
  text: "{}",
  attributes: {},
  system: {},
  queueArn: "arn:aws:sqs:eu-west-1:123456789012:work",
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A worker between fakes. */
function createWorker(given: {
  readonly concurrency?: string;
  readonly receive: () => Promise<readonly ReceivedMessage[]>;
  readonly processMessage: () => Promise<void>;
  readonly onDelete?: (handle: string) => void;
  readonly health?: Health;
}): Worker {
  const { concurrency = "10", receive, processMessage, onDelete = () => undefined, health } = given;
  return new Worker({
    kit: {
      consumer: { processMessage },
      now: () => 0,
      random: () => 0,
      sleep: async () => undefined,
      startTimer: () => () => undefined,
      writeLine: () => undefined,
    },
    settings: readContainerSettings({ CONCURRENCY: concurrency }),
    polls: { receive } as unknown as SqsQueue,
    queue: { delete: async (handle: string) => onDelete(handle) } as unknown as SqsQueue,
    queueArn: MESSAGE.queueArn,
    queueName: "work",
    log: new Log({}, () => undefined),
    onPoll: () => health?.polled(),
    onOccupied: (full) => health?.occupied(full),
  });
}

describe("The worker of a container", () => {
  it("finishes a batch whose poll was answered while it was stopping", async () => {
    const stop = new AbortController();
    const events: string[] = [];
    const worker = createWorker({
      receive: async () => {
        if (stop.signal.aborted) return [];
        stop.abort();
        for (let count = 0; count < 5; count++) await turn();
        return [MESSAGE];
      },
      processMessage: async () => {
        for (let count = 0; count < 5; count++) await turn();
        events.push("processed");
      },
      onDelete: (handle) => events.push(`deleted ${handle}`),
    });

    await worker.run(stop.signal);

    assert.deepEqual(events, ["processed", "deleted handle-late"]);
  });

  describe("tells its health", () => {
    let now: number;
    let health: Health;
    let stop: AbortController;
    let work: PromiseWithResolvers<void>;
    let begun: PromiseWithResolvers<void>;
    /** Resolves when a poll hangs. */
    let hung: PromiseWithResolvers<void>;

    beforeEach(() => {
      now = Date.UTC(2026, 0, 1);
      health = new Health(() => now);
      stop = new AbortController();
      [work, begun, hung] = [Promise.withResolvers(), Promise.withResolvers(), Promise.withResolvers()];
    });

    /** Its first poll brings a message, further ones fail so many times, then they hang until the worker stops. */
    function runWorker(concurrency: string, failures = 0): Promise<void> {
      const stopped = new Promise<never>((_, reject) =>
        stop.signal.addEventListener("abort", () => reject(new Error())),
      );
      stopped.catch(() => undefined);
      let polls = 0;
      const worker = createWorker({
        concurrency,
        health,
        receive: async () => {
          polls++;
          if (polls === 1) return [MESSAGE];
          if (polls <= 1 + failures) throw new Error("no");
          hung.resolve();
          return stopped;
        },
        processMessage: () => {
          begun.resolve();
          return work.promise;
        },
      });
      return worker.run(stop.signal);
    }

    const healthyAfter = (milliseconds: number): boolean => {
      now += milliseconds;
      return health.healthy;
    };

    it("Q9: which holds while all slots are in use, however long, and ends when the polls after that hang", async () => {
      const running = runWorker("1");
      await begun.promise;
      const busy = healthyAfter(3_600_000);
      work.resolve();
      await hung.promise;
      const silent = [healthyAfter(90_000), healthyAfter(1)];
      stop.abort();
      await running;

      assert.deepEqual([busy, ...silent], [true, true, false]);
    });

    it("Q9: which ends when polls fail or hang beside slots that are in use", async () => {
      const running = runWorker("2", 3);
      await Promise.all([begun.promise, hung.promise]);
      const silent = [healthyAfter(90_000), healthyAfter(1)];
      work.resolve();
      stop.abort();
      await running;

      assert.deepEqual(silent, [true, false]);
    });
  });
});
