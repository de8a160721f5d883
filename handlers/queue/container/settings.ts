// Settings of a consumer outside Lambda, beside those of the kit.
import { readRegion, type Environment } from "../../shared/aws-environment";
import { SQS_LIMITS } from "../contract";

/** Environment variables of the container. */
export const CONTAINER_ENVIRONMENT = {
  /** Path of the module that exports `processMessage`. */
  consumerEntry: "CONSUMER_ENTRY",
  /** Messages at the same time; default 10. */
  concurrency: "CONCURRENCY",
  /** Seconds that a received message is ours; extended while it is worked on. Default 60. */
  visibilitySeconds: "VISIBILITY_SECONDS",
  /** Seconds after which a message is given up; default 900, as in Lambda. */
  messageTimeoutSeconds: "MESSAGE_TIMEOUT_SECONDS",
  /** Seconds that messages in work get after SIGTERM; default 25, for ECS kills after 30. */
  graceSeconds: "GRACE_SECONDS",
  /** Seconds of a long poll; default 20. */
  waitSeconds: "WAIT_SECONDS",
  /** Port of the health check; none when left out. */
  healthPort: "HEALTH_PORT",
} as const;

/** See CONTAINER_ENVIRONMENT. */
export interface ContainerSettings {
  readonly concurrency: number;
  readonly visibilitySeconds: number;
  readonly messageTimeoutSeconds: number;
  readonly graceSeconds: number;
  readonly waitSeconds: number;
  readonly healthPort?: number;
}

/** Reads the settings. Throws an Error that names the variable that is out of range. */
export function readContainerSettings(environment: Environment): ContainerSettings {
  const read = (
    key: keyof typeof CONTAINER_ENVIRONMENT,
    minimum: number,
    maximum: number,
    standard: number,
  ): number => {
    const name = CONTAINER_ENVIRONMENT[key];
    const value = environment[name] ? Number(environment[name]) : standard;
    if (!(value >= minimum && value <= maximum)) throw new Error(`${name} must be from ${minimum} to ${maximum}`);
    return value;
  };
  return {
    concurrency: Math.floor(read("concurrency", 1, 1000, 10)),
    visibilitySeconds: Math.ceil(read("visibilitySeconds", 1, SQS_LIMITS.maximumVisibilitySeconds, 60)),
    messageTimeoutSeconds: read("messageTimeoutSeconds", 0.1, SQS_LIMITS.maximumVisibilitySeconds, 900),
    graceSeconds: read("graceSeconds", 0, 3600, 25),
    waitSeconds: Math.floor(read("waitSeconds", 0, SQS_LIMITS.maximumWaitSeconds, 20)),
    ...(environment[CONTAINER_ENVIRONMENT.healthPort] ? { healthPort: read("healthPort", 0, 65_535, 0) } : {}),
  };
}

/** ARN of the queue of a URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/work". */
export function queueArnOf(queueUrl: string, environment: Environment): string {
  const [account = "", name = ""] = new URL(queueUrl).pathname.split("/").slice(-2);
  const region = readRegion(environment);
  const partition = region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
  return `arn:${partition}:sqs:${region}:${account}:${name}`;
}
