// The two systems of the demonstration, found in the running cloud, and what can be read of them.
import type { Cloud } from "../../cloud";
import type { LambdaControl } from "../../cloud/lambda/control";
import type { MonitoringService } from "../../cloud/monitoring/service";
import type { QueueControl } from "../../cloud/sqs/control";

/** Names of the systems, as the program exports them. */
export const SYSTEM_NAMES = ["reserved", "maximum"] as const;
/** Name of a system. */
export type SystemName = (typeof SYSTEM_NAMES)[number];

/** Physical names of a system. */
export interface System {
  readonly name: SystemName;
  readonly queueName: string;
  readonly queueArn: string;
  readonly deadLetterQueueName: string;
  readonly functionName: string;
}

/** What is true of a system at a moment. */
export interface Reading {
  /** Messages that are done: sent, and in neither queue any more. */
  readonly processed: number;
  /** Invocations that Lambda refused, by its metric. */
  readonly throttles: number;
  /** Invocations under way. */
  readonly concurrency: number;
  /** Messages in the queue: waiting, or received and not deleted. */
  readonly left: number;
  readonly deadLetters: number;
}

/** Reads the program's output. @throws Error when it is not what the demonstration's program exports. */
export function readSystems(output: unknown): readonly System[] {
  return SYSTEM_NAMES.map((name) => {
    const system = (output as Partial<Record<string, Omit<System, "name">>> | undefined)?.[name];
    if (!system?.queueArn) throw new Error(`the program has no output systems.${name}`);
    return { ...system, name };
  });
}

/** A reader of systems. */
export interface Gauge {
  read(system: System): Reading;
  /** Milliseconds that the cloud's clock has run since the gauge was made. */
  elapsedMs(): number;
}

/** @param sent messages that each system was sent. */
export function createGauge(cloud: Cloud, sent: () => number): Gauge {
  const { clock } = cloud.context;
  const service = (name: string): unknown => cloud.services.find((one) => one.name === name);
  const queues = service("sqs") as QueueControl;
  const lambda = service("lambda") as LambdaControl;
  const monitoring = service("monitoring") as MonitoringService;
  const beganAt = clock.now();
  const depth = (name: string): number => {
    const queue = queues.queues().find((one) => one.name === name);
    return queue ? queue.visible + queue.notVisible + queue.delayed : 0;
  };
  const sumOf = (name: string, FunctionName: string): number =>
    monitoring
      .query({
        namespace: "AWS/Lambda",
        name,
        dimensions: { FunctionName },
        statistic: "Sum",
        periodSeconds: 60,
        from: beganAt,
        to: clock.now() + 1,
      })
      .reduce((sum, { value }) => sum + value, 0);
  return {
    read: ({ queueName, deadLetterQueueName, functionName }) => {
      const left = depth(queueName);
      const deadLetters = depth(deadLetterQueueName);
      return {
        processed: sent() - left - deadLetters,
        throttles: sumOf("Throttles", functionName),
        concurrency: lambda.functions().find(({ name }) => name === functionName)?.executions ?? 0,
        left,
        deadLetters,
      };
    },
    elapsedMs: () => clock.now() - beganAt,
  };
}
