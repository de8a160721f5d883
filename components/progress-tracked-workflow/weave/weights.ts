// Weights of steps that name none, from what they do; and shares of the whole.
import { WHOLE } from "../../../handlers/progress/contract";
import { innerOf, isObject, statesOf, type StateObject } from "./language";

const TASK = 10;
/** Somebody outside is waited for. */
const TASK_WITH_TOKEN = 30;
const QUICK = 1;
const LONGEST_WAIT = 100;
/** How many items a Map is taken for: their number is not known before it runs. */
const ITEMS = 2;

/** Weight of a state: a Task counts 10, a Wait its seconds, a Parallel its longest branch, a Map its processor twice. At least 1. */
export function deriveWeight(state: StateObject): number {
  return Math.max(QUICK, weigh(state));
}

function weigh(state: StateObject): number {
  switch (state.Type) {
    case "Task":
      return String(state.Resource).endsWith(".waitForTaskToken") ? TASK_WITH_TOKEN : TASK;
    case "Wait":
      return typeof state.Seconds === "number" ? Math.min(LONGEST_WAIT, Math.max(QUICK, state.Seconds)) : TASK;
    case "Parallel":
      return Math.max(QUICK, ...innerOf(state).map(({ sequence }) => weighAll(sequence.States)));
    case "Map":
      return ITEMS * innerOf(state).reduce((sum, { sequence }) => sum + weighAll(sequence.States), 0);
    case "Pass":
      return QUICK;
    default:
      return 0;
  }
}

/** Steps of their own are not counted again. */
function weighAll(states: Readonly<Record<string, StateObject>>): number {
  return statesOf({ StartAt: "", States: states })
    .filter(([, state]) => !isObject(state.Progress))
    .reduce((sum, [, state]) => sum + weigh(state), 0);
}

/** Whole shares that add up to exactly WHOLE, by largest remainder; the earlier one first among equals. */
export function apportion(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const exact = weights.map((weight) => (weight / total) * WHOLE);
  const shares = exact.map(Math.floor);
  const missing = WHOLE - shares.reduce((sum, share) => sum + share, 0);
  const byRemainder = exact
    .map((value, index) => ({ index, remainder: value - Math.floor(value) }))
    .sort((one, other) => other.remainder - one.remainder || one.index - other.index);
  for (const { index } of byRemainder.slice(0, missing)) shares[index] = (shares[index] ?? 0) + 1;
  return shares;
}
