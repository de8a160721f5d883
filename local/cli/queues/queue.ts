// Finds a queue by what a person calls it, and reads what there is to know about it.
import type { SQS } from "@aws-sdk/client-sqs";
import { findNearest } from "../../../components/shared/nearest";
import { UsageError } from "../arguments";
import type { Connection } from "./connection";

/** Queues that are asked about side by side. */
const PARALLEL = 8;

/** A queue as it is now. Numbers of messages are approximate on AWS. */
export interface Queue {
  readonly url: string;
  readonly name: string;
  readonly arn: string;
  readonly fifo: boolean;
  /** Messages that can be received. */
  readonly visible: number;
  /** Messages that somebody has received and not deleted. */
  readonly inFlight: number;
  readonly delayed: number;
  /** Seconds. */
  readonly retentionSeconds: number;
  /** ARN of its own dead-letter queue. */
  readonly deadLetterQueueArn?: string;
}

/**
 * The queue that a person means: its URL, its ARN, its name, or a stack output of the local run that holds one of these.
 * @throws UsageError when there is none, with the name that is nearest.
 */
export async function findQueue({ sqs, outputs }: Connection, given: string): Promise<Queue> {
  const output = outputs[given];
  const meant = typeof output === "string" ? output : given;
  if (/^https?:\/\//.test(meant)) return readQueue(sqs, meant);
  const name = meant.startsWith("arn:") ? nameOf(meant) : meant;
  const url = await sqs.getQueueUrl({ QueueName: name }).then(({ QueueUrl }) => QueueUrl, ignoreMissing);
  if (url !== undefined) return readQueue(sqs, url);
  const names = (await listUrls(sqs)).map(nameOf);
  const near = findNearest(given, [...names, ...Object.keys(outputs).filter((key) => isQueue(outputs[key]))]);
  const hint =
    near === undefined
      ? `there are no queues in ${await sqs.config.region()}`
      : `did you mean ${near}? npm run dlq -- list shows them`;
  throw new UsageError(`there is no queue ${given}; ${hint}`);
}

/** A queue by its URL. */
export async function readQueue(sqs: SQS, url: string): Promise<Queue> {
  const { Attributes: facts = {} } = await sqs
    .getQueueAttributes({ QueueUrl: url, AttributeNames: ["All"] })
    .catch((error: unknown) => {
      ignoreMissing(error);
      throw new UsageError(`there is no queue ${url}`);
    });
  const policy = JSON.parse(facts.RedrivePolicy ?? "{}") as { readonly deadLetterTargetArn?: string };
  const arn = facts.QueueArn ?? "";
  return {
    url,
    name: nameOf(arn),
    arn,
    fifo: facts.FifoQueue === "true",
    visible: Number(facts.ApproximateNumberOfMessages ?? 0),
    inFlight: Number(facts.ApproximateNumberOfMessagesNotVisible ?? 0),
    delayed: Number(facts.ApproximateNumberOfMessagesDelayed ?? 0),
    retentionSeconds: Number(facts.MessageRetentionPeriod ?? 0),
    ...(policy.deadLetterTargetArn === undefined ? {} : { deadLetterQueueArn: policy.deadLetterTargetArn }),
  };
}

/** Every queue of the account and Region. */
export async function listQueues(sqs: SQS): Promise<readonly Queue[]> {
  const urls = [...(await listUrls(sqs))];
  const queues: Queue[] = [];
  const work = async (): Promise<void> => {
    for (let url = urls.shift(); url !== undefined; url = urls.shift()) queues.push(await readQueue(sqs, url));
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return queues.sort((one, other) => one.name.localeCompare(other.name));
}

/** Queues whose redrive policy names this one. */
export async function listSources(sqs: SQS, url: string): Promise<readonly Queue[]> {
  const urls: string[] = [];
  let token: string | undefined;
  do {
    const page = await sqs.listDeadLetterSourceQueues({
      QueueUrl: url,
      MaxResults: 1000,
      ...(token === undefined ? {} : { NextToken: token }),
    });
    urls.push(...(page.queueUrls ?? []));
    token = page.NextToken;
  } while (token !== undefined);
  return Promise.all(urls.map((source) => readQueue(sqs, source)));
}

/** Messages in the queue, wherever they are. */
export function depthOf({ visible, inFlight, delayed }: Queue): number {
  return visible + inFlight + delayed;
}

/** Name of a queue, by its URL or ARN. */
export function nameOf(id: string): string {
  return id.split(/[/:]/).at(-1) ?? "";
}

async function listUrls(sqs: SQS): Promise<readonly string[]> {
  const urls: string[] = [];
  let token: string | undefined;
  do {
    const page = await sqs.listQueues({ MaxResults: 1000, ...(token === undefined ? {} : { NextToken: token }) });
    urls.push(...(page.QueueUrls ?? []));
    token = page.NextToken;
  } while (token !== undefined);
  return urls;
}

function isQueue(value: unknown): boolean {
  return typeof value === "string" && /^https?:\/\/.*\/\d{12}\/|^arn:[\w-]+:sqs:/.test(value);
}

/** @throws whatever else it is. */
function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && /QueueDoesNotExist|NonExistentQueue/.test(error.name)) return undefined;
  throw error;
}
