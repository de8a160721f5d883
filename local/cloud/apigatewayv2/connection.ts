// One open connection: its socket, its identity, and the two limits that end it.
import { WebSocket } from "ws";
import type { Clock, Timer } from "../core/clock";
import type { WebSocketApi, WebSocketStage } from "./api";

/** Largest message in either direction, in bytes. https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html */
export const MAXIMUM_MESSAGE_BYTES = 128 * 1024;
/** Largest frame that a client may send, in bytes. */
export const MAXIMUM_FRAME_BYTES = 32 * 1024;
const IDLE_MS = 10 * 60_000;
const LIFETIME_MS = 2 * 3_600_000;
/** Close codes. https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const GOING_AWAY = 1001;
const UNSUPPORTED = 1003;
const TOO_BIG = 1009;
/** What may wait for a client that does not read, in bytes. AWS gives no number. */
const MAXIMUM_BUFFERED_BYTES = 4 * 1024 * 1024;

/** Who connected, and how. */
export interface ConnectionFacts {
  readonly id: string;
  readonly api: WebSocketApi;
  readonly stage: WebSocketStage;
  readonly sourceIp: string;
  readonly userAgent: string | undefined;
  readonly connectedAt: number;
  /** Context of the authorizer, with `principalId`; undefined without one. */
  authorizer: Readonly<Record<string, unknown>> | undefined;
}

/** A connection after its handshake. */
export class Connection {
  lastActiveAt: number;
  private idle: Timer;
  private readonly lifetime: Timer;
  private ended = false;

  constructor(
    readonly facts: ConnectionFacts,
    private readonly socket: WebSocket,
    private readonly clock: Clock,
  ) {
    this.lastActiveAt = clock.now();
    this.idle = clock.setTimer(IDLE_MS, () => this.close(GOING_AWAY, "Going away"));
    this.lifetime = clock.setTimer(LIFETIME_MS, () => this.close(GOING_AWAY, "Going away"));
  }

  /** Neither side has begun to close. */
  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** The client does not read what was sent to it. */
  get isFull(): boolean {
    return this.socket.bufferedAmount > MAXIMUM_BUFFERED_BYTES;
  }

  /** A message went through, in either direction. */
  touch(): void {
    if (this.ended) return;
    this.lastActiveAt = this.clock.now();
    this.idle.cancel();
    this.idle = this.clock.setTimer(IDLE_MS, () => this.close(GOING_AWAY, "Going away"));
  }

  send(text: string): void {
    this.touch();
    this.socket.send(text);
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason);
  }

  /** API Gateway takes no binary messages. */
  closeUnsupported(): void {
    this.close(UNSUPPORTED, "Binary frames are not supported");
  }

  closeTooBig(): void {
    this.close(TOO_BIG, "Message too long");
  }

  /** Without a closing handshake: the run ends. */
  terminate(): void {
    this.socket.terminate();
  }

  /** Ends the timers; true the first time. */
  end(): boolean {
    if (this.ended) return false;
    this.ended = true;
    this.idle.cancel();
    this.lifetime.cancel();
    return true;
  }
}
