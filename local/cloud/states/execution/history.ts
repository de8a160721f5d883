// The history of one execution, as GetExecutionHistory returns it.
import type { Clock } from "../../core/clock";
import { StatesError } from "../language/errors";
import type { JsonRecord } from "../language/types";

/** Most events of a Standard execution. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
export const MAXIMUM_EVENTS = 25_000;
/** What an event without data weighs in memory, about, in bytes. */
const EVENT_BYTES = 300;

/** One event; `details` sits under the member that AWS names after the type. */
export interface HistoryEvent {
  readonly id: number;
  /** The event before it in its own sequence; for the end of a Parallel or Map, the one before it in that state. */
  readonly previousEventId: number;
  /** What AWS shows instead as `previousEventId`, where that differs: the last event within a Parallel or Map. */
  readonly shownPreviousEventId?: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly type: string;
  /** "stateEnteredEventDetails" say; undefined for events without details. */
  readonly detailsMember: string | undefined;
  readonly details: JsonRecord;
}

/** Collects events. */
export class History {
  /** What the events weigh in memory, about, in bytes. */
  weight = 0;
  private readonly recorded: HistoryEvent[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly onEvent: (event: HistoryEvent) => void,
  ) {}

  get events(): readonly HistoryEvent[] {
    return this.recorded;
  }

  /** Adds an event and returns its id. @throws StatesError States.Runtime when the history is full. */
  add(
    type: string,
    previousEventId: number,
    detailsMember?: string,
    details: JsonRecord = {},
    shownPreviousEventId?: number,
  ): number {
    if (this.recorded.length >= MAXIMUM_EVENTS - 1 && !type.startsWith("Execution")) {
      throw new StatesError(
        "States.Runtime",
        `The execution reached the maximum number of history events (${MAXIMUM_EVENTS}).`,
      );
    }
    const id = this.recorded.length + 1;
    const at = this.clock.now();
    const shown = shownPreviousEventId === undefined ? {} : { shownPreviousEventId };
    const event = { id, previousEventId, ...shown, at, type, detailsMember, details };
    this.recorded.push(event);
    this.weight += EVENT_BYTES;
    for (const value of Object.values(details)) if (typeof value === "string") this.weight += value.length;
    this.onEvent(event);
    return id;
  }
}
