// Rules over the arguments of ThrottledQueueConsumer. Pure. Each says why, and what to do.
import { BREAKER_ENVIRONMENT, QUEUE_ENVIRONMENT, SQS_LIMITS } from "../../handlers/queue/contract";
import { logRetention } from "../shared/limits";
import { integerBetween, oneOf, type Rule } from "../shared/validation";
import { QueueConsumerArchitecture, type ThrottledQueueConsumerArgs } from "./args";
import { FILTER_LIMITS, findFilterProblem } from "./filters";
import { producerRules } from "./producers";
import { secondsOfBatch } from "./scaling";
import type { ThrottledQueueConsumerSettings } from "./settings";
import { QUEUE_SCALING } from "./sizing";

const RAISED_CONCURRENCY = 20_000;
const RAISED_POLLERS = 10_000;

/** Every rule; those that hold as well. */
export function listRules(args: ThrottledQueueConsumerArgs, settings: ThrottledQueueConsumerSettings): Rule[] {
  return [
    ...codeRules(args),
    ...concurrencyRules(args, settings),
    ...batchRules(args, settings),
    ...queueRules(args, settings),
    ...kitRules(args, settings),
    ...targetRules(args, settings),
    ...producerRules(settings.producers),
    ...statementRules(settings),
    ...operationRules(args, settings),
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
  return [
    integerBetween(
      "maximumConcurrency",
      scaling.maximumConcurrency,
      minimumConcurrency,
      raised ? RAISED_CONCURRENCY : 1000,
      target && maximumConcurrency === undefined ? `${more}; derived from target` : more,
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
      more,
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

function reservedRule(
  reserved: number | undefined,
  { maximumConcurrency, pollers }: ThrottledQueueConsumerSettings["scaling"],
): Rule {
  const most = maximumConcurrency ?? (pollers && pollers.maximum * QUEUE_SCALING.concurrencyPerPoller);
  const what =
    maximumConcurrency === undefined
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
  const { batchSize, fifo, maximumBatchingWindowInSeconds: window, filters } = settings;
  const problems = filters.flatMap((text, index) => {
    const problem = findFilterProblem(text);
    return problem === undefined ? [] : [`${index + 1}: ${problem}`];
  });
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
      property: "filters",
      holds: filters.length <= FILTER_LIMITS.patterns && (args.filters === undefined || filters.length > 0),
      rule: `be 1 to ${FILTER_LIMITS.patterns} patterns`,
      got: filters.length,
      remedy: "join patterns: a list of values matches any of them, $or joins several keys",
    },
    {
      property: "filters",
      holds: problems.length === 0,
      rule: "be patterns that Lambda accepts, since it deletes messages that match none",
      got: problems,
      remedy: 'write {"body":{"kind":["order"]}} say',
    },
    {
      property: "filtersKmsKeyArn",
      holds: args.filtersKmsKeyArn === undefined || filters.length > 0,
      rule: "be left out without filters",
      got: "a key",
      remedy: "add filters; queues and tables take kmsKeyArn",
    },
  ];
}

function queueRules(args: ThrottledQueueConsumerArgs, settings: ThrottledQueueConsumerSettings): Rule[] {
  const { functionTimeoutSeconds: timeout, maximumBatchingWindowInSeconds: window } = settings;
  const { visibilityTimeoutSeconds: visibility, messageRetentionSeconds: retention } = settings;
  const demonstration = args.unsafeDemonstration ?? false;
  const advised = 6 * timeout + window;
  return [
    integerBetween("functionTimeoutSeconds", timeout, 1, 900, "limits of Lambda"),
    integerBetween("memorySize", args.memorySize, 128, 10_240, "limits of Lambda"),
    integerBetween(
      "visibilityTimeoutSeconds",
      args.visibilityTimeoutSeconds,
      0,
      SQS_LIMITS.maximumVisibilitySeconds,
      "limits of SQS",
    ),
    {
      property: "visibilityTimeoutSeconds",
      holds: visibility >= timeout,
      rule: `be no less than functionTimeoutSeconds (${timeout}), as Lambda refuses less`,
      got: visibility,
      remedy: `use ${advised}, or leave it out`,
    },
    {
      property: "visibilityTimeoutSeconds",
      holds: visibility >= advised || visibility < timeout || args.acknowledgeShortVisibility === true || demonstration,
      rule: `be at least six times functionTimeoutSeconds plus the batching window (${advised})`,
      got: visibility,
      remedy: `use ${advised}, or leave it out; acknowledgeShortVisibility: true accepts that messages are delivered twice`,
    },
    integerBetween(
      "maxReceiveCount",
      settings.maxReceiveCount,
      demonstration ? 1 : 5,
      1000,
      "fewer sends messages to the dead-letter queue for a passing fault; unsafeDemonstration: true accepts it",
    ),
    integerBetween(
      "messageRetentionSeconds",
      retention,
      SQS_LIMITS.minimumRetentionSeconds,
      SQS_LIMITS.maximumRetentionSeconds - 1,
      "the dead-letter queue must keep messages for longer, and 14 days is the most of SQS",
    ),
    integerBetween(
      "deadLetterQueue.messageRetentionSeconds",
      settings.deadLetterRetentionSeconds,
      SQS_LIMITS.minimumRetentionSeconds,
      SQS_LIMITS.maximumRetentionSeconds,
      "limits of SQS",
    ),
    {
      property: "deadLetterQueue.messageRetentionSeconds",
      holds: settings.deadLetterRetentionSeconds > retention || retention >= SQS_LIMITS.maximumRetentionSeconds,
      rule: `be above messageRetentionSeconds (${retention})`,
      got: settings.deadLetterRetentionSeconds,
      remedy:
        "SQS counts from the first send, so a failed message would be gone before anybody sees it; leave it out for 14 days",
    },
    integerBetween(
      "maxMessageSizeBytes",
      args.maxMessageSizeBytes,
      1024,
      SQS_LIMITS.maximumMessageBytes,
      "limits of SQS",
    ),
  ];
}

function kitRules(args: ThrottledQueueConsumerArgs, settings: ThrottledQueueConsumerSettings): Rule[] {
  const { backoff, idempotency, rateLimit, circuitBreaker } = args;
  const withCode = (["idempotency", "backoff", "rateLimit"] as const).filter(
    (key) => args[key] !== undefined && (args[key] as { enabled?: boolean }).enabled !== false,
  );
  const base = settings.backoff?.baseSeconds ?? 1;
  return [
    {
      property: "code",
      holds: args.code === undefined || withCode.length === 0,
      rule: `be replaced by entry to have ${withCode.join(", ")}`,
      got: "code",
      remedy: "the kit does these, and code is deployed unaltered; leave them out, or give an entry",
    },
    integerBetween("idempotency.expirySeconds", idempotency?.expirySeconds, 60, 31_536_000),
    integerBetween(
      "backoff.baseSeconds",
      backoff?.baseSeconds,
      1,
      SQS_LIMITS.maximumVisibilitySeconds,
      "limits of SQS",
    ),
    integerBetween(
      "backoff.maximumSeconds",
      backoff?.maximumSeconds,
      base,
      SQS_LIMITS.maximumVisibilitySeconds,
      "no less than baseSeconds, and a message is hidden for at most 12 hours",
    ),
    {
      property: "rateLimit.perSecond",
      holds: rateLimit === undefined || (rateLimit.perSecond > 0 && rateLimit.perSecond <= 1000),
      rule: "be above 0 and at most 1000",
      got: rateLimit?.perSecond,
      remedy: "one row of DynamoDB counts for all workers; for more, bound concurrency instead",
    },
    integerBetween("rateLimit.burst", rateLimit?.burst, 1, 10_000),
    {
      property: "circuitBreaker",
      holds: circuitBreaker === undefined || settings.scaling.maximumConcurrency !== undefined,
      rule: "have a maximumConcurrency, which it lowers to probe",
      got: "none",
      remedy: "set maximumConcurrency and no provisionedPollers",
    },
    integerBetween(
      "circuitBreaker.cooldownSeconds",
      circuitBreaker?.cooldownSeconds,
      60,
      86_400,
      "it looks once a minute",
    ),
    integerBetween("circuitBreaker.probeSeconds", circuitBreaker?.probeSeconds, 60, 86_400, "it looks once a minute"),
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
  return [
    positive("messagesPerSecond"),
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
