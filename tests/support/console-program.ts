// A console over a small program: a queue with its function, a dashboard and two alarms, with metrics that the test puts.
import * as aws from "@pulumi/aws";
import type { Cloud } from "../../local/cloud";
import { VirtualClock } from "../../local/cloud/core/clock";
import type { Listener, Service } from "../../local/cloud/core/service";
import type { MappingInfo } from "../../local/cloud/lambda/control";
import type { MonitoringService } from "../../local/cloud/monitoring/service";
import type { MoveTaskInfo, QueueInfo } from "../../local/cloud/sqs/control";
import { startConsole } from "../../local/console";
import { evaluateProgram, type ProgramEvaluation } from "./engine-run";
import { startTestCloud } from "./running-cloud";

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1, 12, 0, 0);
const NAMESPACE = "Tests/Work";

/** A running console with its parts. */
export interface ConsoleProgram {
  readonly listener: Listener;
  readonly cloud: Cloud;
  readonly clock: VirtualClock;
  readonly mappingUuid: string;
  readonly functionArn: string;
  /** What the fake queue service says; tests change it. */
  readonly queue: { visible: number; concurrency: number; enabled: boolean };
  put(name: string, value: number): void;
  stop(): Promise<void>;
}

/** Starts it. Half an hour of metrics is there; the alarm "too-many-errors" is in ALARM. */
export async function startConsoleProgram(): Promise<ConsoleProgram> {
  const evaluation = await evaluateQueueProgram();
  const clock = new VirtualClock(START - 30 * MINUTE);
  const running = await startTestCloud({ clock });
  const { cloud } = running;
  const monitoring = cloud.services.find((service): service is MonitoringService => service.name === "monitoring");
  const put = (name: string, value: number): void =>
    monitoring?.put({ namespace: NAMESPACE, name, dimensions: {}, unit: "Count", value, at: clock.now() });
  const errors = await declareAlarm(running.declare, "too-many-errors", "Errors", 5);
  const slow = await declareAlarm(running.declare, "no-data-yet", "Nothing", 1);
  await running.declare(
    "aws:cloudwatch/dashboard:Dashboard",
    { dashboardName: "work", dashboardBody: JSON.stringify({ widgets: widgets([errors, slow]) }) },
    "dashboard",
  );
  for (let minute = 0; minute < 30; minute++) {
    if (minute !== 20) put("Done", 40 + 25 * Math.sin(minute / 4));
    put("Throttled", Math.max(0, 12 * Math.sin(minute / 3)));
    put("Age", 1200 + minute * 90);
    put("Errors", minute < 25 ? 0 : 9);
    await clock.advance(MINUTE);
  }
  const queue = { visible: 1234, concurrency: 3, enabled: true };
  const mapping = evaluation.byName("work-mapping");
  const listener = await startConsole({
    cloud: { ...cloud, services: [...fakeServices(evaluation, queue), ...cloud.services] },
    evaluation,
    project: "tests",
    stack: "dev",
  });
  return {
    listener,
    cloud,
    clock,
    mappingUuid: mapping.id ?? "",
    functionArn: textOf(evaluation.byName("work-function").outputs.arn),
    queue,
    put,
    stop: async () => {
      await listener.close();
      await cloud.stop();
    },
  };
}

/** A queue with dead letters, a function that takes from it, and a rule that sends to it. */
export function evaluateQueueProgram(): Promise<ProgramEvaluation> {
  return evaluateProgram(() => {
    const dead = new aws.sqs.Queue("work-queue-dlq");
    const redrive = { deadLetterTargetArn: dead.arn, maxReceiveCount: 5 };
    const queue = new aws.sqs.Queue("work-queue", {
      redrivePolicy: dead.arn.apply((arn) => JSON.stringify({ ...redrive, deadLetterTargetArn: arn })),
    });
    const role = new aws.iam.Role("work-role", { assumeRolePolicy: "{}" });
    new aws.iam.RolePolicy("work-policy", {
      role: role.id,
      policy: queue.arn.apply((arn) =>
        JSON.stringify({
          Statement: {
            Effect: "Allow",
            Action: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
            Resource: arn,
          },
        }),
      ),
    });
    const worker = new aws.lambda.Function("work-function", { role: role.arn, runtime: "nodejs24.x", handler: "a.b" });
    new aws.lambda.EventSourceMapping("work-mapping", {
      eventSourceArn: queue.arn,
      functionName: worker.arn,
      batchSize: 10,
      scalingConfig: { maximumConcurrency: 5 },
    });
    const rule = new aws.cloudwatch.EventRule("work-rule", { scheduleExpression: "rate(1 minute)" });
    new aws.cloudwatch.EventTarget("work-target", { rule: rule.name, arn: queue.arn });
  });
}

async function declareAlarm(
  declare: Awaited<ReturnType<typeof startTestCloud>>["declare"],
  name: string,
  metricName: string,
  threshold: number,
): Promise<string> {
  const { outputs } = await declare(
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    {
      name,
      namespace: NAMESPACE,
      metricName,
      statistic: "Sum",
      period: 60,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      threshold,
      comparisonOperator: "GreaterThanOrEqualToThreshold",
    },
    name,
  );
  return textOf(outputs.arn);
}

function widgets(alarms: readonly string[]): readonly unknown[] {
  const metric = (x: number, y: number, width: number, properties: Record<string, unknown>): unknown => ({
    type: "metric",
    x,
    y,
    width,
    height: 6,
    properties: { region: "eu-west-1", period: 60, stat: "Sum", ...properties },
  });
  const row = (name: string, options: Record<string, unknown> = {}): unknown => [NAMESPACE, name, options];
  return [
    {
      type: "text",
      x: 0,
      y: 0,
      width: 12,
      height: 3,
      properties: {
        markdown:
          "# Work\n**Throttled** on purpose, see [the post](https://example.com).\n<img src=x onerror=alert(1)>",
      },
    },
    { type: "alarm", x: 12, y: 0, width: 12, height: 3, properties: { title: "Alarms", alarms } },
    metric(0, 3, 12, {
      title: "Messages",
      metrics: [row("Done", { label: "Done" }), row("Throttled", { label: "Throttled", color: "#d62728" })],
      annotations: { horizontal: [{ label: "target", value: 50 }] },
    }),
    metric(12, 3, 12, { title: "Stacked", stacked: true, metrics: [row("Done"), row("Throttled")] }),
    metric(0, 9, 8, {
      title: "Two axes",
      metrics: [row("Done"), row("Age", { yAxis: "right", label: "Age of the oldest message" })],
      yAxis: { left: { label: "messages" }, right: { label: "seconds", min: 0 } },
    }),
    metric(8, 9, 8, { title: "Latest", view: "bar", metrics: [row("Done"), row("Throttled"), row("Errors")] }),
    metric(16, 9, 8, { title: "Now", view: "singleValue", metrics: [row("Done"), row("Age")] }),
    metric(0, 15, 12, { title: "Nothing", metrics: [row("Nothing")] }),
    {
      type: "log",
      x: 12,
      y: 15,
      width: 12,
      height: 6,
      properties: { title: "Insights", region: "eu-west-1", query: "fields @message" },
    },
  ];
}

/** Stand in for queues and mappings: the console reads them, whatever made them. */
function fakeServices(evaluation: ProgramEvaluation, state: ConsoleProgram["queue"]): readonly Service[] {
  const arnOf = (name: string): string => textOf(evaluation.byName(name).outputs.arn);
  const queueOf =
    (name: string, changes: () => Partial<QueueInfo>): (() => QueueInfo) =>
    () => ({
      name,
      arn: arnOf(name),
      url: "",
      urn: "",
      fifo: false,
      visible: 0,
      notVisible: 0,
      delayed: 0,
      oldestAgeMs: 0,
      ...changes(),
    });
  const queues = [
    queueOf("work-queue-dlq", () => ({ visible: 7 })),
    queueOf("work-queue", () => ({
      visible: state.visible,
      notVisible: 30,
      delayed: 2,
      oldestAgeMs: 95_000,
      deadLetterTarget: arnOf("work-queue-dlq"),
      maxReceiveCount: 5,
    })),
  ];
  const task: MoveTaskInfo = {
    handle: "handle",
    status: "RUNNING",
    sourceArn: arnOf("work-queue-dlq"),
    destinationArn: arnOf("work-queue"),
    maxMessagesPerSecond: 10,
    moved: 3,
    toMove: 10,
    startedAt: START,
  };
  const mapping = (): MappingInfo => ({
    uuid: evaluation.byName("work-mapping").id ?? "",
    arn: "",
    urn: "",
    functionArn: arnOf("work-function"),
    functionName: "work-function",
    queueArn: arnOf("work-queue"),
    enabled: state.enabled,
    state: state.enabled ? "Enabled" : "Disabled",
    lastProcessingResult: "OK",
    concurrency: state.concurrency,
    limit: 5,
  });
  const sqs = { name: "sqs", models: [], queues: () => queues.map((queue) => queue()), moveTasks: () => [task] };
  const lambda = { name: "lambda", models: [], mappings: () => [mapping()] };
  return [sqs, lambda];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
