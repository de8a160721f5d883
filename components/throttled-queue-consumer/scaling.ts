// How far the queue may start invocations: given, derived from the target, or the default. Pure.
import { KIT_CONCURRENCY } from "../../handlers/queue/contract";
import type { ThrottledQueueConsumerArgs } from "./args";
import { deriveConcurrency, estimateBatchSeconds, proposePollerMode, QUEUE_SCALING } from "./sizing";

/** `maximumConcurrency` when neither a value nor a target is given: what Lambda's own pollers begin with. */
const DEFAULT_MAXIMUM_CONCURRENCY = QUEUE_SCALING.initialConcurrency;

/** How far the queue may start invocations. Neither: the demonstration of reserved concurrency. */
export interface QueueScalingSettings {
  readonly maximumConcurrency: number | undefined;
  readonly pollers: { readonly minimum: number; readonly maximum: number } | undefined;
  /** Sums behind the values, when a target is given. */
  readonly arithmetic: readonly string[];
}

/** Most invocations that the event source starts at a time; undefined when it has no bound of its own. */
export function findSourceBound({ maximumConcurrency, pollers }: QueueScalingSettings): number | undefined {
  return maximumConcurrency ?? (pollers && pollers.maximum * QUEUE_SCALING.concurrencyPerPoller);
}

/** Given values win over the target; the sums are shown all the same. */
export function resolveScaling(args: ThrottledQueueConsumerArgs, batchSize: number): QueueScalingSettings {
  const derived = deriveFromTarget(args, batchSize);
  const { maximumConcurrency, provisionedPollers } = args;
  const { minimumPollers: least, maximumMinimumPollers: most } = QUEUE_SCALING;
  if (maximumConcurrency !== undefined || provisionedPollers !== undefined) {
    const minimum = provisionedPollers?.minimum ?? least;
    const given = derived.arithmetic.length === 0 ? [] : ["the given values win"];
    return {
      maximumConcurrency,
      pollers: provisionedPollers && { minimum, maximum: provisionedPollers.maximum ?? Math.max(minimum, most) },
      arithmetic: [...derived.arithmetic, ...given],
    };
  }
  if (derived.arithmetic.length > 0) return derived;
  const throttling = args.unsafeDemonstration === true && args.reservedConcurrentExecutions !== undefined;
  return {
    maximumConcurrency: throttling ? undefined : DEFAULT_MAXIMUM_CONCURRENCY,
    pollers: undefined,
    arithmetic: [],
  };
}

function deriveFromTarget(args: ThrottledQueueConsumerArgs, batchSize: number): QueueScalingSettings {
  const { target } = args;
  if (!target) return { maximumConcurrency: undefined, pollers: undefined, arithmetic: [] };
  const { messagesPerSecond, rampSeconds } = target;
  const secondsPerBatch = secondsOfBatch(args, batchSize) ?? 0;
  const derived = deriveConcurrency({ messagesPerSecond, secondsPerBatch, batchSize });
  const proposal = proposePollerMode(derived.maximumConcurrency, rampSeconds);
  const arithmetic = [derived.arithmetic, proposal.arithmetic];
  return proposal.mode === "standard"
    ? { maximumConcurrency: derived.maximumConcurrency, pollers: undefined, arithmetic }
    : { maximumConcurrency: undefined, pollers: { minimum: proposal.minimum, maximum: proposal.maximum }, arithmetic };
}

/** Seconds that the target's batch takes; undefined without a target. */
export function secondsOfBatch(args: ThrottledQueueConsumerArgs, batchSize: number): number | undefined {
  if (!args.target) return undefined;
  const sideBySide = args.fifo === true || args.code !== undefined ? 1 : KIT_CONCURRENCY;
  return args.target.secondsPerBatch ?? estimateBatchSeconds(args.target.secondsPerMessage, batchSize, sideBySide);
}
