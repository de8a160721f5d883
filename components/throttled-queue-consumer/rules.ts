// Rules over the arguments of ThrottledQueueConsumer. Pure. Each says why, and what to do.
import { BREAKER_ENVIRONMENT, QUEUE_ENVIRONMENT, SQS_LIMITS } from "../../handlers/queue/contract";
import { logRetention } from "../shared/limits";
import { integerBetween, oneOf, type Rule } from "../shared/validation";
import { QueueConsumerArchitecture, type ThrottledQueueConsumerArgs } from "./args";
import { arnRules } from "./arns";
import { filterRules } from "./filters";
import { kitRules, queueRules } from "./queue-rules";
import { producerRules } from "./producers";
import { findSourceBound, secondsOfBatch } from "./scaling";
import type { ThrottledQueueConsumerSettings } from "./settings";
import { QUEUE_SCALING } from "./sizing";

const RAISED_CONCURRENCY = 20_000;
const RAISED_POLLERS = 10_000;
/**
 * Calls of each kind per second of a FIFO queue without high throughput.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
 */
const FIFO_CALLS_PER_SECOND = 300;

/** Every rule; those that hold as well. */
export function listRules(args: ThrottledQueueConsumerArgs, settings: ThrottledQueueConsumerSettings): Rule[] {
  return [
    ...codeRules(args),
    ...concurrencyRules(args, settings),
    ...batchRules(args, settings),
    ...filterRules(args, settings),
    ...queueRules(args, settings),
    ...kitRules(args, settings),
    ...targetRules(args, settings),
    ...producerRules(settings.producers),
    ...statementRules(settings),
    ...operationRules(args, settings),
    ...arnRules(settings),
  ];
}

function codeRules({ entry, code, environment = {} }: ThrottledQueueConsumerArgs): Rule[] {
  const own: readonly string[] = [...Object.values(QUEUE_ENVIRONMENT), ...Object.values(BREAKER_ENVIRONMENT)];
  const taken = Object.keys(environment).filter(
    (key) => own.includes(key) || key.startsWith("AWS_") || key.startsWith("LAMBDA_") || !/^[A-Za-z]\w*$/.test(key),
  );
  return [
    {
      property: "entry",
      holds: (entry === undefined) !== (code === undefined),
      rule: "be given, or else code, and not both",
      got: entry ?? "neither",
      remedy: "name the file that exports processMessage, or pass a bundle of your own as code",
    },
    {
      property: "code.handler",
      holds: code === undefined || /^[^\s]{1,128}$/.test(code.handler),
      rule: 'be "<file without extension>.<export>"',
      got: code?.handler,
      remedy: 'write "index.handler" say',
    },
    oneOf("code.architecture", code?.architecture, QueueConsumerArchitecture),
    {
      property: "environment",
      holds: taken.length === 0,
      rule: "name variables that neither the kit nor Lambda uses, of letters, digits and _",
      got: taken,
      remedy: "rename them",
    },
  ];
}

function concurrencyRules(args: ThrottledQueueConsumerArgs, { scaling }: ThrottledQueueConsumerSettings): Rule[] {
  const { acknowledgeRaisedQuotas: raised = false, maximumConcurrency, provisionedPollers, target } = args;
  const { minimumConcurrency, minimumPollers, maximumMinimumPollers, maximumPollers } = QUEUE_SCALING;
  const more = raised
    ? "a quota of AWS"
    : "a quota of AWS; acknowledgeRaisedQuotas: true accepts more once AWS has raised it";
  const { pollers } = scaling;
  const derived = target && maximumConcurrency === undefined && provisionedPollers === undefined;
  const source = derived ? `${more}; derived from target` : more;
  return [
    integerBetween(
      "maximumConcurrency",
      scaling.maximumConcurrency,
      minimumConcurrency,
      raised ? RAISED_CONCURRENCY : 1000,
      source,
    ),
    {
      property: "maximumConcurrency",
      holds: maximumConcurrency === undefined || provisionedPollers === undefined,
      rule: "be left out with provisionedPollers, as Lambda refuses both together",
      got: maximumConcurrency,
      remedy: "bound the pollers instead: each of provisionedPollers.maximum starts at most 10 invocations",
    },
    integerBetween(
      "provisionedPollers.minimum",
      pollers?.minimum,
      minimumPollers,
      maximumMinimumPollers,
      "a quota of AWS",
    ),
    integerBetween(
      "provisionedPollers.maximum",
      pollers?.maximum,
      minimumPollers,
      raised ? RAISED_POLLERS : maximumPollers,
      source,
    ),
    {
      property: "provisionedPollers.maximum",
      holds: pollers === undefined || pollers.maximum >= pollers.minimum,
      rule: "be no less than provisionedPollers.minimum",
      got: pollers?.maximum,
      remedy: `use at least ${pollers?.minimum ?? minimumPollers}`,
    },
    integerBetween(
      "reservedConcurrentExecutions",
      args.reservedConcurrentExecutions,
      1,
      100_000,
      "to stop, set paused",
    ),
    reservedRule(args.reservedConcurrentExecutions, scaling),
  ];
}

function reservedRule(reserved: number | undefined, scaling: ThrottledQueueConsumerSettings["scaling"]): Rule {
  const most = findSourceBound(scaling);
  const what =
    scaling.maximumConcurrency === undefined
      ? "the 10 invocations of each of provisionedPollers.maximum"
      : "the sum of the maximumConcurrency of its event sources";
  return {
    property: "reservedConcurrentExecutions",
    holds: reserved === undefined || most === undefined || reserved > most,
    rule: `be above ${what} (${most ?? 0})`,
    got: reserved,
    remedy:
      "at or below it Lambda throttles, each throttled receive counts, and good messages end in the dead-letter queue; " +
      `use at least ${(most ?? 0) + 1}, or leave it out: maximumConcurrency alone bounds the consumer`,
  };
}

function batchRules(args: ThrottledQueueConsumerArgs, settings: ThrottledQueueConsumerSettings): Rule[] {
  const { batchSize, fifo, maximumBatchingWindowInSeconds: window } = settings;
  return [
    integerBetween("batchSize", batchSize, 1, fifo ? 10 : 10_000, fifo ? "limit of FIFO queues" : "limit of Lambda"),
    integerBetween("maximumBatchingWindowInSeconds", window, 0, 300, "limit of Lambda"),
    {
      property: "maximumBatchingWindowInSeconds",
      holds: !fifo || window === 0,
      rule: "be left out with fifo, as Lambda refuses it",
      got: window,
      remedy: "leave it out; a FIFO batch never waits",
    },
    {
      property: "maximumBatchingWindowInSeconds",
      holds: fifo || batchSize <= 10 || window >= 1,
      rule: "be at least 1 with a batchSize above 10, as Lambda refuses less",
      got: window,
      remedy: "use at least 1, or a batchSize of at most 10",
    },
    {
      property: "reportBatchItemFailures",
      holds: settings.reportBatchItemFailures || args.entry === undefined,
      rule: "be true with entry",
      got: false,
      remedy:
        "the kit names the failed messages, and without it one failure returns the whole batch; only code can turn it off",
    },
    {
      property: "contentBasedDeduplication",
      holds: !settings.contentBasedDeduplication || fifo,
      rule: "be left out without fifo",
      got: true,
      remedy: "set fifo: true, or leave it out; standard queues do not deduplicate",
    },
    {
      property: "fifoHighThroughput",
      holds: !settings.fifoHighThroughput || fifo,
      rule: "be left out without fifo",
      got: true,
      remedy: "set fifo: true, or leave it out; standard queues have no such limit",
    },
  ];
}

function targetRules(args: ThrottledQueueConsumerArgs, settings: ThrottledQueueConsumerSettings): Rule[] {
  const { target } = args;
  if (!target) return [];
  const positive = (key: "messagesPerSecond" | "secondsPerMessage" | "secondsPerBatch" | "rampSeconds"): Rule => ({
    property: `target.${key}`,
    holds: target[key] === undefined || (Number.isFinite(target[key]) && target[key] > 0),
    rule: "be above 0",
    got: target[key],
    remedy: "give what you measured",
  });
  const seconds = secondsOfBatch(args, settings.batchSize) ?? 0;
  const { batchSize, fifo, fifoHighThroughput } = settings;
  const most = FIFO_CALLS_PER_SECOND * batchSize;
  return [
    positive("messagesPerSecond"),
    {
      property: "target.messagesPerSecond",
      holds: !fifo || fifoHighThroughput || !(target.messagesPerSecond > most),
      rule: `be at most ${most} with fifo and a batchSize of ${batchSize}, as the queue takes ${FIFO_CALLS_PER_SECOND} calls of each kind per second`,
      got: target.messagesPerSecond,
      remedy: `${batchSize < 10 ? "raise batchSize, up to 10, or " : ""}set fifoHighThroughput: true`,
    },
    positive("secondsPerMessage"),
    positive("secondsPerBatch"),
    positive("rampSeconds"),
    {
      property: "functionTimeoutSeconds",
      holds: !(settings.functionTimeoutSeconds < seconds),
      rule: `be no less than the seconds of one batch of target (${seconds})`,
      got: settings.functionTimeoutSeconds,
      remedy: "raise it, or lower batchSize",
    },
  ];
}

function statementRules({ statements }: ThrottledQueueConsumerSettings): Rule[] {
  const sids = statements.map(({ sid }) => sid);
  const wild = statements.filter(
    ({ actions, wildcardReason }) => actions.some((action) => /[*?]/.test(action)) && !wildcardReason?.trim(),
  );
  return [
    {
      property: "statements",
      holds: sids.every((sid) => /^[A-Za-z0-9]{1,64}$/.test(sid)) && new Set(sids).size === sids.length,
      rule: "have unique sids of letters and digits",
      got: sids,
      remedy: "name each after what it allows",
    },
    {
      property: "statements",
      holds: statements.every(
        ({ actions }) => actions.length > 0 && actions.every((action) => /^[\w-]+:\S+$/.test(action)),
      ),
      rule: 'have actions of the form "service:Action"',
      got: statements.map(({ actions }) => actions),
      remedy: 'write "ssm:GetParameter" say',
    },
    {
      property: "statements",
      holds: wild.length === 0,
      rule: "have no wildcard action without wildcardReason",
      got: wild.map(({ sid }) => sid),
      remedy: "list the actions, or write down why it cannot be narrower",
    },
  ];
}

function operationRules(args: ThrottledQueueConsumerArgs, { alarms }: ThrottledQueueConsumerSettings): Rule[] {
  const atLeastOne = (key: keyof typeof alarms & `${string}Threshold`): Rule =>
    integerBetween(`alarms.${key}`, alarms[key], 1, 1_000_000);
  return [
    atLeastOne("deadLettersThreshold"),
    atLeastOne("throttlesThreshold"),
    atLeastOne("errorsThreshold"),
    atLeastOne("mappingFailuresThreshold"),
    atLeastOne("rejectedMessagesThreshold"),
    integerBetween(
      "alarms.oldestMessageAgeSeconds",
      alarms.oldestMessageAgeSeconds,
      1,
      SQS_LIMITS.maximumRetentionSeconds,
    ),
    integerBetween("alarms.stalledAfterSeconds", alarms.stalledAfterSeconds, 60, SQS_LIMITS.maximumRetentionSeconds),
    integerBetween("alarms.saturationMinutes", alarms.saturationMinutes, 1, 1440, "CloudWatch looks back over one day"),
    logRetention(args.logRetentionDays),
  ];
}
