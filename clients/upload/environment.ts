// What the uploader needs from its surroundings. Everything can be replaced; nothing is taken from globals elsewhere.

import { createInlineHasher, type Hasher } from "./hasher";
import { fetchTransport, type PartTransport } from "./transport";

/** Source of time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `callback` once after `delayMs`. */
  setTimer(delayMs: number, callback: () => void): { cancel(): void };
}

/** Whether there is a network at all. */
export interface Connectivity {
  isOnline(): boolean;
  /** Calls back once when the network returns; the result takes the listener away. */
  onceOnline(callback: () => void): () => void;
}

/** Remembers unfinished uploads across reloads. Failures are ignored: the server finds the upload too. */
export interface KeyValueStore {
  get(key: string): string | null;
  set(key: string, value: string): void;
  remove(key: string): void;
}

/** Lets one tab at a time work on an upload (the Web Locks API). */
export interface Locks {
  hold<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/** The uploader's surroundings. */
export interface Environment {
  /** For calls of the API. */
  readonly fetch: typeof fetch;
  /** For parts. */
  readonly transport: PartTransport;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly connectivity: Connectivity;
  readonly store: KeyValueStore;
  readonly locks?: Locks;
  /** 0 to 1, for jitter. */
  random(): number;
  /** 16 to 64 characters of [A-Za-z0-9-], never the same twice. */
  randomId(): string;
}

/** A store that forgets when the program ends. */
export function createMemoryStore(): KeyValueStore {
  const entries = new Map<string, string>();
  return {
    get: (key) => entries.get(key) ?? null,
    set: (key, value) => void entries.set(key, value),
    remove: (key) => void entries.delete(key),
  };
}

/** Real time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(delayMs, callback) {
    const handle = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** An environment for Node, with `overrides` on top. Browsers have their own, in `browser.ts`. */
export function createEnvironment(overrides: Partial<Environment> = {}): Environment {
  const fetcher = overrides.fetch ?? ((input, init) => fetch(input, init));
  return {
    fetch: fetcher,
    transport: fetchTransport(fetcher),
    hasher: createInlineHasher(),
    clock: systemClock,
    connectivity: { isOnline: () => true, onceOnline: () => () => undefined },
    store: createMemoryStore(),
    random: Math.random,
    randomId: () => crypto.randomUUID(),
    ...overrides,
  };
}

/** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return waitFor(signal, (resolve) => {
    const timer = clock.setTimer(delayMs, resolve);
    return () => timer.cancel();
  });
}

/** Resolves when the network is back; at once when there is one. */
export function untilOnline(connectivity: Connectivity, signal: AbortSignal): Promise<void> {
  if (connectivity.isOnline()) return Promise.resolve();
  return waitFor(signal, (resolve) => connectivity.onceOnline(resolve));
}

function waitFor(signal: AbortSignal, subscribe: (resolve: () => void) => () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const onAbort = (): void => {
      unsubscribe();
      reject(signal.reason as Error);
    };
    const unsubscribe = subscribe(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
