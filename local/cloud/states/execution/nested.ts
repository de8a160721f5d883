// Parallel branches and inline Map iterations.
import { Cancelled, childSignal } from "./cancellation";
import { type Frame, note, noteAside, type Visit } from "./frame";
import { runSequence } from "./interpreter";
import { concurrencyOf, itemInput, itemsOf } from "./items";
import { enter } from "../language/data-flow";
import { isRuntimeError, StatesError } from "../language/errors";
import type { Json, JsonRecord, State, StatesDefinition } from "../language/types";

/** Types whose states leave an event when they are cut off. */
const ABORTABLE: readonly (State["Type"] | undefined)[] = ["Map", "Parallel", "Task", "Wait"];

/** Runs all branches; the first failure cancels the others. */
export async function runParallel(visit: Visit): Promise<Json> {
  const { frame, state, data } = visit;
  const input = await enter(state, data);
  note(frame, "ParallelStateStarted");
  const { controller, release } = childSignal(frame.signal);
  const children = (state.Branches ?? []).map((definition, index) =>
    childFrame(visit, definition, index, frame.previous, controller.signal, {}),
  );
  const group = new Group(frame, controller);
  try {
    const results = await group.all(
      children.map((child) => runSequence(child, input).finally(() => group.ended(child))),
    );
    pass(frame, "ParallelStateSucceeded", group.last);
    return results;
  } catch (error) {
    if (error instanceof StatesError && !isRuntimeError(error)) {
      noteCut(children, group);
      failWith(frame, "ParallelStateFailed", group.last, error);
    }
    throw error;
  } finally {
    release();
  }
}

/** Runs all items, at most so many at once; the first failure cancels the others. */
export async function runMap(visit: Visit): Promise<Json> {
  const { frame, state } = visit;
  const processor = state.ItemProcessor ?? state.Iterator;
  if (!processor) throw new StatesError("States.Runtime", "The Map state has no ItemProcessor");
  const items = await itemsOf(visit);
  const limit = await concurrencyOf(visit);
  note(frame, "MapStateStarted", "mapStateStartedEventDetails", { length: items.length });
  const started = frame.previous;
  const { controller, release } = childSignal(frame.signal);
  const group = new Group(frame, controller);
  const results = new Array<Json>(items.length).fill(null);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length && !controller.signal.aborted) {
      const index = next++;
      const context = { Map: { Item: { Index: index, Value: items[index] ?? null } } };
      const child = childFrame(visit, processor, index, started, controller.signal, context);
      results[index] = child.checkpoint.finished ?? (await runItem(visit, child, index, group));
    }
  };
  try {
    await group.all(Array.from({ length: Math.min(limit, items.length) }, worker));
    pass(frame, "MapStateSucceeded", group.last);
    return results;
  } catch (error) {
    if (error instanceof StatesError && !isRuntimeError(error)) {
      failWith(frame, "MapStateFailed", group.last, error);
    }
    throw error;
  } finally {
    release();
  }
}

async function runItem(visit: Visit, child: Frame, index: number, group: Group): Promise<Json> {
  const facts = { name: visit.name, index };
  note(child, "MapIterationStarted", "mapIterationStartedEventDetails", facts);
  try {
    const output = await runSequence(child, await itemInput(visit, child.context));
    note(child, "MapIterationSucceeded", "mapIterationSucceededEventDetails", facts);
    group.ended(child);
    return output;
  } catch (error) {
    if (error instanceof Cancelled) {
      noteAside(child, "MapIterationAborted", "mapIterationAbortedEventDetails", facts);
    } else if (error instanceof StatesError && !isRuntimeError(error)) {
      noteAside(child, "MapIterationFailed", "mapIterationFailedEventDetails", facts);
    }
    group.ended(child);
    throw error;
  }
}

function childFrame(
  visit: Visit,
  definition: StatesDefinition,
  index: number,
  previous: number,
  signal: AbortSignal,
  context: JsonRecord,
): Frame {
  const { frame, data } = visit;
  return {
    run: frame.run,
    definition,
    language: definition.QueryLanguage ?? data.language,
    checkpoint: frame.checkpoint.part(index),
    signal,
    context: { ...frame.context, ...context },
    // Outer variables can be read; what is assigned within stays within.
    variables: frame.variables,
    previous,
    shown: undefined,
    current: undefined,
  };
}

/** Work that is done side by side: all of it, or until the first failure. */
class Group {
  /** Id of the last event before the end: of the part that ended last, or of the one that failed first. */
  last: number;
  /** The part that failed first. */
  culprit: Frame | undefined;
  private failure: unknown;

  constructor(
    frame: Frame,
    private readonly controller: AbortController,
  ) {
    this.last = frame.previous;
  }

  /** A part has ended, well or not. */
  ended(child: Frame): void {
    if (this.culprit) return;
    this.last = child.previous;
    if (child.checkpoint.finished === undefined) this.culprit = child;
  }

  /** Results of all; after the first failure the rest is cancelled and waited for. */
  async all<T>(work: readonly Promise<T>[]): Promise<T[]> {
    const settled = await Promise.allSettled(
      work.map((one) =>
        one.catch((error: unknown) => {
          this.failure ??= error;
          this.controller.abort();
          throw error;
        }),
      ),
    );
    if (this.failure !== undefined) throw this.failure as Error;
    return settled.map((result) => (result as PromiseFulfilledResult<T>).value);
  }
}

/** The state's success shows the last event within as its predecessor, and so does what follows. */
function pass(frame: Frame, type: string, last: number): void {
  frame.shown = last;
  note(frame, type);
  frame.shown = last;
}

/** AWS shows no details here; the console reads the error. */
function failWith(frame: Frame, type: string, last: number, { error, reason }: StatesError): void {
  frame.shown = last;
  note(frame, type, undefined, { error, cause: reason });
}

/** Branches that were cut off, and a task whose failure ended its branch. */
function noteCut(children: readonly Frame[], group: Group): void {
  for (const child of children) {
    if (child.checkpoint.finished !== undefined || !ABORTABLE.includes(child.current)) continue;
    if (child === group.culprit && child.current !== "Task") continue;
    noteAside(child, `${child.current ?? ""}StateAborted`, undefined, {}, group.last);
  }
}
