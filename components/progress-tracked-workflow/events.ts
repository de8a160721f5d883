// What reaches the functions of ProgressTrackedWorkflow by EventBridge: the status of runs, a schedule, and reports of that transport.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { REPORT_EVENT } from "../../handlers/progress/contract";
import { ProgressTransport } from "./args";
import type { ProgressFunctions } from "./functions";
import { buildDeadLetterQueuePolicy } from "./policies";
import type { ProgressTrackedWorkflowSettings } from "./settings";

/** How often runs are looked up whose end nobody told of. */
const RECONCILE_SCHEDULE = "rate(5 minutes)";
/** An hour of attempts: a viewer does not wait longer, and the log is then repaired by the reconciler. */
const MAXIMUM_EVENT_AGE_SECONDS = 3600;
const RETRY_POLICY = { maximumEventAgeInSeconds: MAXIMUM_EVENT_AGE_SECONDS, maximumRetryAttempts: 24 };
/** Attempts that Lambda makes after the first one failed: the most that it offers. */
const FUNCTION_RETRIES = 2;

/** Rules, targets and permissions by handler: "status", "reconcile", and "report" with EventBridge as transport. */
export interface ProgressEvents {
  readonly rules: Readonly<Record<string, aws.cloudwatch.EventRule>>;
  readonly targets: Readonly<Record<string, aws.cloudwatch.EventTarget>>;
  readonly permissions: Readonly<Record<string, aws.lambda.Permission>>;
  readonly eventInvokeConfigs: Readonly<Record<string, aws.lambda.FunctionEventInvokeConfig>>;
  readonly deadLetterQueuePolicy: aws.sqs.QueuePolicy;
}

type Trigger = Pick<aws.cloudwatch.EventRuleArgs, "description" | "eventPattern" | "scheduleExpression">;

/** Creates `${name}-<handler>-rule`, `-target`, `-permission`, `-event-invoke-config` and the policy of the dead-letter queue. */
export function createEvents(
  name: string,
  settings: ProgressTrackedWorkflowSettings,
  functions: ProgressFunctions,
  stateMachineArn: pulumi.Output<string>,
  deadLetterQueue: aws.sqs.Queue,
  parent: pulumi.Resource,
): ProgressEvents {
  const { tags } = settings;
  const regional = settings.region === undefined ? {} : { region: settings.region };
  const triggers: Partial<Record<"status" | "reconcile" | "report", Trigger>> = {
    status: {
      description: "A run of the workflow starts or ends",
      eventPattern: stateMachineArn.apply((arn) =>
        JSON.stringify({
          source: ["aws.states"],
          "detail-type": ["Step Functions Execution Status Change"],
          detail: { stateMachineArn: [arn] },
        }),
      ),
    },
    reconcile: { description: "Time to look up runs", scheduleExpression: RECONCILE_SCHEDULE },
    ...(settings.transport === ProgressTransport.EventBridge
      ? {
          report: {
            description: "The workflow reports a step",
            eventPattern: stateMachineArn.apply((arn) =>
              JSON.stringify({
                source: [REPORT_EVENT.source],
                "detail-type": [REPORT_EVENT.detailType],
                // A run of a version or an alias names that.
                detail: { stateMachineArn: [arn, { prefix: `${arn}:` }] },
              }),
            ),
          },
        }
      : {}),
  };
  const rules: Record<string, aws.cloudwatch.EventRule> = {};
  const targets: Record<string, aws.cloudwatch.EventTarget> = {};
  const permissions: Record<string, aws.lambda.Permission> = {};
  const eventInvokeConfigs: Record<string, aws.lambda.FunctionEventInvokeConfig> = {};
  for (const [handlerName, trigger] of Object.entries(triggers) as ["status" | "reconcile" | "report", Trigger][]) {
    const handler = functions[handlerName].function;
    const rule = new aws.cloudwatch.EventRule(
      `${name}-${handlerName}-rule`,
      { ...trigger, tags, ...regional },
      { parent },
    );
    const permission = new aws.lambda.Permission(
      `${name}-${handlerName}-permission`,
      {
        action: "lambda:InvokeFunction",
        function: handler.name,
        principal: "events.amazonaws.com",
        sourceArn: rule.arn,
        ...regional,
      },
      { parent },
    );
    // For EventBridge an event is delivered once Lambda has taken it: what the function fails on never reaches the rule's own queue.
    const eventInvokeConfig = new aws.lambda.FunctionEventInvokeConfig(
      `${name}-${handlerName}-event-invoke-config`,
      {
        functionName: handler.name,
        maximumEventAgeInSeconds: MAXIMUM_EVENT_AGE_SECONDS,
        maximumRetryAttempts: FUNCTION_RETRIES,
        destinationConfig: { onFailure: { destination: deadLetterQueue.arn } },
        ...regional,
      },
      { parent },
    );
    rules[handlerName] = rule;
    eventInvokeConfigs[handlerName] = eventInvokeConfig;
    permissions[handlerName] = permission;
    targets[handlerName] = new aws.cloudwatch.EventTarget(
      `${name}-${handlerName}-target`,
      {
        rule: rule.name,
        arn: handler.arn,
        retryPolicy: RETRY_POLICY,
        deadLetterConfig: { arn: deadLetterQueue.arn },
        ...regional,
      },
      { parent, dependsOn: [permission, eventInvokeConfig] },
    );
  }
  const deadLetterQueuePolicy = new aws.sqs.QueuePolicy(
    `${name}-dead-letter-queue-policy`,
    {
      queueUrl: deadLetterQueue.url,
      policy: pulumi
        .all([deadLetterQueue.arn, pulumi.all(Object.values(rules).map(({ arn }) => arn))])
        .apply(([queueArn, ruleArns]) => JSON.stringify(buildDeadLetterQueuePolicy(queueArn, ruleArns))),
      ...regional,
    },
    { parent },
  );
  return { rules, targets, permissions, eventInvokeConfigs, deadLetterQueuePolicy };
}
