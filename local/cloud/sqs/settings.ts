// Attributes of a queue: defaults, ranges and rules, as SetQueueAttributes and the declared resources need them.
import type { NamedPolicy } from "../core/access";
import { readQueuePolicy } from "./queue-policy";
import {
  readRedriveAllowPolicy,
  readRedrivePolicy,
  type RedriveAllowPolicy,
  type RedrivePolicy,
} from "./redrive-policy";

/** Largest message that SQS accepts, and the default of new queues, in bytes. */
export const MAX_MESSAGE_BYTES = 1_048_576;
/** Longest visibility timeout, also in all for one receive, in seconds. */
export const MAX_VISIBILITY_SECONDS = 43_200;

/** Attributes by AWS's names, as text. */
export type AttributeTexts = Readonly<Record<string, string>>;

/** What a queue is set to. */
export interface QueueSettings {
  /** Every attribute that has a value, defaults included. */
  readonly texts: AttributeTexts;
  readonly fifo: boolean;
  readonly delaySeconds: number;
  readonly maximumMessageBytes: number;
  readonly retentionSeconds: number;
  readonly waitSeconds: number;
  readonly visibilitySeconds: number;
  readonly contentBasedDeduplication: boolean;
  readonly deduplicationByGroup: boolean;
  /** Key of the customer's own; AWS's key is none. */
  readonly kmsMasterKeyId?: string;
  readonly policy?: NamedPolicy;
  readonly redrive?: RedrivePolicy;
  readonly redriveAllow?: RedriveAllowPolicy;
}

/** An attribute that SQS would refuse. */
export interface AttributeProblem {
  readonly attribute: string;
  readonly reason: string;
}

interface Range {
  readonly minimum: number;
  readonly maximum: number;
  readonly fallback: number;
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
const RANGES: Readonly<Record<string, Range>> = {
  DelaySeconds: { minimum: 0, maximum: 900, fallback: 0 },
  MaximumMessageSize: { minimum: 1024, maximum: MAX_MESSAGE_BYTES, fallback: MAX_MESSAGE_BYTES },
  MessageRetentionPeriod: { minimum: 60, maximum: 1_209_600, fallback: 345_600 },
  ReceiveMessageWaitTimeSeconds: { minimum: 0, maximum: 20, fallback: 0 },
  VisibilityTimeout: { minimum: 0, maximum: MAX_VISIBILITY_SECONDS, fallback: 30 },
  KmsDataKeyReusePeriodSeconds: { minimum: 60, maximum: 86_400, fallback: 300 },
};
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  FifoQueue: ["true"],
  ContentBasedDeduplication: ["true", "false"],
  SqsManagedSseEnabled: ["true", "false"],
  DeduplicationScope: ["queue", "messageGroup"],
  FifoThroughputLimit: ["perQueue", "perMessageGroupId"],
};
const FIFO_ONLY = ["ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"];
const OTHERS = ["KmsMasterKeyId", "Policy", "RedrivePolicy", "RedriveAllowPolicy"];

/** Attributes that SetQueueAttributes takes. */
export const SETTABLE_ATTRIBUTES: readonly string[] = [...Object.keys(RANGES), ...Object.keys(CHOICES), ...OTHERS];

/** Attributes beside the settings that GetQueueAttributes knows. */
export const COMPUTED_ATTRIBUTES: readonly string[] = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesDelayed",
  "ApproximateNumberOfMessagesNotVisible",
  "CreatedTimestamp",
  "LastModifiedTimestamp",
  "QueueArn",
];

/** Attributes after a change. An empty text removes a policy, as SetQueueAttributes does. */
export function mergeAttributes(old: AttributeTexts, changes: AttributeTexts): AttributeTexts {
  const all = Object.entries({ ...old, ...changes });
  const merged: Record<string, string> = Object.fromEntries(
    all.filter(([name, text]) => text !== "" || !OTHERS.includes(name)),
  );
  // One kind of encryption ends the other.
  if (changes.KmsMasterKeyId) delete merged.SqsManagedSseEnabled;
  if (changes.SqsManagedSseEnabled === "true") delete merged.KmsMasterKeyId;
  return merged;
}

/** What is wrong with attributes, all at once. */
export function checkAttributes(texts: AttributeTexts): readonly AttributeProblem[] {
  const problems: AttributeProblem[] = [];
  const refuse = (attribute: string, reason: string): void => void problems.push({ attribute, reason });
  const fifo = texts.FifoQueue === "true";
  for (const [name, text] of Object.entries(texts)) {
    const reason = problemOf(name, text);
    if (reason !== undefined) refuse(name, reason);
    if (!fifo && FIFO_ONLY.includes(name)) refuse(name, "is only for FIFO queues");
  }
  if (texts.FifoThroughputLimit === "perMessageGroupId" && texts.DeduplicationScope !== "messageGroup") {
    refuse("FifoThroughputLimit", 'must be perQueue unless DeduplicationScope is "messageGroup"');
  }
  if (texts.KmsMasterKeyId && texts.SqsManagedSseEnabled === "true") {
    refuse("SqsManagedSseEnabled", "must not be true beside KmsMasterKeyId: a queue has one kind of encryption");
  }
  return problems;
}

function problemOf(name: string, text: string): string | undefined {
  const range = RANGES[name];
  if (range) {
    const value = Number(text);
    const fits = /^\d+$/.test(text) && value >= range.minimum && value <= range.maximum;
    return fits ? undefined : `must be a whole number between ${range.minimum} and ${range.maximum}, got ${text}`;
  }
  const choices = CHOICES[name];
  if (choices) return choices.includes(text) ? undefined : `must be ${choices.join(" or ")}, got ${text}`;
  if (name === "Policy") return readQueuePolicy(text).problem;
  if (name === "RedrivePolicy") return readRedrivePolicy(text).problem;
  if (name === "RedriveAllowPolicy") return readRedriveAllowPolicy(text).problem;
  return undefined;
}

/** Settings from attributes without problems. */
export function settingsOf(arn: string, given: AttributeTexts): QueueSettings {
  const texts = withDefaults(given);
  const number = (name: string): number => Number(texts[name]);
  const document = texts.Policy === undefined ? undefined : readQueuePolicy(texts.Policy).document;
  const redrive = texts.RedrivePolicy === undefined ? undefined : readRedrivePolicy(texts.RedrivePolicy).policy;
  const allow =
    texts.RedriveAllowPolicy === undefined ? undefined : readRedriveAllowPolicy(texts.RedriveAllowPolicy).policy;
  const ownKey = texts.KmsMasterKeyId !== undefined && !texts.KmsMasterKeyId.endsWith("alias/aws/sqs");
  return {
    texts,
    fifo: texts.FifoQueue === "true",
    delaySeconds: number("DelaySeconds"),
    maximumMessageBytes: number("MaximumMessageSize"),
    retentionSeconds: number("MessageRetentionPeriod"),
    waitSeconds: number("ReceiveMessageWaitTimeSeconds"),
    visibilitySeconds: number("VisibilityTimeout"),
    contentBasedDeduplication: texts.ContentBasedDeduplication === "true",
    deduplicationByGroup: texts.DeduplicationScope === "messageGroup",
    ...(ownKey && { kmsMasterKeyId: texts.KmsMasterKeyId }),
    ...(document && { policy: { name: `policy of ${arn}`, document } }),
    ...(redrive && { redrive }),
    ...(allow && { redriveAllow: allow }),
  };
}

function withDefaults(given: AttributeTexts): AttributeTexts {
  const texts: Record<string, string> = {};
  for (const [name, { fallback }] of Object.entries(RANGES)) {
    if (name !== "KmsDataKeyReusePeriodSeconds" || given.KmsMasterKeyId) texts[name] = String(fallback);
  }
  texts.SqsManagedSseEnabled = given.KmsMasterKeyId ? "false" : "true";
  if (given.FifoQueue === "true") {
    Object.assign(texts, { ContentBasedDeduplication: "false", DeduplicationScope: "queue" });
    texts.FifoThroughputLimit = "perQueue";
  }
  return { ...texts, ...given };
}
