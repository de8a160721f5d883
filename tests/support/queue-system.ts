// Queue, dead-letter queue, function and mapping in a whole embedded cloud on the virtual clock, declared as a program would.
import type { SimulatedFunction } from "../../local/cloud";
import { VirtualClock } from "../../local/cloud/core/clock";
import { accountRoot } from "../../local/cloud/core/principal";
import type { PropertyMap } from "../../local/cloud/core/resource-model";
import type { LambdaService } from "../../local/cloud/lambda/service";
import type { MonitoringService } from "../../local/cloud/monitoring/service";
import type { QueueInfo } from "../../local/cloud/sqs/control";
import type { SqsService } from "../../local/cloud/sqs/service";
import { type RunningCloud, startTestCloud } from "./running-cloud";

/** How a system differs from the usual one: visibility 90 s, five receives, timeout 15 s, batches of one. */
export interface QueueSystemSettings {
  readonly queue?: PropertyMap;
  readonly maxReceiveCount?: number;
  readonly function?: PropertyMap;
  readonly mapping?: PropertyMap;
  /** @default - a clock of its own */
  readonly clock?: VirtualClock;
}

/** A running system. */
export interface QueueSystem extends RunningCloud {
  readonly clock: VirtualClock;
  readonly lambda: LambdaService;
  readonly queueArn: string;
  /** Sends a message as the account's administrator. */
  send(body: string, groupId?: string): void;
  queue(): QueueInfo;
  deadLetters(): QueueInfo;
  /** Sum, or another statistic, of a metric of the function since the start. */
  metric(name: string, statistic?: string): number;
  /** Moves the clock by seconds until both queues have been still, or the limit is reached; returns the seconds that it took. */
  drain(limitSeconds: number): Promise<number>;
}

const ACTIONS = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];

/** Declares the system. Stop it with `cloud.stop()`. */
export async function startQueueSystem(
  simulateFunction: SimulatedFunction,
  settings: QueueSystemSettings = {},
): Promise<QueueSystem> {
  const clock = settings.clock ?? new VirtualClock();
  const running = await startTestCloud({ clock, simulateFunction });
  const { cloud, declare } = running;
  const fifo = settings.queue?.fifoQueue === true;
  const suffix = fifo ? ".fifo" : "";
  const type = fifo ? { fifoQueue: true } : {};
  const queueType = "aws:sqs/queue:Queue";
  const deadLetter = await declare(queueType, { name: `dead${suffix}`, ...type }, "dead");
  const redrivePolicy = JSON.stringify({
    deadLetterTargetArn: deadLetter.outputs.arn,
    maxReceiveCount: settings.maxReceiveCount ?? 5,
  });
  const queue = await declare(
    queueType,
    { name: `jobs${suffix}`, visibilityTimeoutSeconds: 90, redrivePolicy, ...settings.queue },
    "jobs",
  );
  const queueArn = String(queue.outputs.arn);
  await declareFunction(running, queueArn, settings.function ?? {});
  await declare(
    "aws:lambda/eventSourceMapping:EventSourceMapping",
    { eventSourceArn: queueArn, functionName: "worker", batchSize: 1, ...settings.mapping },
    "mapping",
  );
  const service = (name: string): unknown => cloud.services.find((candidate) => candidate.name === name);
  const sqs = service("sqs") as SqsService;
  const monitoring = service("monitoring") as MonitoringService;
  const began = clock.now();
  const info = (name: string): QueueInfo => sqs.queues().find((one) => one.name === name)!;
  const system: QueueSystem = {
    ...running,
    clock,
    lambda: service("lambda") as LambdaService,
    queueArn,
    send: (body, groupId) =>
      void cloud.context.queues.send(
        queueArn,
        { body, ...(groupId === undefined ? {} : { groupId, deduplicationId: body }) },
        accountRoot(cloud.accountId),
      ),
    queue: () => info(`jobs${suffix}`),
    deadLetters: () => info(`dead${suffix}`),
    metric: (name, statistic = "Sum") => {
      const dimensions = { FunctionName: "worker" };
      const query = { namespace: "AWS/Lambda", name, dimensions, statistic, periodSeconds: 60, from: began };
      const values = monitoring.query({ ...query, to: clock.now() + 60_000 }).map(({ value }) => value);
      return statistic === "Sum" ? values.reduce((sum, value) => sum + value, 0) : Math.max(0, ...values);
    },
    async drain(limitSeconds) {
      for (let seconds = 0; seconds < limitSeconds; seconds++) {
        const { visible, notVisible } = system.queue();
        if (visible + notVisible === 0) return seconds;
        await clock.advance(1000);
      }
      throw new Error(`messages were left after ${String(limitSeconds)} s`);
    },
  };
  return system;
}

async function declareFunction({ declare }: RunningCloud, queueArn: string, inputs: PropertyMap): Promise<void> {
  const trust = { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" };
  const role = await declare("aws:iam/role:Role", {
    name: "worker",
    assumeRolePolicy: JSON.stringify({ Version: "2012-10-17", Statement: [trust] }),
  });
  const statement = { Effect: "Allow", Action: ACTIONS, Resource: queueArn };
  await declare("aws:iam/rolePolicy:RolePolicy", {
    name: "queue",
    role: "worker",
    policy: JSON.stringify({ Version: "2012-10-17", Statement: [statement] }),
  });
  await declare("aws:lambda/function:Function", {
    name: "worker",
    role: role.outputs.arn,
    runtime: "nodejs24.x",
    handler: "index.handler",
    timeout: 15,
    code: { kind: "archive", assets: { "index.mjs": { kind: "asset", text: "" } } },
    ...inputs,
  });
}
