// What a server sent, as far as this client understands it. The rest is ignored: a server may be newer than its clients.
import {
  FINAL_KINDS,
  PROGRESS_PROTOCOL_VERSION,
  type ProgressEvent,
  type ProgressKind,
  type RunDescription,
  type RunState,
  type ServerReply,
} from "../../handlers/progress/contract";

const KINDS: ReadonlySet<unknown> = new Set<ProgressKind>(["started", "step", "item", "redriven", ...FINAL_KINDS]);

type Fields = Readonly<Record<string, unknown>>;

/** An event's place in the log; `event` is missing when this client does not know its kind or version. */
export interface Entry {
  readonly executionId: string;
  readonly sequence: number;
  readonly event?: ProgressEvent;
}

/** One message: a reply, an entry of a log, a refusal, or nothing that this client knows. */
export interface Received {
  readonly reply?: ServerReply;
  readonly entry?: Entry;
  /** API Gateway speaks, not the component: throttled, or an integration that failed. */
  readonly isRefusal?: boolean;
}

/** Reads one message. @param now milliseconds since the Unix epoch */
export function readMessage(data: unknown, now: number): Received {
  const message = parse(data);
  if (!message.type && message.connectionId && message.message) return { isRefusal: true };
  if (message.type === "reply" && message.version === PROGRESS_PROTOCOL_VERSION) {
    const reply = message as unknown as ServerReply;
    if (reply.ok && reply.run?.expected) Object.assign(reply.run.expected, { receivedAt: now });
    return { reply };
  }
  const entry = readEntry(message);
  return entry ? { entry } : {};
}

/** Reads an event. An unknown one keeps its number, or it would look like a gap for ever. */
export function readEntry(value: unknown): Entry | undefined {
  const { type, executionId, sequence, version, kind, percent, at } = (value ?? {}) as Fields;
  if (type !== "progress" || typeof executionId !== "string" || !isCount(sequence)) return undefined;
  const known = version === PROGRESS_PROTOCOL_VERSION && KINDS.has(kind) && isCount(percent) && typeof at === "string";
  return { executionId, sequence, ...(known && { event: value as ProgressEvent }) };
}

/** A run after a later event. Events that the description covers change nothing. */
export function advanceRun(run: RunDescription, { kind, percent, sequence }: ProgressEvent): RunDescription {
  if (sequence <= run.sequence) return run;
  const isFinal = (FINAL_KINDS as readonly ProgressKind[]).includes(kind);
  return { ...run, state: isFinal ? (kind as RunState) : "running", percent: Math.max(run.percent, percent), sequence };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parse(data: unknown): Fields {
  try {
    // An object, whatever it is.
    return Object(JSON.parse(String(data))) as Fields;
  } catch {
    return {};
  }
}
