// Messages and their replies over whatever connection there is.
//
// A message without a reply when its connection is lost is sent again on the next one if that is harmless: all but "redrive", which
// could start a second attempt after the first has failed again. The same goes for what API Gateway answers itself (throttled, failed).

import {
  type ClientMessage,
  type ProgressAction,
  type ServerReply,
  MAXIMUM_FRAME_BYTES,
} from "../../handlers/progress/contract";
import { backoffMs, type Clock, type ProgressEnvironment } from "./environment";
import { ProgressError } from "./errors";
import type { Connection } from "./link";

/** A route has 29 seconds; a connection that brings no reply for longer is dead without having said so. */
const REPLY_MS = 30_000;
/** Pings are answered at once. */
const PONG_MS = 10_000;
/** A message that brings five connections down is not sent a sixth time. */
const SENDINGS = 5;
const BACKOFF_BASE_MS = 500;
const BACKOFF_CAP_MS = 15_000;

/** A message before it gets its number. */
export type Unsent = ClientMessage extends infer M ? (M extends unknown ? Omit<M, "requestId"> : never) : never;
/** A reply that brings what was asked for. */
export type Success = Extract<ServerReply, { ok: true }>;

interface Waiting extends PromiseWithResolvers<Success> {
  readonly action: ProgressAction;
  readonly executionId?: string;
  readonly text: string;
  connection?: Connection | undefined;
  timer?: ReturnType<Clock["setTimer"]>;
  sendings: number;
}

/** All messages under way. */
export class Requests {
  readonly #environment: ProgressEnvironment;
  readonly #current: () => Connection | undefined;
  readonly #want: () => void;
  readonly #waiting = new Map<string, Waiting>();
  #last = 0;

  /** @param current the connection to use, if there is one @param want is called when there is none */
  constructor(environment: ProgressEnvironment, current: () => Connection | undefined, want: () => void) {
    this.#environment = environment;
    this.#current = current;
    this.#want = want;
  }

  /** Sends a message, now or once connected. @throws ProgressError, or the signal's reason */
  async request(message: Unsent, signal?: AbortSignal): Promise<Success> {
    // API Gateway does not keep messages in order: what an unsubscription under way removes might be this subscription.
    if (message.action === "subscribe") {
      await this.#settled((other) => other.action === "unsubscribe" && other.executionId === message.executionId);
    }
    signal?.throwIfAborted();
    const requestId = String(++this.#last);
    const text = JSON.stringify({ ...message, requestId });
    // Browsers send one frame, and API Gateway would answer a larger one by closing the connection, again and again.
    if (new TextEncoder().encode(text).length > MAXIMUM_FRAME_BYTES) {
      throw new ProgressError("BadRequest", `A message must not exceed ${MAXIMUM_FRAME_BYTES} bytes.`);
    }
    const waiting: Waiting = { ...Promise.withResolvers<Success>(), ...message, text, sendings: 0 };
    this.#waiting.set(requestId, waiting);
    const abort = (): void => waiting.reject(signal?.reason);
    signal?.addEventListener("abort", abort);
    try {
      this.#send(waiting);
      return await waiting.promise;
    } finally {
      signal?.removeEventListener("abort", abort);
      waiting.timer?.cancel();
      this.#waiting.delete(requestId);
    }
  }

  /** Hands a reply to whoever waits for it. */
  answer(reply: ServerReply): void {
    const waiting = this.#waiting.get(reply.requestId);
    if (reply.ok) waiting?.resolve(reply);
    else waiting?.reject(new ProgressError(reply.error.code, reply.error.message));
  }

  /** Sends what has not been sent. */
  flush(): void {
    for (const waiting of this.#waiting.values()) if (!waiting.connection) this.#send(waiting);
  }

  /** Takes back what was sent over a connection that is gone. */
  lost(connection: Connection): void {
    for (const waiting of this.#waiting.values()) {
      if (waiting.connection === connection && this.#takeBack(waiting)) this.#send(waiting);
    }
  }

  /** API Gateway itself answered, without saying which message it means: any of those under way. */
  refused(): void {
    for (const waiting of this.#waiting.values()) {
      if (!waiting.connection || !this.#takeBack(waiting)) continue;
      const delay = backoffMs(this.#environment.random(), waiting.sendings, BACKOFF_BASE_MS, BACKOFF_CAP_MS);
      waiting.timer = this.#environment.clock.setTimer(delay, () => this.#send(waiting));
    }
  }

  /** Gives all of them up. */
  fail(error: unknown): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const waiting of all) waiting.reject(error);
  }

  /** Settles when nothing waits for a reply over a connection other than this one. */
  drained(except: Connection): Promise<unknown> {
    return this.#settled(({ connection }) => connection && connection !== except);
  }

  #settled(which: (waiting: Waiting) => unknown): Promise<unknown> {
    return Promise.allSettled([...this.#waiting.values()].filter(which).map(({ promise }) => promise));
  }

  #takeBack(waiting: Waiting): boolean {
    waiting.timer?.cancel();
    waiting.connection = undefined;
    if (waiting.action !== "redrive" && waiting.sendings < SENDINGS) return true;
    waiting.reject(
      new ProgressError("ConnectionLost", `The connection was lost before "${waiting.action}" was answered.`),
    );
    return false;
  }

  #send(waiting: Waiting): void {
    const connection = this.#current();
    if (!connection) {
      this.#want();
      return;
    }
    waiting.timer?.cancel();
    waiting.connection = connection;
    waiting.sendings++;
    const limit = waiting.action === "ping" ? PONG_MS : REPLY_MS;
    waiting.timer = this.#environment.clock.setTimer(limit, () => connection.drop());
    connection.send(waiting.text);
  }
}
