// Proves limits and the asynchronous queue: reserved concurrency, retries on the clock, age, payload size.
import assert from "node:assert/strict";
import { VirtualClock } from "../../../../local/cloud/core/clock";
import { accountRoot } from "../../../../local/cloud/core/principal";
import type { TraceEvent } from "../../../../local/cloud/core/trace";
import { createLambdaService, type LambdaService } from "../../../../local/cloud/lambda/service";
import { ACCOUNT, ALLOW_LOGS, type FunctionCloud, startFunctionCloud } from "../../../support/function-cloud";
import { type FakeQueue, FakeQueues } from "../../../support/fake-queues";
import { createFunction } from "../../../support/rest-api";

const ARN = `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:fn`;
const root = accountRoot(ACCOUNT);
const FAILS = "export const handler = async () => { throw new Error('no'); };";

describe("Lambda concurrency and asynchronous events", () => {
  let cloud: FunctionCloud;
  let lambda: LambdaService;
  let clock: VirtualClock;

  const start = (settings: Parameters<typeof createLambdaService>[1] = {}): void => {
    clock = new VirtualClock();
    cloud = startFunctionCloud(clock);
    lambda = createLambdaService(cloud.context, settings);
    cloud.use(lambda);
    cloud.addRole("fn", "lambda.amazonaws.com", [ALLOW_LOGS]);
  };
  beforeEach(() => start());
  afterEach(() => cloud.stop());

  const attempts = (): readonly TraceEvent[] =>
    cloud.context.traces.recent().filter(({ operation }) => operation === "Invoke");
  const attempt = (count: number): Promise<TraceEvent> =>
    cloud.context.traces.waitFor(({ operation }) => operation === "Invoke" && attempts().length === count);

  it("rejects an event beyond the reserved concurrency with TooManyRequestsException", async () => {
    await createFunction(cloud, "export const handler = async () => new Promise((r) => setTimeout(r, 300));", {
      reservedConcurrentExecutions: 1,
    });
    const first = lambda.invoke(ARN, Buffer.from("{}"), root);
    await assert.rejects(lambda.invoke(ARN, Buffer.from("{}"), root), {
      code: "TooManyRequestsException",
      statusCode: 429,
      message: "Rate Exceeded.",
      fields: { Reason: "ReservedFunctionConcurrentInvocationLimitExceeded" },
    });
    await first;
    assert.equal(cloud.metrics.filter(({ name }) => name === "Throttles").length, 1);
    assert.equal((await lambda.invoke(ARN, Buffer.from("{}"), root)).functionError, undefined);
  });

  it("rejects every event of a function that reserves nothing at all", async () => {
    await createFunction(cloud, "export const handler = async () => 1;", { reservedConcurrentExecutions: 0 });
    await assert.rejects(lambda.invoke(ARN, Buffer.from("{}"), root), { statusCode: 429 });
    assert.equal(lambda.environments().length, 0);
  });

  it("rejects a reservation that leaves less than 100 to the others", async () => {
    await assert.rejects(createFunction(cloud, FAILS, { reservedConcurrentExecutions: 901 }), {
      name: "InvalidInputsError",
      message: /below its minimum value of \[100\]/,
    });
  });

  it("lets events wait, and refuses none, when the machine's share of processes is used up", async () => {
    await cloud.stop();
    start({ maximumEnvironments: 1 });
    await createFunction(cloud, "export const handler = async () => process.pid;");
    const invoke = async (): Promise<string> => (await lambda.invoke(ARN, Buffer.from("{}"), root)).payload.toString();
    const pids = await Promise.all([invoke(), invoke(), invoke()]);
    assert.equal(new Set(pids).size, 1);
  });

  it("tries an asynchronous event three times, after one and two minutes, then drops it", async () => {
    await createFunction(cloud, FAILS);
    lambda.invokeAsync(ARN, Buffer.from("{}"), root);
    const first = await attempt(1);
    await clock.advance(59_999);
    assert.equal(attempts().length, 1);
    await clock.advance(1);
    await attempt(2);
    await clock.advance(119_999);
    assert.equal(attempts().length, 2);
    await clock.advance(1);
    const third = await attempt(3);
    assert.equal(third.id, first.id);
    const dropped = await cloud.context.traces.waitFor(({ operation }) => operation === "DropAsyncEvent");
    assert.equal(dropped.errorCode, "RetriesExhausted");
  });

  it("keeps to the retries and the age that the function's settings allow", async () => {
    await createFunction(cloud, FAILS);
    await cloud.create("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", {
      functionName: "fn",
      maximumRetryAttempts: 2,
      maximumEventAgeInSeconds: 100,
    });
    lambda.invokeAsync(ARN, Buffer.from("{}"), root);
    await attempt(1);
    await clock.advance(60_000);
    const dropped = await cloud.context.traces.waitFor(({ operation }) => operation === "DropAsyncEvent");
    assert.equal(dropped.errorCode, "EventAgeExceeded");
    assert.equal(attempts().length, 2);
  });

  describe("with a queue for events that are given up", () => {
    const QUEUE = `arn:aws:sqs:eu-west-1:${ACCOUNT}:undelivered`;
    const fail = async (statements: NonNullable<Parameters<FunctionCloud["addRole"]>[2]>): Promise<FakeQueue> => {
      const role = cloud.addRole("sender", "lambda.amazonaws.com", statements);
      const queues = new FakeQueues(clock, cloud.context.access);
      cloud.useQueues(queues);
      const queue = queues.add(QUEUE);
      await createFunction(cloud, FAILS, { role });
      await cloud.create("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", {
        functionName: "fn",
        maximumRetryAttempts: 1,
        maximumEventAgeInSeconds: 3600,
        destinationConfig: { onFailure: { destination: QUEUE } },
      });
      lambda.invokeAsync(ARN, Buffer.from('{"order":7}'), root);
      await attempt(1);
      await clock.advance(60_000);
      await cloud.context.traces.waitFor(({ operation }) => operation === "DropAsyncEvent");
      return queue;
    };

    it("sends it the event with its last answer, as the function's role", async () => {
      const { visible } = await fail([ALLOW_LOGS, { Effect: "Allow", Action: "sqs:SendMessage", Resource: QUEUE }]);

      const record = JSON.parse(visible[0]?.message.body ?? "{}") as Record<string, Record<string, unknown>>;
      assert.equal(visible.length, 1);
      assert.deepEqual(record.requestPayload, { order: 7 });
      assert.equal(record.responsePayload?.errorMessage, "no");
      assert.deepEqual(record.requestContext, {
        requestId: attempts()[0]?.id,
        functionArn: `${ARN}:$LATEST`,
        condition: "RetriesExhausted",
        approximateInvokeCount: 2,
      });
    });

    it("rejects the record of a role that may not send, and counts it", async () => {
      const { visible } = await fail([ALLOW_LOGS]);

      assert.equal(visible.length, 0);
      assert.equal(cloud.metrics.filter(({ name }) => name === "DestinationDeliveryFailures").length, 1);
    });
  });

  it("tries a throttled asynchronous event again later", async () => {
    await createFunction(cloud, "export const handler = async () => 1;", { reservedConcurrentExecutions: 0 });
    lambda.invokeAsync(ARN, Buffer.from("{}"), root);
    assert.equal((await attempt(1)).errorCode, "TooManyRequestsException");
    await clock.advance(1000);
    assert.equal((await attempt(2)).detail?.attempt, 1);
  });

  it("rejects an asynchronous event over 1 MiB", async () => {
    await createFunction(cloud, FAILS);
    const payload = Buffer.from(JSON.stringify("x".repeat(1024 ** 2)));
    assert.throws(() => lambda.invokeAsync(ARN, payload, root), { code: "RequestTooLargeException", statusCode: 413 });
  });
});
