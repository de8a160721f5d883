// One invocation: admitted by the concurrency limits, run, measured and traced; with the faults that tests ask for.
import type { Decision } from "../core/access";
import { AwsError } from "../core/errors";
import type { CloudContext } from "../core/service";
import type { TraceEvent } from "../core/trace";
import { uuidFrom } from "../core/uuid";
import type { Concurrency } from "./concurrency";
import type { ResolvedFunction } from "./definition";
import type { FaultPlan } from "./faults";
import type { FunctionMetrics } from "./metrics";
import type { FunctionRunner, Outcome } from "./runner";

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
  /** Further facts: the size of a batch, say. */
  readonly detail?: NonNullable<TraceEvent["detail"]>;
}

/** Runs events, one environment per concurrent event. */
export class Invoker {
  constructor(
    private readonly context: CloudContext,
    private readonly concurrency: Concurrency,
    private readonly metrics: FunctionMetrics,
    private readonly runner: FunctionRunner,
    private readonly faults: FaultPlan,
  ) {}

  newRequestId(): string {
    return uuidFrom(this.context.uniqueId(32));
  }

  /** @throws AwsError TooManyRequestsException (429) over a concurrency limit, AccessDeniedException when the role fails. */
  async run(resolved: ResolvedFunction, payload: Buffer, requestId = this.newRequestId()): Promise<Invocation> {
    const { record, definition } = resolved;
    this.concurrency.enter(record);
    const started = this.context.clock.now();
    try {
      const onDelivered = this.faults.take(definition.name, () => this.runner.kill(requestId));
      const job = { requestId, payload, invokedArn: resolved.qualifiedArn, ...(onDelivered ? { onDelivered } : {}) };
      const outcome = await this.runner.run(definition, job);
      this.metrics.put(record, "Invocations", 1);
      this.metrics.put(record, "Errors", outcome.status === "success" ? 0 : 1);
      this.metrics.put(record, "Duration", outcome.durationMs, "Milliseconds", started);
      return { ...outcome, requestId };
    } finally {
      this.concurrency.leave(record);
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
        ...facts.detail,
      },
    };
    this.context.traces.record(event);
  }
}
