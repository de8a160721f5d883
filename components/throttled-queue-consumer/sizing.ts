// Arithmetic of throttling, with the sums written out: how many workers a target needs, which pollers reach them in time, and how long a
// backlog takes and costs. Pure.

import { SQS_LIMITS } from "../../handlers/queue/contract";

/** How Lambda scales an SQS event source. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html */
export const QUEUE_SCALING = {
  /** Concurrent invocations with which Lambda's own pollers begin. */
  initialConcurrency: 5,
  /** Concurrent invocations that they add per minute. */
  addedPerMinute: 300,
  /** Most concurrent invocations that they reach. */
  standardMaximum: 1250,
  /** Smallest `maximumConcurrency`. */
  minimumConcurrency: 2,
  /** Concurrent invocations of one provisioned poller. */
  concurrencyPerPoller: 10,
  /** Concurrent invocations that provisioned pollers add per minute. */
  provisionedAddedPerMinute: 1000,
  minimumPollers: 2,
  maximumMinimumPollers: 200,
  maximumPollers: 2000,
} as const;

const DECIMALS = 1e9;
/** Rounds up, but not for the last digit of a binary fraction: 0.1 × 30 is 3 and not 4. */
const roundUp = (value: number): number => Math.ceil(Math.round(value * DECIMALS) / DECIMALS);
const show = (value: number): string => String(Number(value.toFixed(3)));
const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));

/** Seconds that a batch takes when some of its messages run side by side. */
export function estimateBatchSeconds(secondsPerMessage: number, batchSize: number, sideBySide: number): number {
  return secondsPerMessage * Math.ceil(batchSize / sideBySide);
}

/** What decides about concurrency. */
export interface ConcurrencyQuestion {
  readonly messagesPerSecond: number;
  /** Seconds of one invocation, whatever its messages. */
  readonly secondsPerBatch: number;
  readonly batchSize: number;
}

/** Concurrency, and how it came about. */
export interface DerivedConcurrency {
  readonly maximumConcurrency: number;
  /** The sum in one line. */
  readonly arithmetic: string;
}

/** Workers that keep up with a rate: rate × seconds per batch ÷ messages per batch, rounded up, and at least 2. */
export function deriveConcurrency(question: ConcurrencyQuestion): DerivedConcurrency {
  const { messagesPerSecond, secondsPerBatch, batchSize } = question;
  const exact = (messagesPerSecond * secondsPerBatch) / batchSize;
  const needed = Math.max(1, roundUp(exact));
  const maximumConcurrency = Math.max(QUEUE_SCALING.minimumConcurrency, needed);
  const raised = maximumConcurrency > needed ? ", raised to 2, the least that Lambda accepts" : "";
  return {
    maximumConcurrency,
    arithmetic:
      `${show(messagesPerSecond)} messages/s × ${show(secondsPerBatch)} s per batch ÷ ${batchSize} per batch = ` +
      `${show(exact)}: ${count(needed, "concurrent invocation")}${raised}`,
  };
}

/** Pollers of Lambda's own, or provisioned ones. */
export type PollerProposal =
  | { readonly mode: "standard"; readonly arithmetic: string }
  | { readonly mode: "provisioned"; readonly minimum: number; readonly maximum: number; readonly arithmetic: string };

/** Seconds until Lambda's own pollers have reached a concurrency: (C − 5) ÷ 300 minutes. */
export function standardRampSeconds(concurrency: number): number {
  return (Math.max(0, concurrency - QUEUE_SCALING.initialConcurrency) / QUEUE_SCALING.addedPerMinute) * 60;
}

/**
 * Which pollers reach a concurrency in time.
 * @param rampSeconds Left out: there is no hurry.
 */
export function proposePollerMode(concurrency: number, rampSeconds?: number): PollerProposal {
  const { initialConcurrency, addedPerMinute, standardMaximum, concurrencyPerPoller } = QUEUE_SCALING;
  const needed = standardRampSeconds(concurrency);
  const sum = `(${concurrency} − ${initialConcurrency}) ÷ ${addedPerMinute}/min = ${show(needed)} s`;
  const reached = concurrency <= standardMaximum;
  if (reached && (rampSeconds === undefined || needed <= rampSeconds)) {
    const wanted =
      rampSeconds === undefined ? "no ramp time is asked for" : `at most ${show(rampSeconds)} s are asked for`;
    return { mode: "standard", arithmetic: `Lambda's own pollers take ${sum}, ${wanted}: standard mode` };
  }
  const added = (QUEUE_SCALING.provisionedAddedPerMinute * (rampSeconds ?? needed)) / 60;
  const { minimumPollers, maximumMinimumPollers } = QUEUE_SCALING;
  const ready = roundUp((concurrency - added) / concurrencyPerPoller);
  const minimum = clamp(ready, minimumPollers, maximumMinimumPollers);
  // No more than the quota is proposed: a rule refuses what it does not cover.
  const maximum = Math.max(minimum, roundUp(concurrency / concurrencyPerPoller));
  const why = reached ? `at most ${show(rampSeconds ?? 0)} s are asked for` : `they end at ${standardMaximum}`;
  return {
    mode: "provisioned",
    minimum,
    maximum,
    arithmetic:
      `Lambda's own pollers take ${sum}, ${why}: provisioned mode, ${minimum} to ${maximum} pollers of ` +
      `${concurrencyPerPoller} concurrent invocations each` +
      (ready > minimum ? `; ${ready} at once would be in time, of which AWS keeps ${minimum} ready at most` : ""),
  };
}

/**
 * Prices in US dollars.
 * Defaults: list prices of us-east-1 and eu-west-1 as of November 2026, arm64, standard queue, first tier, without the free tier (a
 * million queue requests a month among it). See https://aws.amazon.com/lambda/pricing/ and https://aws.amazon.com/sqs/pricing/. They
 * change: check them, and give your own for a decision.
 */
export interface QueuePrices {
  /** Of the function's memory and time. */
  readonly perGigabyteSecond: number;
  readonly perMillionInvocations: number;
  /** Each 64 KB of a message count as a request. */
  readonly perMillionQueueRequests: number;
}

/** @see QueuePrices */
export const DEFAULT_QUEUE_PRICES: QueuePrices = {
  perGigabyteSecond: 0.0000133334,
  perMillionInvocations: 0.2,
  perMillionQueueRequests: 0.4,
};

/** A backlog and what works on it. */
export interface DrainQuestion {
  readonly messages: number;
  /** Seconds of one invocation. */
  readonly secondsPerBatch: number;
  /** @default `1` */
  readonly batchSize?: number;
  readonly maximumConcurrency: number;
  /** Memory of the function in MB. @default `512` */
  readonly memorySize?: number;
  /** @default `DEFAULT_QUEUE_PRICES` */
  readonly prices?: QueuePrices;
}

/** How long, and how much. */
export interface DrainEstimate {
  /** Seconds until the queue is empty, with the ramp of Lambda's own pollers. */
  readonly seconds: number;
  /** US dollars for function and queue requests; not for what the function calls. */
  readonly costUsd: number;
  readonly arithmetic: readonly string[];
}

/** Time and cost of a backlog that is there at the beginning. Failures and retries are not in it. */
export function estimateDrain(question: DrainQuestion): DrainEstimate {
  const { messages, secondsPerBatch, batchSize = 1, maximumConcurrency, memorySize = 512 } = question;
  const prices = question.prices ?? DEFAULT_QUEUE_PRICES;
  const batches = Math.ceil(messages / batchSize);
  const seconds = drainSeconds(batches, secondsPerBatch, maximumConcurrency);
  const gigabyteSeconds = batches * secondsPerBatch * (memorySize / 1024);
  // A message was sent before; it is received and deleted in requests of at most 10 messages.
  const requests = 2 * batches * Math.ceil(batchSize / SQS_LIMITS.batchEntries);
  const costUsd =
    gigabyteSeconds * prices.perGigabyteSecond +
    (batches * prices.perMillionInvocations + requests * prices.perMillionQueueRequests) / 1e6;
  return {
    seconds,
    costUsd,
    arithmetic: [
      `${messages} messages ÷ ${batchSize} per batch = ${count(batches, "invocation")}`,
      `${batches} × ${show(secondsPerBatch)} s ÷ ${maximumConcurrency} at a time, with the ramp = ${show(seconds)} s`,
      `${show(gigabyteSeconds)} GB-s × $${prices.perGigabyteSecond} + ${batches} invocations × $${prices.perMillionInvocations}/million + ` +
        `${requests} queue requests × $${prices.perMillionQueueRequests}/million = $${costUsd.toFixed(4)}`,
    ],
  };
}

/** Whole rounds while few workers are enough; beyond, worker-seconds of a steady ramp and then of full concurrency. */
function drainSeconds(batches: number, secondsPerBatch: number, maximumConcurrency: number): number {
  if (batches <= 0) return 0;
  const { initialConcurrency, addedPerMinute } = QUEUE_SCALING;
  const concurrency = Math.min(maximumConcurrency, batches);
  const rounds = Math.ceil(batches / concurrency) * secondsPerBatch;
  const perSecond = addedPerMinute / 60;
  const start = Math.min(initialConcurrency, concurrency);
  const work = batches * secondsPerBatch;
  const ramp = (concurrency - start) / perSecond;
  const doneInRamp = ((start + concurrency) / 2) * ramp;
  const flowing =
    work <= doneInRamp
      ? (Math.sqrt(start * start + 2 * perSecond * work) - start) / perSecond
      : ramp + (work - doneInRamp) / concurrency;
  return Math.max(rounds, flowing, secondsPerBatch);
}

function count(value: number, noun: string): string {
  return `${value} ${noun}${value === 1 ? "" : "s"}`;
}
