// What happened, call by call: the console shows it, tests wait for it. Never holds secrets, tokens or signed URLs.
import type { Decision } from "./access";

/** One call that the embedded cloud answered, or one step that it took by itself. */
export interface TraceEvent {
  /** Unique in this run; equals the request id that the caller received. */
  readonly id: string;
  /** Milliseconds since the epoch, on the injected clock. */
  readonly at: number;
  readonly durationMs: number;
  /** Who called: ARN of the principal, "anonymous", or a service name. */
  readonly caller: string;
  /** Service that answered: "s3", "dynamodb", "lambda", "execute-api", "cognito-idp", "cloudfront", … */
  readonly service: string;
  /** API operation or route: "UploadPart", "POST /uploads". */
  readonly operation: string;
  /** ARN of the resource that was touched, where there is one. */
  readonly resource?: string;
  /** HTTP status. */
  readonly status: number;
  /** AWS error code of a refused call. */
  readonly errorCode?: string;
  /** IAM decisions taken on the way. */
  readonly decisions: readonly Decision[];
  /** Further facts: bytes, part number, log stream, … */
  readonly detail?: Readonly<Record<string, string | number | boolean>>;
}

/** Ring of recent traces with subscriptions. */
export class TraceLog {
  private readonly events: TraceEvent[] = [];
  private readonly listeners = new Set<(event: TraceEvent) => void>();

  /** @param capacity how many events are kept. */
  constructor(private readonly capacity = 2000) {}

  record(event: TraceEvent): void {
    this.events.push(event);
    if (this.events.length > this.capacity) this.events.shift();
    for (const listener of this.listeners) listener(event);
  }

  recent(): readonly TraceEvent[] {
    return this.events;
  }

  /** Calls `listener` for every later event; returns the function that ends it. */
  subscribe(listener: (event: TraceEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Resolves with the first event, past or later, that fits. */
  waitFor(fits: (event: TraceEvent) => boolean, signal?: AbortSignal): Promise<TraceEvent> {
    const past = this.events.find(fits);
    if (past) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const end = this.subscribe((event) => {
        if (!fits(event)) return;
        end();
        resolve(event);
      });
      signal?.addEventListener(
        "abort",
        () => {
          end();
          reject(signal.reason as Error);
        },
        { once: true },
      );
    });
  }
}
