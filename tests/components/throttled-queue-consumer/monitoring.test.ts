// Proves alarms and dashboard of ThrottledQueueConsumer: what each watches, with which threshold, and whom it tells. When an alarm rings
// is proven by the simulation tests.
import assert from "node:assert/strict";
import { ThrottledQueueConsumer, type ThrottledQueueConsumerArgs } from "../../../components";
import { buildQueueDashboard } from "../../../components/throttled-queue-consumer/dashboard";
import { createMonitoringService } from "../../../local/cloud/monitoring/service";
import { evaluateProgram, type ProgramEvaluation } from "../../support/engine-run";
import { declare, testContext } from "../../support/json-service-stub";
import { MINIMAL_QUEUE_ARGS } from "../../support/queue-component";

const TOPIC = "arn:aws:sns:eu-west-1:111111111111:operations";

async function evaluate(args: Partial<ThrottledQueueConsumerArgs> = {}, stack = "dev"): Promise<ProgramEvaluation> {
  const evaluation = await evaluateProgram(
    () => void new ThrottledQueueConsumer(`orders-${stack}`, { ...MINIMAL_QUEUE_ARGS, ...args }),
    { stack },
  );
  assert.deepEqual(evaluation.errors, []);
  return evaluation;
}

describe("ThrottledQueueConsumer: monitoring", () => {
  it("Q12: watches dead letters, age, throttles, errors, saturation, mapping failures, standstill and rejections by default", async () => {
    const { byType, byName } = await evaluate();

    const alarms = byType("aws:cloudwatch/metricAlarm:MetricAlarm").map(({ name, inputs }) => {
      const { namespace, metricName, statistic, period, threshold, evaluationPeriods, dimensions } = inputs;
      const own = Object.keys((dimensions ?? {}) as object).join();
      return [name.slice(11, -6), namespace, metricName, own, statistic, period, threshold, evaluationPeriods];
    });
    assert.deepEqual(alarms.sort(), [
      ["dead-letters", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "Maximum", 60, 1, 1],
      ["errors", "AWS/Lambda", "Errors", "FunctionName", "Sum", 300, 1, 1],
      ["mapping-failures", undefined, undefined, "", undefined, undefined, 1, 2],
      ["oldest-message", "AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "Maximum", 300, 3600, 1],
      ["rejected-messages", "ServerlessPatterns/Queue", "MessagesRejected", "QueueName", "Sum", 300, 1, 1],
      ["saturation", "AWS/Lambda", "ConcurrentExecutions", "FunctionName", "Maximum", 60, 5, 15],
      ["stalled", undefined, undefined, "", undefined, undefined, 1, 1],
      ["throttles", "AWS/Lambda", "Throttles", "FunctionName", "Sum", 300, 1, 1],
    ]);
    assert.deepEqual(byName("orders-dev-dead-letters-alarm").inputs.dimensions, {
      QueueName:
        byName("orders-dev-dead-letter-queue").outputs.name ?? byName("orders-dev-dead-letter-queue").inputs.name,
    });
    const { metricQueries } = byName("orders-dev-mapping-failures-alarm").inputs;
    const metric = (metricName: string, dimensions: object): object => ({
      namespace: "AWS/Lambda",
      metricName,
      dimensions,
      period: 300,
      stat: "Sum",
    });
    const EventSourceMappingUUID = byName("orders-dev-event-source-mapping").outputs.uuid;
    const FunctionName = byName("orders-dev-consumer-function").inputs.name;
    assert.deepEqual(metricQueries, [
      { id: "failed", metric: metric("FailedInvokeEventCount", { EventSourceMappingUUID }) },
      { id: "invocations", metric: metric("Invocations", { FunctionName }) },
      {
        id: "unreachable",
        label: "Unreachable",
        expression: "IF(failed >= 1 AND FILL(invocations, 0) == 0, 1, 0)",
        returnData: true,
      },
    ]);
  });

  it("Q12: tells an existing topic of alarms, and of no end of an alarm", async () => {
    const { byType } = await evaluate({ alarms: { topicArn: TOPIC } });

    for (const { name, inputs } of byType("aws:cloudwatch/metricAlarm:MetricAlarm")) {
      assert.deepEqual(inputs.alarmActions, [TOPIC], name);
      assert.equal(inputs.okActions, undefined, name);
      assert.equal(inputs.insufficientDataActions, undefined, name);
      assert.equal(inputs.treatMissingData, "notBreaching", name);
    }
  });

  it("Q12: takes thresholds from the arguments, and the saturation from the concurrency", async () => {
    const { byName } = await evaluate({
      maximumConcurrency: 40,
      alarms: { deadLettersThreshold: 3, oldestMessageAgeSeconds: 60, saturationMinutes: 5, stalledAfterSeconds: 120 },
    });

    assert.equal(byName("orders-dev-dead-letters-alarm").inputs.threshold, 3);
    assert.equal(byName("orders-dev-oldest-message-alarm").inputs.threshold, 60);
    assert.equal(byName("orders-dev-saturation-alarm").inputs.threshold, 40);
    assert.equal(byName("orders-dev-saturation-alarm").inputs.evaluationPeriods, 5);
    const [, , query] = byName("orders-dev-stalled-alarm").inputs.metricQueries as { expression: string }[];
    assert.equal(query?.expression, "IF(age >= 120 AND FILL(deleted, 0) == 0, 1, 0)");
  });

  it("Q12: messages that the consumer returned are no failure of the mapping, messages that it never saw are", async () => {
    const { byName } = await evaluate({ functionTimeoutSeconds: 600 });
    const { inputs } = byName("orders-dev-mapping-failures-alarm");
    const [failed, invocations] = inputs.metricQueries as { metric: { metricName: string; dimensions: object } }[];
    const context = testContext();
    const monitoring = createMonitoringService(context);
    await declare(monitoring, "aws:cloudwatch/metricAlarm:MetricAlarm", { ...inputs, name: "it" });
    const measure = (metric: typeof failed, value: number): void => {
      const { metricName: name, dimensions } = metric!.metric;
      monitoring.put({
        namespace: "AWS/Lambda",
        name,
        dimensions: dimensions as Record<string, string>,
        value,
        unit: "Count",
        at: context.clock.now(),
      });
    };
    const state = (): unknown => monitoring.alarms().find(({ name }) => name === "it")?.state;

    // Invoked once each ten minutes, and what was returned is counted when the function has ended.
    for (let round = 0; round < 6; round++) {
      measure(invocations, 1);
      await context.clock.advance(600_000);
      measure(failed, 3);
    }
    const whileReturning = state();
    for (let minute = 0; minute < 30; minute++) {
      measure(failed, 3);
      await context.clock.advance(60_000);
    }

    assert.deepEqual([whileReturning, state()], ["OK", "ALARM"]);
  });

  it("Q28: a standstill lasts for longer than any message may take", async () => {
    const periods = async (functionTimeoutSeconds: number): Promise<unknown> =>
      (await evaluate({ functionTimeoutSeconds })).byName("orders-dev-stalled-alarm").inputs.evaluationPeriods;

    assert.deepEqual([await periods(300), await periods(301), await periods(900)], [1, 2, 3]);
  });

  it("Q12: provisioned pollers are saturated at ten invocations each", async () => {
    const { byName } = await evaluate({ provisionedPollers: { maximum: 4 } });

    assert.equal(byName("orders-dev-saturation-alarm").inputs.threshold, 40);
  });

  it("Q28: the stalled alarm looks at the oldest age and at deletions together", async () => {
    const { byName } = await evaluate();
    const queueName = byName("orders-dev-queue").inputs.name;
    const { inputs } = byName("orders-dev-stalled-alarm");

    const metric = (metricName: string, stat: string): object => ({
      namespace: "AWS/SQS",
      metricName,
      dimensions: { QueueName: queueName },
      period: 300,
      stat,
    });
    assert.deepEqual(inputs.metricQueries, [
      { id: "age", metric: metric("ApproximateAgeOfOldestMessage", "Maximum") },
      { id: "deleted", metric: metric("NumberOfMessagesDeleted", "Sum") },
      {
        id: "stalled",
        label: "Stalled",
        expression: "IF(age >= 900 AND FILL(deleted, 0) == 0, 1, 0)",
        returnData: true,
      },
    ]);
  });

  it("Q13: the dashboard's name follows the queue's, so that no two stacks share it", async () => {
    const nameIn = async (stack: string): Promise<unknown> => {
      const { byName } = await evaluate({ fifo: true }, stack);
      const dashboard = byName(`orders-${stack}-dashboard`).inputs.dashboardName;
      assert.equal(dashboard, `${String(byName(`orders-${stack}-queue`).inputs.name).replace(".", "-")}-consumer`);
      return dashboard;
    };

    assert.notEqual(await nameIn("dev"), await nameIn("prod"));
  });

  it("Q13: shows the post's widgets, and age, backlog, throughput, mapping, kit and alarms", async () => {
    const { byName } = await evaluate();

    const { widgets } = JSON.parse(byName("orders-dev-dashboard").inputs.dashboardBody as string) as ReturnType<
      typeof buildQueueDashboard
    >;
    assert.deepEqual(
      widgets.map(({ properties }) => properties.title),
      [
        "Alarms",
        "Messages in the dead-letter queue",
        "Concurrency and throttles",
        "Invocations and errors",
        "Duration, p50 and p99",
        "Age of the oldest message",
        "Backlog",
        "Messages in and out",
        "Event source mapping",
        "What became of messages",
      ],
    );
    assert.equal((widgets[0]?.properties.alarms as string[]).length, 8);
    const functionName = byName("orders-dev-consumer-function").inputs.name;
    assert.deepEqual(widgets[2]?.properties.metrics, [
      ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", functionName],
      ["AWS/Lambda", "Throttles", "FunctionName", functionName, { stat: "Sum" }],
    ]);
    assert.deepEqual(widgets[2]?.properties.annotations, { horizontal: [{ label: "limit", value: 5 }] });
  });

  it("Q13: widgets neither overlap nor leave the grid of 24 columns", () => {
    const { widgets } = buildQueueDashboard({
      region: "eu-west-1",
      queueName: "q",
      deadLetterQueueName: "d",
      functionName: "f",
      mappingId: "m",
      alarmArns: [],
      hasKit: true,
      concurrencyBound: undefined,
    });

    const cells = widgets.flatMap(({ x, y, width, height }) =>
      Array.from({ length: width * height }, (_, cell) => `${x + (cell % width)},${y + Math.floor(cell / width)}`),
    );
    assert.equal(new Set(cells).size, cells.length);
    assert.ok(widgets.every(({ x, width }) => x + width <= 24));
  });
});
