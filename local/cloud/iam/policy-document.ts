// The provider function aws:iam/getPolicyDocument: statements rendered to JSON exactly as the AWS provider renders them.
import { crc32 } from "node:zlib";
import type { PropertyMap, PropertyValue } from "../core/resource-model";

interface RenderedStatement {
  Sid?: string;
  Effect: string;
  Action?: string | string[];
  NotAction?: string | string[];
  Resource?: string | string[];
  NotResource?: string | string[];
  Principal?: unknown;
  NotPrincipal?: unknown;
  Condition?: unknown;
}

interface RenderedDocument {
  Version: string;
  Id?: string;
  Statement: RenderedStatement[];
}

const defaultVersion = "2012-10-17";

const maps = (value: PropertyValue): readonly PropertyMap[] => (Array.isArray(value) ? (value as PropertyMap[]) : []);
const strings = (value: PropertyValue): string[] => (Array.isArray(value) ? (value as string[]) : []);
const text = (value: PropertyValue): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** The provider sorts lists backwards; a single item stands by itself. */
function renderList(value: PropertyValue): string | string[] | undefined {
  const items = strings(value).map(replaceVariables);
  if (items.length === 0) return undefined;
  return items.length === 1 ? items[0] : items.sort().reverse();
}

/** `&{aws:username}` is written for `${aws:username}` where the latter would be interpolated. */
const replaceVariables = (value: string): string => value.replaceAll("&{", "${");

const sortedEntries = <T>(entries: Iterable<readonly [string, T]>): Record<string, T> =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));

function renderPrincipals(value: PropertyValue): unknown {
  const principals = maps(value);
  if (principals.length === 0) return undefined;
  const [only] = principals;
  const isStar = principals.length === 1 && only?.type === "*" && strings(only.identifiers).join() === "*";
  if (isStar) return "*";
  const byType = new Map<string, string | string[]>();
  for (const principal of principals) {
    const type = text(principal.type) ?? "";
    const known = byType.get(type);
    const added = [renderList(principal.identifiers) ?? []].flat();
    const all = [...(known === undefined ? [] : [known].flat()), ...added];
    byType.set(type, all.length === 1 ? (all[0] ?? "") : all);
  }
  return sortedEntries(byType);
}

function renderConditions(value: PropertyValue): unknown {
  const conditions = maps(value);
  if (conditions.length === 0) return undefined;
  const byTest = new Map<string, Map<string, string[]>>();
  for (const condition of conditions) {
    const test = text(condition.test) ?? "";
    const keys = byTest.get(test) ?? new Map<string, string[]>();
    byTest.set(test, keys);
    const variable = text(condition.variable) ?? "";
    keys.set(variable, [...(keys.get(variable) ?? []), ...strings(condition.values).map(replaceVariables)]);
  }
  const flatten = (keys: Map<string, string[]>): unknown =>
    sortedEntries([...keys].map(([key, values]) => [key, values.length === 1 ? values[0] : values] as const));
  return sortedEntries([...byTest].map(([test, keys]) => [test, flatten(keys)] as const));
}

function renderStatement(statement: PropertyMap): RenderedStatement {
  const members: Record<string, unknown> = {
    Sid: text(statement.sid),
    Effect: text(statement.effect) ?? "Allow",
    Action: renderList(statement.actions),
    NotAction: renderList(statement.notActions),
    Resource: renderList(statement.resources),
    NotResource: renderList(statement.notResources),
    Principal: renderPrincipals(statement.principals),
    NotPrincipal: renderPrincipals(statement.notPrincipals),
    Condition: renderConditions(statement.conditions),
  };
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as unknown as RenderedStatement;
}

/** Later statements with a known Sid take the place of the earlier ones. */
function merge(base: RenderedDocument, added: RenderedDocument): void {
  if (added.Id) base.Id = added.Id;
  if (added.Version > base.Version) base.Version = added.Version;
  for (const statement of added.Statement) {
    const index = statement.Sid ? base.Statement.findIndex(({ Sid }) => Sid === statement.Sid) : -1;
    if (index < 0) base.Statement.push(statement);
    else base.Statement[index] = statement;
  }
}

function parseDocument(json: string): RenderedDocument {
  const parsed = JSON.parse(json) as Partial<RenderedDocument> & {
    Statement?: RenderedStatement | RenderedStatement[];
  };
  return {
    Version: parsed.Version ?? "",
    ...(parsed.Id && { Id: parsed.Id }),
    Statement: parsed.Statement === undefined ? [] : [parsed.Statement].flat(),
  };
}

function refuseDuplicateSids(statements: readonly { readonly Sid?: string | undefined }[]): void {
  const seen = new Set<string>();
  for (const { Sid } of statements) {
    if (Sid && seen.has(Sid)) throw new Error(`duplicate Sid (${Sid})`);
    if (Sid) seen.add(Sid);
  }
}

const known = [
  "statements",
  "policyId",
  "version",
  "sourcePolicyDocuments",
  "overridePolicyDocuments",
  "sourceJson",
  "overrideJson",
];

/** Renders a policy document. Throws for duplicate Sids and for source documents that are not JSON. */
export function renderPolicyDocument(args: PropertyMap): PropertyMap {
  const unknown = Object.keys(args).filter((key) => !known.includes(key));
  if (unknown.length > 0) throw new Error(`getPolicyDocument does not know ${unknown.join(", ")}`);
  const sources = [...strings(args.sourcePolicyDocuments), ...[text(args.sourceJson) ?? []].flat()].map(parseDocument);
  refuseDuplicateSids(sources.flatMap(({ Statement }) => Statement));
  const own: RenderedDocument = {
    Version: text(args.version) ?? defaultVersion,
    Statement: maps(args.statements).map(renderStatement),
  };
  const id = text(args.policyId);
  if (id !== undefined) own.Id = id;
  refuseDuplicateSids(own.Statement);

  const result: RenderedDocument = { Version: "", Statement: [] };
  for (const source of sources) merge(result, source);
  merge(result, own);
  for (const override of [...strings(args.overridePolicyDocuments), ...[text(args.overrideJson) ?? []].flat()]) {
    merge(result, parseDocument(override));
  }
  const ordered = {
    Version: result.Version,
    ...(result.Id && { Id: result.Id }),
    ...(result.Statement.length > 0 && { Statement: result.Statement }),
  };
  const json = JSON.stringify(ordered, undefined, 2);
  return { ...args, id: String(crc32(json)), json, minifiedJson: JSON.stringify(ordered), version: result.Version };
}
