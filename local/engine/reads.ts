// Existing resources the program reads: `Resource.get` and references to other stacks.
import { failure, failureFrom } from "./errors";
import { toResourceRequest } from "./registration";
import { encodeLike, makeSecret } from "./values";
import type { LifecycleContext } from "./lifecycle";
import type { Registration } from "./registration";
import type { PropertyMap, WireMap } from "./types";

/** Outputs of stacks by full name. */
export type StackReferences = Readonly<Record<string, PropertyMap>>;

/**
 * Reads the outputs.
 * @param secrets properties the program wants to be secret.
 * @throws EngineFailure naming the resource.
 */
export async function readResource(
  registration: Registration,
  secrets: readonly string[],
  context: LifecycleContext,
  stacks: StackReferences,
): Promise<WireMap> {
  const isStack = registration.type === "pulumi:pulumi:StackReference";
  const outputs = isStack ? stackReference(registration, stacks) : await askProvider(registration, context);
  const merged = { ...registration.inputs, ...encodeLike(outputs, registration.inputs) };
  for (const key of secrets) if (merged[key] !== undefined) merged[key] = makeSecret(merged[key]);
  return merged;
}

async function askProvider(registration: Registration, context: LifecycleContext): Promise<PropertyMap> {
  const { provider, limiter, preview } = context;
  if (!provider.read) throw failure("provider", registration, "the provider cannot read existing resources");
  const request = toResourceRequest(registration, context.parentsOf(registration.urn), preview);
  const { id = "" } = registration;
  try {
    return await limiter.run(() => provider.read?.({ ...request, id }) ?? {});
  } catch (cause) {
    throw failureFrom("provider", registration, cause);
  }
}

function stackReference(registration: Registration, stacks: StackReferences): PropertyMap {
  const { id = "" } = registration;
  const outputs = stacks[id];
  if (outputs) return { name: id, outputs, secretOutputNames: [] };
  const known = Object.keys(stacks).sort().join(", ");
  const reason = `unknown stack "${id}"; known to this evaluation: ${known === "" ? "none" : known}`;
  throw failure("provider", registration, reason);
}
