// Proves `npm run load` on a running cloud with the real SQS: what arrives, with which groups, and what is refused.
import assert from "node:assert/strict";
import { type Message, SQS } from "@aws-sdk/client-sqs";
import type { WorkOrder } from "../../../../handlers/work/contract";
import { EXIT } from "../../../../local/cli/command";
import { runLoad } from "../../../../local/cli/load/command";
import { type CommandResult, makeRunFolder, type RunFolder, runInTest } from "../../../support/command-run";
import { type RunningCloud, startTestCloud } from "../../../support/running-cloud";

const QUEUE = "aws:sqs/queue:Queue";

describe("npm run load", () => {
  let running: RunningCloud;
  let run: RunFolder;
  let sqs: SQS;
  const urls: Record<string, string> = {};

  before(async () => {
    running = await startTestCloud();
    const { cloud } = running;
    for (const name of ["work", "other", "ordered.fifo"]) {
      const kind = name.endsWith(".fifo") ? { fifoQueue: true } : {};
      urls[name] = String((await running.declare(QUEUE, { name, ...kind }, name)).outputs.url);
    }
    run = makeRunFolder(cloud, { workQueueUrl: urls.work });
    sqs = new SQS({ endpoint: cloud.gatewayOrigin, region: cloud.region, credentials: cloud.rootCredentials() });
  });
  after(async () => {
    sqs?.destroy();
    run?.remove();
    await running.cloud.stop();
  });

  const load = (argv: string, interrupt = new AbortController().signal): Promise<CommandResult> =>
    runInTest(runLoad, argv.split(" "), { folder: run.folder, interrupt });

  async function takeAll(name: string): Promise<readonly Message[]> {
    const all: Message[] = [];
    for (;;) {
      const { Messages = [] } = await sqs.receiveMessage({
        QueueUrl: urls[name],
        MaxNumberOfMessages: 10,
        MessageSystemAttributeNames: ["All"],
      });
      if (Messages.length === 0) return all;
      all.push(...Messages);
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await sqs.deleteMessageBatch({ QueueUrl: urls[name], Entries });
    }
  }
  const ordersOf = (messages: readonly Message[]): readonly WorkOrder[] =>
    messages.map(({ Body = "" }) => JSON.parse(Body) as WorkOrder).sort((one, other) => one.sequence - other.sequence);

  it("Q15: sends so many messages of a duration, a failure rate and a group spread", async () => {
    const argv = "workQueueUrl --messages 25 --duration 10s --failure-rate 0.3 --groups 5 --noisy 0.8 --concurrency 5";
    const { code, out, err } = await load(argv);
    const messages = await takeAll("work");
    const orders = ordersOf(messages);
    const groups = messages.map(({ Attributes }) => Attributes?.MessageGroupId);

    assert.equal(code, EXIT.done, err);
    assert.match(out, /Sent 25 messages to work .*\nShould drain in about 50 s/);
    assert.deepEqual(orders.map(({ sequence }) => sequence), Array.from({ length: 25 }, (_, index) => index + 1)); // prettier-ignore
    assert.ok(orders.every(({ durationMs }) => durationMs === 10_000));
    assert.ok(orders.some(({ outcome }) => outcome === "fail"));
    assert.ok(groups.filter((group) => group === "tenant-1").length > 12);
  });

  it("sends the same load for the same seed", async () => {
    const once = await load("other --failure-rate 0.5 --seed 7");
    const first = ordersOf(await takeAll("other")).map(({ outcome }) => outcome);
    await load("other --failure-rate 0.5 --seed 7");

    assert.equal(once.code, EXIT.done, once.err);
    assert.match(once.out, /How long it drains is not known/);
    assert.deepEqual(ordersOf(await takeAll("other")).map(({ outcome }) => outcome), first); // prettier-ignore
  });

  it("gives messages of a FIFO queue a group and an id of their own", async () => {
    const { code, err } = await load("ordered.fifo --messages 12");
    const messages = await takeAll("ordered.fifo");

    assert.equal(code, EXIT.done, err);
    assert.deepEqual([...new Set(messages.map(({ Attributes }) => Attributes?.MessageGroupId))], ["tenant-1"]);
    assert.equal(messages.length, 12);
  });

  it("watches the queue until it is empty", async () => {
    const loading = load("other --messages 3 --watch --json");
    let taken = 0;
    while (taken < 3) taken += (await takeAll("other")).length;
    const { drained, sent } = JSON.parse((await loading).out) as { readonly drained: boolean; readonly sent: number };

    assert.deepEqual([drained, sent], [true, 3]);
  });

  it("stops on Ctrl-C", async () => {
    const { code, out } = await load("other --messages 100 --rate 1", AbortSignal.abort(new Error("interrupted")));

    assert.equal(code, EXIT.interrupted, out);
    assert.equal((await takeAll("other")).length, 0);
  });

  const wrong: readonly [what: string, argv: string, message: RegExp][] = [
    ["a queue that is not there", "wrk", /there is no queue wrk; did you mean work\?/],
    ["rates above 1 together", "work --failure-rate 0.6 --reject-rate 0.6", /must be 1 at most together, got 1\.2/],
    ["a noisy tenant alone", "work --noisy 0.8", /give --groups 2 or more/],
    ["a rate that is no share", "work --failure-rate 2", /--failure-rate must be a number from 0 to 1, got 2/],
    ["work longer than Lambda's", "work --duration 15m", /--duration must be a time from 0 ms to 14 min/],
    ["no messages", "work --messages 0", /--messages must be a whole number from 1/],
  ];
  for (const [what, argv, message] of wrong) {
    it(`rejects ${what}`, async () => {
      const { code, err } = await load(argv);

      assert.equal(code, EXIT.usage);
      assert.match(err, message);
    });
  }
});
