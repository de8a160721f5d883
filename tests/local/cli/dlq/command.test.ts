// Proves `npm run dlq` on a running cloud with the real SQS: what it shows, what it moves, and that nothing is lost on the way; and that
// with `--aws` the SDK's own settings say where it works and as whom.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { SQS } from "@aws-sdk/client-sqs";
import { REJECTION_ATTRIBUTE } from "../../../../handlers/queue/contract";
import { EXIT } from "../../../../local/cli/command";
import { type DlqContext, runDlq } from "../../../../local/cli/dlq/command";
import type { QueueControl } from "../../../../local/cloud/sqs/control";
import { administratorKeys, roleKeys, withAwsEnvironment } from "../../../support/aws-environment";
import { type CommandResult, makeRunFolder, type RunFolder, runInTest } from "../../../support/command-run";
import { type DeclaredResource, type RunningCloud, startTestCloud } from "../../../support/running-cloud";

const QUEUE = "aws:sqs/queue:Queue";
/** Of a message in JSON. */
interface Shown {
  readonly id: string;
  readonly body: string;
  readonly receiveCount: number;
  readonly reason?: string;
  readonly groupId?: string;
  readonly attributes: Readonly<Record<string, string>>;
}

describe("npm run dlq", () => {
  let running: RunningCloud;
  let run: RunFolder;
  let sqs: SQS;
  let number = 0;
  /** Names of this test's queues. */
  let source: string;
  let dead: string;
  let urls: { source: string; dead: string };

  before(async () => {
    running = await startTestCloud();
    const { cloud } = running;
    run = makeRunFolder(cloud, { failedWork: "q1-dead" });
    sqs = new SQS({ endpoint: cloud.gatewayOrigin, region: cloud.region, credentials: cloud.rootCredentials() });
  });
  after(async () => {
    sqs?.destroy();
    run?.remove();
    await running.cloud.stop();
  });
  beforeEach(async () => {
    number++;
    await declarePair("");
  });

  /** A queue and its dead-letter queue. @param suffix ".fifo" or nothing. */
  async function declarePair(suffix: string): Promise<void> {
    const kind = suffix === "" ? {} : { fifoQueue: true };
    dead = `q${number}-dead${suffix}`;
    source = `q${number}${suffix}`;
    const deadQueue = await running.declare(QUEUE, { name: dead, ...kind }, dead);
    const sourceQueue = await declareSource(source, deadQueue, kind);
    urls = { source: urlOf(sourceQueue), dead: urlOf(deadQueue) };
  }

  function declareSource(name: string, { outputs }: DeclaredResource, kind: object = {}): Promise<DeclaredResource> {
    const redrivePolicy = JSON.stringify({ deadLetterTargetArn: outputs.arn, maxReceiveCount: 5 });
    return running.declare(QUEUE, { name, redrivePolicy, ...kind }, name);
  }

  const urlOf = ({ outputs }: DeclaredResource): string => String(outputs.url);

  function dlq(argv: readonly string[], context: Partial<DlqContext> = {}): Promise<CommandResult> {
    return runInTest(runDlq, argv, { folder: run.folder, ...context });
  }

  const rejection = (reason: string): string =>
    JSON.stringify({ reason, errorType: "NonRetryableError", messageId: "m" });

  /** Puts messages into the dead-letter queue, rejected ones with a reason. */
  async function fill(bodies: readonly string[], reason?: string, groups?: readonly string[]): Promise<void> {
    for (const [index, body] of bodies.entries()) {
      await sqs.sendMessage({
        QueueUrl: urls.dead,
        MessageBody: body,
        MessageAttributes: {
          tenant: { DataType: "String", StringValue: `t${index % 2}` },
          ...(reason === undefined
            ? {}
            : { [REJECTION_ATTRIBUTE]: { DataType: "String", StringValue: rejection(reason) } }),
        },
        ...(groups && { MessageGroupId: groups[index], MessageDeduplicationId: `${body}-${index}` }),
      });
    }
  }

  /** Messages that can be received: [dead-letter queue, source queue]. */
  function depths(): readonly (number | undefined)[] {
    const control = running.cloud.services.find(({ name }) => name === "sqs") as unknown as QueueControl;
    const visible = (name: string): number | undefined => control.queues().find((one) => one.name === name)?.visible;
    return [visible(dead), visible(source)];
  }

  async function receiveBodies(url: string): Promise<string[]> {
    const bodies: string[] = [];
    for (;;) {
      const { Messages = [] } = await sqs.receiveMessage({ QueueUrl: url, MaxNumberOfMessages: 10 });
      if (Messages.length === 0) return bodies;
      bodies.push(...Messages.map(({ Body = "" }) => Body));
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await sqs.deleteMessageBatch({ QueueUrl: url, Entries });
    }
  }

  const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `m${index + 1}`);

  describe("list", () => {
    it("Q17: shows dead-letter queues with what is in them and whose messages they take", async () => {
      await fill(["a", "b"]);
      const { code, out, err } = await dlq(["list"]);

      assert.equal(code, EXIT.done, err);
      assert.match(out, new RegExp(`^${dead} +2 {2}${source}$`, "m"));
      assert.doesNotMatch(out, new RegExp(`^${source} `, "m"));
    });

    it("finds one queue by its name, URL, ARN or stack output", async () => {
      const { Attributes = {} } = await sqs.getQueueAttributes({ QueueUrl: urls.dead, AttributeNames: ["QueueArn"] });
      for (const given of [dead, urls.dead, Attributes.QueueArn ?? ""]) {
        const { out, err } = await dlq(["list", given, "--json"]);
        const list = JSON.parse(out || err) as readonly {
          readonly name: string;
          readonly sources: readonly string[];
        }[];

        assert.deepEqual(list.map(({ name, sources }) => [name, ...sources]), [[dead, source]], given); // prettier-ignore
      }
      assert.match((await dlq(["list", "failedWork"])).out, /^q1-dead /m);
    });
  });

  describe("peek", () => {
    it("Q17: shows messages with reason and attributes, and leaves them where they are", async () => {
      await fill(["hello\u009b2J"], "no such customer");
      const { code, out, err } = await dlq(["peek", dead]);

      assert.equal(code, EXIT.done, err);
      assert.match(out, /NonRetryableError: no such customer +tenant=t0 +hello\\u009b2J$/m);
      assert.match(err, /1 of about 1 messages.*receive count of 1 went up by one/);
      assert.deepEqual(depths(), [1, 0]);
    });

    it("shows ten messages unless told otherwise, and receives no more than it shows", async () => {
      await fill(numbered(12));
      const { out, err } = await dlq(["peek", dead, "--json"]);
      const more = JSON.parse((await dlq(["peek", dead, "--json", "--limit", "12"])).out) as readonly Shown[];

      assert.equal((JSON.parse(out) as unknown[]).length, 10);
      assert.match(err, /receive count of 10 went up/);
      assert.equal(more.length, 12);
      assert.deepEqual([...new Set(more.map(({ receiveCount }) => receiveCount))].sort(), [1, 2]);
    });

    it("Q17: shows no reason of an earlier rejection for a message that SQS has moved here since", async () => {
      await sqs.sendMessage({
        QueueUrl: urls.source,
        MessageBody: "again",
        MessageAttributes: { [REJECTION_ATTRIBUTE]: { DataType: "String", StringValue: rejection("long ago") } },
      });
      for (let count = 0; count < 6; count++) await sqs.receiveMessage({ QueueUrl: urls.source, VisibilityTimeout: 0 });
      const { out, err } = await dlq(["peek", dead]);

      assert.match(out, /received too often +– +again$/m, err);
    });

    it("Q17: filters by reason, attribute, body and age, all at once", async () => {
      await fill(["red", "blue"], "Timeout of the bank");
      await fill(["red", "red"]);
      const peek = async (...filters: string[]): Promise<string[]> => {
        const { out, err } = await dlq(["peek", dead, "--json", ...filters]);
        assert.notEqual(out, "", err);
        return (JSON.parse(out) as readonly Shown[]).map(({ body }) => body);
      };

      assert.deepEqual(await peek("--where", "reason~timeout"), ["red", "blue"]);
      assert.deepEqual(await peek("--where", "reason~timeout", "--attribute", "tenant=t1"), ["blue"]);
      assert.equal((await peek("--where=body=red")).length, 3);
      assert.deepEqual(await peek("--where=body=re"), []);
      assert.deepEqual(await peek("--older-than", "1h"), []);
      assert.equal((await peek("--older-than", "0s")).length, 4);
      assert.deepEqual(depths(), [4, 0]);
    });
  });

  describe("redrive", () => {
    it("Q17: moves everything back by a move task, to the only source queue", async () => {
      await fill(numbered(12));
      const { code, out, err } = await dlq(["redrive", dead, "--rate", "500"]);

      assert.equal(code, EXIT.done, err);
      assert.match(out, new RegExp(`Moved 12 messages of ${dead} to ${source}\\.`));
      assert.deepEqual((await receiveBodies(urls.source)).sort(), numbered(12).sort());
      assert.deepEqual(depths(), [0, 0]);
    });

    it("Q17: cancels the move task on Ctrl-C and says how to go on; what has not moved stays", async () => {
      await fill(numbered(12));
      const interrupt = new AbortController();
      const stderr = { isTTY: true, columns: 80, write: () => interrupt.abort(new Error("interrupted")) };
      const stopped = await dlq(["redrive", dead, "--rate", "1"], { interrupt: interrupt.signal, stderr });
      const [inDead = 0, inSource = 0] = depths();

      assert.equal(stopped.code, EXIT.interrupted, stopped.out);
      assert.ok(inDead > 0 && inDead + inSource === 12, `${inDead} + ${inSource}`);
      assert.equal((await dlq(["redrive", dead])).code, EXIT.done);
      assert.deepEqual(depths(), [0, 12]);
    });

    it("Q17: moves the chosen messages one by one with the sender's attributes, without the reason, and leaves the others", async () => {
      await fill(["a", "b"], "try again");
      await fill(["c"], "never");
      const { code, out, err } = await dlq(["redrive", dead, "--where", "reason~again"]);
      const { Messages = [] } = await sqs.receiveMessage({
        QueueUrl: urls.source,
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ["All"],
      });

      assert.equal(code, EXIT.done, err);
      assert.match(out, /Moved 2 of 3 messages/);
      assert.deepEqual(Messages.map(({ Body }) => Body).sort(), ["a", "b"]);
      assert.deepEqual(Messages.map(({ MessageAttributes }) => Object.keys(MessageAttributes ?? {})), [["tenant"], ["tenant"]]); // prettier-ignore
      assert.deepEqual(depths()[0], 1);
    });

    it("Q17: keeps the order of a FIFO queue's groups", async () => {
      await declarePair(".fifo");
      await fill(["a1", "b1", "a2", "b2", "a3"], undefined, ["a", "b", "a", "b", "a"]);
      const { code, out, err } = await dlq(["redrive", dead]);
      const bodies = await receiveBodies(urls.source);

      assert.equal(code, EXIT.done, err);
      assert.match(out, /Moved 5 of 5/);
      assert.deepEqual(bodies.filter((body) => body.startsWith("a")), ["a1", "a2", "a3"]); // prettier-ignore
      assert.deepEqual(bodies.filter((body) => body.startsWith("b")), ["b1", "b2"]); // prettier-ignore
    });

    it("Q17: moves nothing twice when a FIFO redrive is run again after a break between send and delete", async () => {
      await declarePair(".fifo");
      await fill(["a1"], undefined, ["a"]);
      const { Messages = [] } = await sqs.receiveMessage({ QueueUrl: urls.dead, VisibilityTimeout: 0 });
      // What the broken run had done: sent, with the message id in the dead-letter queue as deduplication id.
      await sqs.sendMessage({
        QueueUrl: urls.source,
        MessageBody: "a1",
        MessageGroupId: "a",
        MessageDeduplicationId: Messages[0]?.MessageId,
      });
      const again = await dlq(["redrive", dead]);
      const once = await dlq(["redrive", dead]);

      assert.deepEqual([again.code, once.code], [EXIT.done, EXIT.done], again.err + once.err);
      assert.deepEqual(await receiveBodies(urls.source), ["a1"]);
      assert.deepEqual(depths(), [0, 0]);
    });

    it("keeps a message that the other queue refuses", async () => {
      const small = await running.declare(QUEUE, { name: `${dead}-small`, maxMessageSize: 1024 }, `${dead}-small`);
      await fill(["x".repeat(2000), "short"]);
      const { code, err } = await dlq(["redrive", dead, "--to", urlOf(small), "--limit", "10"]);

      assert.equal(code, EXIT.failed);
      assert.match(err, /✗ [\w-]{36}: .*(1024|InvalidParameterValue)/);
      assert.deepEqual(await receiveBodies(urlOf(small)), ["short"]);
      assert.deepEqual(depths()[0], 1);
    });

    it("says what it would move, and moves nothing", async () => {
      await fill(["a", "b"]);
      const all = await dlq(["redrive", dead, "--dry-run"]);
      const some = await dlq(["redrive", dead, "--dry-run", "--where", "body=a"]);

      assert.match(all.out, new RegExp(`Would move 2 messages of ${dead} to ${source}\\.`));
      assert.match(some.out, /Would move 1 messages/);
      assert.deepEqual(depths(), [2, 0]);
    });

    it("rejects a destination that is not clear, not there, or of another kind", async () => {
      const fifo = await running.declare(QUEUE, { name: `q${number}-other.fifo`, fifoQueue: true }, `q${number}-other`);
      const deadQueue = { outputs: { arn: arnOf(dead) } } as unknown as DeclaredResource;
      const refused = async (argv: readonly string[], message: RegExp): Promise<void> => {
        const { code, err } = await dlq(["redrive", dead, ...argv]);
        assert.deepEqual([code, message.test(err)], [EXIT.usage, true], err);
      };

      await refused(["--to", urlOf(fifo)], /--to must be a standard queue/);
      await refused(["--to", dead], /--to must be another queue/);
      await refused(["--to", `${source}x`], new RegExp(`there is no queue ${source}x; did you mean ${source}\\?`));
      await declareSource(`${source}-second`, deadQueue);
      await refused([], new RegExp(`takes messages of ${source}, ${source}-second; say where to with --to QUEUE`));
      assert.deepEqual(depths(), [0, 0]);
    });
  });

  describe("purge", () => {
    it("Q17: removes everything once the queue's name was given", async () => {
      await fill(["a", "b"]);
      const { code, err } = await dlq(["purge", dead, "--yes", dead]);

      assert.equal(code, EXIT.done, err);
      assert.deepEqual(depths(), [0, 0]);
    });

    it("Q17: removes the chosen messages only, and says before what it would remove", async () => {
      await fill(["a", "b", "a"]);
      const rehearsal = await dlq(["purge", dead, "--where", "body=a", "--dry-run"]);
      const { out } = await dlq(["purge", dead, "--where", "body=a", "--yes", dead]);

      assert.match(rehearsal.out, /Would remove 2 messages/);
      assert.match(out, /Removed 2 messages/);
      assert.deepEqual(await receiveBodies(urls.dead), ["b"]);
    });

    it("asks a person for the name", async () => {
      await fill(["a"]);
      const questions: string[] = [];
      const ask = (question: string): Promise<string> => {
        questions.push(question);
        return Promise.resolve(questions.length === 1 ? "yes" : dead);
      };
      const wrong = await dlq(["purge", dead], { ask });
      const left = depths()[0];
      const right = await dlq(["purge", dead], { ask });

      assert.deepEqual([wrong.code, left, right.code, depths()[0]], [EXIT.usage, 1, EXIT.done, 0]);
      assert.match(wrong.err, /got yes; nothing was removed/);
      assert.match(questions[0] ?? "", /Removes about 1 messages .* Type the queue's name/);
    });

    it("rejects to remove anything where nobody can be asked", async () => {
      await fill(["a"]);
      const { code, err } = await dlq(["purge", dead]);

      assert.deepEqual([code, depths()[0]], [EXIT.usage, 1]);
      assert.match(err, new RegExp(`confirm with --yes ${dead}`));
    });
  });

  describe("on AWS", () => {
    const onAws = (variables: object, argv: readonly string[]): Promise<CommandResult> =>
      withAwsEnvironment(running.cloud, { ...variables }, () => runInTest(runDlq, [...argv, "--aws"]));
    const region = (): object => ({ AWS_REGION: running.cloud.region });
    const administrator = (): object => ({ ...administratorKeys(running.cloud), ...region() });

    it("Q17: shows, moves back and removes messages with the credentials and the Region of the environment", async () => {
      await fill(["a", "b", "c"]);
      const list = await onAws(administrator(), ["list", dead]);
      const peek = await onAws(administrator(), ["peek", dead, "--limit", "1"]);
      const some = await onAws(administrator(), ["redrive", dead, "--limit", "1"]);
      const moved = depths();
      const purge = await onAws(administrator(), ["purge", dead, "--yes", dead]);

      assert.match(list.out, new RegExp(`^${dead} +3 {2}${source}$`, "m"));
      for (const { code, err } of [list, peek, some, purge]) assert.equal(code, EXIT.done, err);
      assert.deepEqual([moved, depths()], [[2, 1], [0, 1]]); // prettier-ignore
    });

    it("takes Region and credentials of a profile, by its option and by AWS_PROFILE", async () => {
      const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = administratorKeys(running.cloud);
      const AWS_CONFIG_FILE = path.join(run.folder, "config");
      const keys = [`aws_access_key_id = ${id}`, `aws_secret_access_key = ${secret}`];
      writeFileSync(AWS_CONFIG_FILE, ["[profile ops]", `region = ${running.cloud.region}`, ...keys, ""].join("\n"));

      const byOption = await onAws({ AWS_CONFIG_FILE }, ["list", dead, "--profile", "ops"]);
      const byVariable = await onAws({ AWS_CONFIG_FILE, AWS_PROFILE: "ops" }, ["list", dead]);
      const other = await onAws({ AWS_CONFIG_FILE, ...region() }, ["list", dead, "--profile", "dev"]);

      assert.deepEqual([byOption.code, byVariable.code], [EXIT.done, EXIT.done], byOption.err + byVariable.err);
      assert.match(other.err, /no AWS credentials were found for the profile dev.*; sign in \(aws sso login\)/);
    });

    it("looks in the Region of its option", async () => {
      const elsewhere = [...["--region", "us-east-1"]];
      const list = await onAws(administrator(), ["list", ...elsewhere]);
      const peek = await onAws(administrator(), ["peek", dead, ...elsewhere]);

      assert.match(list.out, /There are no dead-letter queues in us-east-1\./);
      assert.match(peek.err, new RegExp(`there is no queue ${dead}; there are no queues in us-east-1`));
    });

    it("rejects to work without credentials or Region, and says how to get them", async () => {
      const nobody = await onAws(region(), ["list"]);
      const nowhere = await onAws(administratorKeys(running.cloud), ["list"]);

      assert.deepEqual([nobody.code, nowhere.code], [EXIT.failed, EXIT.failed]);
      assert.match(
        nobody.err,
        /^npm run dlq: no AWS credentials were found; sign in \(aws sso login\), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID/,
      );
      assert.match(nowhere.err, /^npm run dlq: no AWS Region is set; give --region REGION, or set AWS_REGION/);
    });

    it("rejects credentials that may not, are not known or sign wrongly: with the action that is missing, or what to renew", async () => {
      await fill(["a"]);
      const allowed = ["sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:ListDeadLetterSourceQueues"];
      const reader = await roleKeys(running, `reader-${number}`, allowed);
      const denied = await onAws({ ...reader, ...region() }, ["peek", dead]);
      const unknown = await onAws({ ...administrator(), AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE" }, ["list"]);
      const forged = await onAws({ ...administrator(), AWS_SECRET_ACCESS_KEY: "x".repeat(40) }, ["list"]);

      assert.deepEqual([denied.code, depths()[0]], [EXIT.failed, 1]);
      assert.match(
        denied.err,
        /is not authorized to perform: sqs:ReceiveMessage .*; allow sqs:ReceiveMessage to these/,
      );
      for (const { code, err } of [unknown, forged]) {
        assert.equal(code, EXIT.failed);
        assert.match(err, /^npm run dlq: AWS refuses the credentials: .*; sign in again \(aws sso login\)/);
      }
    });

    it("rejects an endpoint that does not answer", async () => {
      const { code, err } = await onAws(
        { ...administrator(), AWS_ENDPOINT_URL: "http://127.0.0.1:9", AWS_MAX_ATTEMPTS: "1" },
        ["list"],
      );

      assert.equal(code, EXIT.failed);
      assert.match(err, /^npm run dlq: AWS does not answer: ECONNREFUSED; check the Region's name, AWS_ENDPOINT_URL/);
    });
  });

  it("rejects a queue that is no dead-letter queue, and names the one that is", async () => {
    const { code, err } = await dlq(["peek", source]);

    assert.equal(code, EXIT.usage);
    assert.match(err, new RegExp(`${source} is no dead-letter queue: .* its own dead-letter queue is ${dead}`));
  });

  const arnOf = (name: string): string => `arn:aws:sqs:${running.cloud.region}:${running.cloud.accountId}:${name}`;
});

describe("npm run dlq, its arguments", () => {
  const wrong: readonly [what: string, argv: readonly string[], message: RegExp][] = [
    ["no action, with the help", [], /npm run dlq -- list \[QUEUE\]/],
    ["an unknown action", ["pek", "q"], /unknown action pek; did you mean peek\?/],
    ["no queue", ["peek"], /peek needs a queue: npm run dlq -- peek QUEUE/],
    ["options of another action", ["peek", "q", "--rate", "5"], /--rate belongs to redrive, not to peek/],
    ["a rate beyond SQS's", ["redrive", "q", "--rate", "501"], /--rate must be a whole number from 1 to 500/],
    ["a place without --aws", ["list", "--region", "eu-west-1"], /--region belongs to --aws/],
    ["nothing that runs", ["list"], /no local stack is running in this project; start it with npm start/],
  ];
  for (const [what, argv, message] of wrong) {
    it(`rejects ${what}`, async () => {
      const { code, err } = await runInTest(runDlq, argv);

      assert.equal(code, EXIT.usage);
      assert.match(err, message);
    });
  }
});
