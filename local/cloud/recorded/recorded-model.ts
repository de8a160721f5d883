// The shape of a recorded model: inputs are checked, outputs are the provider's, and nothing else happens.
import { InputReader } from "../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../core/resource-model";

/** What differs from one recorded type to the next. */
export interface RecordedType {
  readonly type: string;
  readonly summary: string;
  /** Reports problems to the reader. */
  readonly check: (reader: InputReader) => void;
  /** Outputs as the provider returns them, without `id`. @param old outputs before an update. */
  readonly outputs: (inputs: PropertyMap, context: ResourceContext, old?: PropertyMap) => RealisedResource;
}

/** Makes a model of a type that has no local effect. */
export function recorded({ type, summary, check, outputs }: RecordedType): ResourceModel {
  const realise = (inputs: PropertyMap, context: ResourceContext, old?: PropertyMap): RealisedResource => {
    const resource = outputs(inputs, context, old);
    return { id: resource.id, outputs: { ...resource.outputs, id: resource.id } };
  };
  return {
    type,
    fidelity: "recorded",
    summary,
    check(inputs) {
      const reader = new InputReader(inputs);
      check(reader);
      return reader.problems;
    },
    create: async (inputs, context) => realise(inputs, context),
    update: async (_id, inputs, old, context) => realise(inputs, context, old),
    delete: async () => undefined,
  };
}

/** Refuses a policy that is not a JSON object with statements. */
export function checkPolicyText(reader: InputReader, name: string): void {
  const text = reader.text(name);
  if (text === undefined) return;
  try {
    const policy = JSON.parse(text) as { Statement?: unknown } | null;
    if (policy?.Statement) return;
  } catch {
    // Reported below.
  }
  reader.refuse(name, "must be a JSON policy document with a Statement");
}
