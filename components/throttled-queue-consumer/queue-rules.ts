// Rules over the arguments of ThrottledQueueConsumer that are about queues, the kit and the circuit breaker. Pure.
import { SQS_LIMITS } from "../../handlers/queue/contract";
import { integerBetween, type Rule } from "../shared/validation";
import type { ThrottledQueueConsumerArgs } from "./args";
import { findSourceBound } from "./scaling";
import type { ThrottledQueueConsumerSettings } from "./settings";

/** Rules over the queues and their times. */
export function queueRules(args: ThrottledQueueConsumerArgs, settings: ThrottledQueueConsumerSettings): Rule[] {
  const { functionTimeoutSeconds: timeout, maximumBatchingWindowInSeconds: window } = settings;
  const { visibilityTimeoutSeconds: visibility, messageRetentionSeconds: retention } = settings;
  const demonstration = args.unsafeDemonstration ?? false;
  const advised = 6 * timeout + window;
  const attempts = secondsOfAttempts(settings);
  return [
    integerBetween("functionTimeoutSeconds", timeout, 1, 900, "limits of Lambda"),
    integerBetween("memorySize", args.memorySize, 128, 10_240, "limits of Lambda"),
    integerBetween(
      "visibilityTimeoutSeconds",
      args.visibilityTimeoutSeconds,
      0,
      SQS_LIMITS.maximumVisibilitySeconds,
      "limits of SQS",
    ),
    {
      property: "visibilityTimeoutSeconds",
      holds: visibility >= timeout,
      rule: `be no less than functionTimeoutSeconds (${timeout}), as Lambda refuses less`,
      got: visibility,
      remedy: `use ${advised}, or leave it out`,
    },
    {
      property: "visibilityTimeoutSeconds",
      holds: visibility >= advised || visibility < timeout || args.acknowledgeShortVisibility === true || demonstration,
      rule: `be at least six times functionTimeoutSeconds plus the batching window (${advised})`,
      got: visibility,
      remedy: `use ${advised}, or leave it out; acknowledgeShortVisibility: true accepts that messages are delivered twice`,
    },
    integerBetween(
      "maxReceiveCount",
      settings.maxReceiveCount,
      demonstration ? 1 : 5,
      1000,
      "fewer sends messages to the dead-letter queue for a passing fault; unsafeDemonstration: true accepts it",
    ),
    integerBetween(
      "messageRetentionSeconds",
      retention,
      SQS_LIMITS.minimumRetentionSeconds,
      SQS_LIMITS.maximumRetentionSeconds - 1,
      "the dead-letter queue must keep messages for longer, and 14 days is the most of SQS",
    ),
    {
      property: "messageRetentionSeconds",
      holds: demonstration || retention > attempts,
      rule: `be above what maxReceiveCount attempts may take (${attempts})`,
      got: retention,
      remedy:
        "SQS drops an older message without moving it to the dead-letter queue; raise it, or lower maxReceiveCount, " +
        "visibilityTimeoutSeconds or backoff.maximumSeconds",
    },
    integerBetween(
      "deadLetterQueue.messageRetentionSeconds",
      settings.deadLetterRetentionSeconds,
      SQS_LIMITS.minimumRetentionSeconds,
      SQS_LIMITS.maximumRetentionSeconds,
      "limits of SQS",
    ),
    {
      property: "deadLetterQueue.messageRetentionSeconds",
      holds: settings.deadLetterRetentionSeconds > retention || retention >= SQS_LIMITS.maximumRetentionSeconds,
      rule: `be above messageRetentionSeconds (${retention})`,
      got: settings.deadLetterRetentionSeconds,
      remedy:
        "SQS counts from the first send, so a failed message would be gone before anybody sees it; leave it out for 14 days",
    },
    integerBetween(
      "maxMessageSizeBytes",
      args.maxMessageSizeBytes,
      1024,
      SQS_LIMITS.maximumMessageBytes,
      "limits of SQS",
    ),
  ];
}

/** The longest that a message takes from its first receive to the dead-letter queue, once it is received as soon as it is visible. */
function secondsOfAttempts(settings: ThrottledQueueConsumerSettings): number {
  const { maxReceiveCount, visibilityTimeoutSeconds, functionTimeoutSeconds, backoff } = settings;
  let sum = 0;
  for (let attempt = 0; attempt < Math.min(maxReceiveCount, 1000); attempt++) {
    const wait = backoff ? Math.min(backoff.maximumSeconds, backoff.baseSeconds * 2 ** attempt) : 0;
    // The back-off is not applied to an attempt that crashes.
    sum += Math.max(visibilityTimeoutSeconds, functionTimeoutSeconds + wait);
  }
  return sum;
}

/** Part of the function's time within which every message that it may work on gets its turn; the kit waits for no more than half. */
const TURN_SHARE = 0.4;

function turnRule(args: ThrottledQueueConsumerArgs, settings: ThrottledQueueConsumerSettings): Rule {
  const { scaling, batchSize, functionTimeoutSeconds, rateLimit } = settings;
  const messages = (findSourceBound(scaling) ?? 0) * batchSize;
  const least = messages / (TURN_SHARE * functionTimeoutSeconds);
  const most = Math.floor((rateLimit?.perSecond ?? 0) * TURN_SHARE * functionTimeoutSeconds);
  return {
    property: "rateLimit.perSecond",
    holds: !rateLimit || !(rateLimit.perSecond > 0) || args.unsafeDemonstration === true || messages <= most,
    rule: `be at least ${Number(least.toFixed(3))}, so that the ${messages} messages that may be in work all get their turn in time`,
    got: rateLimit?.perSecond,
    remedy:
      "a message without a turn goes back, each receive counts, and good messages end in the dead-letter queue; " +
      `bound maximumConcurrency × batchSize to ${most}, or raise functionTimeoutSeconds`,
  };
}

/** Rules over what the kit does, and the circuit breaker. */
export function kitRules(args: ThrottledQueueConsumerArgs, settings: ThrottledQueueConsumerSettings): Rule[] {
  const { backoff, idempotency, rateLimit, circuitBreaker } = args;
  const withCode = (["idempotency", "backoff", "rateLimit"] as const).filter(
    (key) => args[key] !== undefined && (args[key] as { enabled?: boolean }).enabled !== false,
  );
  const base = settings.backoff?.baseSeconds ?? 1;
  return [
    {
      property: "code",
      holds: args.code === undefined || withCode.length === 0,
      rule: `be replaced by entry to have ${withCode.join(", ")}`,
      got: "code",
      remedy: "the kit does these, and code is deployed unaltered; leave them out, or give an entry",
    },
    integerBetween("idempotency.expirySeconds", idempotency?.expirySeconds, 60, 31_536_000),
    integerBetween(
      "backoff.baseSeconds",
      backoff?.baseSeconds,
      1,
      SQS_LIMITS.maximumVisibilitySeconds,
      "limits of SQS",
    ),
    integerBetween(
      "backoff.maximumSeconds",
      backoff?.maximumSeconds,
      base,
      SQS_LIMITS.maximumVisibilitySeconds,
      "no less than baseSeconds, and a message is hidden for at most 12 hours",
    ),
    {
      property: "rateLimit.perSecond",
      holds: rateLimit === undefined || (rateLimit.perSecond > 0 && rateLimit.perSecond <= 1000),
      rule: "be above 0 and at most 1000",
      got: rateLimit?.perSecond,
      remedy: "one row of DynamoDB counts for all workers; for more, bound concurrency instead",
    },
    integerBetween("rateLimit.burst", rateLimit?.burst, 1, 10_000),
    turnRule(args, settings),
    {
      property: "circuitBreaker",
      holds: circuitBreaker === undefined || settings.scaling.maximumConcurrency !== undefined,
      rule: "have a maximumConcurrency, which it lowers to probe",
      got: "none",
      remedy: "set maximumConcurrency and no provisionedPollers",
    },
    integerBetween(
      "circuitBreaker.cooldownSeconds",
      circuitBreaker?.cooldownSeconds,
      60,
      86_400,
      "it looks once a minute",
    ),
    integerBetween("circuitBreaker.probeSeconds", circuitBreaker?.probeSeconds, 60, 86_400, "it looks once a minute"),
  ];
}
