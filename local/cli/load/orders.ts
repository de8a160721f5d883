// The messages of a load: what a seed and some shares decide, the same every time.
import type { WorkOrder } from "../../../handlers/work/contract";

/** What to generate. Shares are from 0 to 1. */
export interface LoadPlan {
  readonly loadId: string;
  readonly messages: number;
  readonly durationMs: number;
  /** Share of messages that fail on every attempt. */
  readonly failureShare: number;
  /** Share of messages that fail on the first attempt only. */
  readonly failOnceShare: number;
  /** Share of messages that are rejected. */
  readonly rejectShare: number;
  /** Number of groups (tenants); 0: messages have none. */
  readonly groups: number;
  /** Share of messages of the first group; left out: all groups have about as many. */
  readonly noisyShare?: number;
  readonly seed: number;
}

/** A message to send. */
export interface LoadMessage {
  readonly order: WorkOrder;
  readonly group?: string;
}

/** The messages, in order. */
export function* planLoad(plan: LoadPlan): Generator<LoadMessage> {
  const { loadId, messages, durationMs } = plan;
  const random = createRandom(plan.seed);
  for (let sequence = 1; sequence <= messages; sequence++) {
    const order: WorkOrder = { durationMs, outcome: pickOutcome(plan, random()), sequence, loadId };
    const group = pickGroup(plan, random(), random());
    yield group === undefined ? { order } : { order, group };
  }
}

function pickOutcome({ failureShare, failOnceShare, rejectShare }: LoadPlan, at: number): WorkOrder["outcome"] {
  if (at < failureShare) return "fail";
  if (at < failureShare + failOnceShare) return "fail-once";
  return at < failureShare + failOnceShare + rejectShare ? "reject" : "succeed";
}

function pickGroup({ groups, noisyShare }: LoadPlan, share: number, at: number): string | undefined {
  if (groups === 0) return undefined;
  if (noisyShare === undefined || groups === 1) return `tenant-${Math.floor(at * groups) + 1}`;
  return share < noisyShare ? "tenant-1" : `tenant-${Math.floor(at * (groups - 1)) + 2}`;
}

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
