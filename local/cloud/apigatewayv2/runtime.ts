// What handshakes, messages and closes of WebSocket APIs share: limits, ids, and the end of the run.
import { ACCOUNT_THROTTLE, Throttling } from "../apigateway/throttling";
import type { CloudContext } from "../core/service";
import { uuidFrom } from "../core/uuid";
import { servedBy, type WebSocketSnapshot } from "./api";
import type { ConnectionFacts } from "./connection";
import type { Occurrence } from "./events";

/** New connections per second and account. https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html */
const CONNECT_THROTTLE = { rate: 500, burst: 500 };

/** Shared by all APIs of one cloud. */
export class SocketRuntime {
  private readonly throttling: Throttling;
  private readonly stopping = new AbortController();
  private readonly pending = new Set<Promise<void>>();

  constructor(readonly context: CloudContext) {
    this.throttling = new Throttling(context.clock);
  }

  /** Aborts when the run ends: nobody waits for functions any more. */
  get signal(): AbortSignal {
    return this.stopping.signal;
  }

  get stopped(): boolean {
    return this.signal.aborted;
  }

  /** What the connection's stage serves now. */
  snapshot({ api, stage }: ConnectionFacts): WebSocketSnapshot {
    return servedBy(api, api.stages.get(stage.name) ?? stage);
  }

  /** The account's limit, then that of the route or the stage. */
  admits({ api, stage }: ConnectionFacts, routeKey: string): boolean {
    const current = api.stages.get(stage.name) ?? stage;
    const limit = current.routeThrottles.get(routeKey) ?? current.throttle;
    return (
      this.throttling.admit(`${api.accountId}/${api.region}`, ACCOUNT_THROTTLE) &&
      (limit === undefined || this.throttling.admit(`${api.id}/${stage.name}/${routeKey}`, limit))
    );
  }

  /** Whether the account may open one more connection at this moment. */
  admitsConnection({ api }: ConnectionFacts): boolean {
    return this.throttling.admit(`connect/${api.accountId}/${api.region}`, CONNECT_THROTTLE);
  }

  occurrence(eventType: Occurrence["eventType"], routeKey: string, messageId?: string): Occurrence {
    return {
      eventType,
      routeKey,
      requestId: uuidFrom(this.context.uniqueId(32)),
      extendedRequestId: `${this.context.uniqueId(15)}=`,
      at: this.context.clock.now(),
      ...(messageId === undefined ? {} : { messageId }),
    };
  }

  /** Lets work go on in the background; `stop` waits for it. */
  track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        // After the end of the run functions are gone; before it, a fault of this program must be seen.
        if (!this.stopped) throw error;
      })
      .finally(() => this.pending.delete(tracked));
    this.pending.add(tracked);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.pending);
  }
}
