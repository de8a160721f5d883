// Weaves progress reports into a workflow. Pure. Of the caller's states nothing changes but where a step goes on to, and of a Map whose items
// are counted what leads to it and how an item's input is made.
import type { ProgressStep } from "../../../handlers/progress/contract";
import { boundPosts } from "./direct";
import { buildCounter, countItems, restShare, sendIndex, withoutEnd, type CountedMap } from "./items";
import {
  isSequence,
  languageOf,
  mapInner,
  namesIn,
  redirect,
  statesOf,
  type QueryLanguage,
  type SequenceObject,
  type StateObject,
} from "./language";
import { countReports, readMarks, withoutMark, type MarkedStep } from "./marks";
import { StateNames } from "./names";
import { buildReport, literal, type ProgressDelivery } from "./report";

/** A workflow that reports its progress. */
export interface WovenWorkflow {
  /** The definition; texts of the delivery and of the caller may be Pulumi outputs. */
  readonly definition: SequenceObject;
  /** The steps in order, as a viewer sees them. */
  readonly steps: readonly ProgressStep[];
  /** Names of the states that were added. */
  readonly added: readonly string[];
}

/**
 * Puts a report behind every marked state. The same definition and delivery give the same result.
 * @throws Error with every problem of the marks, one per line.
 */
export function weaveProgress(definition: unknown, delivery: ProgressDelivery): WovenWorkflow {
  const { steps, problems } = readMarks(definition);
  if (!isSequence(definition) || problems.length > 0) throw new Error(problems.join("\n"));
  const { states, variables } = namesIn(definition);
  const names = new StateNames(states);
  const bounded =
    delivery.transport === "direct" ? { ...delivery, maximumPosts: boundPosts(countReports(steps)) } : delivery;
  const weaver = new Weaver(bounded, names, nameCounters(steps, variables));
  const woven = weaver.weave(definition, "JSONPath");
  return {
    definition: woven,
    steps: steps.map(({ step, label, weight }) => ({ step, label, weight })),
    added: names.given,
  };
}

/** What is known of a step while weaving. */
interface StepFacts {
  readonly mark: MarkedStep;
  readonly counted: CountedMap | undefined;
}

/** Variables of Maps whose items are counted; no variable of the caller has such a name. */
function nameCounters(steps: readonly MarkedStep[], taken: ReadonlySet<string>): ReadonlyMap<string, StepFacts> {
  let number = 0;
  const nextNames = (): Pick<CountedMap, "variable" | "index"> => {
    for (;;) {
      const names = { variable: `progressItems${++number}`, index: `progressIndex${number}` };
      if (!taken.has(names.variable) && !taken.has(names.index)) return names;
    }
  };
  return new Map(
    steps.map((mark) => {
      const { maximumItemReports: maximum } = mark;
      return [
        mark.step,
        { mark, counted: maximum === undefined ? undefined : { mark, maximum, ...nextNames() } },
      ] as const;
    }),
  );
}

class Weaver {
  constructor(
    private readonly delivery: ProgressDelivery,
    private readonly names: StateNames,
    private readonly steps: ReadonlyMap<string, StepFacts>,
  ) {}

  weave(sequence: SequenceObject, outer: QueryLanguage): SequenceObject {
    const language = languageOf(sequence, outer);
    const before = new Map<string, string>();
    const states: Record<string, StateObject> = {};
    for (const [name, state] of statesOf(sequence)) {
      const own = languageOf(state, language);
      const facts = "Progress" in state ? this.steps.get(name) : undefined;
      if (facts === undefined) {
        states[name] = this.weaveInner(state, own, undefined);
        continue;
      }
      if (facts.counted) {
        const counter = this.names.next(name, "items");
        before.set(name, counter);
        states[counter] = buildCounter(name, state, own, facts.counted, name, this.names);
      }
      Object.assign(states, this.weaveStep(name, state, own, facts));
    }
    return redirect({ ...sequence, States: states }, before);
  }

  private weaveInner(state: StateObject, language: QueryLanguage, counted: CountedMap | undefined): StateObject {
    const woven = mapInner(state, (inner, perItem) => {
      const own = this.weave(inner, language);
      return perItem && counted ? countItems(own, state, counted, this.delivery, this.names) : own;
    });
    return counted ? sendIndex(woven, language) : woven;
  }

  /** The state, its report, and the end that a state cannot have which must not fail. */
  private weaveStep(
    name: string,
    state: StateObject,
    language: QueryLanguage,
    { mark, counted }: StepFacts,
  ): Readonly<Record<string, StateObject>> {
    const ends = typeof state.Next !== "string";
    const next = ends ? this.names.next(name, "end") : String(state.Next);
    const source = {
      kind: "step",
      step: name,
      label: mark.label,
      key: literal(name),
      share: counted ? restShare(counted) : String(mark.share),
      detail: mark.detail,
    } as const;
    const report = buildReport(name, source, next, this.delivery, this.names);
    return {
      [name]: { ...withoutEnd(withoutMark(this.weaveInner(state, language, counted))), Next: report.entry },
      ...report.states,
      ...(ends ? { [next]: { Type: "Pass", QueryLanguage: "JSONata", End: true } } : {}),
    };
  }
}
