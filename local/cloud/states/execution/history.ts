// The history of one execution, as GetExecutionHistory returns it.
import type { Clock } from "../../core/clock";
import { StatesError } from "../language/errors";
import type { JsonRecord } from "../language/types";

/** Most events of a Standard execution. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
export const MAXIMUM_EVENTS = 25_000;

/** One event; `details` sits under the member that AWS names after the type. */
export interface HistoryEvent {
  readonly id: number;
  readonly previousEventId: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly type: string;
  /** "stateEnteredEventDetails" say; undefined for events without details. */
  readonly detailsMember: string | undefined;
  readonly details: JsonRecord;
}

/** Collects events. */
export class History {
  private readonly recorded: HistoryEvent[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly onEvent: (event: HistoryEvent) => void,
  ) {}

  get events(): readonly HistoryEvent[] {
    return this.recorded;
  }

  /** Adds an event and returns its id. @throws StatesError States.Runtime when the history is full. */
  add(type: string, previousEventId: number, detailsMember?: string, details: JsonRecord = {}): number {
    if (this.recorded.length >= MAXIMUM_EVENTS - 1 && !type.startsWith("Execution")) {
      throw new StatesError(
        "States.Runtime",
        `The execution reached the maximum number of history events (${MAXIMUM_EVENTS}).`,
      );
    }
    const id = this.recorded.length + 1;
    const event = { id, previousEventId, at: this.clock.now(), type, detailsMember, details };
    this.recorded.push(event);
    this.onEvent(event);
    return id;
  }
}
