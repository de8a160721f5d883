// Keeps one connection: opens it, replaces it before API Gateway closes it, opens another when it is lost.
//
// Lost connections are opened again after random * min(30 s, 0.5 s * 2^failures), for as long as anybody wants it. A failure counts
// until a connection has brought a reply, so that a server which accepts and closes is not hammered.

import { CONNECTION_SECONDS, TICKET_PARAMETER } from "../../handlers/progress/contract";
import { backoffMs, type ProgressEnvironment, sleep, type Socket } from "./environment";
import { ProgressError } from "./errors";
import type { TicketSource } from "./tickets";

/** Longest wait for ticket and handshake, in milliseconds. */
const OPEN_MS = 20_000;
/** Ten minutes before the end of a connection's life. */
const REPLACE_MS = (CONNECTION_SECONDS - 600) * 1000;
const BACKOFF_BASE_MS = 500;
const BACKOFF_CAP_MS = 30_000;
/** Failures after which a person should be told that nothing is reached. */
const OFFLINE_FAILURES = 3;

/**
 * What to tell a person: "connecting": not yet been online; "reconnecting": lost, being opened again; "offline": several tries have
 * failed, and it goes on trying; "stopped": it does not try, because of `close()` or of an error that only the person can mend.
 */
export type ConnectionState = "connecting" | "online" | "reconnecting" | "offline" | "stopped";

/** An open connection. */
export type Connection = Pick<Socket, "send"> & {
  /** Gives it up: it counts as lost at once, whether or not the other side answers. */
  drop(): void;
};

/** What a link tells its owner. */
export interface LinkHandlers {
  /** A connection is ready to be used. The one before it, if it still lives, is closed when the promise settles. */
  opened(connection: Connection, isReplacement: boolean): Promise<unknown>;
  message(data: unknown): void;
  lost(connection: Connection): void;
  /** There will be no connection unless `start` is called again. */
  failed(error: unknown): void;
  state(state: ConnectionState, error?: ProgressError): void;
}

/** One connection after another. */
export class Link {
  current: Connection | undefined;
  readonly #environment: ProgressEnvironment;
  readonly #getTicket: TicketSource;
  readonly #handlers: LinkHandlers;
  #failures = 0;
  #wasOnline = false;
  #connecting = false;
  #replaceTimer: { cancel(): void } | undefined;
  #waiting = new AbortController();
  #life = new AbortController();

  constructor(environment: ProgressEnvironment, getTicket: TicketSource, handlers: LinkHandlers) {
    this.#environment = environment;
    this.#getTicket = getTicket;
    this.#handlers = handlers;
  }

  /** Opens a connection unless there is one, or one on its way. */
  start(): void {
    if (this.current || this.#connecting) return;
    if (this.#life.signal.aborted) this.#life = new AbortController();
    void this.#connect();
  }

  /** Tries at once instead of waiting. */
  hurry(): void {
    this.#waiting.abort();
  }

  /** The connection works: forget earlier failures. */
  confirm(): void {
    this.#failures = 0;
  }

  /** Closes everything. */
  stop(error?: ProgressError): void {
    this.#life.abort(error);
    this.hurry();
    this.current?.drop();
    this.#handlers.state("stopped", error);
  }

  async #connect(isAfterLoss = false): Promise<void> {
    const { signal } = this.#life;
    const isOver = (): boolean => signal.aborted;
    this.#connecting = true;
    try {
      if (isAfterLoss) await this.#pause();
      while (!isOver()) {
        if (!this.current) this.#tellState();
        try {
          this.#adopt(await this.#open(signal));
          return;
        } catch (error) {
          if (isOver()) return;
          if (error instanceof ProgressError) {
            this.stop(error);
            this.#handlers.failed(error);
            return;
          }
          this.#failures++;
          if (!this.current) this.#tellState();
          await this.#pause();
        }
      }
    } finally {
      this.#connecting = false;
    }
  }

  #tellState(): void {
    const trying = this.#wasOnline ? "reconnecting" : "connecting";
    this.#handlers.state(this.#failures < OFFLINE_FAILURES ? trying : "offline");
  }

  async #pause(): Promise<void> {
    const { clock, random } = this.#environment;
    this.#waiting = new AbortController();
    const delay = backoffMs(random(), this.#failures, BACKOFF_BASE_MS, BACKOFF_CAP_MS);
    await sleep(clock, delay, this.#waiting.signal);
  }

  async #open(signal: AbortSignal): Promise<Connection> {
    const limit = new AbortController();
    const timer = this.#environment.clock.setTimer(OPEN_MS, () => limit.abort());
    const either = AbortSignal.any([signal, limit.signal]);
    const { promise: over, reject } = Promise.withResolvers<never>();
    // A token that never comes knows nothing of the signal.
    either.addEventListener("abort", reject);
    try {
      const { ticket, url } = await Promise.race([this.#getTicket(either), over]);
      const address = new URL(url);
      address.searchParams.set(TICKET_PARAMETER, ticket);
      return await this.#openSocket(address.href, either);
    } finally {
      timer.cancel();
    }
  }

  #openSocket(url: string, signal: AbortSignal): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    let gone = false;
    const end = (): void => {
      if (gone) return;
      gone = true;
      reject(new Error("Refused."));
      this.#lose(connection);
    };
    signal.throwIfAborted();
    const socket = this.#environment.openSocket(url, {
      open: () => {
        signal.removeEventListener("abort", drop);
        resolve(connection);
      },
      message: (data) => this.#handlers.message(data),
      close: end,
    });
    const drop = (): void => {
      end();
      socket.close();
    };
    const connection: Connection = { send: (text) => socket.send(text), drop };
    signal.addEventListener("abort", drop, { once: true });
    return promise;
  }

  #adopt(connection: Connection): void {
    const former = this.current;
    this.current = connection;
    this.#wasOnline = true;
    this.#handlers.state("online");
    this.#replaceTimer?.cancel();
    this.#replaceTimer = this.#environment.clock.setTimer(REPLACE_MS, () => void this.#connect());
    void this.#handlers.opened(connection, former !== undefined).finally(() => former?.drop());
  }

  #lose(connection: Connection): void {
    if (this.current === connection) {
      this.current = undefined;
      this.#replaceTimer?.cancel();
      if (!this.#life.signal.aborted) {
        this.#failures++;
        this.#tellState();
        if (!this.#connecting) void this.#connect(true);
      }
    }
    this.#handlers.lost(connection);
  }
}
