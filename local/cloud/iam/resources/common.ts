// What the IAM resource models share: input readers, name rules, tags.
import { InvalidInputsError, type InputProblem } from "../../core/errors";
import type { PolicyDocument } from "../../core/access";
import type { PropertyMap, PropertyValue, ResourceContext } from "../../core/resource-model";
import { checkPolicyDocument, type PolicyKind } from "../policy-check";

/** A string input; undefined when it is absent or empty. */
export const optionalText = (value: PropertyValue): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** The text of a policy input, which programs give as JSON or, where the provider takes it, as an object. */
export const policyText = (value: PropertyValue): string => (typeof value === "string" ? value : JSON.stringify(value));

/** Reports inputs that the model does not know: a misspelt one, or one that is not simulated. */
export function unknownInputs(inputs: PropertyMap, known: readonly string[], type: string): InputProblem[] {
  return Object.keys(inputs)
    .filter((property) => inputs[property] !== undefined && !known.includes(property))
    .map((property) => ({ property, reason: `is not simulated for ${type}; add it in local/cloud/iam/resources` }));
}

/** Rules of a name in IAM. */
export function nameProblems(inputs: PropertyMap, maxLength: number): InputProblem[] {
  const problems: InputProblem[] = [];
  for (const property of ["name", "namePrefix"]) {
    const value = inputs[property];
    if (value === undefined || value === "") continue;
    if (typeof value !== "string" || !/^[\w+=,.@-]+$/.test(value)) {
      problems.push({ property, reason: `must use only letters, digits and +=,.@_-, got ${JSON.stringify(value)}` });
    } else if (value.length > maxLength) {
      problems.push({ property, reason: `must be at most ${maxLength} characters, got ${value.length}` });
    }
  }
  if (optionalText(inputs.name) && optionalText(inputs.namePrefix)) {
    problems.push({ property: "namePrefix", reason: "must not be given together with name; leave one out" });
  }
  return problems;
}

/** Rules of a path in IAM. */
export function pathProblems(path: PropertyValue): InputProblem[] {
  if (path === undefined) return [];
  const fits = typeof path === "string" && path.length <= 512 && /^(\/|\/[\u0021-\u007e]+\/)$/.test(path);
  return fits ? [] : [{ property: "path", reason: `must begin and end with "/", got ${JSON.stringify(path)}` }];
}

/** Rules of a description. */
export function descriptionProblems(description: PropertyValue): InputProblem[] {
  if (typeof description !== "string" || description.length <= 1000) return [];
  return [{ property: "description", reason: `must be at most 1000 characters, got ${description.length}` }];
}

/** Rules of tags: at most 50, keys up to 128 and values up to 256 characters, no "aws:" prefix. */
export function tagProblems(inputs: PropertyMap, context: ResourceContext): InputProblem[] {
  const tags = allTags(inputs, context);
  const problems: InputProblem[] = [];
  const report = (reason: string): void => void problems.push({ property: "tags", reason });
  if (Object.keys(tags).length > 50) report(`must be at most 50, got ${Object.keys(tags).length}`);
  for (const [key, value] of Object.entries(tags)) {
    if (key.length > 128 || value.length > 256)
      report(`key ${key} is longer than 128 or its value than 256 characters`);
    if (/^aws:/i.test(key)) report(`key ${key} must not start with "aws:"`);
  }
  return problems;
}

/** The resource's tags and the provider's default ones. */
export function allTags(inputs: PropertyMap, context: ResourceContext): Record<string, string> {
  return { ...context.defaultTags, ...(inputs.tags as Record<string, string> | undefined) };
}

/** The physical name: given, made from a prefix, or made from the logical name as Pulumi does. */
export function physicalName(
  inputs: PropertyMap,
  context: ResourceContext,
  maxLength: number,
  uniqueDigits: string,
): string {
  const prefix = optionalText(inputs.namePrefix);
  return optionalText(inputs.name) ?? (prefix === undefined ? context.autoname(maxLength) : `${prefix}${uniqueDigits}`);
}

/** Problems of a policy input; a missing one included. */
export function policyProblems(value: PropertyValue, property: string, kind: PolicyKind): InputProblem[] {
  if (value === undefined || value === null || value === "") return [{ property, reason: "is required" }];
  return checkPolicyDocument(policyText(value), kind).problems.map((reason) => ({ property, reason }));
}

/** Parses a policy that `check` has accepted. Throws InvalidInputsError when it was never checked and is malformed. */
export function parsePolicy(value: PropertyValue, property: string, kind: PolicyKind, urn: string): PolicyDocument {
  const { document, problems } = checkPolicyDocument(policyText(value), kind);
  if (!document)
    throw new InvalidInputsError(
      urn,
      problems.map((reason) => ({ property, reason })),
    );
  return document;
}
