// The consumer's settings, read from the environment once per process.
import type { Environment } from "../shared/aws-environment";
import { QUEUE_ENVIRONMENT, SQS_LIMITS } from "./contract";

/** What the component tells the kit. What is missing is switched off. */
export interface ConsumerSettings {
  readonly queueUrl?: string;
  readonly queueName?: string;
  readonly deadLetterQueueUrl?: string;
  readonly stateTable?: string;
  readonly idempotencySeconds?: number;
  readonly backoff?: { readonly baseSeconds: number; readonly maximumSeconds: number };
  readonly rateLimit?: { readonly perSecond: number; readonly burst: number };
  readonly claimCheckBucket?: string;
}

/** Reads the settings. Throws an Error that names the variable that is malformed or missing. */
export function readConsumerSettings(environment: Environment): ConsumerSettings {
  const text = (name: keyof typeof QUEUE_ENVIRONMENT): string | undefined => {
    const value = environment[QUEUE_ENVIRONMENT[name]];
    return value === "" ? undefined : value;
  };
  const number = (name: keyof typeof QUEUE_ENVIRONMENT): number | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    const parsed = Number(value);
    if (!Number.isFinite(parsed) || parsed <= 0) throw new Error(`${QUEUE_ENVIRONMENT[name]} must be a number above 0`);
    return parsed;
  };
  const base = number("backoffBaseSeconds");
  const rate = number("rateLimitPerSecond");
  const idempotency = number("idempotencySeconds");
  if ((idempotency !== undefined || rate !== undefined) && text("stateTable") === undefined) {
    throw new Error(`${QUEUE_ENVIRONMENT.stateTable} is not set; idempotency and rate limit need it`);
  }
  const names = ["queueUrl", "queueName", "deadLetterQueueUrl", "stateTable", "claimCheckBucket"] as const;
  return {
    ...Object.fromEntries(names.flatMap((name) => (text(name) === undefined ? [] : [[name, text(name)]]))),
    ...(idempotency === undefined ? {} : { idempotencySeconds: idempotency }),
    ...(base === undefined
      ? {}
      : {
          backoff: {
            baseSeconds: base,
            maximumSeconds: number("backoffMaximumSeconds") ?? SQS_LIMITS.maximumVisibilitySeconds,
          },
        }),
    ...(rate === undefined ? {} : { rateLimit: { perSecond: rate, burst: number("rateLimitBurst") ?? 1 } }),
  };
}
