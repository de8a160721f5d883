// Settled settings of ThrottledQueueConsumer: defaults applied, rules enforced. Pure.
import type * as pulumi from "@pulumi/pulumi";
import { SQS_LIMITS } from "../../handlers/queue/contract";
import { enforce } from "../shared/validation";
import type {
  QueueAlarmsArgs,
  QueueCircuitBreakerArgs,
  QueueProducerArgs,
  QueueStatementArgs,
  ThrottledQueueConsumerArgs,
} from "./args";
import { listRules } from "./rules";
import { resolveScaling, type QueueScalingSettings } from "./scaling";

const DAY_SECONDS = 86_400;
/** With five receives: at least 450 s between the first failure and the last try, so that a fault of minutes loses nothing. */
const BACKOFF_BASE_SECONDS = 60;
const BACKOFF_MAXIMUM_SECONDS = 900;

/** Everything settled: what the component reads instead of its arguments. */
export interface ThrottledQueueConsumerSettings {
  readonly scaling: QueueScalingSettings;
  readonly reservedConcurrentExecutions: number | undefined;
  readonly batchSize: number;
  readonly maximumBatchingWindowInSeconds: number;
  readonly filters: readonly string[];
  readonly filtersKmsKeyArn: pulumi.Input<string> | undefined;
  readonly reportBatchItemFailures: boolean;
  readonly fifo: boolean;
  readonly fifoHighThroughput: boolean;
  readonly contentBasedDeduplication: boolean;
  readonly visibilityTimeoutSeconds: number;
  readonly functionTimeoutSeconds: number;
  readonly memorySize: number;
  readonly maxReceiveCount: number;
  readonly messageRetentionSeconds: number;
  readonly deadLetterRetentionSeconds: number;
  readonly maxMessageSizeBytes: number;
  readonly kmsKeyArn: pulumi.Input<string> | undefined;
  /** Seconds that a processed message is remembered; undefined: idempotency is off. */
  readonly idempotencySeconds: number | undefined;
  readonly backoff: { readonly baseSeconds: number; readonly maximumSeconds: number } | undefined;
  readonly rateLimit: { readonly perSecond: number; readonly burst: number } | undefined;
  readonly claimCheck: boolean;
  readonly circuitBreaker: Required<QueueCircuitBreakerArgs> | undefined;
  readonly producers: Readonly<Record<string, QueueProducerArgs>>;
  readonly paused: boolean;
  readonly alarms: QueueAlarmSettings;
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
  readonly statements: readonly QueueStatementArgs[];
  readonly logRetentionDays: number;
  readonly deletionProtection: boolean;
  readonly region: string | undefined;
  readonly tags: Readonly<Record<string, pulumi.Input<string>>>;
}

/** Settled alarms. */
export type QueueAlarmSettings = Required<Omit<QueueAlarmsArgs, "topicArn">> & {
  readonly topicArn: pulumi.Input<string> | undefined;
};

/**
 * Applies defaults and enforces the rules.
 * @throws pulumi.InputPropertiesError with every problem at once; nothing has been registered then.
 */
export function resolveThrottledQueueConsumerSettings(
  name: string,
  args: ThrottledQueueConsumerArgs,
): ThrottledQueueConsumerSettings {
  const settings = applyDefaults(args);
  enforce(name, listRules(args, settings));
  return settings;
}

function applyDefaults(args: ThrottledQueueConsumerArgs): ThrottledQueueConsumerSettings {
  const batchSize = args.batchSize ?? 1;
  const functionTimeoutSeconds = args.functionTimeoutSeconds ?? 30;
  const window = args.maximumBatchingWindowInSeconds ?? (batchSize > 10 && args.fifo !== true ? 1 : 0);
  return {
    scaling: resolveScaling(args, batchSize),
    reservedConcurrentExecutions: args.reservedConcurrentExecutions,
    batchSize,
    maximumBatchingWindowInSeconds: window,
    filters: args.filters ?? [],
    filtersKmsKeyArn: args.filtersKmsKeyArn,
    reportBatchItemFailures: args.reportBatchItemFailures ?? true,
    fifo: args.fifo ?? false,
    fifoHighThroughput: args.fifoHighThroughput ?? false,
    contentBasedDeduplication: args.contentBasedDeduplication ?? false,
    // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    visibilityTimeoutSeconds: args.visibilityTimeoutSeconds ?? 6 * functionTimeoutSeconds + window,
    functionTimeoutSeconds,
    memorySize: args.memorySize ?? 512,
    maxReceiveCount: args.maxReceiveCount ?? 5,
    messageRetentionSeconds: args.messageRetentionSeconds ?? 4 * DAY_SECONDS,
    deadLetterRetentionSeconds: args.deadLetterQueue?.messageRetentionSeconds ?? SQS_LIMITS.maximumRetentionSeconds,
    maxMessageSizeBytes: args.maxMessageSizeBytes ?? SQS_LIMITS.maximumMessageBytes,
    kmsKeyArn: args.kmsKeyArn,
    ...resolveKit(args),
    claimCheck: args.claimCheck !== undefined && args.claimCheck.enabled !== false,
    circuitBreaker: args.circuitBreaker && {
      alarmArn: args.circuitBreaker.alarmArn,
      cooldownSeconds: args.circuitBreaker.cooldownSeconds ?? 300,
      probeSeconds: args.circuitBreaker.probeSeconds ?? 120,
    },
    producers: args.producers ?? {},
    paused: args.paused ?? false,
    alarms: resolveAlarms(args.alarms),
    environment: args.environment ?? {},
    statements: args.statements ?? [],
    logRetentionDays: args.logRetentionDays ?? 30,
    deletionProtection: args.deletionProtection ?? true,
    region: args.region,
    tags: args.tags ?? {},
  };
}

/** What the kit does; all off for a team's own bundle. */
function resolveKit({
  code,
  idempotency,
  backoff,
  rateLimit,
}: ThrottledQueueConsumerArgs): Pick<ThrottledQueueConsumerSettings, "idempotencySeconds" | "backoff" | "rateLimit"> {
  const kit = code === undefined;
  const baseSeconds = backoff?.baseSeconds ?? Math.min(BACKOFF_BASE_SECONDS, backoff?.maximumSeconds ?? Infinity);
  return {
    idempotencySeconds: kit && idempotency?.enabled !== false ? (idempotency?.expirySeconds ?? DAY_SECONDS) : undefined,
    backoff:
      kit && backoff?.enabled !== false
        ? { baseSeconds, maximumSeconds: backoff?.maximumSeconds ?? Math.max(baseSeconds, BACKOFF_MAXIMUM_SECONDS) }
        : undefined,
    rateLimit: rateLimit && {
      perSecond: rateLimit.perSecond,
      burst: rateLimit.burst ?? Math.max(1, Math.floor(rateLimit.perSecond)),
    },
  };
}

function resolveAlarms(alarms: QueueAlarmsArgs = {}): QueueAlarmSettings {
  return {
    enabled: alarms.enabled ?? true,
    topicArn: alarms.topicArn,
    deadLettersThreshold: alarms.deadLettersThreshold ?? 1,
    oldestMessageAgeSeconds: alarms.oldestMessageAgeSeconds ?? 3600,
    throttlesThreshold: alarms.throttlesThreshold ?? 1,
    errorsThreshold: alarms.errorsThreshold ?? 1,
    saturationMinutes: alarms.saturationMinutes ?? 15,
    mappingFailuresThreshold: alarms.mappingFailuresThreshold ?? 1,
    stalledAfterSeconds: alarms.stalledAfterSeconds ?? 900,
    rejectedMessagesThreshold: alarms.rejectedMessagesThreshold ?? 1,
  };
}
