// What a function that reports failed messages has said.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
import { isJsonObject } from "../../core/json-api";

/**
 * Ids of the messages that failed; undefined when the whole batch counts as failed, because the response makes no sense. An empty
 * response is a success.
 */
export function readFailures(payload: Buffer, messageIds: ReadonlySet<string>): ReadonlySet<string> | undefined {
  let response: unknown;
  try {
    response = payload.length === 0 ? null : JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
  if (response === null || response === "" || isEmptyList(response)) return new Set();
  if (!isJsonObject(response)) return undefined;
  const items = response.batchItemFailures ?? [];
  if (!Array.isArray(items)) return undefined;
  const failed = new Set<string>();
  for (const item of items as readonly unknown[]) {
    const id = isJsonObject(item) ? item.itemIdentifier : undefined;
    if (typeof id !== "string" || !messageIds.has(id)) return undefined;
    failed.add(id);
  }
  return failed;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
