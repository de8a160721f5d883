// Ends the wait for what never comes: cancelled, or an input, output or promise that does not resolve.
import type { Deployment } from "./deployment";
import type { EvaluationError } from "./types";

/** A registration the SDK is still preparing, as it keeps it. */
export interface PendingRegistration {
  readonly name?: string;
  readonly type?: string;
  readonly label: string;
  readonly phase?: string;
  readonly inputProperty?: string;
}

const DEFAULT_IDLE_TIMEOUT = 10_000;

/** Watches one evaluation. */
export class Watchdog {
  readonly #gaveUp: Promise<void>;
  #giveUp: () => void = () => undefined;
  #over = false;
  #waiters: (() => void)[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly deployment: Deployment,
    private readonly pending: () => readonly PendingRegistration[],
  ) {
    this.#gaveUp = new Promise((resolve) => (this.#giveUp = resolve));
    const idleTimeout = deployment.options.idleTimeout ?? DEFAULT_IDLE_TIMEOUT;
    // Not kept alive by the timer: an empty event loop says the same at once.
    this.#timer = setInterval(this.#look(idleTimeout), Math.min(250, idleTimeout)).unref();
    process.on("beforeExit", this.#empty);
    const { signal } = deployment.options;
    if (signal?.aborted) this.#cancel();
    else signal?.addEventListener("abort", this.#cancel, { once: true });
  }

  /** Ends with the task, or earlier when it is given up. Rejects as the task does. */
  async until(task: Promise<unknown>): Promise<void> {
    await Promise.race([task, this.#gaveUp]);
  }

  /** Resolves when nothing keeps the process alive any more. */
  emptyEventLoop(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  stop(): void {
    this.#over = true;
    clearInterval(this.#timer);
    process.off("beforeExit", this.#empty);
    this.deployment.options.signal?.removeEventListener("abort", this.#cancel);
  }

  #look(idleTimeout: number): () => void {
    let [seen, since] = [-1, performance.now()];
    return () => {
      const { activity, limiter } = this.deployment;
      if (activity !== seen || limiter.pending > 0) [seen, since] = [activity, performance.now()];
      else if (performance.now() - since >= idleTimeout) this.#tooLong(`nothing happened for ${idleTimeout} ms`);
    };
  }

  #tooLong(why: string): void {
    if (this.#waiters.length === 0) {
      this.#abandon(why);
      return;
    }
    const message = `the program has finished but keeps its process alive with a timer, server or connection (${why})`;
    this.deployment.log({ severity: "warning", message, urn: "" });
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
    // Keeps the loop turning until whatever was woken up has gone on.
    setImmediate(() => undefined);
  }

  readonly #empty = (): void => {
    if (this.#waiters.length > 0) this.#wake();
    else this.#abandon("nothing is left that could resolve it");
  };

  readonly #cancel = (): void => {
    this.#end({ kind: "cancelled", message: "the evaluation was cancelled", problems: [] });
  };

  #abandon(why: string): void {
    const pending = this.pending();
    const errors = pending.map((one) => describe(one, why));
    const general = `the program does not settle: it waits for a promise or output that never resolves (${why})`;
    this.#end(...(errors.length > 0 ? errors : [{ kind: "unresolved" as const, message: general, problems: [] }]));
  }

  #end(...errors: readonly EvaluationError[]): void {
    if (this.#over) return;
    setImmediate(() => undefined);
    this.#over = true;
    // After another failure, what still waits is only its consequence.
    if (this.deployment.failures.isEmpty) for (const error of errors) this.deployment.failures.add(error);
    this.deployment.close("the evaluation was given up");
    this.#giveUp();
  }
}

function describe({ name, type, label, phase, inputProperty }: PendingRegistration, why: string): EvaluationError {
  const subject = name !== undefined && type !== undefined ? `${type} "${name}"` : label;
  const what = inputProperty !== undefined ? `the value of its input property "${inputProperty}"` : waitsFor(phase);
  return {
    kind: "unresolved",
    message: `${subject}: still waiting for ${what} (${why})`,
    ...(type !== undefined && { type }),
    ...(name !== undefined && { name }),
    problems: inputProperty === undefined ? [] : [{ property: inputProperty, reason: "does not resolve" }],
  };
}

function waitsFor(phase: string | undefined): string {
  const known: Readonly<Record<string, string>> = {
    parent: "its parent",
    provider: "its provider",
    inputs: "its inputs",
  };
  return known[phase ?? ""] ?? "its dependencies";
}
