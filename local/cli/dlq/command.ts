// `npm run dlq`: shows, moves back and removes the messages of dead-letter queues, on the local run and on AWS.
import { SQS_LIMITS } from "../../../handlers/queue/contract";
import { findNearest } from "../../../components/shared/nearest";
import { type ParsedArguments, type ParsedOptions, UsageError } from "../arguments";
import { type Command, EXIT, type InterruptibleContext, runCommand } from "../command";
import { type Connection, PLACE_OPTIONS, withConnection } from "../queues/connection";
import { depthOf, findQueue, listQueues, listSources, type Queue } from "../queues/queue";
import { renderTable } from "../table";
import { readWhole } from "../values";
import { type Filter, FILTER_OPTIONS, readFilter } from "./filters";
import { listDeadLetterQueues, type Listed } from "./list";
import { peek } from "./peek";
import { purge } from "./purge";
import { redrive } from "./redrive";

const MOST_MESSAGES = 1_000_000;

const COMMAND: Command = {
  name: "npm run dlq",
  summary: "Shows, moves back and removes the messages of dead-letter queues.",
  usage: [
    ["list [QUEUE]", "dead-letter queues, what is in them and whose messages they take"],
    ["peek QUEUE", "messages, without consuming them"],
    ["redrive QUEUE", "moves messages back to the queue they come from"],
    ["purge QUEUE", "removes messages"],
  ],
  operands: [1, 2],
  options: [
    ...FILTER_OPTIONS,
    { name: "limit", value: "N", description: "most messages (peek: 10; redrive and purge with a filter: all)" },
    { name: "rate", value: "N", description: `redrive: most messages a second, 1 to ${SQS_LIMITS.maximumMoveRate}` },
    { name: "to", value: "QUEUE", description: "redrive: where to (default: the only source queue)" },
    { name: "dry-run", description: "redrive and purge: says what would be done" },
    { name: "yes", value: "NAME", description: "purge: confirms with the queue's name, instead of being asked" },
    { name: "json", description: "prints one line of JSON" },
    ...PLACE_OPTIONS,
  ],
  notes: `QUEUE is a queue's name, its URL, its ARN or the name of a stack output that holds one.

peek, and redrive and purge with a filter, receive messages and give back what they leave: that adds one to a message's receive count.
redrive without a filter is a message move task of SQS: it is resumed by running it again, and Ctrl-C cancels it. With a filter, with
--limit and on FIFO queues messages are sent one by one, in the order of their groups; a message is deleted only once the other
queue has it. Run again within five minutes of an interruption, a FIFO queue takes no message twice; a standard queue may.`,
};

/** Surroundings of the command. */
export interface DlqContext extends InterruptibleContext {
  /** Asks the person; left out where nobody can answer. */
  readonly ask?: (question: string) => Promise<string>;
}

/** What an action is given. */
export interface DlqTask {
  readonly context: DlqContext;
  readonly connection: Connection;
  readonly options: ParsedOptions;
  readonly queue: Queue;
  readonly sources: readonly Queue[];
  /** Left out: all messages. */
  readonly filter: Filter | undefined;
  /** Most messages, when it was given. */
  readonly limit: number | undefined;
  /** Most messages a second, when it was given. */
  readonly rate: number | undefined;
}

const COMMON = ["json", "aws", "profile", "region"];
const CHOOSING = ["where", "attribute", "older-than", "limit"];
/** Options of each action. */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  list: COMMON,
  peek: [...COMMON, ...CHOOSING],
  redrive: [...COMMON, ...CHOOSING, "rate", "to", "dry-run"],
  purge: [...COMMON, ...CHOOSING, "dry-run", "yes"],
};
const MESSAGE_ACTIONS: Readonly<Record<string, (task: DlqTask) => Promise<number>>> = { peek, redrive, purge };

/** Runs the command. @returns the exit code, one of EXIT. */
export function runDlq(context: DlqContext): Promise<number> {
  return runCommand(COMMAND, context, async (parsed) => {
    const [action = "", given] = parsed.operands;
    checkAction(action, parsed);
    const filter = readFilter(parsed.options, Date.now());
    const limit = readWhole(parsed.options, "limit", { least: 1, most: MOST_MESSAGES });
    const rate = readWhole(parsed.options, "rate", { least: 1, most: SQS_LIMITS.maximumMoveRate });
    const act = MESSAGE_ACTIONS[action];
    if (act && given === undefined) throw new UsageError(`${action} needs a queue: npm run dlq -- ${action} QUEUE`);
    return withConnection(context.folder, parsed.options, async (connection) => {
      if (!act || given === undefined) return list(context, connection, parsed.options, given);
      const queue = await findQueue(connection, given);
      const sources = await listSources(connection.sqs, queue.url);
      if (sources.length === 0) throw new UsageError(await explainNoDeadLetterQueue(connection, queue));
      return act({ context, connection, options: parsed.options, queue, sources, filter, limit, rate });
    });
  });
}

function checkAction(action: string, { options }: ParsedArguments): void {
  const allowed = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (!allowed) {
    const near = findNearest(action, Object.keys(ACTIONS), 2);
    const hint = near === undefined ? `known are ${Object.keys(ACTIONS).join(", ")}` : `did you mean ${near}?`;
    throw new UsageError(`unknown action ${action}; ${hint}`);
  }
  const stray = Object.keys(options).find((name) => !allowed.includes(name));
  if (stray === undefined) return;
  const owners = Object.keys(ACTIONS).filter((name) => ACTIONS[name]?.includes(stray));
  throw new UsageError(`--${stray} belongs to ${owners.join(" and ")}, not to ${action}`);
}

async function list(
  { stdout }: DlqContext,
  connection: Connection,
  options: ParsedOptions,
  given: string | undefined,
): Promise<number> {
  const only = given === undefined ? undefined : await findQueue(connection, given);
  const all = await listDeadLetterQueues(connection.sqs);
  const shown: readonly Listed[] = only ? all.filter(({ arn }) => arn === only.arn) : all;
  if (only && shown.length === 0) throw new UsageError(await explainNoDeadLetterQueue(connection, only));
  if (options.json) stdout.write(`${JSON.stringify(shown)}\n`);
  else stdout.write(renderList(shown, await connection.sqs.config.region()));
  return EXIT.done;
}

/** Receiving from a queue that has a consumer would take its messages away, and count towards its own redrive policy. */
async function explainNoDeadLetterQueue({ sqs }: Connection, { name, deadLetterQueueArn }: Queue): Promise<string> {
  const own = (await listQueues(sqs)).find(({ arn }) => arn === deadLetterQueueArn);
  const hint = own ? `its own dead-letter queue is ${own.name}` : "npm run dlq -- list shows those that are";
  return `${name} is no dead-letter queue: no redrive policy names it; ${hint}`;
}

function renderList(queues: readonly Listed[], region: string): string {
  if (queues.length === 0) return `There are no dead-letter queues in ${region}.\n`;
  return renderTable(
    [{ title: "Dead-letter queue" }, { title: "Messages", right: true }, { title: "Takes from" }],
    queues.map((queue) => [queue.name, String(depthOf(queue)), queue.sources.join(", ")]),
  );
}
