// The functions of AcceleratedUploadBucket: one per route and two that EventBridge runs, each with a role of its own.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import {
  UPLOAD_ENVIRONMENT,
  UPLOAD_HANDLERS,
  type UploadHandlerName,
  type UploadRules,
} from "../../handlers/upload/contract";
import { createHandlerFunctions, type HandlerFunction } from "../shared/function";
import type { Placement } from "../shared/placement";
import { buildHandlerStatements } from "./policies";
import type { AcceleratedUploadBucketSettings } from "./settings";
import type { UploadStorage } from "./storage";

/** How often the sweeper looks for abandoned uploads. */
const SWEEP_SCHEDULE = "rate(15 minutes)";

const DESCRIPTIONS: Readonly<Record<UploadHandlerName, string>> = {
  start: "Starts multipart uploads: checks size, type and quota, makes the key",
  sign: "Signs part URLs of the caller's own uploads",
  describe: "Lists the parts that S3 holds of the caller's own uploads",
  complete: "Completes uploads after S3 has compared size and checksum",
  abort: "Aborts the caller's own uploads",
  list: "Lists the caller's own uploads",
  sweep: "Aborts abandoned uploads and sends events that were left unsent",
  release: "Gives users their bytes back when finished objects are deleted",
};

/** One function per handler, by the handler's name. */
export type UploadFunctions = Readonly<Record<UploadHandlerName, HandlerFunction>>;

/** Creates `${name}-<handler>-…` for every handler. */
export function createFunctions(
  name: string,
  settings: AcceleratedUploadBucketSettings,
  { bucket, table }: UploadStorage,
  origins: pulumi.Output<string[]>,
  placement: Placement,
  parent: pulumi.Resource,
): UploadFunctions {
  const { accountId, region, partition } = placement;
  const eventBusArn = pulumi.interpolate`arn:${partition}:events:${region}:${accountId}:event-bus/${settings.eventBusName}`;
  const names = pulumi.output({
    bucketArn: bucket.arn,
    tableArn: table.arn,
    eventBusArn,
    kmsKeyArn: settings.kmsKeyArn,
    region,
  });
  const environment = {
    [UPLOAD_ENVIRONMENT.bucketName]: bucket.bucket,
    [UPLOAD_ENVIRONMENT.bucketOwner]: accountId,
    [UPLOAD_ENVIRONMENT.tableName]: table.name,
    [UPLOAD_ENVIRONMENT.keyPrefix]: settings.keyPrefix,
    [UPLOAD_ENVIRONMENT.eventBusName]: pulumi.output(settings.eventBusName),
    [UPLOAD_ENVIRONMENT.rules]: buildRules(settings),
    [UPLOAD_ENVIRONMENT.allowedOrigins]: origins.apply((list) => JSON.stringify(list)),
  };
  const { keyPrefix } = settings;
  return createHandlerFunctions(
    name,
    {
      folder: "upload",
      handlers: UPLOAD_HANDLERS,
      descriptions: DESCRIPTIONS,
      environment,
      buildStatements: (handlerName) =>
        names.apply((known) => buildHandlerStatements(handlerName, { ...known, keyPrefix })),
    },
    settings,
    parent,
  );
}

/** The rules as the handlers read them. Key order is fixed, so the text changes only when a rule does. */
function buildRules({ kmsKeyArn, rules }: AcceleratedUploadBucketSettings): pulumi.Output<string> {
  return pulumi.output(kmsKeyArn).apply((known) => {
    const complete: UploadRules = known === undefined ? rules : { ...rules, kmsKeyArn: known };
    return JSON.stringify(complete);
  });
}

/** A rule of EventBridge and the one function that it runs. */
export interface UploadTrigger {
  readonly rule: aws.cloudwatch.EventRule;
  readonly permission: aws.lambda.Permission;
  readonly target: aws.cloudwatch.EventTarget;
}

/** Creates the rule that runs the sweeper, and lets only this rule run it. */
export function createSweepSchedule(
  name: string,
  settings: AcceleratedUploadBucketSettings,
  functions: UploadFunctions,
  parent: pulumi.Resource,
): UploadTrigger {
  return createTrigger(name, "sweep", { scheduleExpression: SWEEP_SCHEDULE }, settings, functions, parent);
}

/** Creates the rule that tells of deleted objects below the key prefix. Events of S3 come on the default bus only. */
export function createReleaseTrigger(
  name: string,
  settings: AcceleratedUploadBucketSettings,
  bucketName: pulumi.Output<string>,
  functions: UploadFunctions,
  parent: pulumi.Resource,
): UploadTrigger {
  const eventPattern = bucketName.apply((bucket) =>
    JSON.stringify({
      source: ["aws.s3"],
      "detail-type": ["Object Deleted"],
      detail: { bucket: { name: [bucket] }, object: { key: [{ prefix: settings.keyPrefix }] } },
    }),
  );
  return createTrigger(name, "release", { eventPattern }, settings, functions, parent);
}

function createTrigger(
  name: string,
  handlerName: UploadHandlerName,
  when: Pick<aws.cloudwatch.EventRuleArgs, "scheduleExpression" | "eventPattern">,
  settings: AcceleratedUploadBucketSettings,
  functions: UploadFunctions,
  parent: pulumi.Resource,
): UploadTrigger {
  const target = functions[handlerName].function;
  const regional = settings.region === undefined ? {} : { region: settings.region };
  const rule = new aws.cloudwatch.EventRule(
    `${name}-${handlerName}-rule`,
    { description: DESCRIPTIONS[handlerName], ...when, tags: settings.tags, ...regional },
    { parent },
  );
  const permission = new aws.lambda.Permission(
    `${name}-${handlerName}-permission`,
    {
      action: "lambda:InvokeFunction",
      function: target.name,
      principal: "events.amazonaws.com",
      sourceArn: rule.arn,
      ...regional,
    },
    { parent },
  );
  return {
    rule,
    permission,
    target: new aws.cloudwatch.EventTarget(
      `${name}-${handlerName}-target`,
      { rule: rule.name, arn: target.arn, ...regional },
      { parent, dependsOn: [permission] },
    ),
  };
}
