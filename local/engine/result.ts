// The one result of an evaluation, made from the deployment's state.
import { toSnapshotResource } from "./registration";
import { STACK_TYPE } from "./urn";
import { containsSecret, secretKeys, toPlain, toPlainMap } from "./values";
import type { Deployment } from "./deployment";
import type { Registration } from "./registration";
import type { EvaluatedResource, Evaluation, Snapshot, SnapshotResource, StackOutput, Step } from "./types";

/** Reads the deployment off; call it when nothing runs any more. */
export function toEvaluation(deployment: Deployment): Evaluation {
  const registrations = [...deployment.resources.values()];
  const done = registrations.filter(({ state }) => state === "done");
  return {
    resources: done.map(toResource),
    outputs: stackOutputs(registrations),
    steps: [...done.filter(({ external }) => !external).map(toStep), ...deployment.deletions],
    invokes: deployment.calls.made,
    errors: deployment.failures.all,
    logs: deployment.logs,
    snapshot: toSnapshot(deployment, registrations),
  };
}

function toResource(registration: Registration): EvaluatedResource {
  const { urn, type, name, custom, parent, provider, providers, inputs, outputs, id, registeredOutputs } = registration;
  const { dependencies, propertyDependencies, aliases, options, operation, sourcePosition, external } = registration;
  return {
    ...{ urn, type, name, custom, external, parent, provider, providers },
    inputs: toPlainMap(inputs),
    outputs: toPlainMap(outputs),
    secretInputs: secretKeys(inputs),
    secretOutputs: secretKeys(outputs),
    ...(id !== undefined && { id }),
    ...{ dependencies, propertyDependencies, aliases, options, operation },
    protect: options.protect,
    ...(sourcePosition !== undefined && { sourcePosition }),
    ...(registeredOutputs && { registeredOutputs: toPlainMap(registeredOutputs) }),
  };
}

function stackOutputs(registrations: readonly Registration[]): Record<string, StackOutput> {
  const outputs = registrations.find(({ type }) => type === STACK_TYPE)?.outputs ?? {};
  return Object.fromEntries(
    Object.entries(outputs).map(([key, value]) => [key, { value: toPlain(value), secret: containsSecret(value) }]),
  );
}

function toStep({ operation, urn, type, name, changed, old }: Registration): Step {
  return { op: operation, urn, type, name, changed, ...(old && old.urn !== urn && { aliasedFrom: old.urn }) };
}

function toSnapshot(
  { preview, options, previous, deleted }: Deployment,
  registrations: readonly Registration[],
): Snapshot {
  if (preview) return options.previous ?? { resources: [] };
  const byCompletion = registrations
    .filter(({ state }) => state === "done")
    .sort((one, other) => (one.finished ?? 0) - (other.finished ?? 0));
  const kept = previous.unclaimed.filter(({ urn, external }) => !deleted.has(urn) && !external);
  // A failed update leaves the resource as it was; a failed create leaves nothing.
  const unchanged = registrations.flatMap(({ state, old }) => (state !== "done" && old ? [old] : []));
  const resources: SnapshotResource[] = [...kept, ...unchanged, ...byCompletion.map(toSnapshotResource)];
  return { resources };
}
