// `npm run dlq -- purge`: removes messages for good.
import { UsageError } from "../arguments";
import { EXIT } from "../command";
import { readText } from "../values";
import type { DlqTask } from "./command";
import type { Filter } from "./filters";
import { NOT_ALL_SEEN, passThrough, type Passed, removeLetters } from "./messages";
import { collect, renderLetters } from "./peek";

/** Removes, after the queue's name was given, or says what would be removed. */
export async function purge(task: DlqTask): Promise<number> {
  const { context, connection, options, queue, limit } = task;
  const { stdout, stderr, interrupt } = context;
  const filter = task.filter ?? (limit === undefined ? undefined : () => true);
  if (options["dry-run"]) return rehearse(task, filter);
  await confirm(task, filter ? "the chosen messages" : `about ${queue.visible} messages`);
  if (!filter) {
    await connection.sqs.purgeQueue({ QueueUrl: queue.url });
    stdout.write(options.json ? `${JSON.stringify({ purged: queue.name })}\n` : `Purged ${queue.name}.\n`);
    return EXIT.done;
  }
  const { removed, left, incomplete } = await removeChosen(task, filter);
  if (options.json) stdout.write(`${JSON.stringify({ removed, failed: left })}\n`);
  else stdout.write(`Removed ${removed} messages of ${queue.name}.\n`);
  if (left > 0) stderr.write(`${left} could not be deleted: run the same command again.\n`);
  if (interrupt.aborted) return EXIT.interrupted;
  if (incomplete) stderr.write(NOT_ALL_SEEN);
  return incomplete || left > 0 ? EXIT.failed : EXIT.done;
}

async function removeChosen(
  { connection, context, queue, limit = Number.POSITIVE_INFINITY }: DlqTask,
  filter: Filter,
): Promise<Passed & { readonly removed: number; readonly left: number }> {
  const enough = new AbortController();
  let removed = 0;
  let left = 0;
  const passed = await passThrough(connection, queue.url, {
    limit: Number.POSITIVE_INFINITY,
    signal: AbortSignal.any([context.interrupt, enough.signal]),
    visit: async (batch) => {
      const meant = batch.filter(filter).slice(0, limit - removed);
      const still = await removeLetters(connection.sqs, queue.url, meant);
      removed += meant.length - still.length;
      left += still.length;
      if (removed >= limit) enough.abort();
      return meant.filter((letter) => !still.includes(letter));
    },
  });
  return { ...passed, removed, left };
}

async function rehearse(task: DlqTask, filter: Filter | undefined): Promise<number> {
  const { context, connection, options, queue, limit = Number.POSITIVE_INFINITY } = task;
  const { found, incomplete } = filter
    ? await collect(connection, queue, { filter, limit, signal: context.interrupt })
    : { found: undefined, incomplete: false };
  const count = found?.length ?? queue.visible;
  if (options.json) context.stdout.write(`${JSON.stringify({ dryRun: true, removes: count })}\n`);
  else {
    if (found) context.stdout.write(renderLetters(found, Date.now(), context.stdout.columns));
    context.stdout.write(`Would remove ${count} messages of ${queue.name}.\n`);
  }
  if (incomplete) context.stderr.write(NOT_ALL_SEEN);
  return incomplete ? EXIT.failed : EXIT.done;
}

async function confirm({ context, options, queue }: DlqTask, what: string): Promise<void> {
  const yes = readText(options, "yes");
  if (yes === undefined && !context.ask) {
    throw new UsageError(`purge removes ${what} of ${queue.name} for good: confirm with --yes ${queue.name}`);
  }
  const answer = yes ?? (await context.ask?.(`Removes ${what} of ${queue.name} for good. Type the queue's name: `));
  if (answer?.trim() === queue.name) return;
  throw new UsageError(`the queue is called ${queue.name}, got ${String(answer)}; nothing was removed`);
}
