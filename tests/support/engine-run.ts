// Evaluates a few lines of program in a test and answers questions about what they declared.
import { evaluate } from "../../local/engine";
import { fakeAws } from "./fake-aws";
import type { EvaluatedResource, EvaluateOptions, Evaluation, PropertyValue } from "../../local/engine";

/** Options of {@link evaluateProgram}; those of the engine, all with defaults. */
export type ProgramOptions = Partial<Omit<EvaluateOptions, "program">>;

/** An evaluation with the questions tests ask. */
export interface ProgramEvaluation extends Evaluation {
  /** Resources of a type, in order of registration. */
  byType(type: string): readonly EvaluatedResource[];
  /**
   * The one resource with a logical name (of a type, if several share the name).
   * @throws Error when there is none or more than one.
   */
  byName(name: string, type?: string): EvaluatedResource;
  /** [type, name, parent's name] of all but the stack and default providers, sorted. */
  table(): readonly (readonly [string, string, string])[];
  /** A stack output; undefined when the program does not export it. */
  output(name: string): PropertyValue;
}

const DEFAULTS = { project: "test", stack: "dev", config: { "aws:region": "eu-west-1" }, idleTimeout: 5_000 };

/** Evaluates `program`; what it returns are the stack outputs. Failures are in `errors`. */
export async function evaluateProgram(
  program: EvaluateOptions["program"],
  options: ProgramOptions = {},
): Promise<ProgramEvaluation> {
  const { provider = fakeAws(), ...rest } = options;
  return withQuestions(await evaluate({ ...DEFAULTS, ...rest, provider, program }));
}

/** Adds the questions to any evaluation. */
export function withQuestions(evaluation: Evaluation): ProgramEvaluation {
  const { resources, outputs } = evaluation;
  const names = new Map(resources.map(({ urn, name }) => [urn, name]));
  return {
    ...evaluation,
    byType: (type) => resources.filter((resource) => resource.type === type),
    byName(name, type) {
      const found = resources.filter((one) => one.name === name && (type === undefined || one.type === type));
      const [only, ...more] = found;
      if (only && more.length === 0) return only;
      const errors = evaluation.errors.map(({ message }) => `; ${message}`).join("");
      const list = resources.map((one) => `${one.type} "${one.name}"`).join(", ");
      throw new Error(`${found.length} resources named "${name}" among: ${list}${errors}`);
    },
    table: () =>
      resources
        .filter(({ parent }) => parent !== "")
        .map(({ type, name, parent }) => [type, name, names.get(parent) ?? ""] as const)
        .sort((one, other) => one.join("\0").localeCompare(other.join("\0"))),
    output: (name) => outputs[name]?.value,
  };
}
