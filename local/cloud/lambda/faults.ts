// Faults that a test asks for: a function that dies in the middle of a request.
import type { TraceEvent, TraceLog } from "../core/trace";

interface PlannedKill {
  /** Kill after the first trace that fits; undefined: as soon as the handler has its event. */
  readonly when: ((trace: TraceEvent) => boolean) | undefined;
  readonly killed: () => void;
}

/** Faults by function name, used up one invocation at a time. */
export class FaultPlan {
  private readonly planned = new Map<string, PlannedKill[]>();

  constructor(private readonly traces: TraceLog) {}

  /** Resolves when the process was told to die. */
  add(functionName: string, when?: (trace: TraceEvent) => boolean): Promise<void> {
    return new Promise((killed) => {
      const plans = this.planned.get(functionName) ?? [];
      plans.push({ when, killed });
      this.planned.set(functionName, plans);
    });
  }

  /** The fault of the next invocation, as a callback for the moment at which the handler has its event. */
  take(functionName: string, kill: () => void): (() => void) | undefined {
    const plan = this.planned.get(functionName)?.shift();
    if (!plan) return undefined;
    const { when } = plan;
    const act = (): void => {
      kill();
      plan.killed();
    };
    if (!when) return act;
    return () => {
      const end = this.traces.subscribe((trace) => {
        if (!when(trace)) return;
        end();
        act();
      });
    };
  }
}
