// What weaving knows of the Amazon States Language: sequences, states and where states go on to. Values that it does not look at, Pulumi
// outputs among them, pass through untouched.

/** A state, or any other object of a definition. */
export type StateObject = Readonly<Record<string, unknown>>;

/** A state machine, a branch or an item processor. */
export interface SequenceObject extends StateObject {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, StateObject>>;
}

/** How a state reads its data. */
export type QueryLanguage = "JSONPath" | "JSONata";

/** Names of fields that hold one sequence. */
const PROCESSORS = ["ItemProcessor", "Iterator"] as const;

/** Whether a value is an object, and no list. */
export function isObject(value: unknown): value is StateObject {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** Whether a value has the two fields of a sequence. */
export function isSequence(value: unknown): value is SequenceObject {
  return isObject(value) && typeof value.StartAt === "string" && isObject(value.States);
}

/** A list, or nothing of it when the value is no list. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** The states of a sequence; what is no object is left out. */
export function statesOf(sequence: SequenceObject): (readonly [string, StateObject])[] {
  return Object.entries(sequence.States).filter((entry): entry is [string, StateObject] => isObject(entry[1]));
}

/** A sequence within a state, and whether it runs once per item. */
export interface InnerSequence {
  readonly sequence: SequenceObject;
  readonly perItem: boolean;
}

/** Branches and item processor of a state. */
export function innerOf(state: StateObject): readonly InnerSequence[] {
  const branches = listOf(state.Branches).filter(isSequence);
  const processors = PROCESSORS.map((field) => state[field]).filter(isSequence);
  return [
    ...branches.map((sequence) => ({ sequence, perItem: false })),
    ...processors.map((sequence) => ({ sequence, perItem: true })),
  ];
}

/** Whether a Map of the sequence, at whatever depth, runs its items in executions of their own. */
export function isDistributed(sequence: SequenceObject): boolean {
  return statesOf(sequence).some(([, state]) =>
    innerOf(state).some(({ sequence: inner }) => {
      const config = inner.ProcessorConfig;
      return (isObject(config) && config.Mode === "DISTRIBUTED") || isDistributed(inner);
    }),
  );
}

/** The state with every inner sequence replaced. */
export function mapInner(
  state: StateObject,
  change: (sequence: SequenceObject, perItem: boolean) => SequenceObject,
): StateObject {
  const changed: Record<string, unknown> = { ...state };
  if (Array.isArray(state.Branches)) {
    changed.Branches = listOf(state.Branches).map((branch) => (isSequence(branch) ? change(branch, false) : branch));
  }
  for (const field of PROCESSORS) {
    const processor = state[field];
    if (isSequence(processor)) changed[field] = change(processor, true);
  }
  return changed;
}

/** Language of a state within a sequence. */
export function languageOf(state: StateObject, outer: QueryLanguage): QueryLanguage {
  return state.QueryLanguage === "JSONata" || state.QueryLanguage === "JSONPath" ? state.QueryLanguage : outer;
}

/** The sequence with every transition led elsewhere that `targets` names. */
export function redirect(sequence: SequenceObject, targets: ReadonlyMap<string, string>): SequenceObject {
  if (targets.size === 0) return sequence;
  const lead = (name: unknown): unknown => (typeof name === "string" ? (targets.get(name) ?? name) : name);
  const leadField = (value: unknown, field: "Next" | "Default"): unknown =>
    isObject(value) && field in value ? { ...value, [field]: lead(value[field]) } : value;
  const states = Object.entries(sequence.States).map(([name, state]) => {
    // A state that was put before its own must still go on to it.
    if ([...targets].some(([own, before]) => before === name && state.Next === own)) return [name, state] as const;
    const led: Record<string, unknown> = { ...(leadField(leadField(state, "Next"), "Default") as StateObject) };
    for (const field of ["Choices", "Catch"] as const) {
      if (Array.isArray(state[field])) led[field] = listOf(state[field]).map((rule) => leadField(rule, "Next"));
    }
    return [name, led] as const;
  });
  return { ...sequence, StartAt: String(lead(sequence.StartAt)), States: Object.fromEntries(states) };
}

/** Every state name and every variable of a definition. */
export function namesIn(sequence: SequenceObject): { readonly states: Set<string>; readonly variables: Set<string> } {
  const states = new Set<string>();
  const variables = new Set<string>();
  const visit = (part: SequenceObject): void => {
    for (const [name, state] of statesOf(part)) {
      states.add(name);
      for (const holder of [state, ...listOf(state.Catch), ...listOf(state.Choices)]) {
        const assign = isObject(holder) ? holder.Assign : undefined;
        if (isObject(assign)) for (const key of Object.keys(assign)) variables.add(key.replace(/\.\$$/, ""));
      }
      for (const inner of innerOf(state)) visit(inner.sequence);
    }
  };
  visit(sequence);
  return { states, variables };
}
