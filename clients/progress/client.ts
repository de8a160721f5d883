// The progress client: all runs of a user, or one run, over one connection.

import { IDLE_SECONDS, type RunDescription } from "../../handlers/progress/contract";
import { createProgressEnvironment, type ProgressEnvironment } from "./environment";
import { ProgressError } from "./errors";
import { type Connection, type ConnectionState, Link } from "./link";
import { readMessage } from "./messages";
import { Requests, type Success, type Unsent } from "./requests";
import { createTicketSource, type TicketOptions, type TicketSource } from "./tickets";
import { RunWatch, type Watch, type WatchOptions } from "./watch";

/** Half of what API Gateway allows a connection to be idle. */
const HEARTBEAT_MS = (IDLE_SECONDS * 1000) / 2;

/** Options of a client: where tickets come from, and its surroundings. */
export type ProgressClientOptions = (
  | TicketOptions
  /** Tickets from elsewhere: a service of yours that hands out tickets for one run, to people without an account. */
  | { readonly getTicket: TicketSource }
) & {
  /** Replaces parts of the surroundings. @default - browsers and Node from version 22 on */
  readonly environment?: Partial<ProgressEnvironment>;
};

/** Options of every call. */
export interface CallOptions {
  /** Gives the call up; what was sent may still be done. */
  readonly signal?: AbortSignal;
}

/** How a client is connected. */
export interface ConnectionStatus {
  readonly state: ConnectionState;
  /** Why it is "stopped", unless `close()` was called. */
  readonly error?: ProgressError;
}

/** A client. It connects when it is first used. */
export interface ProgressClient {
  /** How it is connected, for a banner. */
  readonly status: ConnectionStatus;
  /** Calls back whenever the status has changed. Returns the way to stop that. */
  onStatus(listener: (status: ConnectionStatus) => void): () => void;
  /** Starts a run. The same key leads to the same run, so that it is safe to repeat. */
  start(input: unknown, options: CallOptions & { readonly idempotencyKey: string }): Promise<RunDescription>;
  /** Follows a run: its log from the beginning, or from above `since`, and then what happens. */
  watch(executionId: string, options?: WatchOptions): Watch;
  /** Stops a run. */
  cancel(executionId: string, options?: CallOptions): Promise<RunDescription>;
  /** Runs a failed run again, from the step that failed. */
  redrive(executionId: string, options?: CallOptions): Promise<RunDescription>;
  /** What a step told, where its event has only `detailBytes`. Rejects with "NotFound" when the server did not keep it. */
  detail(executionId: string, step: string, options?: CallOptions): Promise<unknown>;
  /** The user's runs, newest first, at most 20. */
  list(options?: CallOptions): Promise<readonly RunDescription[]>;
  /** Disconnects and gives up what is under way. It cannot be used any more. */
  close(): void;
}

/** Makes a client. @throws nothing: calls reject with `ProgressError` */
export function createProgressClient(options: ProgressClientOptions): ProgressClient {
  const environment = createProgressEnvironment(options.environment);
  const getTicket = "getTicket" in options ? options.getTicket : createTicketSource(options, environment);
  return new Client(environment, getTicket);
}

class Client implements ProgressClient {
  status: ConnectionStatus = { state: "connecting" };
  readonly #environment: ProgressEnvironment;
  readonly #listeners = new Set<(status: ConnectionStatus) => void>();
  readonly #watches = new Set<RunWatch>();
  readonly #link: Link;
  readonly #requests: Requests;
  readonly #sleepAgain: () => void;
  #heartbeat: { cancel(): void } | undefined;
  #closed = false;

  constructor(environment: ProgressEnvironment, getTicket: TicketSource) {
    this.#environment = environment;
    this.#link = new Link(environment, getTicket, {
      opened: (connection, isReplacement) => this.#opened(connection, isReplacement),
      message: (data) => this.#receive(data),
      lost: (connection) => this.#requests.lost(connection),
      failed: (error) => this.#fail(error),
      state: (state, error) => this.#tell({ state, ...(error && { error }) }),
    });
    this.#requests = new Requests(
      environment,
      () => this.#link.current,
      () => this.#link.start(),
    );
    this.#sleepAgain = environment.onWake(() => {
      this.#link.hurry();
      if (this.#link.current) this.#ping();
    });
  }

  onStatus(listener: (status: ConnectionStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async start(
    input: unknown,
    { idempotencyKey, signal }: CallOptions & { readonly idempotencyKey: string },
  ): Promise<RunDescription> {
    return readRun(await this.#request({ action: "start", idempotencyKey, input }, signal));
  }

  watch(executionId: string, options: WatchOptions = {}): Watch {
    const watch = new RunWatch(executionId, options, {
      environment: this.#environment,
      request: (message, signal) => this.#request(message, signal),
      ended: (ended) => this.#unwatch(ended),
    });
    if (options.signal?.aborted) return watch;
    this.#watches.add(watch);
    void watch.sync();
    return watch;
  }

  async cancel(executionId: string, { signal }: CallOptions = {}): Promise<RunDescription> {
    return readRun(await this.#request({ action: "cancel", executionId }, signal));
  }

  async redrive(executionId: string, { signal }: CallOptions = {}): Promise<RunDescription> {
    return readRun(await this.#request({ action: "redrive", executionId }, signal));
  }

  async detail(executionId: string, step: string, { signal }: CallOptions = {}): Promise<unknown> {
    return (await this.#request({ action: "detail", executionId, step }, signal)).detail;
  }

  async list({ signal }: CallOptions = {}): Promise<readonly RunDescription[]> {
    return (await this.#request({ action: "list" }, signal)).runs ?? [];
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sleepAgain();
    this.#heartbeat?.cancel();
    for (const watch of this.#watches) watch.stop();
    this.#requests.fail(closed());
    this.#link.stop();
  }

  async #request(message: Unsent, signal?: AbortSignal): Promise<Success> {
    if (this.#closed) throw closed();
    return this.#requests.request(message, signal);
  }

  async #opened(connection: Connection, isReplacement: boolean): Promise<void> {
    this.#beat();
    this.#requests.flush();
    await Promise.all([...this.#watches].map((watch) => watch.sync(isReplacement)));
    await this.#requests.drained(connection);
  }

  #receive(data: unknown): void {
    const { reply, entry, isRefusal } = readMessage(data, this.#environment.now());
    if (reply) {
      this.#link.confirm();
      this.#requests.answer(reply);
    }
    if (isRefusal) this.#requests.refused();
    if (!entry) return;
    for (const watch of this.#watches) if (watch.executionId === entry.executionId) watch.push(entry);
  }

  #beat(): void {
    this.#heartbeat?.cancel();
    this.#heartbeat = this.#environment.clock.setTimer(HEARTBEAT_MS, () => {
      if (!this.#link.current) return;
      this.#ping();
      this.#beat();
    });
  }

  #ping(): void {
    void this.#request({ action: "ping" }).catch(() => undefined);
  }

  #unwatch(watch: RunWatch): void {
    const { executionId } = watch;
    if (!this.#watches.delete(watch) || this.#closed || !this.#link.current) return;
    if ([...this.#watches].some((other) => other.executionId === executionId)) return;
    void this.#request({ action: "unsubscribe", executionId }).catch(() => undefined);
  }

  #fail(error: unknown): void {
    for (const watch of this.#watches) watch.fail(error);
    this.#requests.fail(error);
  }

  #tell(status: ConnectionStatus): void {
    if (status.state === this.status.state && status.error === this.status.error) return;
    this.status = status;
    for (const listener of this.#listeners) listener(status);
  }
}

function readRun({ run }: Success): RunDescription {
  if (!run) throw new ProgressError("InternalError", "The answer lacks the run.");
  return run;
}

function closed(): ProgressError {
  return new ProgressError("Closed", "The client was closed.");
}
