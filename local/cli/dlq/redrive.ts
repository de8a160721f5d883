// `npm run dlq -- redrive`: moves messages back.
import { UsageError } from "../arguments";
import { EXIT } from "../command";
import { createPace } from "../queues/pace";
import { findQueue, type Queue } from "../queues/queue";
import { createStatusLine, drawBar } from "../status-line";
import { readText } from "../values";
import type { DlqTask } from "./command";
import type { Filter } from "./filters";
import { NOT_ALL_SEEN } from "./messages";
import { moveLetters } from "./move";
import { runMoveTask } from "./move-task";
import { collect, renderLetters } from "./peek";

interface Redrive extends DlqTask {
  readonly to: Queue;
}

/** Moves, or says what would be moved. */
export async function redrive(task: DlqTask): Promise<number> {
  const { options, queue, limit, filter } = task;
  const order: Redrive = { ...task, to: await findDestination(task) };
  const byTask = !filter && limit === undefined && !queue.fifo;
  if (options["dry-run"]) return rehearse(order, byTask ? undefined : (filter ?? (() => true)));
  return byTask ? moveAll(order) : moveChosen(order, filter ?? (() => true));
}

async function findDestination({ connection, options, queue, sources }: DlqTask): Promise<Queue> {
  const given = readText(options, "to");
  const [only, ...others] = sources;
  if (given === undefined && (!only || others.length > 0)) {
    const names = sources.map(({ name }) => name).join(", ");
    throw new UsageError(`${queue.name} takes messages of ${names}; say where to with --to QUEUE`);
  }
  const to = given === undefined ? only : await findQueue(connection, given);
  if (!to || to.arn === queue.arn) throw new UsageError(`--to must be another queue than ${queue.name} itself`);
  if (to.fifo !== queue.fifo) {
    const kind = queue.fifo ? "FIFO" : "standard";
    throw new UsageError(`--to must be a ${kind} queue, as ${queue.name} is; ${to.name} is not`);
  }
  return to;
}

/** @param filter left out: all messages. */
async function rehearse(order: Redrive, filter: Filter | undefined): Promise<number> {
  const { context, connection, options, queue, to, limit = Number.POSITIVE_INFINITY } = order;
  const { found, incomplete } = filter
    ? await collect(connection, queue, { filter, limit, signal: context.interrupt })
    : { found: undefined, incomplete: false };
  const count = found?.length ?? queue.visible;
  if (options.json) context.stdout.write(`${JSON.stringify({ dryRun: true, moves: count, to: to.name })}\n`);
  else {
    if (found) context.stdout.write(renderLetters(found, Date.now(), context.stdout.columns));
    context.stdout.write(`Would move ${count} messages of ${queue.name} to ${to.name}.\n`);
  }
  if (incomplete) context.stderr.write(NOT_ALL_SEEN);
  return incomplete ? EXIT.failed : EXIT.done;
}

async function moveAll({ context, connection, options, queue, to, rate }: Redrive): Promise<number> {
  const status = createStatusLine(context.stderr);
  const result = await runMoveTask(connection, {
    from: queue,
    to,
    ...(rate === undefined ? {} : { rate }),
    signal: context.interrupt,
    onProgress: (moved, total) =>
      status.show(`${drawBar(total === 0 ? 1 : moved / total)} ${moved} of ${total} messages to ${to.name}`),
  }).finally(() => status.end());
  const { status: state, moved, joined, failure } = result;
  if (options.json) context.stdout.write(`${JSON.stringify({ status: state, moved, to: to.name, failure })}\n`);
  else {
    const how = joined ? " (a move that was already under way)" : "";
    context.stdout.write(`Moved ${moved} messages of ${queue.name} to ${to.name}${how}.\n`);
  }
  if (state === "COMPLETED") return EXIT.done;
  if (state === "CANCELLED") {
    context.stderr.write("Cancelled; the others stay where they are. Run the same command again to go on.\n");
    return EXIT.interrupted;
  }
  throw new Error(`the move ended as ${state}: ${failure ?? "SQS gives no reason"}`);
}

async function moveChosen(order: Redrive, filter: Filter): Promise<number> {
  const { context, connection, options, queue, to, rate, limit = Number.POSITIVE_INFINITY } = order;
  const { interrupt, stdout, stderr } = context;
  const status = createStatusLine(stderr);
  const { moved, seen, incomplete, failures } = await moveLetters(connection, {
    from: queue,
    to,
    filter,
    limit,
    pace: createPace(rate, interrupt),
    signal: interrupt,
    onProgress: (count) => status.show(`${count} messages to ${to.name}`),
  }).finally(() => status.end());
  if (options.json) stdout.write(`${JSON.stringify({ moved, seen, failures, to: to.name })}\n`);
  else stdout.write(`Moved ${moved} of ${seen} messages of ${queue.name} to ${to.name}.\n`);
  for (const { id, reason } of failures) stderr.write(`  ✗ ${id}: ${reason}\n`);
  if (interrupt.aborted) {
    stderr.write("Stopped; the others stay where they are. Run the same command again to go on.\n");
    return EXIT.interrupted;
  }
  if (incomplete) stderr.write(NOT_ALL_SEEN);
  return incomplete || failures.length > 0 ? EXIT.failed : EXIT.done;
}
