// What a Map state iterates over, how many at once, and what each iteration gets.
import type { Visit } from "./frame";
import { effectiveInput, evaluateField, fillTemplate, scopeOf } from "../language/data-flow";
import { StatesError } from "../language/errors";
import { requirePath } from "../language/paths";
import type { Json, JsonRecord } from "../language/types";

/** Iterations of an inline Map that run at once when the state sets no limit. */
const INLINE_CONCURRENCY = 40;

/** The items. @throws StatesError States.Runtime when they are no list. */
export async function itemsOf({ state, data }: Visit): Promise<readonly Json[]> {
  if (data.language === "JSONPath") {
    const scope = { ...scopeOf(data), data: effectiveInput(state, data) };
    return listIn(requirePath(state.ItemsPath ?? "$", scope, "ItemsPath"));
  }
  if (state.Items === undefined) return listIn(data.input);
  return listIn(await evaluateField(state.Items, data, "Items"));
}

function listIn(value: Json): readonly Json[] {
  if (Array.isArray(value)) return value as readonly Json[];
  throw new StatesError("States.Runtime", `The Map state needs an array of items, got ${JSON.stringify(value)}`);
}

/** Iterations at once. */
export async function concurrencyOf({ state, data }: Visit): Promise<number> {
  const value =
    state.MaxConcurrencyPath !== undefined
      ? requirePath(
          state.MaxConcurrencyPath,
          { ...scopeOf(data), data: effectiveInput(state, data) },
          "MaxConcurrencyPath",
        )
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

/** Input of an iteration: the item, or what ItemSelector (once called Parameters) makes of it. */
export async function itemInput({ state, data }: Visit, context: JsonRecord): Promise<Json> {
  const selector = state.ItemSelector ?? (data.language === "JSONPath" ? state.Parameters : undefined);
  if (selector === undefined) {
    const { Item } = context.Map as { readonly Item: { readonly Value: Json } };
    return Item.Value;
  }
  const seen = { ...data, context: { ...data.context, ...context } };
  return data.language === "JSONata"
    ? evaluateField(selector, seen, "ItemSelector")
    : fillTemplate(selector, { ...seen, input: effectiveInput(state, data) });
}
