// Proves ThrottledQueueConsumer as a whole: the component through the engine, the embedded cloud, real Lambda processes with the kit, the
// AWS SDK as the sender. Its policies are executed: each call is made by the role that the component has given the right to. And the whole
// cycle of its circuit breaker, from a metric of the downstream to the restored mapping, with the deployed code on an injected clock.
import assert from "node:assert/strict";
import { CloudWatchClient, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
import { ReceiveMessageCommand, SendMessageCommand, SQSClient, StartMessageMoveTaskCommand } from "@aws-sdk/client-sqs";
import { createMapping } from "../../handlers/queue/breaker-ports";
import type { Rejection } from "../../handlers/queue/contract";
import { createJsonClient } from "../../handlers/queue/kit";
import { DYNAMODB, SQS } from "../../handlers/shared/aws-json";
import { AwsRestClient } from "../../handlers/shared/aws-rest";
import type { SimulatedInvocation } from "../../local/cloud";
import { accountRoot } from "../../local/cloud/core/principal";
import type { TraceEvent } from "../../local/cloud/core/trace";
import { createIoClock } from "../support/io-clock";
import { MovableClock } from "../support/movable-clock";
import { breakerEnvironment, isBreaker, runDeployedBreaker } from "../support/queue-breaker";
import { type Order, type QueueStack, startQueueStack } from "../support/queue-stack";

describe("ThrottledQueueConsumer on the embedded cloud", function () {
  this.timeout(30_000);
  let stack: QueueStack;
  let sqs: SQSClient;
  const clock = new MovableClock();
  before(async () => {
    stack = await startQueueStack({ clock });
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
  /** The second of back-off passes as soon as it has been asked for. Returns what ends that. */
  const withoutBackoff = (): (() => void) =>
    stack.cloud.traces.subscribe(({ operation, status }) => {
      if (operation === "ChangeMessageVisibilityBatch" && status === 200) setImmediate(() => clock.move(1000));
    });
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
    const { reason, messageId: rejectedId } = JSON.parse(
      dead?.MessageAttributes?.Rejection?.StringValue ?? "{}",
    ) as Partial<Rejection>;
    assert.deepEqual([reason, rejectedId], ["the order has no lines", messageId]);
  });

  it("Q26: Q30: lets a failing message wait by its back-off, and ends it after five receives", async () => {
    const before = stack.deadLetters().visible;
    const end = withoutBackoff();
    const traces = await tracesAfter(async () => {
      const from = invocations();
      await send({ kind: "waits", mended: stack.mended });
      const isDead = (): boolean => stack.deadLetters().visible === before + 1;
      await stack.until(() => isDead() && invocations() === from + 5, "the message is dead after five invocations");
    });
    end();

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
      const end = withoutBackoff();
      await send({ kind: order });
      await stack.until(() => stack.traces.slice(from).some(isRefused), `${refused} is refused`);
      restore();
      await stack.until(isEmpty, "the message is processed after all");
      end();
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

describe("Circuit breaker of ThrottledQueueConsumer on the embedded cloud and an injected clock", () => {
  const { clock, close } = createIoClock();
  let stack: QueueStack;
  /** What the breaker logged. */
  let lines: string[];
  /** How often EventBridge delivers a change of the alarm: at least once, and never when it gave up. */
  let deliveries: number;
  let processed: number;
  /** What runs of the breaker threw. */
  let failures: unknown[];

  before(async () => {
    stack = await startQueueStack({ clock, simulateFunction });
  });
  after(async () => {
    await stack.stop();
    close();
  });
  beforeEach(() => {
    lines = [];
    deliveries = 1;
    processed = 0;
    failures = [];
  });
  afterEach(() => assert.deepEqual(failures, []));

  async function simulateFunction(invocation: SimulatedInvocation): Promise<unknown> {
    const event = invocation.event as Readonly<Record<string, unknown>>;
    if (!isBreaker(invocation)) {
      processed += (event.Records as readonly object[]).length;
      return { batchItemFailures: [] };
    }
    const copies = event["detail-type"] === "CloudWatch Alarm State Change" ? deliveries : 1;
    const run = (): Promise<unknown> =>
      runDeployedBreaker(stack, invocation, (line) => lines.push(line)).catch((error: unknown) => failures.push(error));
    return (await Promise.all(Array.from({ length: copies }, run)))[0];
  }

  const changes = (): readonly string[] =>
    lines.flatMap((line) => /"message":"circuit ([\w-]+)"/.exec(line)?.[1] ?? []);
  /** Values of the metric CircuitOpen. */
  const openness = (): readonly string[] => lines.flatMap((line) => /"CircuitOpen":(\d)/.exec(line)?.[1] ?? []);
  /** The mapping as Lambda tells of it to the account's administrator; what Lambda alone decides left out. */
  async function readMapping(): Promise<Readonly<Record<string, unknown>>> {
    const { cloud } = stack;
    const { region, gatewayOrigin } = cloud;
    const credentials = cloud.rootCredentials();
    const client = new AwsRestClient({ service: "lambda", region, credentials, now: () => clock.now() });
    const url = new URL(`${gatewayOrigin}/2015-03-31/event-source-mappings/${stack.mapping().uuid}`);
    const { LastModified, LastProcessingResult, ...settings } = JSON.parse(
      await client.call({ method: "GET", url }),
    ) as Record<string, unknown>;
    assert.ok(LastModified !== undefined && LastProcessingResult !== undefined);
    return settings;
  }

  async function readSwitch(): Promise<string> {
    const { State, ScalingConfig } = await readMapping();
    return `${String(State)} ${String((ScalingConfig as { readonly MaximumConcurrency?: number }).MaximumConcurrency)}`;
  }

  /** Lets minutes pass in which the downstream reports so many failures. @returns the mapping after each of them. */
  async function pass(minutes: number, failures: number): Promise<readonly string[]> {
    const seen: string[] = [];
    for (let minute = 0; minute < minutes; minute++) {
      const datum = { namespace: "Warehouse", name: "Failures", dimensions: {}, value: failures, unit: "Count" };
      stack.cloud.context.metrics.put({ ...datum, at: clock.now() });
      await clock.advance(60_000);
      seen.push(await readSwitch());
    }
    return seen;
  }

  const send = (): void =>
    void stack.cloud.context.queues.send(
      stack.output("queueArn"),
      { body: JSON.stringify({ kind: "good" }) },
      accountRoot(stack.cloud.accountId),
    );

  it("Q31: opens, probes after the cooldown, closes after a quiet probe, and restores exactly the mapping of before", async () => {
    const before = await readMapping();

    const opened = await pass(1, 1);
    send();
    const whileOpen = [openness().at(-1), stack.queue().visible, processed];
    const course = await pass(4, 0);

    assert.deepEqual(opened, ["Disabled 5"]);
    assert.deepEqual(whileOpen, ["1", 1, 0]);
    assert.deepEqual(course, ["Enabled 2", "Enabled 2", "Enabled 5", "Enabled 5"]);
    assert.deepEqual(changes(), ["open", "half-open", "closed"]);
    assert.deepEqual([processed, stack.queue().visible, openness().at(-1)], [1, 0, "0"]);
    assert.deepEqual(await readMapping(), before);
  });

  it("Q31: opens again when the probe fails, as often as it does, and restores the mapping once it succeeds", async () => {
    const before = await readMapping();

    const failing = await pass(6, 1);
    const healthy = await pass(6, 0);

    assert.deepEqual(failing, ["Disabled 5", "Enabled 2", "Enabled 2", "Disabled 2", "Enabled 2", "Enabled 2"]);
    assert.equal(healthy.at(-1), "Enabled 5");
    assert.deepEqual(changes().slice(0, 5), ["open", "half-open", "open", "half-open", "open"]);
    assert.deepEqual(changes().slice(-2), ["half-open", "closed"]);
    assert.deepEqual(await readMapping(), before);
  });

  it("Q31: opens at once when the alarm rings anew during the probe", async () => {
    await pass(1, 1);
    const [probing] = await pass(1, 0);
    const [ringing] = await pass(1, 1);
    await pass(5, 0);

    assert.deepEqual([probing, ringing, await readSwitch()], ["Enabled 2", "Disabled 2", "Enabled 5"]);
  });

  it("Q31: takes no harm from alarm events that come several times at once", async () => {
    const before = await readMapping();
    const from = stack.traces.length;
    deliveries = 3;

    const course = [...(await pass(1, 1)), ...(await pass(4, 0))];

    assert.deepEqual(course, ["Disabled 5", "Enabled 2", "Enabled 2", "Enabled 5", "Enabled 5"]);
    assert.deepEqual(changes(), ["open", "half-open", "closed"]);
    const lost = stack.traces.slice(from).filter(({ errorCode }) => errorCode === "ConditionalCheckFailedException");
    assert.ok(lost.length > 0 && lost.every(({ caller }) => caller.includes("/work-breaker")), "no two runs have met");
    assert.deepEqual(await readMapping(), before);
  });

  it("Q31: goes through its cycle by reading the alarm each minute when all events of it are lost", async () => {
    const before = await readMapping();
    deliveries = 0;

    const opened = await pass(2, 1);
    const course = await pass(6, 0);

    assert.ok(opened.includes("Disabled 5"), String(opened));
    assert.equal(course.at(-1), "Enabled 5");
    assert.deepEqual([...changes().slice(0, 2), changes().at(-1)], ["open", "half-open", "closed"]);
    assert.deepEqual(await readMapping(), before);
  });

  it("Q20: Q31: does not end the pause that an operator sets while the circuit is open, and leaves the resuming to them", async () => {
    const before = await readMapping();
    await pass(1, 1);
    await stack.update({ paused: true });
    send();
    const paused = await pass(5, 0);
    const waiting = stack.queue().visible;
    await stack.update({ paused: false });
    const resumed = await pass(2, 0);

    assert.deepEqual([...new Set(paused)], ["Disabled 5"]);
    assert.deepEqual([waiting, resumed, processed], [1, ["Enabled 5", "Enabled 5"], 1]);
    assert.deepEqual(await readMapping(), before);
  });

  it("Q31: rejects to the breaker's role every other mapping, and every other act", async () => {
    const environment = breakerEnvironment(stack);
    const { uuid } = stack.mapping();
    const now = (): number => clock.now();
    const dynamodb = createJsonClient(DYNAMODB, environment, now);
    const sqs = createJsonClient(SQS, environment, now);
    const TableName = environment.STATE_TABLE_NAME;
    const QueueUrl = stack.output("queueUrl");
    const Key = { pk: { S: "breaker" } };
    const other = `${uuid.slice(0, -1)}${uuid.endsWith("0") ? "1" : "0"}`;

    await createMapping(uuid, environment, now).set({ enabled: true });
    await dynamodb.call("GetItem", { TableName, Key });
    const forbidden: readonly (readonly [what: string, act: () => Promise<unknown>])[] = [
      ["reading another mapping", () => createMapping(other, environment, now).read()],
      ["switching another mapping", () => createMapping(other, environment, now).set({ enabled: false })],
      ["deleting state", () => dynamodb.call("DeleteItem", { TableName, Key })],
      ["searching state", () => dynamodb.call("Scan", { TableName })],
      ["state of another table", () => dynamodb.call("GetItem", { TableName: "other", Key })],
      ["receiving", () => sqs.call("ReceiveMessage", { QueueUrl })],
      ["purging", () => sqs.call("PurgeQueue", { QueueUrl })],
    ];
    for (const [what, act] of forbidden) {
      await assert.rejects(act, ({ code = "" }: { readonly code?: string }) => code.startsWith("AccessDenied"), what);
    }
  });
});
