// Follows one run: each event once and in order, whatever happens to connections and pushes in between.

import type { ProgressEvent, RunDescription } from "../../handlers/progress/contract";
import { backoffMs, type ProgressEnvironment, sleep } from "./environment";
import { ProgressError } from "./errors";
import { EventLog } from "./event-log";
import { advanceRun, type Entry, readEntry } from "./messages";
import type { Success, Unsent } from "./requests";

/** Reports of parallel steps overtake each other by moments; only a gap that stays is worth a replay. */
const GAP_MS = 200;
/** Without an event for so long, and twice as long each time, a run that should go on is asked for: its last push may be the one that got lost. */
const QUIET_MS = 30_000;
const QUIET_CAP_MS = 300_000;
const BACKOFF_BASE_MS = 200;
const BACKOFF_CAP_MS = 10_000;

/** How to follow a run. */
export interface WatchOptions {
  /** Only events above this number. @default 0 */
  readonly since?: number;
  /** Goes on after the run has ended, for it may be redriven. @default false */
  readonly follow?: boolean;
  /** Is told about the run itself, at first and whenever it has changed. */
  readonly onRun?: (run: RunDescription) => void;
  /** Ends the watch; the iteration throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A run being followed: iterate it once to get its events. Ends with the run, with `stop()`, or with the error that it throws. */
export interface Watch extends AsyncIterable<ProgressEvent> {
  readonly executionId: string;
  /** The run as last heard of; undefined until the first answer. */
  readonly run: RunDescription | undefined;
  /** Ends the iteration. */
  stop(): void;
}

/** What a watch needs from its client. */
export interface WatchPorts {
  readonly environment: ProgressEnvironment;
  request(message: Unsent, signal: AbortSignal): Promise<Success>;
  /** Called once, when the watch has ended. */
  ended(watch: RunWatch): void;
}

/** A watch, from the client's side. */
export class RunWatch implements Watch {
  run: RunDescription | undefined;
  readonly #log: EventLog;
  readonly #queue: ProgressEvent[] = [];
  readonly #life = new AbortController();
  #last: ProgressEvent | undefined;
  #ended = false;
  #error: unknown;
  #notify: () => void = () => undefined;
  #syncing: Promise<void> | undefined;
  #again = false;
  #gap: { cancel(): void } | undefined;
  #quiet: { cancel(): void } | undefined;

  constructor(
    readonly executionId: string,
    private readonly options: WatchOptions,
    private readonly ports: WatchPorts,
  ) {
    this.#log = new EventLog(options.since ?? 0);
    const { signal } = options;
    const abort = (): void => this.fail(signal?.reason);
    signal?.addEventListener("abort", abort, { signal: this.#life.signal });
    this.#waitForMore(QUIET_MS);
    if (signal?.aborted) abort();
  }

  /**
   * Subscribes and brings what is missing. Settles when nothing is.
   * @param again even if a subscription is under way, for that one may be on a connection that is to be closed
   */
  sync(again = false): Promise<void> {
    if (again || !this.#syncing) this.#again = true;
    this.#syncing ??= this.#sync().finally(() => {
      this.#syncing = undefined;
    });
    return this.#syncing;
  }

  /** Takes a pushed entry. */
  push(entry: Entry): void {
    if (this.#ended) return;
    this.#take([entry]);
    if (!this.#log.hasGap || this.#gap) return;
    this.#gap = this.ports.environment.clock.setTimer(GAP_MS, () => {
      this.#gap = undefined;
      if (this.#log.hasGap) void this.sync();
    });
  }

  stop(): void {
    this.#end();
  }

  /** Ends it with an error. */
  fail(error: unknown): void {
    if (!this.#ended) this.#error = error;
    this.#end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ProgressEvent, void> {
    try {
      for (;;) {
        const event = this.#queue.shift();
        if (event) yield event;
        else if (this.#error) throw this.#error as Error;
        else if (this.#ended) return;
        else {
          await new Promise<void>((resolve) => {
            this.#notify = resolve;
          });
        }
      }
    } finally {
      this.#end();
    }
  }

  get #isBehind(): boolean {
    return this.#log.hasGap || this.#log.known < (this.run?.sequence ?? 0);
  }

  async #sync(): Promise<void> {
    const { environment } = this.ports;
    const { signal } = this.#life;
    let idle = 0;
    while (!this.#ended && (this.#again || this.#isBehind)) {
      this.#again = false;
      const { known } = this.#log;
      try {
        const message = { action: "subscribe", executionId: this.executionId, since: known } as const;
        this.#takeReply(await this.ports.request(message, signal));
      } catch (error) {
        if (!isTransient(error)) this.fail(error);
        this.#again = true;
      }
      idle = this.#log.known > known ? 0 : idle + 1;
      // Numbers above may be given out and not yet written: the next answers have them, or say that they never come.
      if (!this.#again && !this.#isBehind) return;
      const delay = idle && backoffMs(environment.random(), idle, BACKOFF_BASE_MS, BACKOFF_CAP_MS);
      if (delay) await sleep(environment.clock, delay, signal);
    }
  }

  #takeReply({ run, events = [], completeTo }: Success): void {
    // Pushes may have overtaken the reply.
    if (run) this.#setRun(this.#last ? advanceRun(run, this.#last) : run);
    this.#take(
      events.flatMap((event) => readEntry(event) ?? []),
      completeTo,
    );
  }

  #take(entries: readonly Entry[], completeTo?: number): void {
    // What the caller has already still says how the run stands.
    const old = entries.flatMap(({ event, sequence }) => (event && sequence <= this.#log.known ? event : []));
    const ready = this.#log.add(entries, completeTo);
    this.#queue.push(...ready);
    if (ready.length > 0) this.#waitForMore(QUIET_MS);
    for (const event of [...old, ...ready]) {
      if (event.sequence > (this.#last?.sequence ?? 0)) this.#last = event;
      if (this.run) this.#setRun(advanceRun(this.run, event));
    }
    if (this.run && this.run.state !== "running" && !this.#isBehind && !this.options.follow) this.#end();
    this.#notify();
  }

  #waitForMore(quietMs: number): void {
    this.#quiet?.cancel();
    this.#quiet = this.ports.environment.clock.setTimer(quietMs, () => {
      if (this.run?.state === "running") void this.sync();
      this.#waitForMore(Math.min(QUIET_CAP_MS, 2 * quietMs));
    });
  }

  #setRun(run: RunDescription): void {
    if (run === this.run) return;
    this.run = run;
    this.options.onRun?.(run);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#gap?.cancel();
    this.#quiet?.cancel();
    this.#life.abort();
    this.ports.ended(this);
    this.#notify();
  }
}

function isTransient(error: unknown): boolean {
  return error instanceof ProgressError && /InternalError|TooManyRequests|ConnectionLost/.test(error.code);
}
