// Checks of policy documents as IAM makes them when one is stored: MalformedPolicyDocument, with every reason at once.
import type { PolicyDocument } from "../core/access";
import { isConditionOperator } from "./conditions";
import { servicePrefixes } from "./service-prefixes";

/** Where a policy is attached: it decides which elements it must and must not have. */
export type PolicyKind = "identity" | "trust" | "resource";

/** A parsed document, or what is wrong with it. */
export type PolicyCheck =
  | { readonly document: PolicyDocument; readonly problems: readonly [] }
  | { readonly document?: undefined; readonly problems: readonly string[] };

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : [value]);

/** Checks the text of a policy. Wording follows IAM's answers where they are known. */
export function checkPolicyDocument(text: string, kind: PolicyKind): PolicyCheck {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return { problems: [`MalformedPolicyDocument: Syntax errors in policy: ${(error as Error).message}`] };
  }
  if (!isObject(parsed))
    return { problems: ["MalformedPolicyDocument: Syntax errors in policy: it must be an object"] };
  const problems: string[] = [];
  const report = (message: string): void => void problems.push(`MalformedPolicyDocument: ${message}`);
  checkTop(parsed, report);
  const statements = parsed.Statement === undefined ? [] : asList(parsed.Statement);
  if (statements.length === 0) report("Missing required field Statement");
  statements.forEach((statement, index) => {
    const at = (message: string): void => report(`Statement[${index}]: ${message}`);
    if (isObject(statement)) checkStatement(statement, kind, at);
    else at("Syntax errors in policy: a statement must be an object");
  });
  checkSids(statements.filter(isObject), kind, report);
  return problems.length > 0 ? { problems } : { document: parsed as unknown as PolicyDocument, problems: [] };
}

/** Size of a policy as IAM counts it: characters, white space left out. */
export function policySize(text: string): number {
  return text.replace(/\s/g, "").length;
}

type Report = (message: string) => void;

function checkTop(document: Json, report: Report): void {
  for (const key of Object.keys(document)) {
    if (!["Version", "Id", "Statement"].includes(key)) report(`Syntax errors in policy: unknown field ${key}`);
  }
  const version = document.Version;
  if (version !== undefined && version !== "2012-10-17" && version !== "2008-10-17") {
    report(`Version must be 2012-10-17 or 2008-10-17, got ${JSON.stringify(version)}`);
  }
}

const statementFields = [
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

function checkStatement(statement: Json, kind: PolicyKind, report: Report): void {
  for (const key of Object.keys(statement)) {
    if (!statementFields.includes(key)) report(`Syntax errors in policy: unknown field ${key}`);
  }
  if (statement.Effect === undefined) report("Missing required field Effect");
  else if (statement.Effect !== "Allow" && statement.Effect !== "Deny") {
    report(`Invalid effect: ${JSON.stringify(statement.Effect)}; it must be Allow or Deny`);
  }
  checkPair(statement, "Action", true, report);
  checkActions(statement, report);
  checkPlacement(statement, kind, report);
  checkResources(statement, report);
  checkConditions(statement.Condition, report);
}

function checkPair(statement: Json, name: string, required: boolean, report: Report): void {
  const [one, other] = [statement[name], statement[`Not${name}`]];
  if (one !== undefined && other !== undefined) report(`Statement must not hold both ${name} and Not${name}`);
  if (required && one === undefined && other === undefined) report(`Missing required field ${name}`);
}

function checkActions(statement: Json, report: Report): void {
  const actions = [statement.Action, statement.NotAction].filter((each) => each !== undefined).flatMap(asList);
  if ((statement.Action !== undefined || statement.NotAction !== undefined) && actions.length === 0) {
    report("Missing required field Action cannot be empty!");
  }
  for (const action of actions) {
    if (action === "*") continue;
    const match = typeof action === "string" ? /^([a-zA-Z0-9-]+):([a-zA-Z0-9*?]+)$/.exec(action) : null;
    if (!match) {
      report(`Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: ${JSON.stringify(action)}`);
    } else if (!servicePrefixes.has((match[1] ?? "").toLowerCase())) {
      report(`Vendor ${match[1]} is not valid in action ${String(action)}`);
    }
  }
}

function checkPlacement(statement: Json, kind: PolicyKind, report: Report): void {
  const prohibited =
    kind === "identity" ? ["Principal", "NotPrincipal"] : kind === "trust" ? ["Resource", "NotResource"] : [];
  for (const field of prohibited) if (statement[field] !== undefined) report(`Has prohibited field ${field}`);
  checkPair(statement, "Resource", kind !== "trust", report);
  if (kind === "identity") return;
  checkPair(statement, "Principal", true, report);
  if (kind === "trust") checkTrustActions(statement, report);
  for (const field of ["Principal", "NotPrincipal"]) {
    if (statement[field] !== undefined) checkPrincipal(statement[field], kind, report);
  }
}

function checkTrustActions(statement: Json, report: Report): void {
  for (const action of asList(statement.Action ?? [])) {
    if (typeof action === "string" && action !== "*" && !/^sts:/i.test(action)) {
      report("AssumeRole policy may only specify STS AssumeRole actions.");
    }
  }
}

function checkPrincipal(principal: unknown, kind: PolicyKind, report: Report): void {
  if (principal === "*") {
    if (kind === "trust") report('AssumeRolepolicy contained an invalid principal: "STAR":"*".');
    return;
  }
  if (!isObject(principal)) {
    report(`Invalid principal in policy: ${JSON.stringify(principal)}`);
    return;
  }
  for (const [type, values] of Object.entries(principal)) {
    if (!["AWS", "Service", "Federated", "CanonicalUser"].includes(type)) {
      report(`Invalid principal in policy: "${type}"`);
      continue;
    }
    for (const value of asList(values)) {
      if (typeof value !== "string" || !isPrincipalValue(type, value)) {
        report(`Invalid principal in policy: "${type.toUpperCase()}":${JSON.stringify(value)}`);
      }
    }
  }
}

function isPrincipalValue(type: string, value: string): boolean {
  if (type === "Service") return /^[a-z0-9.-]+\.amazonaws\.com$/.test(value);
  if (type === "AWS") {
    return (
      value === "*" ||
      /^\d{12}$/.test(value) ||
      /^arn:[^:*?]+:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)\/[^*?]+)$/.test(value)
    );
  }
  return value.length > 0;
}

function checkResources(statement: Json, report: Report): void {
  for (const field of ["Resource", "NotResource"]) {
    if (statement[field] === undefined) continue;
    const resources = asList(statement[field]);
    if (resources.length === 0) report("Policy statement must contain resources.");
    for (const resource of resources) {
      if (typeof resource !== "string" || !isResourcePattern(resource)) {
        report(`Resource ${JSON.stringify(resource)} must be in ARN format or "*".`);
      }
    }
  }
}

function isResourcePattern(resource: string): boolean {
  if (resource === "*" || resource.startsWith("execute-api:/")) return true;
  return /^arn:[^:]+:[^:]+:[^:]*:[^:]*:.+$/s.test(resource) || /^arn:[^:]+:[^:]*(:[^:]*){0,2}\*$/.test(resource);
}

function checkConditions(condition: unknown, report: Report): void {
  if (condition === undefined) return;
  if (!isObject(condition)) {
    report("Syntax errors in policy: Condition must be an object");
    return;
  }
  for (const [operator, keys] of Object.entries(condition)) {
    if (!isConditionOperator(operator)) report(`Invalid Condition type : ${operator}.`);
    if (!isObject(keys)) {
      report(`Syntax errors in policy: Condition.${operator} must be an object`);
      continue;
    }
    for (const [key, value] of Object.entries(keys)) {
      if (!/^[a-zA-Z0-9.-]+:.+$/s.test(key)) {
        report(`Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: ${JSON.stringify(key)}`);
      }
      if (asList(value).some((each) => !["string", "number", "boolean"].includes(typeof each))) {
        report(`Syntax errors in policy: values of ${operator} ${key} must be strings`);
      }
    }
  }
}

function checkSids(statements: readonly Json[], kind: PolicyKind, report: Report): void {
  const seen = new Set<unknown>();
  for (const { Sid: sid } of statements) {
    if (sid === undefined || sid === "") continue;
    // Resource policies of some services (S3, SNS) take any text as a Sid.
    if (kind !== "resource" && (typeof sid !== "string" || !/^[0-9A-Za-z]*$/.test(sid))) {
      report(
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
      );
    }
    if (seen.has(sid)) report("Statement IDs (SID) in a single policy must be unique.");
    seen.add(sid);
  }
}
