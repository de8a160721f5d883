// RedrivePolicy and RedriveAllowPolicy: which messages go to a dead-letter queue, and whose messages it takes.

/** Longest list of source queues of a dead-letter queue. */
const MAX_SOURCES = 10;
const QUEUE_ARN = /^arn:aws[a-z-]*:sqs:([a-z0-9-]+):(\d{12}):([\w-]{1,80}(\.fifo)?)$/;

/** When a message goes where. */
export interface RedrivePolicy {
  readonly targetArn: string;
  /** Receives after which the next one moves the message. */
  readonly maxReceiveCount: number;
}

/** Whose messages a dead-letter queue takes. */
export interface RedriveAllowPolicy {
  readonly permission: "allowAll" | "denyAll" | "byQueue";
  readonly sourceArns: readonly string[];
}

/** Region, account and name of a queue's ARN. */
export interface QueuePlace {
  readonly region: string;
  readonly accountId: string;
  readonly name: string;
}

/** Where a queue of that ARN lives; undefined when the text is none. */
export function placeOfArn(arn: string): QueuePlace | undefined {
  const [, region, accountId, name] = QUEUE_ARN.exec(arn) ?? [];
  return region && accountId && name ? { region, accountId, name } : undefined;
}

/** Reads a RedrivePolicy. */
export function readRedrivePolicy(text: string): { readonly policy?: RedrivePolicy; readonly problem?: string } {
  const value = parseObject(text);
  if (!value) return { problem: "must be a JSON object" };
  const unknown = Object.keys(value).find((key) => key !== "deadLetterTargetArn" && key !== "maxReceiveCount");
  if (unknown !== undefined)
    return { problem: `must hold deadLetterTargetArn and maxReceiveCount only, got ${unknown}` };
  const { deadLetterTargetArn: targetArn, maxReceiveCount } = value;
  if (typeof targetArn !== "string" || !placeOfArn(targetArn)) {
    return { problem: "must name the ARN of a queue in deadLetterTargetArn" };
  }
  // SQS takes the count as a number or as text.
  const count = typeof maxReceiveCount === "string" ? Number(maxReceiveCount) : maxReceiveCount;
  if (typeof count !== "number" || !Number.isInteger(count) || count < 1 || count > 1000) {
    return { problem: `must hold a maxReceiveCount between 1 and 1000, got ${JSON.stringify(maxReceiveCount)}` };
  }
  return { policy: { targetArn, maxReceiveCount: count } };
}

/** Reads a RedriveAllowPolicy. */
export function readRedriveAllowPolicy(text: string): {
  readonly policy?: RedriveAllowPolicy;
  readonly problem?: string;
} {
  const value = parseObject(text);
  if (!value) return { problem: "must be a JSON object" };
  const unknown = Object.keys(value).find((key) => key !== "redrivePermission" && key !== "sourceQueueArns");
  if (unknown !== undefined) return { problem: `must hold redrivePermission and sourceQueueArns only, got ${unknown}` };
  const { redrivePermission: permission, sourceQueueArns } = value;
  if (permission !== "allowAll" && permission !== "denyAll" && permission !== "byQueue") {
    return { problem: "must hold a redrivePermission of allowAll, denyAll or byQueue" };
  }
  if (permission !== "byQueue") {
    if (sourceQueueArns !== undefined) return { problem: "must hold sourceQueueArns only with byQueue" };
    return { policy: { permission, sourceArns: [] } };
  }
  const arns = Array.isArray(sourceQueueArns) ? (sourceQueueArns as readonly unknown[]) : [];
  if (
    arns.length === 0 ||
    arns.length > MAX_SOURCES ||
    !arns.every((arn) => typeof arn === "string" && placeOfArn(arn))
  ) {
    return { problem: `must hold 1 to ${MAX_SOURCES} ARNs of queues in sourceQueueArns` };
  }
  return { policy: { permission, sourceArns: arns as readonly string[] } };
}

/** Whether a dead-letter queue takes messages of a source. */
export function admitsSource(allow: RedriveAllowPolicy | undefined, sourceArn: string): boolean {
  if (!allow || allow.permission === "allowAll") return true;
  return allow.permission === "byQueue" && allow.sourceArns.includes(sourceArn);
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
