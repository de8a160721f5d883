// Bucket policies: what S3 accepts as one, and what it calls public.
import { AwsError } from "../core/errors";
import type { PolicyDocument, PolicyStatement } from "../core/access";
import { bucketArn } from "./state";

const MAXIMUM_POLICY_BYTES = 20 * 1024;
const STATEMENT_MEMBERS = [
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
];
/** Conditions that pin a policy to fixed callers. https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html */
const FIXING_KEYS = [
  "aws:sourcearn",
  "aws:sourceaccount",
  "aws:sourceowner",
  "aws:sourceip",
  "aws:sourcevpc",
  "aws:sourcevpce",
  "aws:principalorgid",
  "aws:principalorgpaths",
  "aws:principalarn",
  "aws:principalaccount",
  "aws:userid",
  "s3:dataaccesspointarn",
  "s3:dataaccesspointaccount",
  "s3:x-amz-server-side-encryption-aws-kms-key-id",
];

/** Parses a bucket policy. @throws AwsError MalformedPolicy with S3's wording. */
export function parseBucketPolicy(text: string, bucketName: string): PolicyDocument {
  if (Buffer.byteLength(text) > MAXIMUM_POLICY_BYTES) {
    throw new AwsError("PolicyTooLarge", "Policy exceeds the maximum allowed document size.");
  }
  const document = parseJson(text);
  if (document.Version !== undefined && document.Version !== "2012-10-17" && document.Version !== "2008-10-17") {
    throw malformed("The policy must contain a valid version string");
  }
  const statements = statementsOf(document);
  if (statements.length === 0) throw malformed("Could not parse the policy: Statement is empty!");
  for (const statement of statements) checkStatement(statement, bucketName);
  return document;
}

function parseJson(text: string): PolicyDocument {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed("Policies must be valid JSON and the first byte must be '{'");
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw malformed("Policies must be valid JSON and the first byte must be '{'");
  }
  if (!("Statement" in value)) throw malformed("Missing required field Statement");
  return value as PolicyDocument;
}

function checkStatement(statement: PolicyStatement, bucketName: string): void {
  const unknown = Object.keys(statement).find((member) => !STATEMENT_MEMBERS.includes(member));
  if (unknown !== undefined) throw malformed(`Unknown field ${unknown}`);
  const effect: string = statement.Effect;
  if (effect !== "Allow" && effect !== "Deny") throw malformed(`Invalid effect: ${effect}`);
  checkPrincipal(statement);
  const actions = [...list(statement.Action), ...list(statement.NotAction)];
  if (actions.length === 0) throw malformed("Missing required field Action");
  if (actions.some((action) => action !== "*" && !/^s3:[A-Za-z*?]+$/i.test(action))) {
    throw malformed("Policy has invalid action");
  }
  const resources = [...list(statement.Resource), ...list(statement.NotResource)];
  if (resources.length === 0) throw malformed("Missing required field Resource");
  const arn = bucketArn(bucketName);
  if (resources.some((resource) => resource !== arn && !resource.startsWith(`${arn}/`) && resource !== `${arn}*`)) {
    throw malformed("Policy has invalid resource");
  }
}

function checkPrincipal({ Principal, NotPrincipal }: PolicyStatement): void {
  const principal = Principal ?? NotPrincipal;
  if (principal === undefined) throw malformed("Missing required field Principal");
  if (principal === "*") return;
  if (typeof principal === "string") throw malformed("Invalid policy syntax.");
  for (const [kind, value] of Object.entries(principal)) {
    if (!["AWS", "Service", "Federated", "CanonicalUser"].includes(kind))
      throw malformed("Invalid principal in policy");
    if (!list(value).every((item) => isPrincipal(kind, item))) throw malformed("Invalid principal in policy");
  }
}

function isPrincipal(kind: string, value: string): boolean {
  if (kind === "Service") return /^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$/.test(value);
  if (kind !== "AWS") return value !== "";
  return value === "*" || /^\d{12}$/.test(value) || /^arn:aws[a-z-]*:(iam|sts)::(\d{12}|cloudfront):.+$/.test(value);
}

/** Whether S3 calls the policy public: somebody may do something, and no condition pins down who. */
export function isPublicPolicy(document: PolicyDocument): boolean {
  return statementsOf(document).some((statement) => statement.Effect === "Allow" && isOpen(statement));
}

function isOpen({ Principal, NotPrincipal, Condition }: PolicyStatement): boolean {
  const everybody =
    NotPrincipal !== undefined ||
    Principal === "*" ||
    (Principal !== undefined && Object.values(Principal).some((value) => list(value).includes("*")));
  if (!everybody) return false;
  return !Object.entries(Condition ?? {}).some(([operator, comparisons]) =>
    Object.entries(comparisons).some(([key, value]) => fixes(operator, key, value)),
  );
}

function fixes(operator: string, key: string, value: unknown): boolean {
  if (!FIXING_KEYS.includes(key.toLowerCase()) || /Not|IfExists|Null/.test(operator)) return false;
  const values = Array.isArray(value) ? value.map(String) : [String(value)];
  return values.every((item) => !/[*?]/.test(item.replace(/^arn:.*?:.*?:.*?:\d{12}:/, "")) && !item.endsWith("/0"));
}

function statementsOf({ Statement }: PolicyDocument): readonly PolicyStatement[] {
  return Array.isArray(Statement) ? (Statement as readonly PolicyStatement[]) : [Statement as PolicyStatement];
}

function list(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}

function malformed(message: string): AwsError {
  return new AwsError("MalformedPolicy", message);
}
