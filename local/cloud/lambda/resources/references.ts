// Finds the function that another resource names.
import { InvalidInputsError } from "../../core/errors";
import { regionOf } from "../../core/input-reader";
import type { PropertyMap, PropertyValue, ResourceContext } from "../../core/resource-model";
import { type FunctionRecord, type FunctionRegistry, parseFunctionReference } from "../definition";

/** A function and the qualifier under which it was named. */
export interface NamedFunction {
  readonly record: FunctionRecord;
  readonly qualifier?: string;
}

/** @throws InvalidInputsError with AWS's wording when there is no such function, version or alias. */
export function requireFunction(
  registry: FunctionRegistry,
  name: PropertyValue,
  qualifier: PropertyValue,
  inputs: PropertyMap,
  resource: ResourceContext,
): NamedFunction {
  const text = typeof name === "string" ? name : "";
  const reference = parseFunctionReference(text, resource.accountId, regionOf(inputs, resource));
  const wanted = typeof qualifier === "string" ? qualifier : reference?.qualifier;
  try {
    if (!reference) throw new Error(`Function not found: ${text}`);
    const { record } = registry.resolve(wanted === undefined ? reference : { arn: reference.arn, qualifier: wanted });
    return wanted === undefined ? { record } : { record, qualifier: wanted };
  } catch (error) {
    const property = inputs.functionName === undefined ? "function" : "functionName";
    throw new InvalidInputsError(resource.urn, [{ property, reason: (error as Error).message }]);
  }
}

/** The result of `work`, or its exception, as a promise. */
export function settle<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
