// Asynchronous invocation: Lambda answers at once, tries the event up to three times, and drops it when it is too old.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
import { recordAct } from "../core/acts";
import type { Timer } from "../core/clock";
import { AwsError } from "../core/errors";
import type { CloudContext } from "../core/service";
import type { EventInvokeSettings, FunctionReference, FunctionRegistry, ResolvedFunction } from "./definition";
import type { Invocation, Invoker } from "./invoker";
import { MAXIMUM_EVENT_AGE_SECONDS, MAXIMUM_RETRY_ATTEMPTS } from "./limits";
import { sendToDestination } from "./on-failure";

interface QueuedEvent {
  readonly reference: FunctionReference;
  readonly payload: Buffer;
  readonly requestId: string;
  readonly caller: string;
  readonly queuedAt: number;
  /** Attempts that ended with a function error. */
  failures: number;
  /** Attempts that were throttled, one after the other. */
  throttles: number;
  /** The last attempt that ended with a function error. */
  last?: Invocation;
}

const FIRST_RETRY_MS = 60_000;
const SECOND_RETRY_MS = 120_000;
const FIRST_THROTTLE_MS = 1000;
const LONGEST_THROTTLE_MS = 300_000;
const DEFAULTS: EventInvokeSettings = {
  maximumEventAgeSeconds: MAXIMUM_EVENT_AGE_SECONDS,
  maximumRetryAttempts: MAXIMUM_RETRY_ATTEMPTS,
};

/** Lambda's internal queue of asynchronous events. */
export class AsyncQueue {
  private readonly timers = new Set<Timer>();
  private stopped = false;

  constructor(
    private readonly context: CloudContext,
    private readonly registry: FunctionRegistry,
    private readonly invoker: Invoker,
  ) {}

  /** Queues an event; returns its request id, which stays the same over all attempts. */
  add(reference: FunctionReference, payload: Buffer, caller: string, requestId = this.invoker.newRequestId()): string {
    const queuedAt = this.context.clock.now();
    const event: QueuedEvent = { reference, payload, requestId, caller, queuedAt, failures: 0, throttles: 0 };
    setImmediate(() => void this.attempt(event));
    return requestId;
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
  }

  private async attempt(event: QueuedEvent): Promise<void> {
    if (this.stopped) return;
    let resolved: ResolvedFunction;
    try {
      resolved = this.registry.resolve(event.reference);
    } catch {
      return; // the function was deleted: AWS drops the event
    }
    const at = this.context.clock.now();
    const facts = { caller: event.caller, invocationType: "Event", attempt: event.failures + 1 } as const;
    try {
      const result = await this.invoker.run(resolved, event.payload, event.requestId);
      this.invoker.trace(resolved, at, result, facts);
      event.throttles = 0;
      if (result.status === "success") return;
      event.last = result;
      this.retryFailed(event, resolved);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      this.invoker.trace(resolved, at, error, facts);
      const waitMs = Math.min(FIRST_THROTTLE_MS * 2 ** event.throttles++, LONGEST_THROTTLE_MS);
      this.later(event, resolved, waitMs);
    }
  }

  private retryFailed(event: QueuedEvent, resolved: ResolvedFunction): void {
    event.failures++;
    if (event.failures > settingsOf(resolved).maximumRetryAttempts) this.drop(event, resolved, "RetriesExhausted");
    else this.later(event, resolved, event.failures === 1 ? FIRST_RETRY_MS : SECOND_RETRY_MS);
  }

  private later(event: QueuedEvent, resolved: ResolvedFunction, waitMs: number): void {
    if (this.stopped) return;
    const ageMs = this.context.clock.now() + waitMs - event.queuedAt;
    if (ageMs > settingsOf(resolved).maximumEventAgeSeconds * 1000) {
      this.drop(event, resolved, "EventAgeExceeded");
      return;
    }
    const timer = this.context.clock.setTimer(waitMs, () => {
      this.timers.delete(timer);
      void this.attempt(event);
    });
    this.timers.add(timer);
  }

  private drop(event: QueuedEvent, resolved: ResolvedFunction, condition: string): void {
    const at = this.context.clock.now();
    const dimensions = { FunctionName: resolved.definition.name };
    const datum = { namespace: "AWS/Lambda", name: "AsyncEventsDropped", dimensions, value: 1, unit: "Count", at };
    this.context.metrics.put(datum);
    const destination = settingsOf(resolved).onFailureArn;
    if (destination !== undefined) sendToDestination(this.context, resolved, destination, { ...event, condition });
    recordAct(this.context, {
      id: event.requestId,
      service: "lambda",
      caller: event.caller,
      operation: "DropAsyncEvent",
      resource: resolved.qualifiedArn,
      error: { statusCode: 500, code: condition },
    });
  }
}

function settingsOf(resolved: ResolvedFunction): EventInvokeSettings {
  return resolved.record.eventInvoke.get(resolved.qualifier ?? "$LATEST") ?? DEFAULTS;
}
