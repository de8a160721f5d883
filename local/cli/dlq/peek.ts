// `npm run dlq -- peek`: messages as they are, given back at once.
import { REJECTION_ATTRIBUTE } from "../../../handlers/queue/contract";
import { EXIT } from "../command";
import { renderTable } from "../table";
import { describeDuration } from "../values";
import type { DlqTask } from "./command";
import type { Filter } from "./filters";
import { type DeadLetter, NOT_ALL_SEEN, passThrough, type Passed } from "./messages";
import type { Connection } from "../queues/connection";
import type { Queue } from "../queues/queue";

const DEFAULT_LIMIT = 10;

/** Prints messages. */
export async function peek(task: DlqTask): Promise<number> {
  const { context, connection, options, queue, filter, limit = DEFAULT_LIMIT } = task;
  const now = Date.now();
  const { found, seen, incomplete } = await collect(connection, queue, { filter, limit, signal: context.interrupt });
  if (options.json) context.stdout.write(`${JSON.stringify(found.map((letter) => toJson(letter, now)))}\n`);
  else context.stdout.write(renderLetters(found, now, context.stdout.isTTY ? context.stdout.columns : undefined));
  context.stderr.write(summarise(queue, seen, found.length));
  if (context.interrupt.aborted) return EXIT.interrupted;
  if (!incomplete) return EXIT.done;
  context.stderr.write(NOT_ALL_SEEN);
  return EXIT.failed;
}

/** Messages that are meant, without consuming them. @returns them in the queue's order, and how the passage ended. */
export async function collect(
  connection: Connection,
  queue: Queue,
  {
    filter,
    limit,
    signal,
  }: { readonly filter: Filter | undefined; readonly limit: number; readonly signal: AbortSignal },
): Promise<Passed & { readonly found: readonly DeadLetter[] }> {
  const enough = new AbortController();
  const found: DeadLetter[] = [];
  const passed = await passThrough(connection, queue.url, {
    // Without a filter no more messages than are shown have their receive count raised.
    limit: filter ? Number.POSITIVE_INFINITY : limit,
    signal: AbortSignal.any([signal, enough.signal]),
    visit: (batch) => {
      found.push(...batch.filter(filter ?? (() => true)).slice(0, limit - found.length));
      if (found.length >= limit) enough.abort();
      return Promise.resolve([]);
    },
  });
  return { found, ...passed };
}

/** A table of messages. @param width of the terminal; left out: lines are not cut. */
export function renderLetters(letters: readonly DeadLetter[], now: number, width?: number): string {
  if (letters.length === 0) return "";
  return renderTable(
    [
      { title: "Message id" },
      { title: "Age", right: true },
      { title: "Receives", right: true },
      { title: "Group" },
      { title: "Reason" },
      { title: "Attributes" },
      { title: "Body" },
    ],
    letters.map((letter) => [
      letter.id,
      describeDuration(Math.max(0, now - letter.sentAt)),
      String(letter.receiveCount),
      letter.groupId ?? "–",
      describeReason(letter),
      describeAttributes(letter),
      letter.body,
    ]),
    width,
  );
}

function describeReason({ reason, errorType }: DeadLetter): string {
  if (reason === undefined) return "received too often";
  return errorType === undefined ? reason : `${errorType}: ${reason}`;
}

function describeAttributes({ attributes }: DeadLetter): string {
  const foreign = Object.entries(attributes).filter(([name]) => name !== REJECTION_ATTRIBUTE);
  return foreign.length === 0 ? "–" : foreign.map(([name, value]) => `${name}=${value}`).join(" ");
}

function toJson({ original: _, receiptHandle: __, sentAt, ...letter }: DeadLetter, now: number): object {
  return { ...letter, sentAt: new Date(sentAt).toISOString(), ageSeconds: Math.round((now - sentAt) / 1000) };
}

function summarise({ name, visible, inFlight, fifo }: Queue, seen: number, shown: number): string {
  const parts = [`${shown} of about ${visible} messages of ${name}; the receive count of ${seen} went up by one.`];
  if (inFlight > 0) parts.push(`${inFlight} are in flight and cannot be seen now.`);
  if (fifo && seen < visible) parts.push("FIFO: a group shows its first ten messages at most.");
  return `${parts.join(" ")}\n`;
}
