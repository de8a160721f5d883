// What the progress client needs from its surroundings. Everything can be replaced; nothing is taken from globals elsewhere.

/** Source of time. */
export interface Clock {
  /** Runs `callback` once after `delayMs`. */
  setTimer(delayMs: number, callback: () => void): { cancel(): void };
}

/** What happens to a socket. `close` comes once, whether it was open or never became so. */
export interface SocketHandlers {
  open(): void;
  message(data: unknown): void;
  close(): void;
}

/** An opening or open WebSocket. */
export interface Socket {
  send(text: string): void;
  close(): void;
}

/** Opens a WebSocket. */
export type OpenSocket = (url: string, handlers: SocketHandlers) => Socket;

/** The client's surroundings. */
export interface ProgressEnvironment {
  /** For tickets. */
  readonly fetch: typeof fetch;
  readonly openSocket: OpenSocket;
  readonly clock: Clock;
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** 0 to 1, for jitter. */
  random(): number;
  /** Calls back when it is worth trying at once: the network is back, the page is looked at again. Returns the way to stop that. */
  onWake(callback: () => void): () => void;
}

/** Browsers and Node from version 22 on, with `overrides` on top. Browsers have `onWake` in `browser.ts`. */
export function createProgressEnvironment(overrides: Partial<ProgressEnvironment> = {}): ProgressEnvironment {
  return {
    fetch: (input, init) => fetch(input, init),
    openSocket(url, handlers) {
      const socket = new WebSocket(url);
      socket.onopen = () => handlers.open();
      socket.onmessage = ({ data }) => handlers.message(data);
      socket.onclose = () => handlers.close();
      return socket;
    },
    clock: {
      setTimer(delayMs, callback) {
        const handle = setTimeout(callback, delayMs);
        return { cancel: () => clearTimeout(handle) };
      },
    },
    now: Date.now,
    random: Math.random,
    onWake: () => () => undefined,
    ...overrides,
  };
}

/** Resolves after `delayMs`, or when the signal aborts. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.setTimer(delayMs, end);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}

/** Milliseconds to wait after some failures: exponential, with full jitter. */
export function backoffMs(random: number, failures: number, baseMs: number, capMs: number): number {
  return random * Math.min(capMs, baseMs * 2 ** failures);
}
