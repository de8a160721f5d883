// The part of a log that a viewer has not seen, in pages that fit into one message.
import { REPLAY_PAGE, type ProgressEvent, type RunDescription } from "./contract";
import type { RunStore } from "./ports";
import { describeRun, type RunRecord } from "./run";

/** Answer to a viewer. */
export interface Replay {
  readonly run: RunDescription;
  readonly events: readonly ProgressEvent[];
  readonly completeTo: number;
}

/** Most bytes of the events of one answer: with the run itself it stays below the 128 kB of a message. */
export const REPLAY_BYTES = 96 * 1024;
/**
 * A number is given out before its event is stored when a state writes directly. An event that comes this long before the next one and
 * is not there yet will never be.
 */
export const GAP_MS = 30_000;

/** The events above `since`. The caller subscribes before: then every later event is pushed, and none falls in between. */
export async function replay(
  runs: Pick<RunStore, "find" | "events">,
  seen: RunRecord,
  since: number,
  now: number,
): Promise<Replay> {
  const from = Math.min(since, seen.sequence);
  const page = await runs.events(seen.executionId, from, REPLAY_PAGE);
  const last = page.events.at(-1)?.sequence ?? from;
  // Events came in between: the description must not be older than they are.
  const run = last > seen.sequence ? ((await runs.find(seen.executionId)) ?? seen) : seen;
  const fitting = takeFitting(page.events);
  const completeTo = completeUntil(from, fitting, now);
  const events = fitting.filter(({ sequence }) => sequence <= completeTo);
  // At the end of the log the last numbers may have no events (yet): those come as pushes, if at all, and asking again is of no use.
  const atEnd = !page.more && completeTo === last && !hasEndedSince(run, seen, events);
  return { run: { ...describeRun(run), ...(atEnd ? { sequence: completeTo } : {}) }, events, completeTo };
}

/** Whether the run ended after its events were read: a viewer must ask for the end, which is stored with its number. */
function hasEndedSince(run: RunRecord, seen: RunRecord, events: readonly ProgressEvent[]): boolean {
  const hasEnd = events.some(({ kind, at }) => kind === run.state && at === run.endedAt);
  return run !== seen && run.state !== "running" && !hasEnd;
}

function takeFitting(events: readonly ProgressEvent[]): readonly ProgressEvent[] {
  let bytes = 0;
  const end = events.findIndex((event) => (bytes += Buffer.byteLength(JSON.stringify(event)) + 1) > REPLAY_BYTES);
  return end < 0 ? events : events.slice(0, end);
}

/** The number up to which nothing is missing that may still come. */
function completeUntil(from: number, events: readonly ProgressEvent[], now: number): number {
  let complete = from;
  for (const { sequence, at } of events) {
    if (sequence > complete + 1 && now - Date.parse(at) < GAP_MS) break;
    complete = sequence;
  }
  return complete;
}
