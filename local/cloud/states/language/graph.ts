// The transitions of a sequence of states.
import type { StatesDefinition, State } from "./types";

/** Names that a state may go on to, by Next, choices, Default and catchers. */
export function targetsOf(state: State): readonly string[] {
  return [
    state.Next,
    state.Default,
    ...(state.Choices ?? []).map(({ Next }) => Next),
    ...(state.Catch ?? []).map(({ Next }) => Next),
  ].filter((name) => name !== undefined);
}

/** Sequences within a state: branches, the item processor. */
export function innerOf(state: State): readonly StatesDefinition[] {
  return [...(state.Branches ?? []), state.ItemProcessor ?? state.Iterator].filter((part) => part !== undefined);
}

/** What is wrong with the transitions: missing targets, unreachable states, no end. */
export function transitionProblems(
  definition: StatesDefinition,
): readonly { readonly code: string; readonly message: string }[] {
  const { StartAt, States } = definition;
  const missing = [StartAt, ...Object.values(States).flatMap(targetsOf)].filter((name) => !Object.hasOwn(States, name));
  if (missing.length > 0) {
    return [...new Set(missing)].map((name) => ({
      code: "MISSING_TRANSITION_TARGET",
      message: `Missing 'Next' target: ${name}`,
    }));
  }
  const reached = new Set([StartAt]);
  for (const name of reached) {
    const state = States[name];
    if (state) for (const target of targetsOf(state)) reached.add(target);
  }
  const unreachable = Object.keys(States).filter((name) => !reached.has(name));
  const ends = Object.values(States).some(({ Type, End }) => End === true || Type === "Succeed" || Type === "Fail");
  return [
    ...unreachable.map((name) => ({
      code: "MISSING_TRANSITION_TARGET",
      message: `State "${name}" is not reachable.`,
    })),
    ...(ends ? [] : [{ code: "MISSING_END_STATE", message: "No state ends the sequence" }]),
  ];
}
