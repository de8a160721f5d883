// Policy documents compiled into closures, once per document.
import type { PolicyDocument, PolicyStatement } from "../core/access";
import type { Principal } from "../core/principal";
import { compileCondition, type ConditionCheck } from "./conditions";
import {
  arnPattern,
  canFill,
  type ContextKeys,
  contextMatcher,
  type ContextMatcher,
  plainMatcher,
  wildcards,
} from "./patterns";
import { compileNotPrincipal, compilePrincipal, type PrincipalMatch, type PrincipalMatcher } from "./principals";

/** What a statement is matched against. */
export interface StatementQuestion {
  readonly principal: Principal;
  /** Lower case. */
  readonly action: string;
  readonly resource: string;
  readonly keys: ContextKeys;
  /** Whether the caller's role has a permissions boundary. */
  readonly bounded: boolean;
}

/** One statement, ready to be asked. */
export interface CompiledStatement {
  /** Its Sid, else its index. */
  readonly label: string;
  readonly effect: "Allow" | "Deny";
  /** "none" when the statement does not apply. Statements without Principal (identity policies) answer "everyone". */
  match(question: StatementQuestion): PrincipalMatch;
}

const list = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === "string" ? [value] : value;

const cache = new WeakMap<PolicyDocument, readonly CompiledStatement[]>();

/** Compiles a document. The result is kept as long as the document object lives; documents must not be changed in place. */
export function compilePolicy(document: PolicyDocument): readonly CompiledStatement[] {
  let compiled = cache.get(document);
  if (!compiled) {
    const withVariables = document.Version === "2012-10-17";
    const statements: readonly PolicyStatement[] = Array.isArray(document.Statement)
      ? (document.Statement as readonly PolicyStatement[])
      : [document.Statement as PolicyStatement];
    compiled = statements.map((statement, index) => compileStatement(statement, index, withVariables));
    cache.set(document, compiled);
  }
  return compiled;
}

function compileStatement(statement: PolicyStatement, index: number, withVariables: boolean): CompiledStatement {
  const actionFits = compileActions(statement);
  const resourceFits = compileResources(statement, withVariables);
  const principalOf = compilePrincipals(statement);
  const conditions = compileConditions(statement, withVariables);
  // IAM user guide: NotPrincipal with Deny always denies callers that have a permissions boundary, listed or not.
  const deniesBounded = statement.Effect === "Deny" && statement.NotPrincipal !== undefined;
  return {
    label: statement.Sid ?? String(index),
    effect: statement.Effect,
    match(question) {
      if (!actionFits(question.action) || !resourceFits(question.resource, question.keys)) return "none";
      const match = deniesBounded && question.bounded ? "everyone" : principalOf(question.principal);
      return match !== "none" && conditions.every((check) => check(question.keys)) ? match : "none";
    },
  };
}

function compileActions(statement: PolicyStatement): (action: string) => boolean {
  const negated = statement.Action === undefined;
  const matchers = list(statement.Action ?? statement.NotAction).map((each) =>
    plainMatcher(each.toLowerCase(), wildcards),
  );
  return (action) => matchers.some((matcher) => matcher(action)) !== negated;
}

function compileResources(statement: PolicyStatement, withVariables: boolean): ContextMatcher {
  // Trust policies name no resource: it is the role itself.
  if (statement.Resource === undefined && statement.NotResource === undefined) return () => true;
  const patterns = list(statement.Resource ?? statement.NotResource);
  const matchers = patterns.map((each) =>
    each.startsWith("execute-api:/") ? apiShorthand(each) : contextMatcher(each, arnPattern, withVariables),
  );
  if (statement.Resource !== undefined) return (resource, keys) => matchers.some((matcher) => matcher(resource, keys));
  // A variable that cannot be filled makes the statement not apply; it does not exclude nothing.
  return (resource, keys) =>
    patterns.every((each) => canFill(each, keys, withVariables)) &&
    !matchers.some((matcher) => matcher(resource, keys));
}

/** "execute-api:/stage/method/path" in the policy of an API stands for the ARN of that API. */
function apiShorthand(pattern: string): ContextMatcher {
  const matcher = plainMatcher(pattern.slice("execute-api:/".length), wildcards);
  return (resource) => {
    const path = /^arn:[^:]+:execute-api:[^:]*:[^:]*:[^/]+\/(.*)$/s.exec(resource)?.[1];
    return path !== undefined && matcher(path);
  };
}

function compilePrincipals(statement: PolicyStatement): PrincipalMatcher {
  if (statement.Principal !== undefined) return compilePrincipal(statement.Principal);
  return statement.NotPrincipal === undefined ? () => "everyone" : compileNotPrincipal(statement.NotPrincipal);
}

function compileConditions(statement: PolicyStatement, withVariables: boolean): readonly ConditionCheck[] {
  return Object.entries(statement.Condition ?? {}).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, value]) => compileCondition(operator, key, value, withVariables)),
  );
}
