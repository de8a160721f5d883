// Reads and checks the inputs of a declared resource: typed values, and all problems at once.
import type { InputProblem } from "./errors";
import type { PropertyMap, PropertyValue, ResourceContext } from "./resource-model";

/** Typed access to a property map. Each method reports a value of the wrong shape as a problem. */
export class InputReader {
  readonly problems: InputProblem[] = [];

  /** @param prefix path of this map inside the resource's inputs, "ttl." say. @param problems shared with the parent. */
  constructor(
    private readonly inputs: PropertyMap,
    private readonly prefix = "",
    problems?: InputProblem[],
  ) {
    if (problems) this.problems = problems;
  }

  /** Adds a problem. */
  refuse(property: string, reason: string): void {
    this.problems.push({ property: this.prefix + property, reason });
  }

  /** Refuses every property that is not named: nothing is silently ignored. */
  allowOnly(...names: readonly string[]): void {
    for (const [name, value] of Object.entries(this.inputs)) {
      if (value === undefined || value === null || names.includes(name)) continue;
      this.refuse(name, "is not simulated by the local run; leave it out, or run this part on AWS");
    }
  }

  has(name: string): boolean {
    return this.inputs[name] !== undefined && this.inputs[name] !== null;
  }

  text(name: string): string | undefined {
    return this.read(name, "text", (value) => (typeof value === "string" ? value : undefined));
  }

  /** A text that must be there. */
  requiredText(name: string): string | undefined {
    if (!this.has(name)) this.refuse(name, "is required");
    return this.text(name);
  }

  /** One of the values listed. */
  choice(name: string, values: readonly string[]): string | undefined {
    const value = this.text(name);
    if (value !== undefined && !values.includes(value)) {
      this.refuse(name, `must be one of ${values.join(", ")}, got ${value}`);
    }
    return value;
  }

  /** A text that fits the pattern. @param rule what AWS demands, in words. */
  matching(name: string, pattern: RegExp, rule: string): string | undefined {
    const value = this.text(name);
    if (value !== undefined && !pattern.test(value)) this.refuse(name, `must be ${rule}, got ${shorten(value)}`);
    return value;
  }

  number(name: string): number | undefined {
    return this.read(name, "a number", (value) => (typeof value === "number" ? value : undefined));
  }

  /** A whole number within bounds, both included. */
  integer(name: string, minimum: number, maximum: number): number | undefined {
    const value = this.number(name);
    if (value !== undefined && (!Number.isInteger(value) || value < minimum || value > maximum)) {
      this.refuse(name, `must be a whole number between ${minimum} and ${maximum}, got ${value}`);
    }
    return value;
  }

  flag(name: string): boolean | undefined {
    return this.read(name, "true or false", (value) => (typeof value === "boolean" ? value : undefined));
  }

  texts(name: string): readonly string[] {
    const isTexts = (value: PropertyValue): value is readonly string[] =>
      Array.isArray(value) && value.every((item) => typeof item === "string");
    return this.read(name, "a list of texts", (value) => (isTexts(value) ? value : undefined)) ?? [];
  }

  /** A map of texts, tags say. */
  textMap(name: string): Readonly<Record<string, string>> {
    const value = this.map(name) ?? {};
    const texts: Record<string, string> = {};
    for (const [key, item] of Object.entries(value)) {
      if (typeof item === "string") texts[key] = item;
      else this.refuse(`${name}.${key}`, "must be text");
    }
    return texts;
  }

  map(name: string): PropertyMap | undefined {
    return this.read(name, "an object", (value) => (isPropertyMap(value) ? value : undefined));
  }

  /** A reader for a nested object, which reports to the same list. */
  nested(name: string): InputReader | undefined {
    const value = this.map(name);
    return value ? new InputReader(value, `${this.prefix}${name}.`, this.problems) : undefined;
  }

  /** Readers for a list of objects, which report to the same list. */
  list(name: string): readonly InputReader[] {
    const value = this.read(name, "a list", (item) => (isList(item) ? item : undefined)) ?? [];
    return value.map((item, index) => {
      const path = `${this.prefix}${name}[${index}]`;
      if (!isPropertyMap(item)) this.problems.push({ property: path, reason: "must be an object" });
      return new InputReader(isPropertyMap(item) ? item : {}, `${path}.`, this.problems);
    });
  }

  private read<T>(name: string, kind: string, convert: (value: PropertyValue) => T | undefined): T | undefined {
    if (!this.has(name)) return undefined;
    const value = convert(this.inputs[name]);
    if (value === undefined) this.refuse(name, `must be ${kind}`);
    return value;
  }
}

function isList(value: PropertyValue): value is readonly PropertyValue[] {
  return Array.isArray(value);
}

function isPropertyMap(value: PropertyValue): value is PropertyMap {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** A property that has been checked to be text, or is an output of a model; empty when it is absent. */
export function textIn(values: PropertyMap, name: string): string {
  const value = values[name];
  return typeof value === "string" ? value : "";
}

/** Region of a resource: its own `region` (AWS provider 7), else the provider's. */
export function regionOf(inputs: PropertyMap, context: ResourceContext): string {
  return typeof inputs.region === "string" ? inputs.region : context.region;
}

/** The physical name: the property, or Pulumi's automatic one, which an update keeps. */
export function nameOf(inputs: PropertyMap, context: ResourceContext, maxLength: number, old?: PropertyMap): string {
  if (typeof inputs.name === "string") return inputs.name;
  if (typeof old?.name === "string") return old.name;
  return context.autoname(maxLength);
}

/** `tags` and `tagsAll` as the provider returns them. */
export function tagOutputs(inputs: PropertyMap, context: ResourceContext): PropertyMap {
  const tags = new InputReader(inputs).textMap("tags");
  return { tags, tagsAll: { ...context.defaultTags, ...tags } };
}
