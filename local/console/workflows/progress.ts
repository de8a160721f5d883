// What the history of an execution says about each state: running, succeeded, failed, caught; how many items of a Map are done.
import type { HistoryEvent } from "../../cloud/states/execution/history";
import type { StateProgress } from "../web/state";

/** One stay in a state. */
interface Visit {
  readonly name: string;
  /** The Parallel or Map around it. */
  readonly container: Visit | undefined;
  /** Items of Maps that it works on, "#3#0": a later stay in the state for the same items replaces it. */
  readonly sequence: string;
  status: StateProgress["status"];
  error: string | undefined;
  attempts: number;
  items: { total: number; done: number; failed: number } | undefined;
}

/** Where a history event stands: the visit that it belongs to, and what is around that. */
interface Place {
  readonly visit: Visit | undefined;
  readonly container: Visit | undefined;
  readonly sequence: string;
  /** What follows is a state of the sequence within `visit`. */
  readonly inside: boolean;
}

/** What a history says. */
export interface HistoryReading {
  /** By state; states that were not reached are missing. */
  readonly states: ReadonlyMap<string, StateProgress>;
  /** Transitions that were taken, as "from>to"; "from" is empty for the first state of a sequence. */
  readonly taken: ReadonlySet<string>;
  /** Names of the state of an event and of the containers around it, innermost first. */
  readonly statesOfEvent: ReadonlyMap<number, readonly string[]>;
}

const TOP: Place = { visit: undefined, container: undefined, sequence: "", inside: true };
const WORST: readonly StateProgress["status"][] = ["running", "failed", "stopped", "caught", "succeeded"];

/** Reads a history from its first event to its last. */
export function readHistory(events: readonly HistoryEvent[]): HistoryReading {
  const places = new Map<number, Place>();
  const visits: Visit[] = [];
  const taken = new Set<string>();
  const statesOfEvent = new Map<number, readonly string[]>();
  for (const event of events) {
    const before = places.get(event.previousEventId) ?? TOP;
    let place = before;
    if (event.type.endsWith("StateEntered")) {
      const visit = enter(event, before);
      visits.push(visit);
      taken.add(`${before.inside ? "" : (before.visit?.name ?? "")}>${visit.name}`);
      place = { visit, container: visit.container, sequence: visit.sequence, inside: false };
    } else if (event.type.startsWith("Execution")) {
      place = TOP;
      endAll(visits, event.type === "ExecutionFailed" ? "failed" : "stopped");
    } else {
      const visit = ownerOf(event, before);
      if (visit) place = follow(event, before, visit, visits);
    }
    places.set(event.id, place);
    statesOfEvent.set(event.id, namesFrom(place.visit));
  }
  return { states: summarise(visits), taken, statesOfEvent };
}

function enter({ type, details }: HistoryEvent, { visit, container, sequence, inside }: Place): Visit {
  return {
    name: text(details.name),
    container: inside ? visit : container,
    sequence,
    status: "running",
    // A Fail state has no event of its own for its failure.
    error: type === "FailStateEntered" ? "" : undefined,
    attempts: 0,
    items: undefined,
  };
}

/** The visit that an event is about. The end of a Parallel or Map may follow the last event within it. */
function ownerOf({ type, details }: HistoryEvent, { visit, container, inside }: Place): Visit | undefined {
  if (/^(Map|Parallel)State(Succeeded|Failed)$/.test(type)) return inside ? visit : container;
  if (!type.endsWith("StateExited")) return visit;
  let at = visit;
  while (at && at.name !== details.name) at = at.container;
  return at;
}

/** What an event that enters no state says about the state where it happens. */
function follow({ type, details }: HistoryEvent, before: Place, visit: Visit, visits: readonly Visit[]): Place {
  if (type.startsWith("MapIteration")) return followItem(type, before, visit, Number(details.index));
  if (type.endsWith("StateExited")) visit.status = visit.error === undefined ? "succeeded" : "caught";
  if (/^(Task|LambdaFunction)(Failed|TimedOut)$|^EvaluationFailed$/.test(type)) visit.error = text(details.error);
  if (/^(Task|LambdaFunction)Scheduled$|^(Map|Parallel)StateStarted$/.test(type)) {
    visit.attempts++;
    visit.error = undefined;
  }
  if (type === "MapStateStarted") visit.items = { total: Number(details.length), done: 0, failed: 0 };
  if (/^(Map|Parallel)StateFailed$/.test(type)) {
    visit.error = text(details.error) || "States.BranchFailed";
    endWithin(visit, visits);
  }
  const inside = /^(Map|Parallel)StateStarted$/.test(type);
  return { visit, container: visit.container, sequence: visit.sequence, inside };
}

/** An item begins at its Map, and ends at the last state of its sequence. */
function followItem(type: string, before: Place, visit: Visit, index: number): Place {
  if (type === "MapIterationStarted") return { ...before, sequence: `${before.sequence}#${index}`, inside: true };
  const items = (before.inside ? visit : before.container)?.items;
  if (items && type === "MapIterationSucceeded") items.done++;
  if (items && type === "MapIterationFailed") items.failed++;
  if (visit.status === "running" && !before.inside) {
    visit.status = type === "MapIterationFailed" ? "failed" : "stopped";
  }
  return before;
}

/** A failed container ends what still runs within it: what failed has failed, the rest was cancelled. */
function endWithin(container: Visit, visits: readonly Visit[]): void {
  const open = visits.filter((visit) => visit.status === "running" && isWithin(visit, container));
  const known = open.some(({ error }) => error !== undefined);
  for (const visit of open) visit.status = !known || visit.error !== undefined ? "failed" : "stopped";
}

function isWithin(visit: Visit, container: Visit): boolean {
  for (let around = visit.container; around; around = around.container) if (around === container) return true;
  return false;
}

function endAll(visits: readonly Visit[], status: StateProgress["status"]): void {
  for (const visit of visits) if (visit.status === "running") visit.status = status;
}

function namesFrom(visit: Visit | undefined): readonly string[] {
  const names: string[] = [];
  for (let at = visit; at; at = at.container) names.push(at.name);
  return names;
}

function summarise(visits: readonly Visit[]): ReadonlyMap<string, StateProgress> {
  const latest = new Map<string, Map<string, Visit>>();
  const counts = new Map<string, number>();
  for (const visit of visits) {
    const own = latest.get(visit.name) ?? new Map<string, Visit>();
    latest.set(visit.name, own.set(visit.sequence, visit));
    counts.set(visit.name, (counts.get(visit.name) ?? 0) + 1);
  }
  return new Map(
    [...latest].map(([name, bySequence]) => {
      const own = [...bySequence.values()];
      const status = WORST.find((one) => own.some((visit) => visit.status === one)) ?? "running";
      const error = own.findLast((visit) => visit.error && visit.status === status)?.error;
      const items = own.flatMap((visit) => visit.items ?? []);
      const sum = (read: (one: NonNullable<Visit["items"]>) => number): number =>
        items.reduce((total, one) => total + read(one), 0);
      const progress: StateProgress = {
        name,
        status,
        visits: counts.get(name) ?? 0,
        attempts: Math.max(...own.map(({ attempts }) => attempts)),
        ...(error === undefined ? {} : { error }),
        ...(items.length === 0
          ? {}
          : {
              items: {
                total: sum(({ total }) => total),
                done: sum(({ done }) => done),
                failed: sum(({ failed }) => failed),
              },
            }),
      };
      return [name, progress];
    }),
  );
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
