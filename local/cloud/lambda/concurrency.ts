// Concurrency limits: reserved concurrency is a limit and a share; what is reserved is missing for the others.
import { AwsError } from "../core/errors";
import type { FunctionRecord, FunctionRegistry } from "./definition";
import { ACCOUNT_CONCURRENCY } from "./limits";
import type { FunctionMetrics } from "./metrics";

/** Admits executions of real and of simulated functions alike. */
export class Concurrency {
  constructor(
    private readonly registry: FunctionRegistry,
    private readonly metrics: FunctionMetrics,
  ) {}

  /** Counts one more execution. @throws AwsError TooManyRequestsException (429) over a limit. */
  enter(record: FunctionRecord): void {
    const reason = this.refusal(record);
    if (reason !== undefined) {
      this.metrics.put(record, "Throttles", 1);
      throw new AwsError("TooManyRequestsException", "Rate Exceeded.", 429, { Reason: reason });
    }
    record.executions++;
    this.metrics.put(record, "ConcurrentExecutions", record.executions);
  }

  leave(record: FunctionRecord): void {
    record.executions--;
  }

  private refusal(record: FunctionRecord): string | undefined {
    const { reservedConcurrency, executions } = record;
    if (reservedConcurrency !== undefined) {
      return executions >= reservedConcurrency ? "ReservedFunctionConcurrentInvocationLimitExceeded" : undefined;
    }
    const { accountId, region } = record.latest;
    let available = ACCOUNT_CONCURRENCY;
    for (const { latest, reservedConcurrency: reserved, executions: running } of this.registry.all()) {
      if (latest.accountId === accountId && latest.region === region) available -= reserved ?? running;
    }
    return available <= 0 ? "ConcurrentInvocationLimitExceeded" : undefined;
  }
}
