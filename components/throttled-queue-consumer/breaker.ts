// The circuit breaker of ThrottledQueueConsumer: stops consumption while the downstream's alarm rings, probes, and goes on.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { BREAKER_ENVIRONMENT } from "../../handlers/queue/contract";
import { createHandlerFunction, libraryCode, type HandlerFunction } from "../shared/function";
import type { Placement } from "../shared/placement";
import { buildBreakerStatements } from "./policies";
import type { ThrottledQueueConsumerSettings } from "./settings";

const TIMEOUT_SECONDS = 30;
/** It makes a few calls a minute, whatever the consumer needs. */
const MEMORY_SIZE = 256;

/** Function, triggers and permissions. */
export interface CircuitBreaker {
  readonly handler: HandlerFunction;
  /** By trigger: "alarm" and "schedule". */
  readonly rules: Readonly<Record<string, aws.cloudwatch.EventRule>>;
  readonly targets: Readonly<Record<string, aws.cloudwatch.EventTarget>>;
  readonly permissions: Readonly<Record<string, aws.lambda.Permission>>;
}

/** What it works on. */
export interface CircuitBreakerParts {
  readonly queue: aws.sqs.Queue;
  readonly mapping: aws.lambda.EventSourceMapping;
  readonly stateTable: aws.dynamodb.Table | undefined;
  readonly placement: Placement;
}

/** Creates `${name}-breaker-…` when a circuit breaker is asked for. */
export function createCircuitBreaker(
  name: string,
  settings: ThrottledQueueConsumerSettings,
  { queue, mapping, stateTable, placement }: CircuitBreakerParts,
  parent: pulumi.Resource,
): CircuitBreaker | undefined {
  const { circuitBreaker, scaling, kmsKeyArn } = settings;
  if (!circuitBreaker || !stateTable) return undefined;
  const handler = createHandlerFunction(
    `${name}-breaker`,
    {
      code: libraryCode("queue/breaker"),
      description: "Stops the consumption of a queue while the alarm of its downstream rings",
      environment: {
        [BREAKER_ENVIRONMENT.mappingId]: mapping.uuid,
        [BREAKER_ENVIRONMENT.stateTable]: stateTable.name,
        [BREAKER_ENVIRONMENT.queueName]: queue.name,
        [BREAKER_ENVIRONMENT.alarmArn]: pulumi.output(circuitBreaker.alarmArn),
        [BREAKER_ENVIRONMENT.cooldownSeconds]: String(circuitBreaker.cooldownSeconds),
        [BREAKER_ENVIRONMENT.maximumConcurrency]: String(scaling.maximumConcurrency ?? ""),
        [BREAKER_ENVIRONMENT.probeSeconds]: String(circuitBreaker.probeSeconds),
        [BREAKER_ENVIRONMENT.paused]: String(settings.paused),
      },
      timeoutSeconds: TIMEOUT_SECONDS,
      memorySize: MEMORY_SIZE,
      logRetentionDays: settings.logRetentionDays,
      tags: settings.tags,
      region: settings.region,
      statements: pulumi
        .output({ region: placement.region, mappingArn: mapping.arn, stateTableArn: stateTable.arn, kmsKeyArn })
        .apply(buildBreakerStatements),
    },
    parent,
  );
  const triggers = {
    alarm: {
      description: "The alarm of the downstream changes its state",
      eventPattern: pulumi.output(circuitBreaker.alarmArn).apply((alarmArn) =>
        JSON.stringify({
          source: ["aws.cloudwatch"],
          "detail-type": ["CloudWatch Alarm State Change"],
          resources: [alarmArn],
        }),
      ),
    },
    schedule: { description: "Time to probe, or to close the circuit", scheduleExpression: "rate(1 minute)" },
  };
  const made = Object.entries(triggers).map(([trigger, args]) => ({
    trigger,
    ...createTrigger(`${name}-breaker-${trigger}`, args, handler, settings, parent),
  }));
  return {
    handler,
    rules: Object.fromEntries(made.map(({ trigger, rule }) => [trigger, rule])),
    targets: Object.fromEntries(made.map(({ trigger, target }) => [trigger, target])),
    permissions: Object.fromEntries(made.map(({ trigger, permission }) => [trigger, permission])),
  };
}

function createTrigger(
  triggerName: string,
  args: aws.cloudwatch.EventRuleArgs,
  handler: HandlerFunction,
  { tags, region }: ThrottledQueueConsumerSettings,
  parent: pulumi.Resource,
): { rule: aws.cloudwatch.EventRule; target: aws.cloudwatch.EventTarget; permission: aws.lambda.Permission } {
  const regional = region === undefined ? {} : { region };
  const rule = new aws.cloudwatch.EventRule(`${triggerName}-rule`, { ...args, tags, ...regional }, { parent });
  const permission = new aws.lambda.Permission(
    `${triggerName}-permission`,
    {
      action: "lambda:InvokeFunction",
      function: handler.function.name,
      principal: "events.amazonaws.com",
      sourceArn: rule.arn,
      ...regional,
    },
    { parent },
  );
  const target = new aws.cloudwatch.EventTarget(
    `${triggerName}-target`,
    { rule: rule.name, arn: handler.function.arn, ...regional },
    { parent, dependsOn: [permission] },
  );
  return { rule, target, permission };
}
