// Waiting: until a rate allows the next messages, or until it is time to look again.
import { setTimeout as delay } from "node:timers/promises";

/** Waits so long; less when the signal aborts, which is no error. */
export async function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
}

/** Keeps a rate: resolves once `count` further messages may go. */
export type Pace = (count: number) => Promise<void>;

/** A pace of so many messages a second, without bursts. @param perSecond left out: never waits. */
export function createPace(perSecond: number | undefined, signal: AbortSignal, now = () => performance.now()): Pace {
  if (perSecond === undefined) return () => Promise.resolve();
  let free = now();
  return async (count) => {
    const from = Math.max(free, now());
    free = from + (count / perSecond) * 1000;
    await wait(from - now(), signal);
  };
}
