// Model of aws.lambda.EventSourceMapping for SQS queues.
import { AwsError, InvalidInputsError } from "../../core/errors";
import { regionOf, tagOutputs } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import { settle } from "../resources/references";
import { checkMapping } from "./checks";
import { functionArnOf, type Mapping, stateOf } from "./mapping";
import type { Mappings } from "./mappings";

/** Properties of the inputs that AWS's refusals are about, by a word of the refusal. */
const CULPRITS: readonly (readonly [RegExp, string])[] = [
  [/^Function not found|execution role|role defined/, "functionName"],
  [/./, "eventSourceArn"],
];

/** Model of a mapping between a queue and a function. */
export function eventSourceMappingModel(mappings: Mappings): ResourceModel {
  return {
    type: "aws:lambda/eventSourceMapping:EventSourceMapping",
    fidelity: "realised",
    summary:
      "Reads an SQS queue with the function's role and invokes in batches: windows, filters, partial responses, FIFO order, maximum " +
      "concurrency, scaling and back-off as on AWS. Provisioned pollers have no throughput limit; other sources are refused.",
    check: checkMapping,
    create: (inputs, resource) => settle(() => create(mappings, inputs, resource)),
    update: (id, inputs, _old, resource) => settle(() => update(mappings, id, inputs, resource)),
    delete(id) {
      mappings.delete(id);
      return Promise.resolve();
    },
  };
}

function create(mappings: Mappings, inputs: PropertyMap, resource: ResourceContext): RealisedResource {
  const owner = { urn: resource.urn, accountId: resource.accountId, region: regionOf(inputs, resource) };
  return realise(
    refusing(resource, () => mappings.create(inputs, owner)),
    resource,
  );
}

function update(mappings: Mappings, id: string, inputs: PropertyMap, resource: ResourceContext): RealisedResource {
  const mapping = mappings.get(id);
  // The provider replaces a mapping whose source changes.
  if (!mapping || mapping.settings.queueArn !== inputs.eventSourceArn) {
    const replacement = create(mappings, inputs, resource);
    mappings.delete(id);
    return replacement;
  }
  refusing(resource, () => mappings.update(mapping, inputs));
  return realise(mapping, resource);
}

/** Refusals of AWS become problems of the resource, with code and wording. */
function refusing<T>(resource: ResourceContext, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    const property = CULPRITS.find(([pattern]) => pattern.test(error.message))?.[1] ?? "";
    const reason = `${error.code}: ${error.message}`;
    throw Object.assign(new InvalidInputsError(resource.urn, [{ property, reason }]), { cause: error });
  }
}

function realise(mapping: Mapping, resource: ResourceContext): RealisedResource {
  const { uuid, arn, inputs, settings, region } = mapping;
  return {
    id: uuid,
    outputs: {
      maximumRecordAgeInSeconds: 0,
      maximumRetryAttempts: 0,
      parallelizationFactor: 0,
      ...inputs,
      id: uuid,
      uuid,
      arn,
      region,
      batchSize: settings.batchSize,
      enabled: settings.enabled,
      maximumBatchingWindowInSeconds: settings.windowSeconds,
      functionArn: functionArnOf(mapping),
      lastModified: new Date(mapping.lastModified).toISOString(),
      lastProcessingResult: mapping.lastResult,
      state: stateOf(mapping),
      stateTransitionReason: "USER_INITIATED",
      ...tagOutputs(inputs, resource),
    },
  };
}
