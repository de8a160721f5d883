// Answers the messages of clients: who may do what, and exactly one reply to each.
import { AwsCallError, PublicError } from "../shared/errors";
import {
  PROGRESS_PROTOCOL_VERSION,
  type ClientMessage,
  type ProgressErrorCode,
  type RunDescription,
  type ServerReply,
} from "./contract";
import { cancelRun, redriveRun, type ControlDependencies } from "./control-run";
import { DetailNotFoundError, ForbiddenError, RunConflictError, RunNotFoundError } from "./errors";
import { findExpected } from "./learn-durations";
import type { ConnectionStore, Viewer, Workflow } from "./ports";
import { replay, type Replay } from "./replay";
import { parseFields, readClientMessage, readRequestId } from "./requests";
import { describeRun, type RunRecord } from "./run";
import { startRun } from "./start-run";

/** What the messages need. */
export interface MessageDependencies extends ControlDependencies {
  readonly connections: ConnectionStore;
  readonly workflow: Workflow;
}

/** The connection that a message came on. */
export interface Sender extends Viewer {
  readonly connectionId: string;
}

/** Content of a reply to a message that was carried out. */
type Success = Pick<ServerReply & { ok: true }, "run" | "runs" | "events" | "completeTo" | "detail">;

/** Runs of a list. */
const LISTED_RUNS = 20;
/** Most bytes of a list of runs, and of a detail: the rest of the message is small beside it. */
const CONTENT_BYTES = 96 * 1024;

/** Carries out a message. Never rejects. */
export async function answerMessage(
  dependencies: MessageDependencies,
  sender: Sender,
  body: string,
): Promise<ServerReply> {
  const fields = parseFields(body);
  const frame = { version: PROGRESS_PROTOCOL_VERSION, type: "reply", requestId: readRequestId(fields) } as const;
  try {
    const message = readClientMessage(fields);
    const success = await carryOut(dependencies, sender, message);
    dependencies.log.info("answered", { action: message.action });
    return { ...frame, ok: true, ...success };
  } catch (error) {
    return { ...frame, ok: false, error: toReplyError(error, dependencies) };
  }
}

async function carryOut(dependencies: MessageDependencies, sender: Sender, message: ClientMessage): Promise<Success> {
  const { runs, connections, now } = dependencies;
  const { connectionId, owner } = sender;
  if (sender.scope !== undefined && !SCOPED_ACTIONS.has(message.action)) throw new ForbiddenError();
  switch (message.action) {
    case "ping":
      return {};
    case "list":
      return { runs: takeFitting((await runs.list(owner, LISTED_RUNS)).map(describeRun)) };
    case "start":
      return withExpected(dependencies, startRun(dependencies, owner, connectionId, message));
    case "unsubscribe":
      await connections.unsubscribe(connectionId, (await findOwn(dependencies, sender, message)).executionId);
      return {};
    case "subscribe": {
      const run = await findOwn(dependencies, sender, message);
      await connections.subscribe(connectionId, run.executionId);
      return withExpected(dependencies, replay(runs, run, message.since, now()));
    }
    case "detail": {
      const { executionId } = await findOwn(dependencies, sender, message);
      return { detail: await readDetail(dependencies, executionId, message.step) };
    }
    case "cancel":
      return { run: await cancelRun(dependencies, await findOwn(dependencies, sender, message)) };
    case "redrive":
      return { run: await redriveRun(dependencies, await findOwn(dependencies, sender, message)) };
  }
}

/** Adds how long runs take. Read beside the answer, so that it takes no longer. */
async function withExpected(dependencies: MessageDependencies, answer: Promise<Replay>): Promise<Replay> {
  const [{ run, ...rest }, expected] = await Promise.all([answer, findExpected(dependencies, dependencies.now)]);
  return { run: expected && run.state === "running" ? { ...run, expected } : run, ...rest };
}

/** What a ticket for one run is good for. */
const SCOPED_ACTIONS: ReadonlySet<ClientMessage["action"]> = new Set(["subscribe", "unsubscribe", "detail", "ping"]);

/** @throws RunNotFoundError, the same for an unknown run and for one of somebody else. */
async function findOwn(
  { runs }: MessageDependencies,
  { owner, scope }: Sender,
  { executionId }: { readonly executionId: string },
): Promise<RunRecord> {
  const run = await runs.find(executionId);
  if (run?.owner !== owner || (scope !== undefined && scope !== executionId)) throw new RunNotFoundError();
  return run;
}

/** @throws DetailNotFoundError, RunConflictError when it does not fit into a message. */
async function readDetail({ runs }: MessageDependencies, executionId: string, step: string): Promise<unknown> {
  const text = await runs.detail(executionId, step);
  if (text === undefined) throw new DetailNotFoundError();
  const bytes = Buffer.byteLength(text);
  if (bytes > CONTENT_BYTES) throw new RunConflictError(`The detail has ${bytes} bytes, too many for a message`);
  return JSON.parse(text);
}

function takeFitting(runs: readonly RunDescription[]): readonly RunDescription[] {
  let bytes = 0;
  return runs.filter((run) => (bytes += Buffer.byteLength(JSON.stringify(run)) + 1) <= CONTENT_BYTES);
}

function toReplyError(
  error: unknown,
  { log }: MessageDependencies,
): { readonly code: ProgressErrorCode; readonly message: string } {
  if (error instanceof PublicError) {
    log.refusal(error.code);
    // All that the logic throws are of handlers/progress/errors.ts.
    return { code: error.code as ProgressErrorCode, message: error.message };
  }
  log.error("failed", error);
  const message =
    error instanceof AwsCallError && error.retryable
      ? "A service behind this one is busy; send the same message again after a short pause"
      : "The service failed";
  return { code: "InternalError", message };
}
