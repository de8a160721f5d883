// The batch operations: up to ten entries, each of which succeeds or fails by itself.
import { AwsError } from "../../core/errors";
import { type JsonObject, type JsonOperation, objectsOf, textOf } from "../../core/json-api";
import { authorizeSend } from "../access";
import { messageBytes, prepareMessage, type PreparedMessage } from "../drafts";
import { queryCode } from "../errors";
import { MAX_MESSAGE_BYTES } from "../settings";
import { askOf, authorizedQueue, messageOf, queueOf, required, type SqsParts } from "./input";
import { sentAnswer, visibilityMs } from "./messages";

const MAX_ENTRIES = 10;
const ENTRY_ID = /^[\w-]{1,80}$/;

/** Operations on several messages. */
export function batchOperations(parts: SqsParts): Readonly<Record<string, JsonOperation>> {
  const { messaging } = parts;
  return {
    SendMessageBatch(input, call) {
      const queue = queueOf(parts, input, call);
      authorizeSend(askOf(call), call.principal, queue);
      const entries = entriesOf(input, "SendMessageBatchRequestEntry");
      checkTotal(entries);
      const prepared: { readonly entry: JsonObject; readonly message: PreparedMessage }[] = [];
      const failed = failuresOf(entries, (entry) => {
        prepared.push({ entry, message: prepareMessage(queue, messageOf(entry), call.principal.userId) });
      });
      const sent = messaging.send(
        queue,
        prepared.map(({ message }) => message),
      );
      call.describe({ detail: { messages: sent.length } });
      const successful = sent.map((message, index) => {
        const entry = prepared[index]?.entry ?? {};
        return { Id: textOf(entry, "Id"), ...sentAnswer(entry, message) };
      });
      return answer(successful, failed);
    },
    DeleteMessageBatch(input, call) {
      const queue = authorizedQueue(parts, input, call, "sqs:DeleteMessage");
      const entries = entriesOf(input, "DeleteMessageBatchRequestEntry");
      const failed = failuresOf(entries, (entry) => messaging.delete(queue, required(entry, "ReceiptHandle")));
      return answer(others(entries, failed), failed);
    },
    ChangeMessageVisibilityBatch(input, call) {
      const queue = authorizedQueue(parts, input, call, "sqs:ChangeMessageVisibility");
      const entries = entriesOf(input, "ChangeMessageVisibilityBatchRequestEntry");
      const failed = failuresOf(entries, (entry) => {
        messaging.changeVisibility(queue, required(entry, "ReceiptHandle"), visibilityMs(entry));
      });
      return answer(others(entries, failed), failed);
    },
  };
}

function entriesOf(input: JsonObject, type: string): readonly JsonObject[] {
  const entries = objectsOf(input, "Entries");
  if (entries.length === 0) {
    throw new AwsError("EmptyBatchRequest", `There should be at least one ${type} in the request.`);
  }
  if (entries.length > MAX_ENTRIES) {
    throw new AwsError(
      "TooManyEntriesInBatchRequest",
      `Maximum number of entries per request are ${MAX_ENTRIES}. You have sent ${entries.length}.`,
    );
  }
  const ids = new Set<string>();
  for (const entry of entries) {
    const id = textOf(entry, "Id") ?? "";
    if (!ENTRY_ID.test(id)) {
      throw new AwsError(
        "InvalidBatchEntryId",
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
      );
    }
    if (ids.has(id)) throw new AwsError("BatchEntryIdsNotDistinct", `Id ${id} repeated.`);
    ids.add(id);
  }
  return entries;
}

function checkTotal(entries: readonly JsonObject[]): void {
  let bytes = 0;
  for (const entry of entries) {
    // What is wrong with a single entry is that entry's failure.
    const failed = failuresOf([entry], () => (bytes += messageBytes(messageOf(entry))));
    if (failed.length > 0) bytes += Buffer.byteLength(textOf(entry, "MessageBody") ?? "");
  }
  if (bytes <= MAX_MESSAGE_BYTES) return;
  throw new AwsError(
    "BatchRequestTooLong",
    `Batch requests cannot be longer than ${MAX_MESSAGE_BYTES} bytes. You have sent ${bytes} bytes.`,
  );
}

function failuresOf(entries: readonly JsonObject[], run: (entry: JsonObject) => void): readonly JsonObject[] {
  return entries.flatMap((entry) => {
    try {
      run(entry);
      return [];
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      return [{ Id: textOf(entry, "Id"), SenderFault: true, Code: queryCode(error.code), Message: error.message }];
    }
  });
}

function others(entries: readonly JsonObject[], failed: readonly JsonObject[]): readonly JsonObject[] {
  const ids = new Set(failed.map(({ Id }) => Id));
  return entries.filter(({ Id }) => !ids.has(Id)).map(({ Id }) => ({ Id }));
}

function answer(successful: readonly JsonObject[], failed: readonly JsonObject[]): JsonObject {
  return { Successful: successful, ...(failed.length > 0 && { Failed: failed }) };
}
