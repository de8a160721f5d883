// Functions as a test simulates them: in this process, on the cloud's clock. Timeouts, errors and sizes are as in real processes;
// logs are not written.
import type { SimulatedFunction } from "../cloud";
import type { Timer } from "../core/clock";
import type { CloudContext } from "../core/service";
import type { EnvironmentInfo } from "./control";
import type { FunctionDefinition } from "./definition";
import { type ErrorDocument, errorDocument, exited, responseTooLarge, timedOut } from "./error-documents";
import { RESPONSE_BYTES } from "./limits";
import type { InvocationStatus } from "./log-lines";
import { assumeRole } from "./role";
import type { FunctionRunner, Job, Outcome } from "./runner";

const NO_LOG = Buffer.alloc(0);

/** Runs events with one function of the test. */
export class SimulatedRunner implements FunctionRunner {
  private readonly executions = new Map<string, Execution>();
  /** Until when the role of a definition is known to be assumable, in milliseconds since the epoch. */
  private readonly assumed = new WeakMap<FunctionDefinition, number>();

  constructor(
    private readonly context: CloudContext,
    private readonly simulate: SimulatedFunction,
  ) {}

  async run(definition: FunctionDefinition, job: Job): Promise<Outcome> {
    this.assume(definition);
    const execution = new Execution(this.context, definition, job.requestId);
    this.executions.set(job.requestId, execution);
    const outcome = execution.run(this.simulate, job);
    job.onDelivered?.();
    try {
      return await outcome;
    } finally {
      this.executions.delete(job.requestId);
    }
  }

  retire(definition: FunctionDefinition): void {
    this.assumed.delete(definition);
  }

  kill(requestId: string): void {
    this.executions.get(requestId)?.fail("error", exited(requestId, "Runtime exited with error: signal: killed"));
  }

  environments(): readonly EnvironmentInfo[] {
    return [...this.executions].map(([id, { definition }]) => ({
      id,
      functionName: definition.name,
      state: "busy",
      logStream: "",
    }));
  }

  stop(): Promise<void> {
    for (const execution of this.executions.values()) execution.abandon();
    this.executions.clear();
    return Promise.resolve();
  }

  private assume(definition: FunctionDefinition): void {
    const { clock } = this.context;
    if ((this.assumed.get(definition) ?? 0) > clock.now()) return;
    this.assumed.set(definition, assumeRole(this.context, definition).expiresAt ?? Infinity);
  }
}

/** One event. Holds nothing of it once it has ended: a cancelled timer may stay with the clock until its time. */
class Execution {
  private readonly startedAt: number;
  private timer: Timer | undefined;
  private resolve: ((outcome: Outcome) => void) | undefined;

  constructor(
    private readonly context: CloudContext,
    readonly definition: FunctionDefinition,
    private readonly requestId: string,
  ) {
    this.startedAt = context.clock.now();
  }

  run(simulate: SimulatedFunction, { payload, requestId }: Job): Promise<Outcome> {
    const { clock } = this.context;
    const { name, urn, timeoutSeconds } = this.definition;
    const timeoutMs = timeoutSeconds * 1000;
    this.timer = clock.setTimer(timeoutMs, () => this.fail("timeout", timedOut(this.definition, this.requestId)));
    const outcome = new Promise<Outcome>((resolve) => (this.resolve = resolve));
    const deadline = this.startedAt + timeoutMs;
    // A function that throws at once must not differ from one that rejects.
    const work = async (): Promise<unknown> =>
      simulate({ functionName: name, urn, event: JSON.parse(payload.toString()), requestId, deadline, clock });
    void work().then(
      (result) => this.succeed(result),
      (error: unknown) => this.fail("error", describe(error)),
    );
    return outcome;
  }

  fail(status: InvocationStatus, { errorType, payload }: ErrorDocument): void {
    this.settle({ status, errorType, payload });
  }

  /** The run ends: nobody hears of the event again. */
  abandon(): void {
    this.timer?.cancel();
    this.resolve = undefined;
  }

  private succeed(result: unknown): void {
    // undefined is null for JSON, and a function that returns nothing answers null.
    const payload = Buffer.from(JSON.stringify(result ?? null));
    if (payload.length > RESPONSE_BYTES) this.fail("error", responseTooLarge());
    else this.settle({ status: "success", payload });
  }

  private settle(outcome: Pick<Outcome, "status" | "errorType" | "payload">): void {
    this.timer?.cancel();
    this.resolve?.({ ...outcome, durationMs: this.context.clock.now() - this.startedAt, logTail: NO_LOG });
    this.resolve = undefined;
  }
}

function describe(error: unknown): ErrorDocument {
  return error instanceof Error ? errorDocument(error.name, error.message) : errorDocument("Error", String(error));
}
