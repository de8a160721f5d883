// Proves what follows from alarms: stalled-queue math on the clock, events to rules, messages, functions, composites, widgets, the API.
import assert from "node:assert/strict";
import * as aws from "@aws-sdk/client-cloudwatch";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import { createEventsService } from "../../../../local/cloud/events/service";
import { compileMath } from "../../../../local/cloud/monitoring/metric-math";
import type { MonitoringService } from "../../../../local/cloud/monitoring/service";
import { declare, problemsOf, type ServiceStub, type TestContext } from "../../../support/json-service-stub";
import { ALARM, MINUTE_MS, startMonitoring, type MonitoringRun } from "../../../support/monitoring-service";

const COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm";
const topicArn = "arn:aws:sns:eu-west-1:123456789012:ops";
const functionArn = "arn:aws:lambda:eu-west-1:123456789012:function:repair";
const queueMetric = (metricName: string, stat: string): PropertyMap => ({
  namespace: "AWS/SQS",
  metricName,
  dimensions: { QueueName: "q" },
  period: 300,
  stat,
});
const stalled: PropertyMap = {
  name: "stalled",
  alarmDescription: "Stands still",
  metricQueries: [
    { id: "age", metric: queueMetric("ApproximateAgeOfOldestMessage", "Maximum") },
    { id: "deleted", metric: queueMetric("NumberOfMessagesDeleted", "Sum") },
    { id: "stalled", expression: "IF(age >= 600 AND FILL(deleted, 0) == 0, 1, 0)", returnData: true },
  ],
  comparisonOperator: "GreaterThanOrEqualToThreshold",
  threshold: 1,
  evaluationPeriods: 1,
  treatMissingData: "notBreaching",
  alarmActions: [topicArn, functionArn],
};

describe("CloudWatch alarms in action", () => {
  let run: MonitoringRun;
  let context: TestContext;
  let service: MonitoringService;
  let stub: ServiceStub;
  let client: aws.CloudWatchClient;

  beforeEach(async () => {
    run = await startMonitoring();
    ({ context, service, stub, client } = run);
  });

  afterEach(() => run.stop());

  const measure = (name: string, value: number): void =>
    service.put({
      namespace: "AWS/SQS",
      name,
      dimensions: { QueueName: "q" },
      value,
      unit: "Count",
      at: context.clock.now(),
    });
  const minutes = async (count: number, age: number, deleted?: number): Promise<void> => {
    for (let minute = 0; minute < count; minute++) {
      measure("ApproximateAgeOfOldestMessage", age);
      if (deleted !== undefined) measure("NumberOfMessagesDeleted", deleted);
      await context.clock.advance(MINUTE_MS);
    }
  };
  const stateOf = (name: string): string | undefined =>
    [...service.alarms(), ...service.compositeAlarms()].find((one) => one.name === name)?.state;

  it("Q28: the stalled alarm fires when old messages wait and none is deleted, and only then", async () => {
    await declare(service, ALARM, stalled);

    await minutes(6, 900, 3);
    assert.equal(stateOf("stalled"), "OK", "a backlog that shrinks is not stalled");
    await minutes(6, 900);
    assert.equal(stateOf("stalled"), "ALARM", "deletions that are missing count as none");
    await minutes(6, 900, 1);
    assert.equal(stateOf("stalled"), "OK");
    await context.clock.advance(20 * MINUTE_MS);
    assert.equal(stateOf("stalled"), "OK", "an idle queue is not stalled");
  });

  it("tell topics and functions, in CloudWatch's words", async () => {
    await declare(service, ALARM, stalled);
    await minutes(1, 900);

    const [message] = service.messages();
    assert.equal(message?.topicArn, topicArn);
    assert.equal(message.subject, 'ALARM: "stalled" in eu-west-1');
    assert.equal((JSON.parse(message.body) as { NewStateValue: string }).NewStateValue, "ALARM");
    const [invocation] = context.invocations;
    assert.equal(invocation?.functionArn, functionArn);
    assert.equal(invocation.principal.service, "lambda.alarms.cloudwatch.amazonaws.com");
    assert.equal(invocation.principal.sourceArn, "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:stalled");
    assert.equal((invocation.payload as { alarmData: { alarmName: string } }).alarmData.alarmName, "stalled");
  });

  it("reach the target of a rule by their event", async () => {
    const events = createEventsService(context);
    const eventPattern = JSON.stringify({
      source: ["aws.cloudwatch"],
      resources: ["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:stalled"],
      detail: { state: { value: ["ALARM"] } },
    });
    await declare(events, "aws:cloudwatch/eventRule:EventRule", { name: "breaker", eventPattern });
    await declare(events, "aws:cloudwatch/eventTarget:EventTarget", { rule: "breaker", arn: functionArn });
    await declare(service, ALARM, { ...stalled, alarmActions: [] });
    await minutes(1, 900);
    for (const event of context.published) events.publish(event);

    const { detail } = context.invocations[0]?.payload as { detail: Record<string, Record<string, unknown>> };
    assert.equal(context.invocations.length, 1);
    assert.equal(detail.configuration?.description, "Stands still");
    assert.equal((detail.configuration?.metrics as unknown[]).length, 3);
    assert.equal(detail.previousState?.value, "INSUFFICIENT_DATA");
    assert.equal(detail.state?.timestamp, "2026-01-01T00:01:00.000+0000");
    const data = JSON.parse(String(detail.state?.reasonData)) as { recentDatapoints: number[] };
    assert.deepEqual(data.recentDatapoints, [1]);
  });

  it("combine in a composite alarm, which follows SetAlarmState and its children", async () => {
    await declare(service, ALARM, stalled);
    await declare(service, COMPOSITE, {
      alarmName: "both",
      alarmRule: 'ALARM("stalled") AND NOT FALSE',
      alarmActions: [topicArn],
    });
    assert.equal(stateOf("both"), "OK");

    await client.send(
      new aws.SetAlarmStateCommand({ AlarmName: "stalled", StateValue: "ALARM", StateReason: "drill" }),
    );

    const { AlarmHistoryItems } = await client.send(new aws.DescribeAlarmHistoryCommand({ AlarmName: "stalled" }));
    assert.equal(stateOf("both"), "ALARM");
    assert.equal(AlarmHistoryItems?.[0]?.HistorySummary, "Alarm updated from INSUFFICIENT_DATA to ALARM");
    assert.equal(stub.questions[0]?.action, "cloudwatch:SetAlarmState");
  });

  it("rejects composite rules that cannot be read, unknown children and suppression", async () => {
    const composite = { alarmName: "c", alarmRule: "ALARM(a) AND" };
    assert.match(problemsOf(service, COMPOSITE, composite).join(), /^alarmRule: unexpected end$/);
    assert.match(
      problemsOf(service, COMPOSITE, { alarmName: "c", alarmRule: "TRUE", actionsSuppressor: {} }).join(),
      /^actionsSuppressor: is not simulated/,
    );
    await assert.rejects(declare(service, COMPOSITE, { alarmName: "c", alarmRule: "OK(gone)" }), {
      code: "ValidationException",
    });
  });

  it("rejects a state for an alarm that does not exist", async () => {
    const command = new aws.SetAlarmStateCommand({ AlarmName: "x", StateValue: "OK", StateReason: "r" });
    await assert.rejects(client.send(command), { name: "ResourceNotFound" });
  });

  it("evaluate periods of ten seconds from high-resolution data", async () => {
    const metric = { namespace: "Shop", metricName: "Errors", statistic: "Sum", period: 10 };
    const limit = { threshold: 1, comparisonOperator: "GreaterThanOrEqualToThreshold", evaluationPeriods: 1 };
    await declare(service, ALARM, { name: "fine", ...metric, ...limit });
    const MetricData = [
      { MetricName: "Errors", Value: 1, StorageResolution: 1, Timestamp: new Date(context.clock.now()) },
    ];
    await client.send(new aws.PutMetricDataCommand({ Namespace: "Shop", MetricData }));

    await context.clock.advance(10_000);

    assert.equal(stateOf("fine"), "ALARM");
  });

  it("draw widgets with shorthand, expressions and alarms", async () => {
    await declare(service, ALARM, stalled);
    await minutes(5, 60, 2);
    const metrics = [
      ["AWS/SQS", "NumberOfMessagesDeleted", "QueueName", "q", { id: "d", stat: "Sum" }],
      [".", "ApproximateAgeOfOldestMessage", ".", ".", { id: "a", stat: "Maximum", visible: false }],
      [{ expression: "d / 5 + FILL(a, REPEAT)", label: "mixed" }],
      [{ expression: "SEARCH('x', 'Sum')" }],
    ];
    const arn = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:stalled";
    const widgets = [
      { type: "metric", properties: { region: "eu-west-1", title: "T", period: 300, metrics } },
      { type: "alarm", properties: { alarms: [arn] } },
    ];
    const dashboardBody = JSON.stringify({ widgets });
    await declare(service, "aws:cloudwatch/dashboard:Dashboard", { dashboardName: "d", dashboardBody });

    const to = context.clock.now();
    const [chart, alarms] = service.widgets("d", { from: to - 5 * MINUTE_MS, to });

    assert.deepEqual(
      chart?.series.map(({ label, points }) => [label, points.map(({ value }) => value)]),
      [
        ["NumberOfMessagesDeleted", [10]],
        ["mixed", [62]],
      ],
    );
    assert.match(chart.notes.join(), /SEARCH is not simulated/);
    assert.deepEqual(alarms?.alarms, [{ name: "stalled", state: "OK" }]);
  });

  it("come out of GetMetricData as expressions", async () => {
    await minutes(5, 60, 2);
    const Metric = {
      Namespace: "AWS/SQS",
      MetricName: "NumberOfMessagesDeleted",
      Dimensions: [{ Name: "QueueName", Value: "q" }],
    };
    const { MetricDataResults } = await client.send(
      new aws.GetMetricDataCommand({
        StartTime: new Date(context.clock.now() - 5 * MINUTE_MS),
        EndTime: new Date(context.clock.now()),
        MetricDataQueries: [
          { Id: "d", MetricStat: { Metric, Stat: "Sum", Period: 300 }, ReturnData: false },
          { Id: "rate", Expression: "d / 5" },
        ],
      }),
    );

    assert.deepEqual(
      MetricDataResults?.map(({ Values }) => Values),
      [[2]],
    );
  });

  it("compute AND, OR, lists and FILL with REPEAT", () => {
    const value = (text: string): number | undefined =>
      compileMath(text, new Set(["a", "b"]))((id, back) => (id === "a" ? 2 : back >= 3 ? 9 : undefined));

    assert.equal(value("a > 1 AND a < 2 OR a == 2"), 1);
    assert.equal(value("MAX([a, 5])"), 5);
    assert.equal(value("FILL(b, REPEAT)"), 9);
    assert.equal(value("IF(b > 1, 1, 0)"), undefined);
    assert.throws(() => value("FILL(b, LINEAR)"), /not simulated/);
  });
});
