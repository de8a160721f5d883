// AWS managed policies that the local run knows, with the documents that AWS publishes.
import type { NamedPolicy, PolicyDocument } from "../core/access";
import { NotSimulatedError } from "../core/errors";

const allowOnEverything = (actions: readonly string[], sid?: string): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: [{ ...(sid && { Sid: sid }), Effect: "Allow", Action: actions, Resource: "*" }],
});

const documents: Readonly<Record<string, PolicyDocument>> = {
  "service-role/AWSLambdaBasicExecutionRole": allowOnEverything([
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
  ]),
  AWSXRayDaemonWriteAccess: allowOnEverything(
    [
      "xray:PutTraceSegments",
      "xray:PutTelemetryRecords",
      "xray:GetSamplingRules",
      "xray:GetSamplingTargets",
      "xray:GetSamplingStatisticSummaries",
    ],
    "AWSXRayDaemonWriteAccess",
  ),
  "service-role/AmazonAPIGatewayPushToCloudWatchLogs": allowOnEverything([
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "logs:GetLogEvents",
    "logs:FilterLogEvents",
  ]),
};

const prefix = "arn:aws:iam::aws:policy/";

/** Whether an ARN names a policy of AWS itself. */
export const isAwsManaged = (arn: string): boolean => arn.startsWith(prefix);

/** Whether the document of an AWS managed policy is known. */
export const knowsAwsManaged = (arn: string): boolean => arn.slice(prefix.length) in documents;

/** The AWS managed policy of an ARN; undefined for other ARNs. Throws NotSimulatedError for one that is not known here. */
export function awsManagedPolicy(arn: string): NamedPolicy | undefined {
  if (!isAwsManaged(arn)) return undefined;
  const name = arn.slice(prefix.length);
  const document = documents[name];
  if (!document) throw new NotSimulatedError(`The AWS managed policy ${arn}`, "local/cloud/iam/managed-policies.ts");
  return { name: name.split("/").at(-1) ?? name, document };
}
