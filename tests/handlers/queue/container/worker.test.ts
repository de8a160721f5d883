// Proves the worker's end against ports that are fakes: what its last poll brings is not dropped. Whole processes are proven in
// container.test.ts.
import assert from "node:assert/strict";
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

describe("The worker of a container", () => {
  it("finishes a batch whose poll was answered while it was stopping", async () => {
    const stop = new AbortController();
    const events: string[] = [];
    const receive = async (): Promise<readonly ReceivedMessage[]> => {
      if (stop.signal.aborted) return [];
      stop.abort();
      for (let count = 0; count < 5; count++) await turn();
      return [MESSAGE];
    };
    const worker = new Worker({
      kit: {
        consumer: {
          processMessage: async () => {
            for (let count = 0; count < 5; count++) await turn();
            events.push("processed");
          },
        },
        now: () => 0,
        random: () => 0,
        sleep: async () => undefined,
        startTimer: () => () => undefined,
        writeLine: () => undefined,
      },
      settings: readContainerSettings({}),
      polls: { receive } as unknown as SqsQueue,
      queue: { delete: async (handle: string) => void events.push(`deleted ${handle}`) } as unknown as SqsQueue,
      queueArn: MESSAGE.queueArn,
      queueName: "work",
      log: new Log({}, () => undefined),
      onPoll: () => undefined,
    });

    await worker.run(stop.signal);

    assert.deepEqual(events, ["processed", "deleted handle-late"]);
  });
});
