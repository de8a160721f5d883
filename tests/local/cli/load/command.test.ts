// Proves `npm run load` on a running cloud with the real SQS: what arrives, with which groups, and what is refused; and that
// with `--aws` the SDK's own settings say where it works and as whom.
import assert from "node:assert/strict";
import { type Message, SQS } from "@aws-sdk/client-sqs";
import type { WorkOrder } from "../../../../handlers/work/contract";
import { EXIT } from "../../../../local/cli/command";
import { runLoad } from "../../../../local/cli/load/command";
import { administratorKeys, roleKeys, withAwsEnvironment } from "../../../support/aws-environment";
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

  describe("on AWS", () => {
    const onAws = (variables: object, argv: string): Promise<CommandResult> =>
      withAwsEnvironment(running.cloud, { ...variables }, () => runInTest(runLoad, [...argv.split(" "), "--aws"]));
    const region = (): object => ({ AWS_REGION: running.cloud.region });

    it("Q15: sends with the credentials and the Region of the environment", async () => {
      const { code, out, err } = await onAws(
        { ...administratorKeys(running.cloud), ...region() },
        "other --messages 12",
      );

      assert.equal(code, EXIT.done, err);
      assert.match(out, /Sent 12 messages to other .*\nHow long it drains is not known: no event source mapping/);
      assert.equal((await takeAll("other")).length, 12);
    });

    it("sends all the same when it may not look at mappings, and names the missing action", async () => {
      const sender = ["sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:SendMessage"];
      const keys = await roleKeys(running, "sender", sender);
      const { code, out, err } = await onAws({ ...keys, ...region() }, "other --messages 2");
      const told = await onAws({ ...keys, ...region() }, "other --messages 2 --duration 10s --concurrency 2");

      assert.deepEqual([code, told.code], [EXIT.done, EXIT.done], err + told.err);
      assert.match(
        out,
        /could not be read, .*; allow lambda:ListEventSourceMappings to these .*; give --concurrency N/,
      );
      assert.match(told.out, /Should drain in about 10 s/);
      assert.equal((await takeAll("other")).length, 4);
    });

    it("rejects to send without credentials, Region or right, and says what is missing", async () => {
      const reader = await roleKeys(running, "reader", ["sqs:GetQueueUrl", "sqs:GetQueueAttributes"]);
      const refused = [
        [await onAws(region(), "other"), /^npm run load: no AWS credentials were found; sign in/],
        [await onAws(administratorKeys(running.cloud), "other"), /^npm run load: no AWS Region is set; give --region/],
        [
          await onAws({ ...reader, ...region() }, "other"),
          /perform: sqs:SendMessage .*; allow sqs:SendMessage to these/,
        ],
      ] as const;

      for (const [{ code, err }, message] of refused) {
        assert.match(err, message);
        assert.equal(code, EXIT.failed);
      }
      assert.equal((await takeAll("other")).length, 0);
    });
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
