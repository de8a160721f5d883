// Reads a queue for one mapping and hands batches to its function: one receive at a time, however many batches are in process.
import { sleep, type Timer } from "../../core/clock";
import type { AwsError } from "../../core/errors";
import type { Principal } from "../../core/principal";
import type { CloudContext, ReceivedMessage } from "../../core/service";
import type { FunctionRegistry, ResolvedFunction } from "../definition";
import type { Invocation } from "../invoker";
import { type Batch, Gathering, prepare, toRecord } from "./batch";
import { compileFilters, type RecordFilter } from "./filter";
import type { BatchInvocations } from "./invocation";
import type { Mapping } from "./mapping";
import { Pace } from "./pace";
import { Reports } from "./reports";
import { readFailures } from "./response";
import { RoleSession } from "./role-session";
import { isFifo } from "./settings";

/** What a poller needs besides its mapping. */
export interface PollerParts {
  readonly context: CloudContext;
  readonly registry: FunctionRegistry;
  readonly invocations: BatchInvocations;
}

/** Long poll, as Lambda's own pollers do it. */
const WAIT_MS = 20_000;
/** Messages of one receive at most: what is read ahead must fit into memory. */
const LARGEST_RECEIVE = 1000;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
const THROTTLED = 429;

/** The running half of a mapping. */
export class Poller {
  private readonly session: RoleSession;
  private readonly ending = new AbortController();
  /** Batches that wait for a slot: only when the limit fell after they were read. */
  private readonly ready: Batch[] = [];
  private readonly pace: Pace;
  private readonly reports: Reports;
  private gathering: Gathering;
  private filter: RecordFilter | undefined;
  private inFlight = 0;
  private receiving: AbortController | undefined;
  private windowTimer: Timer | undefined;
  private retryMs = FIRST_RETRY_MS;

  constructor(
    private readonly parts: PollerParts,
    readonly mapping: Mapping,
  ) {
    this.session = new RoleSession(parts.context);
    this.pace = new Pace(parts.context.clock, mapping.settings, () => this.pump());
    this.reports = new Reports(parts.context, mapping);
    this.gathering = new Gathering(mapping.settings.batchSize);
    this.filter = compileFilters(mapping.settings.filters);
  }

  /** Batches that may be in process now. */
  get limit(): number {
    return this.pace.limit;
  }

  start(): void {
    this.pump();
  }

  /** The mapping's settings have changed: what was read before is still processed. */
  reconfigure(): void {
    this.flush();
    this.pace.reconfigure(this.mapping.settings);
    this.gathering = new Gathering(this.mapping.settings.batchSize);
    this.filter = compileFilters(this.mapping.settings.filters);
    this.session.forget();
    // The wait that is under way was meant for the old settings.
    if (this.receiving) this.receiving.abort();
    else this.pump();
  }

  /** Reads nothing more and tries nothing again. Invocations that run come to their end. */
  stop(): void {
    this.ending.abort();
    this.receiving?.abort();
    this.windowTimer?.cancel();
    this.pace.stop();
    this.ready.length = 0;
  }

  private get isOpen(): boolean {
    return !this.ending.signal.aborted;
  }

  /** Fills free slots: first with what was read before, then from the queue. */
  private pump(): void {
    while (this.isOpen && this.ready.length > 0 && this.inFlight < this.limit) {
      const batch = this.ready.shift();
      if (batch) void this.process(batch);
    }
    if (!this.isOpen || this.receiving || !this.mapping.settings.enabled) return;
    const wanted = this.wanted();
    if (wanted > 0) void this.receive(wanted);
    else this.pace.watch();
  }

  /** Messages that free slots can take. A FIFO queue is asked for one batch at a time: its groups must not be torn apart. */
  private wanted(): number {
    const { batchSize, queueArn } = this.mapping.settings;
    const free = this.limit - this.inFlight - this.ready.length;
    if (free <= 0) return 0;
    if (isFifo(queueArn)) return batchSize;
    return Math.min(free * batchSize - this.gathering.size, Math.max(batchSize, LARGEST_RECEIVE));
  }

  private async receive(maximumMessages: number): Promise<void> {
    const receiving = new AbortController();
    this.receiving = receiving;
    try {
      const { context } = this.parts;
      const { queueArn } = this.mapping.settings;
      const { signal } = receiving;
      const settings = { maximumMessages, waitTimeMs: WAIT_MS, signal };
      const messages = await context.queues.receive(queueArn, settings, this.principal());
      this.retryMs = FIRST_RETRY_MS;
      this.pace.backlog = messages.length >= maximumMessages;
      if (messages.length > 0) this.accept(messages);
      else if (!signal.aborted && this.inFlight === 0) this.pace.onIdle();
    } catch (error) {
      await this.reportAndWait(error, receiving.signal);
    }
    this.receiving = undefined;
    this.pump();
  }

  /** Lambda keeps trying while the role or the queue is missing. */
  private async reportAndWait(error: unknown, signal: AbortSignal): Promise<void> {
    this.report(error, "ReceiveMessage");
    const waitMs = this.retryMs;
    this.retryMs = Math.min(waitMs * 2, LONGEST_RETRY_MS);
    await sleep(this.parts.context.clock, waitMs, signal).catch(() => undefined);
  }

  private principal(): Principal {
    return this.session.principalFor(this.resolve().definition);
  }

  private resolve(): ResolvedFunction {
    return this.parts.registry.resolve(this.mapping.reference);
  }

  private accept(messages: readonly ReceivedMessage[]): void {
    const { queueArn, windowSeconds } = this.mapping.settings;
    const deadline = this.parts.context.clock.now() + this.visibilityMs(queueArn);
    const unwanted: string[] = [];
    this.reports.count("PolledEventCount", messages.length);
    for (const message of messages) {
      const record = toRecord(message, queueArn);
      if (this.filter?.(record) === false) unwanted.push(message.receiptHandle);
      else this.gather(message, record, deadline);
    }
    if (windowSeconds === 0) this.flush();
    else if (this.gathering.size > 0) this.openWindow(windowSeconds * 1000);
    if (unwanted.length === 0) return;
    this.reports.count("FilteredOutEventCount", unwanted.length);
    this.remove(unwanted);
  }

  private gather(message: ReceivedMessage, record: Readonly<Record<string, unknown>>, deadline: number): void {
    const full = this.gathering.add(prepare(message, record), deadline);
    if (full) this.submit(full);
    if (this.gathering.isFull) this.flush();
  }

  private visibilityMs(queueArn: string): number {
    return (this.parts.context.queues.describe(queueArn)?.visibilityTimeoutSeconds ?? 0) * 1000;
  }

  /** The batching window begins with the first message of a batch. */
  private openWindow(windowMs: number): void {
    this.windowTimer ??= this.parts.context.clock.setTimer(windowMs, () => this.flush());
  }

  private flush(): void {
    this.windowTimer?.cancel();
    this.windowTimer = undefined;
    if (this.gathering.size > 0) this.submit(this.gathering.take());
  }

  private submit(batch: Batch): void {
    if (this.inFlight < this.limit) void this.process(batch);
    else this.ready.push(batch);
  }

  private async process(batch: Batch): Promise<void> {
    this.inFlight++;
    const { invocations } = this.parts;
    const onRefused = (error: AwsError): void => {
      if (error.statusCode !== THROTTLED) this.report(error, "Invoke");
      this.pace.onRefused();
    };
    const resolve = (): ResolvedFunction => this.resolve();
    const result = await invocations.run(this.mapping, batch, resolve, onRefused, this.ending.signal);
    if (result) this.conclude(batch, result);
    else this.reports.count("FailedInvokeEventCount", batch.messageIds.length);
    this.inFlight--;
    this.pump();
  }

  /** Deletes what was processed; everything else comes back by itself. */
  private conclude(batch: Batch, result: Invocation): void {
    const { messageIds, receiptHandles } = batch;
    this.reports.count("InvokedEventCount", messageIds.length);
    const failures = this.failuresOf(batch, result);
    const done = failures ? receiptHandles.filter((_, index) => !failures.has(messageIds[index] ?? "")) : [];
    this.pace.onConcluded(done.length > 0);
    this.reports.count("FailedInvokeEventCount", messageIds.length - done.length);
    if (done.length > 0 && this.remove(done)) this.mapping.lastResult = "OK";
  }

  /** Ids of failed messages; undefined: the whole batch. */
  private failuresOf({ messageIds }: Batch, { status, payload }: Invocation): ReadonlySet<string> | undefined {
    if (status !== "success") return undefined;
    return this.mapping.settings.partialResponses ? readFailures(payload, new Set(messageIds)) : new Set();
  }

  /** Deletes messages; false when that was refused: they come back. */
  private remove(receiptHandles: readonly string[]): boolean {
    try {
      this.parts.context.queues.delete(this.mapping.settings.queueArn, receiptHandles, this.principal());
    } catch (error) {
      this.report(error, "DeleteMessage");
      return false;
    }
    this.reports.count("DeletedEventCount", receiptHandles.length);
    return true;
  }

  private report(error: unknown, operation: string): void {
    // The role may have changed: it is assumed anew.
    this.session.forget();
    this.reports.problem(error, operation);
  }
}
