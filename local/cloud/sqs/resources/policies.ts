// Resource models of a queue's policies: who may use it, where its messages go when they fail, and whose messages it takes.
import { InputReader, regionOf, textIn } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import type { Queues } from "../queues";
import { checkAttributes } from "../settings";

interface PolicyKind {
  readonly type: string;
  readonly summary: string;
  readonly property: "policy" | "redrivePolicy" | "redriveAllowPolicy";
  readonly attribute: "Policy" | "RedrivePolicy" | "RedriveAllowPolicy";
}

const KINDS: readonly PolicyKind[] = [
  {
    type: "aws:sqs/queuePolicy:QueuePolicy",
    summary: "The resource policy of a queue, evaluated for every call together with the caller's own policies.",
    property: "policy",
    attribute: "Policy",
  },
  {
    type: "aws:sqs/redrivePolicy:RedrivePolicy",
    summary: "Moves messages that were received too often to a dead-letter queue.",
    property: "redrivePolicy",
    attribute: "RedrivePolicy",
  },
  {
    type: "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
    summary: "Which queues may choose a queue for their dead letters, checked when they do.",
    property: "redriveAllowPolicy",
    attribute: "RedriveAllowPolicy",
  },
];

/** Models of `aws.sqs.QueuePolicy`, `RedrivePolicy` and `RedriveAllowPolicy`. */
export function policyModels(queues: Queues): readonly ResourceModel[] {
  return KINDS.map((kind) => policyModel(queues, kind));
}

function policyModel(queues: Queues, { type, summary, property, attribute }: PolicyKind): ResourceModel {
  const apply = (inputs: PropertyMap, context: ResourceContext): RealisedResource => {
    const region = regionOf(inputs, context);
    const queue = queues.requireUrl(textIn(inputs, "queueUrl"), region);
    queues.configure(queue, { [attribute]: textIn(inputs, property) });
    const { url } = queue.identity;
    return { id: url, outputs: { ...inputs, id: url, queueUrl: url, region } };
  };
  const remove = (outputs: PropertyMap): void => {
    const url = textIn(outputs, "queueUrl");
    const queue = queues.all().find(({ identity }) => identity.url === url);
    if (queue) queues.configure(queue, { [attribute]: "" });
  };
  return {
    type,
    fidelity: "realised",
    summary,
    check(inputs) {
      const reader = new InputReader(inputs);
      reader.allowOnly("queueUrl", "region", property);
      reader.requiredText("queueUrl");
      const text = reader.requiredText(property);
      if (text === undefined) return reader.problems;
      for (const { reason } of checkAttributes({ [attribute]: text })) reader.refuse(property, reason);
      return reader.problems;
    },
    create: async (inputs, context) => apply(inputs, context),
    async update(_id, inputs, old, context) {
      const { id, outputs } = apply(inputs, context);
      if (id !== old.queueUrl) remove(old);
      return { id, outputs };
    },
    delete: async (_id, outputs) => remove(outputs),
  };
}
