// Who takes from a queue, as its event source mappings say.
import { describeAwsFailure } from "../aws-failure";
import { lambdaModule } from "../late-modules";
import type { Connection } from "../queues/connection";

/** The mappings of a queue together. */
export interface Consumer {
  /** Invocations at the same time; left out: not known. */
  readonly concurrency?: number;
  /** Messages of one invocation. */
  readonly batchSize?: number;
  /** Why the concurrency is not known. */
  readonly unknown?: string;
}

/** Never fails: an estimate is not worth it, the messages have been sent. */
export async function readConsumer({ lambda }: Connection, queueArn: string): Promise<Consumer> {
  const { ListEventSourceMappingsCommand } = lambdaModule();
  try {
    const answer = await lambda().send(new ListEventSourceMappingsCommand({ EventSourceArn: queueArn }));
    const active = (answer.EventSourceMappings ?? []).filter(({ State }) => State !== "Disabled");
    const limits = active.map(({ ScalingConfig }) => ScalingConfig?.MaximumConcurrency ?? Number.NaN);
    const concurrency = limits.reduce((sum, limit) => sum + limit, 0);
    if (!(concurrency > 0)) return { unknown: "no event source mapping with a maximum concurrency was found" };
    return { concurrency, batchSize: Math.max(...active.map(({ BatchSize = 10 }) => BatchSize)) };
  } catch (error) {
    const { seen, fix } = describeAwsFailure(error) ?? { seen: String(error), fix: "" };
    return { unknown: `the event source mappings could not be read, ${[seen, fix].filter(Boolean).join("; ")}` };
  }
}
