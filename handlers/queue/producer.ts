// Sends messages to a queue: batched, failed entries repeated, large bodies by claim check. A call whose answer is lost is repeated,
// so a message can be sent twice: consumers are idempotent, and FIFO queues drop the second by its deduplication id.
import { hash, randomUUID } from "node:crypto";
import type { Environment } from "../shared/aws-environment";
import { AwsCallError } from "../shared/errors";
import { createBodyStore, type BodyStore } from "./claim-check";
import { CLAIM_CHECK_PREFIX, SQS_LIMITS, type ClaimCheck } from "./contract";
import { createQueue } from "./kit";
import { isFifo, type MessageAttribute } from "./message";
import { bytesOf, type FailedEntry, type OutgoingMessage } from "./sqs";

/** A message to produce. */
export interface ProducedMessage {
  /** A text is sent as it is, everything else as JSON. */
  readonly body: unknown;
  /** Group of a FIFO queue, where it is required; tenant of a fair queue. */
  readonly groupId?: string;
  readonly deduplicationId?: string;
  readonly attributes?: Readonly<Record<string, MessageAttribute>>;
  readonly traceHeader?: string;
  /** 0 to 900. */
  readonly delaySeconds?: number;
}

/** Where to send. */
export interface ProducerSettings {
  readonly queueUrl: string;
  /** Takes bodies that the queue does not. Without it they are refused. */
  readonly claimCheckBucket?: string;
  /** The queue's `maxMessageSizeBytes`: larger messages travel as claim checks. @default 1 MiB */
  readonly maxMessageSizeBytes?: number;
  /** Region, credentials, endpoints. Default: of the process. */
  readonly environment?: Environment;
}

/** What became of a sending. */
export interface SendReport {
  readonly sent: number;
  /** Positions in the list that was given, with the code of SQS, or of S3 for a body by reference; repeat these only. */
  readonly failed: readonly { readonly index: number; readonly code: string }[];
}

/** Sends messages. */
export interface Producer {
  /**
   * Sends all, on FIFO in order of each group, and reports what was not sent. On FIFO the rest of a group stays behind a message that
   * was not sent. Throws, before anything is sent, when a body is too large and there is no bucket.
   */
  send(messages: readonly ProducedMessage[]): Promise<SendReport>;
}

/** What a test replaces. */
export interface ProducerPorts {
  readonly queue: { sendBatch(messages: readonly OutgoingMessage[]): Promise<readonly FailedEntry[]> };
  readonly bodies?: BodyStore;
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly random: () => number;
  readonly newKey: () => string;
}

interface Entry {
  readonly index: number;
  readonly message: OutgoingMessage;
  readonly bytes: number;
  /** For the queue: the body goes by reference. */
  readonly isTooLarge: boolean;
}

/** Attempts per entry. */
const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 100;
/** Batches on the way at the same time, on a standard queue. */
const PARALLEL_BATCHES = 8;

/** A producer for one queue. */
export function createProducer(settings: ProducerSettings, overrides: Partial<ProducerPorts> = {}): Producer {
  const { queueUrl, claimCheckBucket, environment = process.env } = settings;
  const { maxMessageSizeBytes: limit = SQS_LIMITS.maximumMessageBytes } = settings;
  const ports: ProducerPorts = {
    queue: overrides.queue ?? createQueue(queueUrl, environment, Date.now),
    ...(claimCheckBucket ? { bodies: createBodyStore(claimCheckBucket, environment, Date.now) } : {}),
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    random: Math.random,
    newKey: randomUUID,
    ...overrides,
  };
  const fifo = isFifo(queueUrl);
  return {
    send: async (messages) => {
      const sizes = messages.map((message, index) => toEntry(message, index, limit));
      const tooLarge = sizes.find(({ isTooLarge }) => isTooLarge);
      if (tooLarge && !ports.bodies) {
        throw new RangeError(
          `message ${tooLarge.index} has ${tooLarge.bytes} bytes, SQS takes ${limit}; set claimCheckBucket`,
        );
      }
      const failed = await sendAll(ports, fifo ? sizes.map(keepDeduplication) : sizes, fifo);
      return { sent: messages.length - failed.length, failed: failed.sort((one, other) => one.index - other.index) };
    },
  };
}

/** Sends messages by a producer of its own. */
export function sendMessages(settings: ProducerSettings, messages: readonly ProducedMessage[]): Promise<SendReport> {
  return createProducer(settings).send(messages);
}

type Failure = SendReport["failed"][number];

async function sendAll(ports: ProducerPorts, entries: readonly Entry[], fifo: boolean): Promise<Failure[]> {
  const failed: Failure[] = [];
  const stoppedGroups = new Set<string>();
  const batches = toBatches(entries, fifo).values();
  const work = async (): Promise<void> => {
    for (const batch of batches) {
      // After a message of a group that SQS refuses, the rest of the group would arrive out of order.
      const stopped = batch.filter(({ message }) => stoppedGroups.has(message.groupId ?? ""));
      failed.push(...stopped.map(({ index }) => ({ index, code: "GroupStopped" })));
      const refused = await sendBatch(
        ports,
        batch.filter((entry) => !stopped.includes(entry)),
      );
      failed.push(...refused.map(({ entry, code }) => ({ index: entry.index, code })));
      if (fifo) for (const { entry } of refused) stoppedGroups.add(entry.message.groupId ?? "");
    }
  };
  await Promise.all(Array.from({ length: fifo ? 1 : PARALLEL_BATCHES }, work));
  return failed;
}

/** Sends one batch, then what of it failed, until nothing is left or the attempts are used up. */
async function sendBatch(
  ports: ProducerPorts,
  batch: readonly Entry[],
): Promise<readonly { readonly entry: Entry; readonly code: string }[]> {
  const refused: { entry: Entry; code: string }[] = [];
  const checkedIn = batch.map(async (entry) => {
    try {
      return [await checkIn(ports, entry)];
    } catch (error) {
      refused.push({ entry, code: codeOf(error) });
      return [];
    }
  });
  let open = (await Promise.all(checkedIn)).flat();
  for (let attempt = 1; open.length > 0; attempt++) {
    const failures = await trySend(ports, open);
    const last = attempt >= ATTEMPTS;
    refused.push(...failures.filter(({ final }) => final || last));
    open = failures.filter(({ final }) => !final && !last).map(({ entry }) => entry);
    if (open.length > 0) await ports.pause(ports.random() * FIRST_PAUSE_MS * 2 ** (attempt - 1));
  }
  return refused;
}

async function trySend(
  { queue }: ProducerPorts,
  open: readonly Entry[],
): Promise<readonly { readonly entry: Entry; readonly code: string; readonly final: boolean }[]> {
  try {
    const failures = await queue.sendBatch(open.map(({ message }) => message));
    return failures.flatMap(({ index, code, senderFault }) => {
      const entry = open[index];
      return entry ? [{ entry, code, final: senderFault }] : [];
    });
  } catch (error) {
    const code = codeOf(error);
    return open.map((entry) => ({ entry, code, final: true }));
  }
}

/** Of a call that failed for good: the clients have repeated what can be repeated. Throws what is no answer of AWS. */
function codeOf(error: unknown): string {
  if (error instanceof AwsCallError) return error.code;
  throw error;
}

/**
 * With content-based deduplication SQS digests the body that it sees; a reference is new at each sending. So the digest of the body
 * itself goes along, the same that SQS would have made of it.
 */
function keepDeduplication(entry: Entry): Entry {
  const { message, isTooLarge } = entry;
  if (!isTooLarge || message.deduplicationId !== undefined) return entry;
  return { ...entry, message: { ...message, deduplicationId: hash("sha256", message.text, "hex") } };
}

/** Replaces a body that the queue does not take by a reference. */
async function checkIn({ bodies, newKey }: ProducerPorts, entry: Entry): Promise<Entry> {
  if (!bodies || !entry.isTooLarge) return entry;
  const key = `${CLAIM_CHECK_PREFIX}${newKey()}`;
  await bodies.put(key, entry.message.text);
  const bytes = Buffer.byteLength(entry.message.text);
  const reference: ClaimCheck = { claimCheck: { bucket: bodies.bucket, key, bytes } };
  return { ...entry, message: { ...entry.message, text: JSON.stringify(reference) } };
}

/**
 * Batches of 10 entries and 1 MiB. On FIFO no two of one group share a batch: when SQS takes the second but not the first, the order
 * is lost.
 */
function toBatches(entries: readonly Entry[], fifo: boolean): Entry[][] {
  const batches: Entry[][] = [];
  let batch: Entry[] = [];
  let bytes = 0;
  let groups = new Set<string | undefined>();
  for (const entry of entries) {
    const size = entry.isTooLarge ? CLAIM_CHECK_BYTES : entry.bytes;
    const full = batch.length === SQS_LIMITS.batchEntries || bytes + size > SQS_LIMITS.maximumMessageBytes;
    if (batch.length > 0 && (full || (fifo && groups.has(entry.message.groupId)))) {
      batches.push(batch);
      [batch, bytes, groups] = [[], 0, new Set()];
    }
    batch.push(entry);
    bytes += size;
    groups.add(entry.message.groupId);
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/** More than a reference takes; attributes may come to it. */
const CLAIM_CHECK_BYTES = 100_000;

function toEntry({ body, ...rest }: ProducedMessage, index: number, limit: number): Entry {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const bytes = bytesOf(text, rest.attributes);
  return { index, message: { text, ...rest }, bytes, isTooLarge: bytes > limit };
}
