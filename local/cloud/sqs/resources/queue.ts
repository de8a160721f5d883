// Resource model of a queue.
import { InputReader, nameOf, regionOf, tagOutputs, textIn } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import type { Queue } from "../queue";
import type { Queues } from "../queues";
import { type AttributeTexts, checkAttributes } from "../settings";

const MAX_NAME_LENGTH = 80;
const FIFO_SUFFIX = ".fifo";
const NAME = /^[\w-]{1,80}$/;
const FIFO_NAME = /^[\w-]{1,75}\.fifo$/;

/** Attribute of each input. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  contentBasedDeduplication: "ContentBasedDeduplication",
  deduplicationScope: "DeduplicationScope",
  delaySeconds: "DelaySeconds",
  fifoQueue: "FifoQueue",
  fifoThroughputLimit: "FifoThroughputLimit",
  kmsDataKeyReusePeriodSeconds: "KmsDataKeyReusePeriodSeconds",
  kmsMasterKeyId: "KmsMasterKeyId",
  maxMessageSize: "MaximumMessageSize",
  messageRetentionSeconds: "MessageRetentionPeriod",
  policy: "Policy",
  receiveWaitTimeSeconds: "ReceiveMessageWaitTimeSeconds",
  redriveAllowPolicy: "RedriveAllowPolicy",
  redrivePolicy: "RedrivePolicy",
  sqsManagedSseEnabled: "SqsManagedSseEnabled",
  visibilityTimeoutSeconds: "VisibilityTimeout",
};
const NUMBERS = [
  "delaySeconds",
  "kmsDataKeyReusePeriodSeconds",
  "maxMessageSize",
  "messageRetentionSeconds",
  "receiveWaitTimeSeconds",
  "visibilityTimeoutSeconds",
];
const FLAGS = ["contentBasedDeduplication", "fifoQueue", "sqsManagedSseEnabled"];

/** Model of `aws.sqs.Queue`. */
export function queueModel(queues: Queues): ResourceModel {
  const create = (inputs: PropertyMap, context: ResourceContext, name: string): RealisedResource => {
    const place = { accountId: context.accountId, region: regionOf(inputs, context), name };
    const queue = queues.create(place, context.urn, attributesOf(inputs));
    return realised(queue, inputs, context);
  };
  return {
    type: "aws:sqs/queue:Queue",
    fidelity: "realised",
    summary:
      "A standard, fair or FIFO queue in memory with visibility, delays, long polls, redrive and its policy. Keys are asked for, but " +
      "nothing is encrypted and key policies are not evaluated; the request quotas of FIFO queues, and the wait before a deleted name " +
      "can be used again, are left out.",
    check: (inputs) => checkQueue(inputs),
    create: async (inputs, context) => create(inputs, context, physicalName(inputs, context)),
    async update(_id, inputs, old, context) {
      const queue = queues.get(textIn(old, "arn"));
      const keeps = queue !== undefined && keepsName(inputs, queue) && queue.fifo === (inputs.fifoQueue === true);
      if (keeps && queue.identity.region === regionOf(inputs, context)) {
        const attributes = { ...policiesOfOwn(queue, inputs, old), ...attributesOf(inputs) };
        queues.checkRedrive(queue.arn, attributes);
        queues.replaceAttributes(queue, attributes);
        return realised(queue, inputs, context);
      }
      if (queue) queues.delete(queue);
      return create(inputs, context, physicalName(inputs, context));
    },
    async delete(_id, outputs) {
      const queue = queues.get(textIn(outputs, "arn"));
      if (queue) queues.delete(queue);
    },
  };
}

/** Policies that resources of their own have set stay when the queue's other inputs change. */
function policiesOfOwn(queue: Queue, inputs: PropertyMap, old: PropertyMap): AttributeTexts {
  const kept: Record<string, string> = {};
  for (const property of ["policy", "redrivePolicy", "redriveAllowPolicy"]) {
    const name = ATTRIBUTES[property] ?? "";
    const value = queue.settings.texts[name];
    const wasInput = typeof old[property] === "string" && old[property] !== "";
    if (inputs[property] === undefined && !wasInput && value !== undefined) kept[name] = value;
  }
  return kept;
}

/** Attributes that the inputs set. */
function attributesOf(inputs: PropertyMap): AttributeTexts {
  const texts: Record<string, string> = {};
  for (const [property, attribute] of Object.entries(ATTRIBUTES)) {
    const value = inputs[property];
    if (value === undefined || value === null || value === "") continue;
    // fifoQueue: false is the provider's way to leave it out.
    if (property === "fifoQueue" && value === false) continue;
    // The inputs have been checked: text, a number or a flag.
    texts[attribute] = typeof value === "string" ? value : JSON.stringify(value);
  }
  if (texts.FifoQueue === undefined && texts.ContentBasedDeduplication === "false")
    delete texts.ContentBasedDeduplication;
  return texts;
}

function checkQueue(inputs: PropertyMap): InputReader["problems"] {
  const reader = new InputReader(inputs);
  reader.allowOnly("name", "namePrefix", "region", "tags", ...Object.keys(ATTRIBUTES));
  for (const name of NUMBERS) reader.number(name);
  for (const name of FLAGS) reader.flag(name);
  for (const name of Object.keys(ATTRIBUTES)) if (!NUMBERS.includes(name) && !FLAGS.includes(name)) reader.text(name);
  reader.textMap("tags");
  checkName(reader, inputs.fifoQueue === true);
  if (reader.problems.length > 0) return reader.problems;
  const properties = Object.fromEntries(Object.entries(ATTRIBUTES).map(([property, name]) => [name, property]));
  for (const { attribute, reason } of checkAttributes(attributesOf(inputs))) {
    reader.refuse(
      properties[attribute] ?? attribute,
      reason.replaceAll(/\b[A-Z][A-Za-z]+\b/g, (word) => properties[word] ?? word),
    );
  }
  return reader.problems;
}

function checkName(reader: InputReader, fifo: boolean): void {
  const rule = fifo
    ? "1 to 75 letters, digits, '-' or '_' and then .fifo, as FIFO queues are called"
    : "1 to 80 letters, digits, '-' or '_' (only FIFO queues end with .fifo)";
  reader.matching("name", fifo ? FIFO_NAME : NAME, rule);
  if (reader.has("name") && reader.has("namePrefix")) reader.refuse("namePrefix", "must be left out beside name");
  reader.matching("namePrefix", /^[\w-]{1,54}$/, "1 to 54 letters, digits, '-' or '_'");
}

function physicalName(inputs: PropertyMap, context: ResourceContext): string {
  const suffix = inputs.fifoQueue === true ? FIFO_SUFFIX : "";
  if (typeof inputs.name === "string") return inputs.name;
  const length = MAX_NAME_LENGTH - suffix.length;
  if (typeof inputs.namePrefix === "string") return inputs.namePrefix + context.autoname(length).slice(-7) + suffix;
  return nameOf(inputs, context, length).replaceAll(/[^\w-]/g, "-") + suffix;
}

function keepsName(inputs: PropertyMap, queue: Queue): boolean {
  const { name } = queue.identity;
  if (typeof inputs.name === "string") return inputs.name === name;
  return typeof inputs.namePrefix !== "string" || name.startsWith(inputs.namePrefix);
}

function realised(queue: Queue, inputs: PropertyMap, context: ResourceContext): RealisedResource {
  const { settings, identity } = queue;
  const tags = tagOutputs(inputs, context);
  queue.tags = tags.tagsAll as Readonly<Record<string, string>>;
  const outputs: PropertyMap = {
    contentBasedDeduplication: settings.contentBasedDeduplication,
    deduplicationScope: settings.texts.DeduplicationScope ?? "",
    fifoThroughputLimit: settings.texts.FifoThroughputLimit ?? "",
    kmsDataKeyReusePeriodSeconds: Number(settings.texts.KmsDataKeyReusePeriodSeconds ?? 300),
    kmsMasterKeyId: settings.texts.KmsMasterKeyId ?? "",
    sqsManagedSseEnabled: settings.texts.SqsManagedSseEnabled === "true",
    policy: settings.texts.Policy ?? "",
    redrivePolicy: settings.texts.RedrivePolicy ?? "",
    redriveAllowPolicy: settings.texts.RedriveAllowPolicy ?? "",
    namePrefix: "",
    ...inputs,
    fifoQueue: queue.fifo,
    delaySeconds: settings.delaySeconds,
    maxMessageSize: settings.maximumMessageBytes,
    messageRetentionSeconds: settings.retentionSeconds,
    receiveWaitTimeSeconds: settings.waitSeconds,
    visibilityTimeoutSeconds: settings.visibilitySeconds,
    id: identity.url,
    url: identity.url,
    arn: identity.arn,
    name: identity.name,
    region: identity.region,
    ...tags,
  };
  return { id: identity.url, outputs };
}
