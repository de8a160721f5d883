// Which resources a component hands out in its public fields.
import * as pulumi from "@pulumi/pulumi";

/** Names of the component's own public fields that hold something. */
export function publicFieldsOf(component: pulumi.ComponentResource): string[] {
  return Object.entries(component)
    .filter(([name, value]) => name !== "urn" && !name.startsWith("__") && value !== undefined)
    .map(([name]) => name)
    .sort();
}

/**
 * URNs of the resources in the component's public fields, lists and maps included. Call it in the program; the set is complete when
 * the evaluation is.
 */
export function reachableFrom(component: pulumi.ComponentResource): ReadonlySet<string> {
  const urns = new Set<string>();
  const fields = component as unknown as Readonly<Record<string, unknown>>;
  for (const name of publicFieldsOf(component)) {
    for (const resource of resourcesIn(fields[name])) resource.urn.apply((urn) => void urns.add(urn));
  }
  return urns;
}

function resourcesIn(value: unknown): readonly pulumi.Resource[] {
  if (pulumi.Resource.isInstance(value)) return [value];
  if (typeof value !== "object" || value === null || pulumi.Output.isInstance(value)) return [];
  return Object.values(value).flatMap(resourcesIn);
}
