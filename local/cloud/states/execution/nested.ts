// Parallel branches and inline Map iterations.
import { Cancelled, childSignal } from "./cancellation";
import { type Frame, runSequence, type Visit } from "./interpreter";
import { effectiveInput, enter, evaluateField, fillTemplate, scopeOf } from "../language/data-flow";
import { StatesError } from "../language/errors";
import { requirePath } from "../language/paths";
import type { Json, JsonRecord, StatesDefinition } from "../language/types";

/** Iterations of an inline Map that run at once when the state sets no limit. */
const INLINE_CONCURRENCY = 40;

/** Runs all branches; the first failure cancels the others. */
export async function runParallel(visit: Visit): Promise<Json> {
  const { frame, state, data } = visit;
  const input = await enter(state, data);
  const started = frame.run.history.add("ParallelStateStarted", frame.previous);
  frame.previous = started;
  const { controller, release } = childSignal(frame.signal);
  const branches = (state.Branches ?? []).map((definition, index) =>
    runSequence(childFrame(visit, definition, `${index}`, started, controller.signal, {}), input),
  );
  try {
    const results = await allOrFirstFailure(branches, controller);
    frame.previous = frame.run.history.add("ParallelStateSucceeded", frame.previous);
    return results;
  } catch (error) {
    noteFailure(visit, "ParallelStateFailed", undefined, error);
    throw error;
  } finally {
    release();
  }
}

/** Runs all items, at most so many at once; the first failure cancels the others. */
export async function runMap(visit: Visit): Promise<Json> {
  const { frame, state } = visit;
  const items = await itemsOf(visit);
  const limit = await concurrencyOf(visit);
  const processor = state.ItemProcessor ?? state.Iterator;
  if (!processor) throw new StatesError("States.Runtime", "The Map state has no ItemProcessor");
  const started = frame.run.history.add("MapStateStarted", frame.previous, "mapStateStartedEventDetails", {
    length: items.length,
  });
  frame.previous = started;
  const { controller, release } = childSignal(frame.signal);
  const results: Json[] = new Array<Json>(items.length).fill(null);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length && !controller.signal.aborted) {
      const index = next++;
      results[index] = await runItem(visit, processor, items[index] ?? null, index, started, controller.signal);
    }
  };
  try {
    await allOrFirstFailure(Array.from({ length: Math.min(limit, items.length) }, worker), controller);
    frame.previous = frame.run.history.add("MapStateSucceeded", frame.previous);
    return results;
  } catch (error) {
    noteFailure(visit, "MapStateFailed", "mapStateFailedEventDetails", error);
    throw error;
  } finally {
    release();
  }
}

async function runItem(
  visit: Visit,
  processor: StatesDefinition,
  item: Json,
  index: number,
  started: number,
  signal: AbortSignal,
): Promise<Json> {
  const { frame, name, state, data } = visit;
  const { history, checkpoints } = frame.run;
  const context = { Map: { Item: { Index: index, Value: item } } };
  const path = pathOf(visit, `${index}`);
  const finished = checkpoints.resultOf(path);
  if (finished !== undefined) return finished;
  const facts = { name, index };
  const begun = history.add("MapIterationStarted", started, "mapIterationStartedEventDetails", facts);
  const child = childFrame(visit, processor, `${index}`, begun, signal, context);
  try {
    const itemData = { ...data, context: { ...data.context, ...context } };
    const selector = state.ItemSelector ?? (state.Parameters as JsonRecord | undefined);
    const selected =
      selector === undefined
        ? item
        : data.language === "JSONata"
          ? await evaluateField(selector, itemData, "ItemSelector")
          : fillTemplate(selector, { ...itemData, input: effectiveInput(state, data) });
    const output = await runSequence(child, selected);
    history.add("MapIterationSucceeded", child.previous, "mapIterationSucceededEventDetails", facts);
    return output;
  } catch (error) {
    const [type, member] =
      error instanceof Cancelled
        ? (["MapIterationAborted", "mapIterationAbortedEventDetails"] as const)
        : (["MapIterationFailed", "mapIterationFailedEventDetails"] as const);
    history.add(type, child.previous, member, facts);
    throw error;
  }
}

async function itemsOf({ state, data }: Visit): Promise<readonly Json[]> {
  const value =
    data.language === "JSONata"
      ? state.Items === undefined
        ? data.input
        : await evaluateField(state.Items, data, "Items")
      : requirePath(state.ItemsPath ?? "$", { ...scopeOf(data), data: effectiveInput(state, data) }, "ItemsPath");
  if (Array.isArray(value)) return value as readonly Json[];
  throw new StatesError("States.Runtime", `The Map state needs an array of items, got ${JSON.stringify(value)}`);
}

async function concurrencyOf({ state, data }: Visit): Promise<number> {
  const value =
    state.MaxConcurrencyPath !== undefined
      ? requirePath(state.MaxConcurrencyPath, scopeOf(data), "MaxConcurrencyPath")
      : typeof state.MaxConcurrency === "string"
        ? await evaluateField(state.MaxConcurrency, data, "MaxConcurrency")
        : (state.MaxConcurrency ?? 0);
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) {
    throw new StatesError(
      "States.Runtime",
      `MaxConcurrency must be a whole number of at least 0, got ${JSON.stringify(value)}`,
    );
  }
  return value === 0 ? INLINE_CONCURRENCY : Math.min(value, INLINE_CONCURRENCY);
}

function childFrame(
  visit: Visit,
  definition: StatesDefinition,
  part: string,
  previous: number,
  signal: AbortSignal,
  context: JsonRecord,
): Frame {
  const { frame, data } = visit;
  return {
    run: frame.run,
    definition,
    language: definition.QueryLanguage ?? data.language,
    path: pathOf(visit, part),
    signal,
    context: { ...frame.context, ...context },
    // Outer variables can be read; what is assigned within stays within.
    variables: new Map(frame.variables),
    previous,
  };
}

function pathOf({ frame, name }: Visit, part: string): string {
  return `${frame.path}${name}/${part}/`;
}

/** Results of all; after the first failure the rest is cancelled and waited for. */
async function allOrFirstFailure<T>(work: readonly Promise<T>[], controller: AbortController): Promise<T[]> {
  let first: unknown;
  const settled = await Promise.allSettled(
    work.map((one) =>
      one.catch((error: unknown) => {
        first ??= error;
        controller.abort();
        throw error;
      }),
    ),
  );
  if (first !== undefined) throw first as Error;
  return settled.map((result) => (result as PromiseFulfilledResult<T>).value);
}

function noteFailure({ frame }: Visit, type: string, member: string | undefined, error: unknown): void {
  if (!(error instanceof StatesError)) return;
  const details = member === undefined ? {} : { error: error.error, cause: error.reason };
  frame.previous = frame.run.history.add(type, frame.previous, member, details);
}
