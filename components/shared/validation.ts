// Rules over component arguments: data, checked all at once before anything is registered.
import * as pulumi from "@pulumi/pulumi";

/** One rule about one argument. */
export interface Rule {
  /** Path of the argument, "alarms.bytesThreshold" say. */
  readonly property: string;
  /** Whether the argument satisfies the rule. */
  readonly holds: boolean;
  /** What must be true, after "must": "be between 5 and 5120". */
  readonly rule: string;
  /** The value that was given. Never a secret. */
  readonly got: unknown;
  /** What to do: "use at least 5". */
  readonly remedy: string;
}

/**
 * Throws `pulumi.InputPropertiesError` with every broken rule in its message, after the instance's name.
 * @param name logical name of the component instance.
 */
export function enforce(name: string, rules: readonly Rule[]): void {
  const broken = rules.filter(({ holds }) => !holds);
  if (broken.length === 0) return;
  const errors = broken.map(({ property, rule, got, remedy }) => ({
    propertyPath: property,
    reason: `${property} must ${rule}, got ${show(got)}; ${remedy}`,
  }));
  throw new pulumi.InputPropertiesError({
    message: `${name}: ${errors.map(({ reason }) => reason).join("\n")}`,
    errors,
  });
}

/** The same rules over a value that is known only later: a bad value never reaches AWS. Unknowns of a preview pass. */
export function enforceLater<T>(
  name: string,
  value: pulumi.Input<T>,
  rules: (value: pulumi.Unwrap<T>) => readonly Rule[],
): pulumi.Output<pulumi.Unwrap<T>> {
  return pulumi.output(value).apply((known) => {
    enforce(name, rules(known));
    return known;
  });
}

/** A rule that a number is whole and within a range, both ends included. Left-out values pass. */
export function integerBetween(
  property: string,
  value: number | undefined,
  minimum: number,
  maximum: number,
  source?: string,
): Rule {
  const holds = value === undefined || (Number.isInteger(value) && value >= minimum && value <= maximum);
  const remedy =
    value !== undefined && value > maximum ? `use at most ${maximum}` : `use a whole number of at least ${minimum}`;
  return {
    property,
    holds,
    rule: `be a whole number between ${minimum} and ${maximum}`,
    got: value,
    remedy: source ? `${remedy} (${source})` : remedy,
  };
}

/** A rule that a value is one of a choice's values. Left-out values pass. */
export function oneOf(property: string, value: string | undefined, choices: Readonly<Record<string, string>>): Rule {
  const values = Object.values(choices);
  return {
    property,
    holds: value === undefined || values.includes(value),
    rule: `be one of ${values.map((choice) => `"${choice}"`).join(", ")}`,
    got: value,
    remedy: "pick one of these values",
  };
}

function show(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}
