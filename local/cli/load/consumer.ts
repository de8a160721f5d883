// Who takes from a queue, as its event source mappings say.
import { lambdaModule } from "../late-modules";
import type { Connection } from "../queues/connection";

/** The mappings of a queue together. */
export interface Consumer {
  /** Invocations at the same time. */
  readonly concurrency: number;
  /** Messages of one invocation. */
  readonly batchSize: number;
}

/** @returns undefined when nothing takes from the queue, its concurrency is not bounded, or the person may not look. */
export async function readConsumer({ lambda }: Connection, queueArn: string): Promise<Consumer | undefined> {
  const { ListEventSourceMappingsCommand } = lambdaModule();
  try {
    const answer = await lambda().send(new ListEventSourceMappingsCommand({ EventSourceArn: queueArn }));
    const active = (answer.EventSourceMappings ?? []).filter(({ State }) => State !== "Disabled");
    const limits = active.map(({ ScalingConfig }) => ScalingConfig?.MaximumConcurrency ?? Number.NaN);
    const concurrency = limits.reduce((sum, limit) => sum + limit, 0);
    if (!(concurrency > 0)) return undefined;
    return { concurrency, batchSize: Math.max(...active.map(({ BatchSize = 10 }) => BatchSize)) };
  } catch {
    // An estimate is not worth a failure: the messages have been sent.
    return undefined;
  }
}
