// How long a failed message waits. Pure.
import { SQS_LIMITS } from "./contract";

/**
 * Exponential back-off with equal jitter: half of each wait is certain, so that a message cannot use up its receives within a short
 * fault of the downstream. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export interface BackoffSettings {
  readonly baseSeconds: number;
  readonly maximumSeconds: number;
}

/**
 * SQS lets a message be invisible for 12 hours since it was received, which was before we knew of it: by the batching window, 300 s
 * at most, and the way.
 */
const RECEIPT_MARGIN_SECONDS = 330;

/** Whole seconds that a message waits after a failed attempt: from half of its ceiling to all of it. @param random a number from 0 to below 1. */
export function backoffSeconds(settings: BackoffSettings, receiveCount: number, random: number): number {
  const { baseSeconds, maximumSeconds } = settings;
  const ceiling = Math.min(maximumSeconds, baseSeconds * 2 ** (receiveCount - 1), SQS_LIMITS.maximumVisibilitySeconds);
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}

/** A visibility that SQS accepts for a message that was received so many milliseconds ago. */
export function capVisibility(seconds: number, heldMs: number): number {
  const room = SQS_LIMITS.maximumVisibilitySeconds - RECEIPT_MARGIN_SECONDS - Math.ceil(heldMs / 1000);
  return Math.max(0, Math.min(Math.ceil(seconds), room));
}
