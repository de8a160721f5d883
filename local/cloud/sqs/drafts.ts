// What SQS checks before it takes a message.
import { AwsError } from "../core/errors";
import type { MessageAttribute, OutgoingMessage } from "../core/service";
import { contentId } from "./digests";
import { invalidParameter, invalidValue, missingParameter } from "./errors";
import type { MessageDraft } from "./message";
import type { Queue } from "./queue";

const MAX_ATTRIBUTES = 10;
const ATTRIBUTE_NAME = /^(?!.*\.\.)(?!\.)[\w.-]{1,256}(?<!\.)$/;
const RESERVED_PREFIX = /^(aws|amazon)\./i;
const DATA_TYPE = /^(String|Number|Binary)(\.[^\s]{1,249})?$/;
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
// Group and deduplication ids: letters, digits and punctuation.
const TOKEN = /^[\w!"#$%&'()*+,\-./:;<=>?@[\\\]^`{|}~]{1,128}$/;
// What XML cannot carry. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const MAX_DELAY_SECONDS = 900;

/** A message that may be sent. */
export interface PreparedMessage {
  readonly draft: MessageDraft;
  readonly delayMs: number;
}

/** Checks a message against its queue. @throws AwsError as SendMessage answers. */
export function prepareMessage(queue: Queue, message: OutgoingMessage, senderId: string): PreparedMessage {
  const { body, attributes, groupId, traceHeader } = message;
  if (body === "") throw missingParameter("MessageBody");
  checkCharacters(body);
  checkAttributes(attributes ?? {});
  checkToken(groupId, "MessageGroupId");
  checkToken(message.deduplicationId, "MessageDeduplicationId");
  const bytes = messageBytes(message);
  const limit = queue.settings.maximumMessageBytes;
  if (bytes > limit) {
    throw invalidParameter(`One or more parameters are invalid. Reason: Message must be shorter than ${limit} bytes.`);
  }
  const deduplicationId = deduplicationIdOf(queue, message);
  const draft: MessageDraft = {
    body,
    bytes,
    senderId,
    ...(attributes && Object.keys(attributes).length > 0 && { attributes }),
    ...(groupId !== undefined && { groupId }),
    ...(deduplicationId !== undefined && { deduplicationId }),
    ...(traceHeader !== undefined && { traceHeader }),
  };
  return { draft, delayMs: delayOf(queue, message.delaySeconds) * 1000 };
}

/** Size of a message as SQS counts it: body, and names, types and values of its attributes. */
export function messageBytes({ body, attributes }: OutgoingMessage): number {
  let bytes = Buffer.byteLength(body);
  for (const [name, { dataType, stringValue, binaryValue }] of Object.entries(attributes ?? {})) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(dataType) + Buffer.byteLength(stringValue ?? "");
    bytes += Buffer.byteLength(binaryValue ?? "", "base64");
  }
  return bytes;
}

function checkCharacters(text: string): void {
  if (!FORBIDDEN.test(text) && text.isWellFormed()) return;
  throw new AwsError(
    "InvalidMessageContents",
    "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | " +
      "#x10000 to #x10FFFF",
  );
}

function checkAttributes(attributes: Readonly<Record<string, MessageAttribute>>): void {
  const entries = Object.entries(attributes);
  if (entries.length > MAX_ATTRIBUTES) {
    throw invalidParameter(
      `Number of message attributes [${entries.length}] exceeds the allowed maximum [${MAX_ATTRIBUTES}].`,
    );
  }
  for (const [name, attribute] of entries) {
    if (!ATTRIBUTE_NAME.test(name) || RESERVED_PREFIX.test(name)) {
      throw invalidParameter(
        `The message attribute name '${name}' is invalid. It can contain letters, digits, "_", "-" and single periods, not at its ` +
          "ends, and must not begin with AWS. or Amazon.",
      );
    }
    const problem = attributeProblem(attribute);
    if (problem !== undefined) throw invalidParameter(`The message attribute '${name}' ${problem}`);
  }
}

function attributeProblem({ dataType, stringValue, binaryValue }: MessageAttribute): string | undefined {
  const base = DATA_TYPE.exec(dataType)?.[1];
  if (base === undefined) {
    return "has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.";
  }
  if (base === "Binary") {
    const filled = binaryValue !== undefined && binaryValue !== "" && stringValue === undefined;
    return filled ? undefined : "must contain a non-empty message attribute value for message attribute type 'Binary'.";
  }
  if (!stringValue || binaryValue !== undefined) {
    return `must contain a non-empty message attribute value for message attribute type '${base}'.`;
  }
  checkCharacters(stringValue);
  if (base === "Number" && !NUMBER.test(stringValue)) return "must hold a number: its type is 'Number'.";
  return undefined;
}

function checkToken(value: string | undefined, parameter: string): void {
  if (value === undefined || TOKEN.test(value)) return;
  throw invalidValue(
    value,
    parameter,
    `${parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length.`,
  );
}

function deduplicationIdOf(queue: Queue, { body, groupId, deduplicationId }: OutgoingMessage): string | undefined {
  if (!queue.fifo) {
    if (deduplicationId === undefined) return undefined;
    throw invalidValue(
      deduplicationId,
      "MessageDeduplicationId",
      "The request includes a parameter that is not valid for this queue type.",
    );
  }
  if (groupId === undefined) throw missingParameter("MessageGroupId");
  if (deduplicationId !== undefined) return deduplicationId;
  if (queue.settings.contentBasedDeduplication) return contentId(body);
  throw invalidParameter(
    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
  );
}

function delayOf(queue: Queue, delaySeconds: number | undefined): number {
  if (delaySeconds === undefined) return queue.settings.delaySeconds;
  if (!Number.isInteger(delaySeconds) || delaySeconds < 0 || delaySeconds > MAX_DELAY_SECONDS) {
    throw invalidValue(delaySeconds, "DelaySeconds", `DelaySeconds must be >= 0 and <= ${MAX_DELAY_SECONDS}.`);
  }
  if (queue.fifo && delaySeconds !== 0) {
    throw invalidValue(
      delaySeconds,
      "DelaySeconds",
      "The request include parameter that is not valid for this queue type.",
    );
  }
  return queue.fifo ? queue.settings.delaySeconds : delaySeconds;
}
