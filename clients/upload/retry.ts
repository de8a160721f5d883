// Retry policy, for API calls and for parts alike.
//
// Tried again: no answer at all, 408, 429 (throttling, not a quota), 5xx; full-jitter exponential back-off:
// random * min(cap, base * 2^failures). Each part has its own counter. While the device is offline nothing is counted.
// Not tried again: every other 4xx, with these exceptions: 401 of the API gets fresh credentials once, 403 of S3 a new
// signature, 400 BadDigest of S3 a new checksum.

import type { Environment } from "./environment";
import { sleep, untilOnline } from "./environment";
import type { UploadError } from "./errors";

/** How often and how slowly to try again. */
export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number;
  readonly baseMs: number;
  readonly capMs: number;
}

/** Tries for about two minutes in all. */
export const DEFAULT_RETRY: RetryPolicy = { attempts: 9, baseMs: 250, capMs: 20_000 };

/** Milliseconds to wait after the given number of failures (1 or more). */
export function backoffMs(policy: RetryPolicy, failures: number, random: number): number {
  return random * Math.min(policy.capMs, policy.baseMs * 2 ** failures);
}

/**
 * Waits until it is worth trying again and returns the new count of failures. Offline time is waited out and not
 * counted. Throws `error` when there is nothing left to try.
 */
export async function recover(
  environment: Environment,
  policy: RetryPolicy,
  error: UploadError,
  failures: number,
  signal: AbortSignal,
): Promise<number> {
  if (!environment.connectivity.isOnline()) {
    await untilOnline(environment.connectivity, signal);
    return failures;
  }
  if (!error.transient || failures + 1 >= policy.attempts) throw error;
  await sleep(environment.clock, backoffMs(policy, failures + 1, environment.random()), signal);
  return failures + 1;
}
