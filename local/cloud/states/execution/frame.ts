// What the parts of an execution know: the run as a whole, one sequence of states, one visit to a state.
import { Cancelled } from "./cancellation";
import type { Checkpoint } from "./checkpoints";
import type { History } from "./history";
import type { ExecutionFacts, ExecutionPorts } from "./ports";
import type { StateData } from "../language/data-flow";
import type { Json, JsonRecord, QueryLanguage, State, StatesDefinition } from "../language/types";

/** What all parts of one execution share, from its start or redrive to its end. */
export interface Run {
  readonly ports: ExecutionPorts;
  readonly history: History;
  readonly facts: ExecutionFacts;
  /** Aborts when the execution ends: from then on nothing is written any more. */
  readonly signal: AbortSignal;
}

/** One sequence of states: the machine, a branch or an iteration. */
export interface Frame {
  readonly run: Run;
  readonly definition: StatesDefinition;
  readonly language: QueryLanguage;
  readonly checkpoint: Checkpoint;
  /** Aborts when the execution ends or a sibling has failed. */
  readonly signal: AbortSignal;
  /** Further members of the context object: `Map` within an iteration. */
  readonly context: JsonRecord;
  /** Replaced, never changed, when a state assigns. */
  variables: ReadonlyMap<string, Json>;
  /** Id of the last history event of this sequence. */
  previous: number;
  /** What the next event shows as its predecessor instead: what ended last within a Parallel or Map. */
  shown: number | undefined;
  /** Type of the state that is being run. */
  current: State["Type"] | undefined;
}

/** A state that is being run. */
export interface Visit {
  readonly frame: Frame;
  readonly name: string;
  readonly state: State;
  readonly data: StateData;
}

/** How a state ended. */
export interface Step {
  readonly output: Json;
  /** `output` as JSON. */
  readonly text: string;
  /** Undefined: the sequence ends. */
  readonly next: string | undefined;
}

/** Adds an event after the last one of the sequence. @throws Cancelled when the sequence has been cut off meanwhile. */
export function note(frame: Frame, type: string, member?: string, details?: JsonRecord): void {
  if (frame.signal.aborted) throw new Cancelled();
  const { shown, previous } = frame;
  frame.shown = undefined;
  frame.previous = frame.run.history.add(type, previous, member, details, shown);
}

/** Adds an event that no later one follows; nothing once the execution has ended. */
export function noteAside(frame: Frame, type: string, member?: string, details?: JsonRecord, shown?: number): void {
  if (!frame.run.signal.aborted) frame.run.history.add(type, frame.previous, member, details, shown);
}
