// Proves ThrottledQueueConsumer as a whole: the component through the engine, the embedded cloud, real Lambda processes with the kit, the
// AWS SDK as the sender. Its policies are executed: each call is made by the role that the component has given the right to.
import assert from "node:assert/strict";
import { CloudWatchClient, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
import { ReceiveMessageCommand, SendMessageCommand, SQSClient, StartMessageMoveTaskCommand } from "@aws-sdk/client-sqs";
import type { TraceEvent } from "../../local/cloud/core/trace";
import { type Order, type QueueStack, startQueueStack } from "../support/queue-stack";

describe("ThrottledQueueConsumer on the embedded cloud", function () {
  this.timeout(30_000);
  let stack: QueueStack;
  let sqs: SQSClient;
  before(async () => {
    stack = await startQueueStack();
    sqs = new SQSClient(stack.client);
  });
  after(async () => {
    sqs.destroy();
    await stack.stop();
  });

  const send = async (order: Order, client = sqs): Promise<string> => {
    const command = new SendMessageCommand({ QueueUrl: stack.output("queueUrl"), MessageBody: JSON.stringify(order) });
    return (await client.send(command)).MessageId ?? "";
  };
  const isEmpty = (): boolean => stack.queue().visible + stack.queue().notVisible === 0;
  const invocations = (): number => stack.traces.filter(({ operation }) => operation === "Invoke").length;
  const tracesAfter = async (act: () => Promise<unknown>): Promise<readonly TraceEvent[]> => {
    const from = stack.traces.length;
    await act();
    return stack.traces.slice(from);
  };
  const roleOf = (arn: string): string =>
    arn.replace(/^arn:aws:iam::(\d+):role\/(.*)$/, "arn:aws:sts::$1:assumed-role/$2/");
  /** Takes a statement away from the consumer's role. Returns what gives it back. */
  const withoutStatement = (sid: string): (() => void) => {
    const inline = stack.roles.get(stack.output("consumerRole"))?.inline ?? assert.fail("no role");
    for (const [name, { policy, size }] of inline) {
      const statements = [policy.document.Statement].flat();
      const Statement = statements.filter(({ Sid }) => Sid !== sid);
      if (Statement.length === statements.length) continue;
      inline.set(name, { policy: { ...policy, document: { ...policy.document, Statement } }, size });
      return () => inline.set(name, { policy, size });
    }
    return assert.fail(`the consumer's role has no statement ${sid}`);
  };

  it("processes a message that the SDK sent as the granted role, and traces it from end to end", async () => {
    const session = stack.cloud.context.access.assumeRole(stack.output("senderRole"), "shop", "lambda.amazonaws.com");
    const shop = new SQSClient({ ...stack.client, credentials: session });
    const traces = await tracesAfter(async () => {
      await send({ kind: "good" }, shop);
      await stack.until(isEmpty, "the message is processed");
    });
    shop.destroy();

    const steps = traces.map(({ service, operation }) => `${service} ${operation}`);
    for (const step of ["sqs SendMessage", "dynamodb PutItem", "dynamodb UpdateItem", "lambda Invoke"]) {
      assert.ok(steps.includes(step), `${step} is missing in ${steps.join(", ")}`);
    }
    const writes = traces.filter(({ service }) => service === "dynamodb");
    for (const { caller } of writes) assert.ok(caller.startsWith(roleOf(stack.output("consumerRole"))), caller);
    assert.equal(traces.find(({ operation }) => operation === "Invoke")?.caller, stack.mapping().arn);
  });

  it("Q21: sends what the consumer rejects to the dead-letter queue at once, with the reason", async () => {
    const messageId = await send({ kind: "invalid" });
    await stack.until(() => stack.deadLetters().visible === 1 && isEmpty(), "the message is rejected");

    const { Messages: [dead] = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: stack.output("deadLetterQueueUrl"),
        MessageAttributeNames: ["All"],
        VisibilityTimeout: 0,
      }),
    );
    assert.equal(dead?.MessageAttributes?.RejectionReason?.StringValue, "the order has no lines");
    assert.equal(dead.MessageAttributes.RejectedMessageId?.StringValue, messageId);
  });

  it("Q26: Q30: lets a failing message wait by its back-off, and ends it after five receives", async () => {
    const before = stack.deadLetters().visible;
    const traces = await tracesAfter(async () => {
      const from = invocations();
      await send({ kind: "waits", mended: stack.mended });
      const isDead = (): boolean => stack.deadLetters().visible === before + 1;
      await stack.until(() => isDead() && invocations() === from + 5, "the message is dead after five invocations");
    });

    const delays = traces.filter(({ operation }) => operation === "ChangeMessageVisibilityBatch");
    assert.equal(delays.length, 5);
    for (const { caller, status } of delays) {
      assert.deepEqual([caller.startsWith(roleOf(stack.output("consumerRole"))), status], [true, 200]);
    }
  });

  it("Q17: redrives while it consumes: what was mended is processed, what is rejected comes back with its reason", async () => {
    stack.mend();
    const from = invocations();
    await sqs.send(
      new StartMessageMoveTaskCommand({
        SourceArn: stack.output("deadLetterQueueArn"),
        DestinationArn: stack.output("queueArn"),
      }),
    );
    for (let count = 0; count < 5; count++) await send({ kind: "good" });
    // Processed is what neither queue holds any more; the eighth invocation, or a second dead letter, would be one too many.
    const isSettled = (): boolean => isEmpty() && stack.deadLetters().visible === 1;
    await stack.until(() => isSettled() && invocations() === from + 7, "all is settled");
  });

  for (const [sid, order, refused] of [
    ["UseState", "good", "PutItem"],
    ["RejectMessages", "invalid", "SendMessage"],
  ] as const) {
    it(`rejects ${refused} to the consumer's role once its policy lacks ${sid}: the message is tried again`, async () => {
      const restore = withoutStatement(sid);
      const consumer = roleOf(stack.output("consumerRole"));
      const isRefused = ({ caller, operation, status }: TraceEvent): boolean =>
        caller.startsWith(consumer) && operation === refused && status >= 400;
      const from = stack.traces.length;
      const before = stack.deadLetters().visible;
      await send({ kind: order });
      await stack.until(() => stack.traces.slice(from).some(isRefused), `${refused} is refused`);
      restore();
      await stack.until(isEmpty, "the message is processed after all");
      assert.equal(stack.deadLetters().visible, before + (order === "invalid" ? 1 : 0));
    });
  }

  it("Q20: pauses and resumes by one setting, through the engine, replacing nothing", async () => {
    const uuid = stack.mapping().uuid;
    const paused = await stack.update({ paused: true });
    await send({ kind: "good" });
    assert.deepEqual([stack.mapping().state, stack.queue().visible], ["Disabled", 1]);

    const resumed = await stack.update({ paused: false });
    await stack.until(isEmpty, "the message is processed");
    assert.equal(stack.mapping().uuid, uuid);
    for (const { resources } of [paused, resumed]) {
      assert.deepEqual(
        resources.filter(({ operation }) => operation !== "same").map(({ name, operation }) => [name, operation]),
        [
          ["work-event-source-mapping", "update"],
          // It must not end a pause that an operator wants.
          ["work-breaker-function", "update"],
        ],
      );
    }
  });

  it("Q31: stops consumption as soon as the downstream's alarm rings", async () => {
    const cloudWatch = new CloudWatchClient(stack.client);
    const AlarmName = stack.output("alarmName");
    await cloudWatch.send(new SetAlarmStateCommand({ AlarmName, StateValue: "ALARM", StateReason: "drill" }));
    cloudWatch.destroy();
    await stack.until(() => stack.mapping().state === "Disabled", "the circuit is open");

    await send({ kind: "good" });
    assert.deepEqual([stack.queue().visible, stack.queue().notVisible], [1, 0]);
    const change = stack.traces.findLast(({ operation }) => operation === "UpdateEventSourceMapping");
    assert.match(change?.caller ?? "", /:assumed-role\/work-breaker/);
  });
});
