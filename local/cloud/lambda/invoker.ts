// Synchronous invocation: concurrency limits, faults asked for by tests, metrics and traces.
import type { Decision } from "../core/access";
import { AwsError } from "../core/errors";
import type { CloudContext } from "../core/service";
import type { TraceEvent } from "../core/trace";
import { uuidFrom } from "../core/uuid";
import type { FunctionRecord, FunctionRegistry, ResolvedFunction } from "./definition";
import type { Outcome } from "./environment";
import type { FaultPlan } from "./faults";
import { ACCOUNT_CONCURRENCY } from "./limits";
import type { EnvironmentPool } from "./pool";

/** An outcome with the id that the caller sees. */
export interface Invocation extends Outcome {
  readonly requestId: string;
}

/** Facts of an invocation for its trace. */
export interface InvocationTrace {
  readonly caller: string;
  readonly invocationType: "RequestResponse" | "Event";
  readonly attempt?: number;
  readonly decisions?: readonly Decision[];
}

/** Runs events, one environment per concurrent event. */
export class Invoker {
  constructor(
    private readonly context: CloudContext,
    private readonly registry: FunctionRegistry,
    private readonly pool: EnvironmentPool,
    private readonly faults: FaultPlan,
  ) {}

  newRequestId(): string {
    return uuidFrom(this.context.uniqueId(32));
  }

  /** @throws AwsError TooManyRequestsException (429) over a concurrency limit, AccessDeniedException when the role fails. */
  async run(resolved: ResolvedFunction, payload: Buffer, requestId = this.newRequestId()): Promise<Invocation> {
    const { record, definition } = resolved;
    this.admit(record);
    record.executions++;
    this.measure(record, "ConcurrentExecutions", record.executions);
    const started = this.context.clock.now();
    try {
      const onDelivered = this.faults.take(definition.name, () => this.killRunning(requestId));
      const job = { requestId, payload, invokedArn: resolved.qualifiedArn, ...(onDelivered ? { onDelivered } : {}) };
      const outcome = await this.pool.run(definition, job);
      this.measure(record, "Invocations", 1);
      this.measure(record, "Errors", outcome.status === "success" ? 0 : 1);
      this.measure(record, "Duration", outcome.durationMs, "Milliseconds", started);
      return { ...outcome, requestId };
    } finally {
      record.executions--;
    }
  }

  /** Leaves a trace of an invocation that did not come through the gateway, which writes its own. */
  trace(resolved: ResolvedFunction, at: number, result: Invocation | AwsError, facts: InvocationTrace): void {
    const refused = result instanceof AwsError;
    const errorCode = refused ? result.code : result.errorType;
    const event: TraceEvent = {
      id: refused ? this.newRequestId() : result.requestId,
      at,
      durationMs: refused ? 0 : result.durationMs,
      caller: facts.caller,
      service: "lambda",
      operation: "Invoke",
      resource: resolved.qualifiedArn,
      status: refused ? result.statusCode : 200,
      ...(errorCode === undefined ? {} : { errorCode }),
      decisions: facts.decisions ?? [],
      detail: {
        invocationType: facts.invocationType,
        ...(facts.attempt === undefined ? {} : { attempt: facts.attempt }),
        ...(refused || result.initDurationMs === undefined
          ? {}
          : { initDurationMs: Math.round(result.initDurationMs) }),
      },
    };
    this.context.traces.record(event);
  }

  private killRunning(requestId: string): void {
    for (const environment of this.pool.list()) {
      if (environment.currentRequestId === requestId) void environment.kill();
    }
  }

  /** Reserved concurrency is a limit and a share: what is reserved is missing for the others. */
  private admit(record: FunctionRecord): void {
    const { reservedConcurrency } = record;
    if (reservedConcurrency !== undefined) {
      if (record.executions >= reservedConcurrency)
        this.throttle(record, "ReservedFunctionConcurrentInvocationLimitExceeded");
      return;
    }
    const { accountId, region } = record.latest;
    const neighbours = this.registry
      .all()
      .filter(({ latest }) => latest.accountId === accountId && latest.region === region);
    const reserved = neighbours.reduce((sum, other) => sum + (other.reservedConcurrency ?? 0), 0);
    const running = neighbours.reduce(
      (sum, other) => sum + (other.reservedConcurrency === undefined ? other.executions : 0),
      0,
    );
    if (running >= ACCOUNT_CONCURRENCY - reserved) this.throttle(record, "ConcurrentInvocationLimitExceeded");
  }

  private throttle(record: FunctionRecord, reason: string): never {
    this.measure(record, "Throttles", 1);
    throw new AwsError("TooManyRequestsException", "Rate Exceeded.", 429, { Reason: reason });
  }

  /** With the dimension FunctionName; AWS adds others, which nobody here reads. */
  private measure(
    record: FunctionRecord,
    name: string,
    value: number,
    unit = "Count",
    at = this.context.clock.now(),
  ): void {
    const dimensions = { FunctionName: record.latest.name };
    this.context.metrics.put({ namespace: "AWS/Lambda", name, dimensions, value, unit, at });
  }
}
