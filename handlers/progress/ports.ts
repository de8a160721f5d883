// What the logic needs from the outside: table, sockets, workflow. Production code and fakes implement the same interfaces.
import type { ProgressEvent } from "./contract";
import type { Durations } from "./durations";
import type { Entry } from "./progress-log";
import type { RunRecord } from "./run";

/** Runs and their logs. */
export interface RunStore {
  /** Strongly consistent. */
  find(executionId: string): Promise<RunRecord | undefined>;
  /** Writes run, first event and the owner's list: all or nothing. Returns false when the run is there already. */
  create(run: RunRecord, event: ProgressEvent): Promise<boolean>;
  /** Writes an entry onto the run that was seen: all or nothing. Returns false when another entry came in between. */
  append(seen: RunRecord, entry: Entry): Promise<boolean>;
  /** Removes a run that never began. */
  remove(run: RunRecord): Promise<void>;
  /** Keeps a run that goes on: what of it would expire within half the retention time gets a whole one from now on. */
  keep(run: RunRecord): Promise<void>;
  /** Runs of a user, newest first. */
  list(owner: string, limit: number): Promise<readonly RunRecord[]>;
  /** Events above `since`, ascending; `more` when there are further ones. Strongly consistent. */
  events(executionId: string, since: number, limit: number): Promise<EventPage>;
  /** JSON text of a detail that is kept apart from its event. @param key of the report: its step. */
  detail(executionId: string, key: string): Promise<string | undefined>;
  /** Counts a start of this minute. Returns false when the limit is reached. */
  countStart(owner: string, limit: number): Promise<boolean>;
  /** Running runs that started up to `until` (ISO 8601), oldest first, page by page: those behind `after`, then those up to it. */
  running(until: string, after?: RunPosition): AsyncIterable<RunPosition>;
  /** Where the last round of look-ups broke off, if ever one did. */
  findPosition(): Promise<RunPosition | undefined>;
  setPosition(position: RunPosition): Promise<void>;
}

/** Place of a run among those that are running. */
export type RunPosition = Pick<RunRecord, "executionId" | "startedAt">;

/** Some events of a log. */
export interface EventPage {
  readonly events: readonly ProgressEvent[];
  readonly more: boolean;
}

/** What was learned about the workflow. */
export interface DurationStore {
  find(): Promise<LearnedDurations | undefined>;
  /** Returns false when something else was learned since `seen`. */
  replace(seen: LearnedDurations | undefined, durations: Durations): Promise<boolean>;
}

/** What was learned, as it is stored. */
export interface LearnedDurations {
  readonly durations: Durations;
  /** Number of its changes. */
  readonly version: number;
}

/** Whom a connection belongs to. */
export interface Viewer {
  readonly owner: string;
  /** The only run that the connection may watch. */
  readonly scope?: string;
}

/** Connections and what they watch. All operations can be repeated. */
export interface ConnectionStore {
  add(connectionId: string, viewer: Viewer): Promise<void>;
  subscribe(connectionId: string, executionId: string): Promise<void>;
  unsubscribe(connectionId: string, executionId: string): Promise<void>;
  /** Removes a connection with all its subscriptions. @param executionId a run that it is known to watch */
  forget(connectionId: string, executionId?: string): Promise<void>;
  /** Connections that watch a run. Strongly consistent, so that whoever subscribed before an event gets it. */
  subscribers(executionId: string): AsyncIterable<string>;
}

/** Tickets, by their hash only. */
export interface TicketStore {
  issue(ticket: string, viewer: Viewer, usableUntil: number): Promise<void>;
  /** Uses a ticket up. Returns undefined when it is unknown, used or expired. */
  redeem(ticket: string): Promise<Viewer | undefined>;
}

/** Sends a text to a connection. "gone": it is closed. Rejects when it could not be sent. */
export type PostMessage = (connectionId: string, text: string) => Promise<"sent" | "gone">;

/** An execution as Step Functions describes it. */
export interface ExecutionFacts {
  readonly status: ExecutionStatus;
  /** ISO 8601. */
  readonly startedAt: string;
  /** When the status was reached, ISO 8601. */
  readonly at: string;
  readonly redrives: number;
  readonly error?: string;
  readonly cause?: string;
}

/** Status of an execution. */
export type ExecutionStatus = "RUNNING" | "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED" | "PENDING_REDRIVE";

/** The state machine. */
export interface Workflow {
  /** "exists": an execution of that name was started before. @throws BadRequestError when Step Functions does not take the input. */
  start(name: string, input: string): Promise<"started" | "exists">;
  /** Has no effect on an execution that has ended. Returns false when there is none. */
  stop(executionArn: string): Promise<boolean>;
  /** Returns false when the execution cannot be redriven (any more). */
  redrive(executionArn: string): Promise<boolean>;
  describe(executionArn: string): Promise<ExecutionFacts | undefined>;
}
