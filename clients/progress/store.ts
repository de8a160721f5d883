// A followed run as a store: `subscribe` and `get`, the shape that React's useSyncExternalStore and its like in other frameworks take.
import type { ProgressEvent } from "../../handlers/progress/contract";
import type { ProgressClient } from "./client";
import { type RunView, viewRun } from "./view";

/** A run that is being followed, redrives included. */
export interface RunStore {
  /** The run as last heard of; undefined until the first answer. The same object until something has changed. */
  get(): RunView | undefined;
  /** Why following it has ended. */
  readonly error: unknown;
  /** Calls back when `get()` or `error` has changed. Returns the way to stop that. */
  subscribe(listener: () => void): () => void;
  /** Stops following. */
  close(): void;
}

/** Follows a run from its beginning. */
export function createRunStore(client: Pick<ProgressClient, "watch">, executionId: string): RunStore {
  const listeners = new Set<() => void>();
  let log: readonly ProgressEvent[] = [];
  let view: RunView | undefined;
  let error: unknown;
  const tell = (): void => {
    view = undefined;
    for (const listener of listeners) listener();
  };
  const watch = client.watch(executionId, { follow: true, onRun: tell });
  const follow = async (): Promise<void> => {
    for await (const event of watch) {
      log = [...log, event];
      tell();
    }
  };
  follow().catch((reason: unknown) => {
    error = reason;
    tell();
  });
  return {
    get: () => (view ??= watch.run && viewRun(watch.run, log)),
    get error() {
      return error;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => watch.stop(),
  };
}
