// Sends an event to everybody who watches the run. Whatever goes wrong here is only logged: the event is stored, and whoever missed it
// asks for it.
import type { Log } from "../shared/log";
import type { ConnectionStore, PostMessage } from "./ports";

/** What pushing needs. */
export interface PushDependencies {
  readonly connections: Pick<ConnectionStore, "subscribers" | "forget">;
  readonly post: PostMessage;
  readonly now: () => number;
  readonly log: Log;
}

/** What became of the posts. */
export interface PushResult {
  readonly sent: number;
  readonly gone: number;
  readonly failed: number;
}

/** Posts under way at a time. 1,000 viewers take 40 rounds: about a second. */
export const PARALLEL_POSTS = 25;
/** Time for all posts. A workflow waits 10 s for a report, so hanging connections must not use that up. */
export const PUSH_BUDGET_MS = 6000;

/** Posts a text to all subscribers of a run. Never rejects. */
export async function pushToSubscribers(
  { connections, post, now, log }: PushDependencies,
  executionId: string,
  text: string,
): Promise<PushResult> {
  const counts = { sent: 0, gone: 0, failed: 0 };
  const deadline = now() + PUSH_BUDGET_MS;
  let failure: unknown;
  const postOne = async (connectionId: string): Promise<void> => {
    try {
      if (now() > deadline) throw new Error("no time is left for further posts");
      const outcome = await post(connectionId, text);
      counts[outcome]++;
      if (outcome === "gone") await connections.forget(connectionId, executionId);
    } catch (error) {
      counts.failed++;
      failure ??= error;
    }
  };
  try {
    await forEachParallel(connections.subscribers(executionId), PARALLEL_POSTS, postOne);
  } catch (error) {
    failure ??= error;
  }
  // One line, however many failed.
  if (failure !== undefined) log.error("not pushed to all", failure, { executionId, ...counts });
  return counts;
}

/** Works through items as they come, some at a time. */
export async function forEachParallel<T>(
  items: AsyncIterable<T>,
  limit: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  const work = async (): Promise<void> => {
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) await run(next.value);
  };
  await Promise.all(Array.from({ length: limit }, work));
}
