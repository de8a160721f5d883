// Proves CloudWatch: metrics by the real SDK and by other services, statistics, alarms on the clock, dashboards, refusals.
import assert from "node:assert/strict";
import * as aws from "@aws-sdk/client-cloudwatch";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import { decide, type AlarmState } from "../../../../local/cloud/monitoring/alarms";
import { compileMath } from "../../../../local/cloud/monitoring/metric-math";
import type { MonitoringService } from "../../../../local/cloud/monitoring/service";
import {
  declare,
  modelOf,
  problemsOf,
  resourceContext,
  type ServiceStub,
  type TestContext,
} from "../../../support/json-service-stub";
import { ALARM, MINUTE_MS, startMonitoring, type MonitoringRun } from "../../../support/monitoring-service";

const DASHBOARD = "aws:cloudwatch/dashboard:Dashboard";
const errors = { namespace: "Shop", name: "Errors", dimensions: { api: "orders" } };
const alarm: PropertyMap = {
  name: "errors",
  namespace: "Shop",
  metricName: "Errors",
  dimensions: { api: "orders" },
  statistic: "Sum",
  period: 60,
  evaluationPeriods: 1,
  threshold: 2,
  comparisonOperator: "GreaterThanOrEqualToThreshold",
  treatMissingData: "notBreaching",
  alarmActions: ["arn:aws:sns:eu-west-1:123456789012:ops"],
};

describe("CloudWatch", () => {
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

  const measure = (value: number, at = context.clock.now()): void =>
    service.put({ ...errors, value, unit: "Count", at });
  const query = (statistic: string, periodSeconds = 60): readonly number[] => {
    const to = context.clock.now() + 3_600_000;
    return service
      .query({ ...errors, statistic, periodSeconds, from: context.clock.now() - 3_600_000, to })
      .map(({ value }) => value);
  };

  describe("metrics", () => {
    it("are summed up by the minute, and over longer periods", () => {
      const now = context.clock.now();
      for (const value of [1, 2, 3]) measure(value, now);
      measure(10, now + MINUTE_MS);

      assert.deepEqual(query("Sum"), [6, 10]);
      assert.deepEqual(query("Average"), [2, 10]);
      assert.deepEqual(query("Minimum"), [1, 10]);
      assert.deepEqual(query("Maximum"), [3, 10]);
      assert.deepEqual(query("SampleCount"), [3, 1]);
      assert.deepEqual(query("Sum", 300), [16]);
      assert.deepEqual(query("p50"), [2, 10]);
    });

    it("are told apart by dimensions, in any order", () => {
      const at = context.clock.now();
      const metric = { namespace: "N", name: "M", value: 1, unit: "Count", at };
      service.put({ ...metric, dimensions: { a: "1", b: "2" } });
      service.put({ ...metric, dimensions: { b: "2", a: "1" } });
      service.put({ ...metric, dimensions: { a: "1" } });

      assert.equal(service.metrics().length, 2);
    });

    it("keep a day, and no more", async () => {
      for (let minute = 0; minute <= 1440; minute++) measure(1, context.clock.now() + minute * MINUTE_MS);

      const from = context.clock.now();
      const points = service.query({ ...errors, statistic: "Sum", periodSeconds: 60, from, to: from + 2 * 86_400_000 });

      assert.equal(points.length, 1440);
    });

    it("come in by PutMetricData and out by GetMetricData and ListMetrics", async () => {
      const Dimensions = [{ Name: "api", Value: "orders" }];
      const Timestamp = new Date(context.clock.now());
      const datum = { MetricName: "Errors", Dimensions, Timestamp };
      await client.send(
        new aws.PutMetricDataCommand({
          Namespace: "Shop",
          MetricData: [
            { ...datum, Value: 1 },
            { ...datum, Values: [2, 3], Counts: [2, 1] },
            { ...datum, StatisticValues: { Sum: 8, Minimum: 4, Maximum: 4, SampleCount: 2 } },
          ],
        }),
      );

      const Metric = { Namespace: "Shop", MetricName: "Errors", Dimensions };
      const { MetricDataResults } = await client.send(
        new aws.GetMetricDataCommand({
          StartTime: Timestamp,
          EndTime: new Date(context.clock.now() + MINUTE_MS),
          MetricDataQueries: ["Sum", "SampleCount", "Maximum"].map((Stat, index) => ({
            Id: `m${index}`,
            MetricStat: { Metric, Stat, Period: 60 },
          })),
        }),
      );
      const { Metrics } = await client.send(new aws.ListMetricsCommand({ Namespace: "Shop" }));

      assert.deepEqual(
        MetricDataResults?.map(({ Values }) => Values),
        [[16], [6], [4]],
      );
      assert.deepEqual(Metrics, [Metric]);
      assert.equal(stub.questions[0]?.action, "cloudwatch:PutMetricData");
      assert.equal(stub.questions[0].context?.["cloudwatch:namespace"], "Shop");
    });

    it("come in compressed, as the SDK sends large requests", async () => {
      const MetricData = Array.from({ length: 500 }, (_, index) => ({
        MetricName: `metric-number-${index}`,
        Value: index,
      }));

      await client.send(new aws.PutMetricDataCommand({ Namespace: "Shop", MetricData }));

      assert.equal(service.metrics().length, 500);
    });

    it("rejects namespaces of AWS, ambiguous values and far timestamps, and keeps nothing of them", async () => {
      const put = (Namespace: string, ...MetricData: aws.MetricDatum[]): Promise<unknown> =>
        client.send(new aws.PutMetricDataCommand({ Namespace, MetricData }));
      const MetricName = "Errors";

      await assert.rejects(put("AWS/Lambda", { MetricName, Value: 1 }), { message: /AWS\/ for parameter Namespace/ });
      await assert.rejects(put("Shop", { MetricName, Value: 1 }, { MetricName, Value: 1, Values: [1] }), {
        message: /Exactly one of the parameters MetricData.member.2/,
      });
      const Timestamp = new Date(context.clock.now() + 3 * 3_600_000);
      await assert.rejects(put("Shop", { MetricName, Value: 1, Timestamp }), { message: /two hours from now/ });
      assert.equal(service.metrics().length, 0);
    });

    it("rejects a caller without permission", async () => {
      stub.allows = () => false;

      await assert.rejects(client.send(new aws.ListMetricsCommand({})), { name: "AccessDeniedException" });
    });
  });

  describe("alarms", () => {
    const stateOf = (name = "errors"): AlarmState | undefined =>
      service.alarms().find((one) => one.name === name)?.state;

    it("go to ALARM and back to OK on the clock, with a history and traced actions", async () => {
      const { outputs } = await declare(service, ALARM, alarm);
      assert.equal(stateOf(), "INSUFFICIENT_DATA");

      measure(1);
      measure(1);
      await context.clock.advance(MINUTE_MS);
      assert.equal(stateOf(), "ALARM");
      const { MetricAlarms } = await client.send(new aws.DescribeAlarmsCommand({ AlarmNames: ["errors"] }));
      await context.clock.advance(5 * MINUTE_MS);

      assert.equal(stateOf(), "OK");
      assert.deepEqual(
        service.alarms()[0]?.history.map(({ from, to }) => [from, to]),
        [
          ["INSUFFICIENT_DATA", "ALARM"],
          ["ALARM", "OK"],
        ],
      );
      assert.equal(MetricAlarms?.[0]?.StateValue, "ALARM");
      assert.match(MetricAlarms[0].StateReason ?? "", /^Threshold Crossed: datapoint\(s\) \[2\]/);
      const action = context.traces.recent().find(({ operation }) => operation === "AlarmAction");
      assert.equal(action?.resource, "arn:aws:sns:eu-west-1:123456789012:ops");
      assert.equal(outputs.arn, "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors");
      assert.equal(context.published[0]?.detailType, "CloudWatch Alarm State Change");
    });

    it("are renamed without leaving the old one", async () => {
      const { id, outputs } = await declare(service, ALARM, alarm);

      await modelOf(service, ALARM).update?.(id, { ...alarm, name: "other" }, outputs, resourceContext(ALARM));

      assert.deepEqual(
        service.alarms().map(({ name }) => name),
        ["other"],
      );
    });

    it("take no action when actions are disabled", async () => {
      await declare(service, ALARM, { ...alarm, actionsEnabled: false });
      measure(5);
      await context.clock.advance(MINUTE_MS);

      assert.equal(stateOf(), "ALARM");
      assert.equal(
        context.traces.recent().some(({ operation }) => operation === "AlarmAction"),
        false,
      );
    });

    it("compare an expression over several metrics", async () => {
      const metric = (metricName: string): PropertyMap => ({ namespace: "Shop", metricName, period: 60, stat: "Sum" });
      await declare(service, ALARM, {
        name: "rate",
        comparisonOperator: "GreaterThanThreshold",
        threshold: 50,
        evaluationPeriods: 1,
        metricQueries: [
          { id: "rate", expression: "100 * bad / (bad + good)", returnData: true },
          { id: "bad", metric: metric("Bad") },
          { id: "good", metric: metric("Good") },
        ],
      });
      const datum = { namespace: "Shop", dimensions: {}, unit: "Count", at: context.clock.now() };
      service.put({ ...datum, name: "Bad", value: 3 });
      service.put({ ...datum, name: "Good", value: 2 });

      await context.clock.advance(MINUTE_MS);

      assert.equal(stateOf("rate"), "ALARM");
    });

    // AWS's own table, "How alarm state is evaluated when data is missing": oldest period first.
    const X = 9;
    const none = undefined;
    const table: readonly [string, readonly (number | undefined)[], number, readonly AlarmState[]][] = [
      ["0 - X - X", [0, none, X, none, X], 3, ["OK", "OK", "OK", "OK"]],
      ["0 - - - -", [0, none, none, none, none], 3, ["OK", "OK", "OK", "OK"]],
      ["- - - - -", [none, none, none, none, none], 3, ["INSUFFICIENT_DATA", "OK", "ALARM", "OK"]],
      ["0 X X - X", [0, X, X, none, X], 3, ["ALARM", "ALARM", "ALARM", "ALARM"]],
      ["- - X - -", [none, none, X, none, none], 3, ["ALARM", "OK", "ALARM", "OK"]],
      ["0 - X - -, two of three", [0, none, X, none, none], 2, ["OK", "OK", "ALARM", "OK"]],
    ];
    for (const [what, values, datapointsToAlarm, expected] of table) {
      it(`treat missing data as AWS does: ${what}`, () => {
        const states = ["missing", "ignore", "breaching", "notBreaching"].map((treatMissingData) =>
          decide(
            {
              comparison: "GreaterThanThreshold",
              threshold: 1,
              evaluationPeriods: 3,
              datapointsToAlarm,
              treatMissingData,
              state: "OK",
            },
            [...values].reverse(),
          ),
        );

        assert.deepEqual(states, expected);
      });
    }

    const refusals: readonly [string, PropertyMap, RegExp][] = [
      ["a missing threshold", { threshold: undefined }, /^threshold: is required$/],
      ["an unknown comparison", { comparisonOperator: "Above" }, /^comparisonOperator: must be one of/],
      [
        "a period that is no multiple of a minute",
        { period: 90 },
        /^period: must be 10, 20, 30 or a multiple of 60, got 90$/,
      ],
      ["a period under a minute that is no multiple of ten", { period: 15 }, /^period: must be 10, 20, 30 or/],
      [
        "an action that scales",
        { alarmActions: ["arn:aws:autoscaling:eu-west-1:1:x"] },
        /other than topics and functions/,
      ],
      [
        "more than a day of periods",
        { period: 300, evaluationPeriods: 289 },
        /^evaluationPeriods: times period must be at most 86400/,
      ],
      [
        "more datapoints than periods",
        { datapointsToAlarm: 2 },
        /^datapointsToAlarm: must be a whole number between 1 and 1, got 2$/,
      ],
      ["an unknown treatment of missing data", { treatMissingData: "zero" }, /^treatMissingData: must be one of/],
      ["two statistics", { extendedStatistic: "p99" }, /^extendedStatistic: must be left out beside statistic$/],
      ["no statistic", { statistic: undefined }, /^statistic: or extendedStatistic is required$/],
      ["an action that is no ARN", { alarmActions: ["ops"] }, /^alarmActions: must be ARNs, got ops$/],
      ["a metric beside queries", { metricQueries: [] }, /metricName: must be left out beside metricQueries/],
      ["anomaly detection", { thresholdMetricId: "e1" }, /^thresholdMetricId: is not simulated/],
    ];
    for (const [what, change, problem] of refusals) {
      it(`rejects ${what}`, () => {
        assert.match(problemsOf(service, ALARM, { ...alarm, ...change }).join("; "), problem);
      });
    }

    it("rejects queries without one result, with unknown ids and with functions that are not simulated", () => {
      const base = { comparisonOperator: "GreaterThanThreshold", threshold: 1, evaluationPeriods: 1 };
      const problems = problemsOf(service, ALARM, {
        ...base,
        metricQueries: [
          { id: "e1", expression: "m1 + 1" },
          { id: "e2", expression: "ANOMALY_DETECTION_BAND(e1)" },
          { id: "E3", expression: "1", metric: { metricName: "M", namespace: "N", period: 60, stat: "Sum" } },
        ],
      });

      assert.deepEqual(problems, [
        "metricQueries[0].expression: unknown id m1",
        "metricQueries[1].expression: the function ANOMALY_DETECTION_BAND is not simulated by the local run",
        "metricQueries[2].id: must be a lower-case letter followed by letters, digits or '_', got E3",
        "metricQueries[2].expression: or metric is required, not both",
        "metricQueries: must have returnData: true exactly once, got 0",
      ]);
    });
  });

  describe("metric math", () => {
    const cases: readonly [string, number | undefined][] = [
      ["1 + 2 * 3 - 4 / 2", 5],
      ["-(a + 1)", -3],
      ["a >= 2", 1],
      ["FILL(gone, 7) + a", 9],
      ["IF(a > 1, 10, 20)", 10],
      ["MAX(a, 5, 1)", 5],
      ["gone + 1", undefined],
      ["a / 0", undefined],
    ];
    for (const [expression, expected] of cases) {
      it(`computes ${expression}`, () => {
        const compiled = compileMath(expression, new Set(["a", "gone"]));

        assert.equal(
          compiled((id) => (id === "a" ? 2 : undefined)),
          expected,
        );
      });
    }

    for (const expression of ["", "1 +", "(1", "1 2", "b", "MAX(a", "METRICS()"]) {
      it(`rejects "${expression}"`, () => {
        assert.throws(() => compileMath(expression, new Set(["a"])));
      });
    }
  });

  describe("dashboards", () => {
    const widget = {
      type: "metric",
      x: 0,
      y: 0,
      width: 12,
      height: 6,
      properties: { region: "eu-west-1", metrics: [["Shop", "Errors", "api", "orders", { stat: "Sum" }]] },
    };
    const body = (...widgets: unknown[]): PropertyMap => ({
      dashboardName: "shop",
      dashboardBody: JSON.stringify({ widgets }),
    });

    it("are kept with their parsed body", async () => {
      const { id, outputs } = await declare(
        service,
        DASHBOARD,
        body(widget, { type: "text", properties: { markdown: "#" } }),
      );

      assert.equal(id, "shop");
      assert.equal(outputs.dashboardArn, "arn:aws:cloudwatch::123456789012:dashboard/shop");
      assert.equal((service.dashboards()[0]?.body.widgets as unknown[]).length, 2);
    });

    const refusals: readonly [string, PropertyMap, string][] = [
      [
        "a name with spaces",
        { ...body(), dashboardName: "a b" },
        "dashboardName: must be 1 to 255 letters, digits, '-' or '_', got a b",
      ],
      ["a body that is no JSON", { dashboardName: "a", dashboardBody: "{" }, "dashboardBody: must be a JSON object"],
      [
        "a body without widgets",
        { dashboardName: "a", dashboardBody: "{}" },
        "dashboardBody: must have a list of widgets",
      ],
      [
        "an unknown widget",
        body({ type: "video" }),
        "dashboardBody: widgets[0].type must be one of metric, text, log, alarm, explorer, got video",
      ],
      [
        "a metric without its Region",
        body({ ...widget, properties: { metrics: [] } }),
        "dashboardBody: widgets[0].properties.region is required",
      ],
      [
        "a dimension without a value",
        body({ ...widget, properties: { region: "r", metrics: [["N", "M", "api"]] } }),
        "dashboardBody: widgets[0].properties.metrics[0] must name a value for each dimension",
      ],
      [
        "a widget wider than the grid",
        body({ ...widget, width: 25 }),
        "dashboardBody: widgets[0].width must be a whole number between 1 and 24",
      ],
    ];
    for (const [what, inputs, problem] of refusals) {
      it(`rejects ${what}`, () => {
        assert.deepEqual(problemsOf(service, DASHBOARD, inputs), [problem]);
      });
    }
  });
});
