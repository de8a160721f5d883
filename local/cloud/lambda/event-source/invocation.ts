// One batch on its way through the function: tried again while it is throttled, until its messages are about to come back.
import { sleep } from "../../core/clock";
import { AwsError } from "../../core/errors";
import type { CloudContext } from "../../core/service";
import type { ResolvedFunction } from "../definition";
import type { Invocation, Invoker } from "../invoker";
import type { Batch } from "./batch";
import type { Mapping } from "./mapping";

/** Wait after the first throttled attempt; each further wait is twice as long. */
const FIRST_WAIT_MS = 1000;

/** Invokes functions with batches. */
export class BatchInvocations {
  constructor(
    private readonly context: Pick<CloudContext, "clock">,
    private readonly invoker: Invoker,
  ) {}

  /**
   * Invokes until the function has run, or the next attempt would come after the batch's deadline. Then the messages return to
   * the queue by themselves, with a receive more on their count.
   *
   * @param onRefused called for each throttled attempt.
   * @returns undefined when the function never ran.
   */
  async run(
    mapping: Mapping,
    batch: Batch,
    resolve: () => ResolvedFunction,
    onRefused: (error: AwsError) => void,
    signal: AbortSignal,
  ): Promise<Invocation | undefined> {
    const { clock } = this.context;
    for (let attempt = 1, waitMs = FIRST_WAIT_MS; ; attempt++, waitMs *= 2) {
      const result = await this.attempt(mapping, batch, resolve, attempt);
      if (!(result instanceof AwsError)) return result;
      onRefused(result);
      if (signal.aborted || clock.now() + waitMs >= batch.deadline) return undefined;
      try {
        await sleep(clock, waitMs, signal);
      } catch {
        return undefined; // the run ends
      }
    }
  }

  private async attempt(
    mapping: Mapping,
    { payload, messageIds }: Batch,
    resolve: () => ResolvedFunction,
    attempt: number,
  ): Promise<Invocation | AwsError> {
    const at = this.context.clock.now();
    let resolved: ResolvedFunction | undefined;
    let result: Invocation | AwsError;
    try {
      resolved = resolve();
      mapping.running++;
      try {
        result = await this.invoker.run(resolved, payload);
      } finally {
        mapping.running--;
      }
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      result = error;
    }
    if (resolved) {
      const detail = { mapping: mapping.uuid, batchSize: messageIds.length };
      this.invoker.trace(resolved, at, result, {
        caller: mapping.arn,
        invocationType: "RequestResponse",
        attempt,
        detail,
      });
    }
    return result;
  }
}
