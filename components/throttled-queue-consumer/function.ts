// The consumer function of ThrottledQueueConsumer: the team's file with the kit, or the team's own bundle.
import type * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { QUEUE_ENVIRONMENT } from "../../handlers/queue/contract";
import { bundleConsumer } from "../shared/consumer-bundle";
import { bundledCode, createHandlerFunction, type FunctionCode, type HandlerFunction } from "../shared/function";
import type { Placement } from "../shared/placement";
import { enforce } from "../shared/validation";
import { type QueueStatementArgs, QueueConsumerArchitecture, type ThrottledQueueConsumerArgs } from "./args";
import {
  buildConsumerStatements,
  buildTeamStatements,
  type KnownQueueStatement,
  type QueuePolicyParts,
} from "./policies";
import type { ConsumerQueues } from "./queues";
import type { ThrottledQueueConsumerSettings } from "./settings";
import type { ClaimCheckStorage } from "./storage";

/** The consumer's code, and whether the kit is in it. */
export interface ConsumerCode {
  readonly code: FunctionCode;
  readonly hasKit: boolean;
}

/**
 * Bundles the entry, or takes the given code.
 * @throws pulumi.InputPropertiesError when there is no entry, it exports no `processMessage`, or it does not build.
 */
export function resolveConsumerCode(name: string, { entry, code }: ThrottledQueueConsumerArgs): ConsumerCode {
  if (code) {
    const { archive, handler, runtime, architecture = QueueConsumerArchitecture.Arm64 } = code;
    return { code: { archive, handler, runtime, architecture }, hasKit: false };
  }
  try {
    return { code: bundledCode(bundleConsumer(entry ?? "")), hasKit: true };
  } catch (error) {
    const remedy = error instanceof Error ? error.message : String(error);
    enforce(name, [
      { property: "entry", holds: false, rule: "be a file that exports processMessage", got: entry, remedy },
    ]);
    throw error;
  }
}

/** Where consumer and producers reach things; some are off. */
export interface ConsumerParts {
  readonly queues: ConsumerQueues;
  readonly stateTable: aws.dynamodb.Table | undefined;
  readonly claimCheck: ClaimCheckStorage | undefined;
  readonly placement: Placement;
}

/** ARNs for the policies, once they are known. */
export function findPolicyParts(
  { queues, stateTable, claimCheck, placement }: ConsumerParts,
  kmsKeyArn: pulumi.Input<string> | undefined,
): pulumi.Output<QueuePolicyParts> {
  return pulumi.output({
    region: placement.region,
    queueArn: queues.queue.arn,
    deadLetterQueueArn: queues.deadLetterQueue.arn,
    stateTableArn: stateTable?.arn,
    claimCheckBucketArn: claimCheck?.bucket.arn,
    kmsKeyArn,
  });
}

/** Creates `${name}-consumer-…`. */
export function createConsumerFunction(
  name: string,
  settings: ThrottledQueueConsumerSettings,
  { code, hasKit }: ConsumerCode,
  parts: ConsumerParts,
  parent: pulumi.Resource,
): HandlerFunction {
  return createHandlerFunction(
    `${name}-consumer`,
    {
      code,
      description: "Processes the messages of a queue, no more at a time than its downstream can take",
      environment: { ...settings.environment, ...buildEnvironment(settings, hasKit, parts) },
      timeoutSeconds: settings.functionTimeoutSeconds,
      memorySize: settings.memorySize,
      reservedConcurrentExecutions: settings.reservedConcurrentExecutions,
      logRetentionDays: settings.logRetentionDays,
      tags: settings.tags,
      region: settings.region,
      statements: pulumi
        .all([findPolicyParts(parts, settings.kmsKeyArn), checkStatements(name, settings.statements)])
        .apply(([known, own]) => [...buildConsumerStatements(known, hasKit), ...buildTeamStatements(own)]),
    },
    parent,
  );
}

function buildEnvironment(
  { idempotencySeconds, backoff, rateLimit }: ThrottledQueueConsumerSettings,
  hasKit: boolean,
  { queues, stateTable, claimCheck }: ConsumerParts,
): Record<string, pulumi.Input<string>> {
  const names = QUEUE_ENVIRONMENT;
  return {
    [names.queueUrl]: queues.queue.url,
    [names.queueName]: queues.queue.name,
    ...(hasKit ? { [names.deadLetterQueueUrl]: queues.deadLetterQueue.url } : {}),
    ...(stateTable ? { [names.stateTable]: stateTable.name } : {}),
    ...(idempotencySeconds === undefined ? {} : { [names.idempotencySeconds]: String(idempotencySeconds) }),
    ...(backoff
      ? {
          [names.backoffBaseSeconds]: String(backoff.baseSeconds),
          [names.backoffMaximumSeconds]: String(backoff.maximumSeconds),
        }
      : {}),
    ...(rateLimit
      ? { [names.rateLimitPerSecond]: String(rateLimit.perSecond), [names.rateLimitBurst]: String(rateLimit.burst) }
      : {}),
    ...(claimCheck ? { [names.claimCheckBucket]: claimCheck.bucket.bucket } : {}),
  };
}

/** The resource "*" needs a written reason; resources may be known only later. */
function checkStatements(
  name: string,
  statements: readonly QueueStatementArgs[],
): pulumi.Output<readonly KnownQueueStatement[]> {
  return pulumi.output([...statements]).apply((known) => {
    enforce(
      name,
      known.map(({ sid, resources, wildcardReason }) => ({
        property: "statements",
        holds: resources.length > 0 && (!resources.includes("*") || (wildcardReason ?? "").trim() !== ""),
        rule: 'name resources, and not "*" without wildcardReason',
        got: sid,
        remedy: "name the ARNs, or write down why they cannot be named",
      })),
    );
    return known;
  });
}
