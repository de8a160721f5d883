// aws.s3.BucketNotification: EventBridge and functions. Queues and topics are refused by name.
import { AwsError } from "../../core/errors";
import type { InputReader } from "../../core/input-reader";
import type { ResourceModel } from "../../core/resource-model";
import type { S3Environment } from "../environment";
import { s3Principal } from "../notifications";
import type { Bucket, FunctionNotification } from "../state";
import { settingModel } from "./setting";

const EVENTS = [
  "s3:ObjectCreated:*",
  "s3:ObjectCreated:Put",
  "s3:ObjectCreated:Copy",
  "s3:ObjectCreated:CompleteMultipartUpload",
  "s3:ObjectRemoved:*",
  "s3:ObjectRemoved:Delete",
  "s3:ObjectRemoved:DeleteMarkerCreated",
  "s3:ObjectTagging:*",
  "s3:ObjectTagging:Put",
  "s3:ObjectTagging:Delete",
  "s3:LifecycleExpiration:*",
  "s3:LifecycleExpiration:Delete",
  "s3:LifecycleExpiration:DeleteMarkerCreated",
];

/** Model of `aws.s3.BucketNotification`. */
export function notificationModel(environment: S3Environment): ResourceModel {
  return settingModel(environment, {
    type: "aws:s3/bucketNotification:BucketNotification",
    summary: "Events reach EventBridge and functions; notifications to SQS and SNS are refused.",
    check: (inputs) => {
      inputs.flag("eventbridge");
      for (const target of inputs.list("lambdaFunctions")) checkTarget(target);
      for (const property of ["queues", "topics"]) {
        if (inputs.list(property).length > 0) {
          inputs.refuse(
            property,
            "is not simulated by the local run; use eventbridge and a rule, or run this part on AWS",
          );
        }
      }
      inputs.allowOnly("bucket", "eventbridge", "lambdaFunctions", "queues", "region", "topics");
      refuseOverlaps(inputs);
    },
    apply: (bucket, inputs) => {
      const targets = inputs.list("lambdaFunctions").map((target) => readTarget(environment, target));
      for (const { functionArn } of targets) checkPermission(environment, bucket, functionArn);
      bucket.eventBridge = inputs.flag("eventbridge") ?? false;
      bucket.functionNotifications = targets;
    },
    clear: (bucket) => {
      bucket.eventBridge = false;
      bucket.functionNotifications = [];
    },
  });
}

function checkTarget(target: InputReader): void {
  target.allowOnly("events", "filterPrefix", "filterSuffix", "id", "lambdaFunctionArn");
  target.requiredText("lambdaFunctionArn");
  target.matching(
    "lambdaFunctionArn",
    /^arn:aws:lambda:[a-z0-9-]+:\d{12}:function:[^:]+(:[^:]+)?$/,
    "the ARN of a function",
  );
  const events = target.texts("events");
  if (events.length === 0) target.refuse("events", "must name at least one event");
  for (const event of events) {
    if (!EVENTS.includes(event)) target.refuse("events", `must be of ${EVENTS.join(", ")}, got ${event}`);
  }
}

/** S3 refuses two configurations that would both tell about one event of one key. */
function refuseOverlaps(inputs: InputReader): void {
  const targets = inputs.list("lambdaFunctions");
  targets.forEach((right, index) => {
    if (!targets.slice(0, index).some((left) => overlap(left, right))) return;
    right.refuse(
      "events",
      "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping " +
        "for the same event type.",
    );
  });
}

function overlap(left: InputReader, right: InputReader): boolean {
  const [leftPrefix, rightPrefix] = [left.text("filterPrefix") ?? "", right.text("filterPrefix") ?? ""];
  const [leftSuffix, rightSuffix] = [left.text("filterSuffix") ?? "", right.text("filterSuffix") ?? ""];
  const prefixes = leftPrefix.startsWith(rightPrefix) || rightPrefix.startsWith(leftPrefix);
  const suffixes = leftSuffix.endsWith(rightSuffix) || rightSuffix.endsWith(leftSuffix);
  return (
    prefixes &&
    suffixes &&
    left.texts("events").some((event) => right.texts("events").some((other) => same(event, other)))
  );
}

function same(left: string, right: string): boolean {
  const covers = (pattern: string, event: string): boolean =>
    pattern === event || (pattern.endsWith("*") && event.startsWith(pattern.slice(0, -1)));
  return covers(left, right) || covers(right, left);
}

function readTarget(environment: S3Environment, target: InputReader): FunctionNotification {
  return {
    id: target.text("id") ?? `tf-s3-lambda-${environment.context.uniqueId(20)}`,
    functionArn: target.text("lambdaFunctionArn") ?? "",
    events: target.texts("events"),
    prefix: target.text("filterPrefix") ?? "",
    suffix: target.text("filterSuffix") ?? "",
  };
}

/** S3 asks Lambda whether it may invoke the function before it accepts the configuration. */
function checkPermission({ context }: S3Environment, bucket: Bucket, functionArn: string): void {
  if (context.functions.mayInvoke?.(functionArn, s3Principal(bucket)) ?? true) return;
  throw new AwsError("InvalidArgument", "Unable to validate the following destination configurations", 400, {
    ArgumentName1: `${functionArn}, null`,
    ArgumentValue1: "Not authorized to invoke function",
  });
}
