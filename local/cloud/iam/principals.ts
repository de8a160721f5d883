// Whom the Principal element of a statement names.
import type { PolicyStatement } from "../core/access";
import type { Principal } from "../core/principal";

/**
 * How closely a statement names the caller. It matters to what an Allow grants: "account" only delegates to the account's own
 * policies, "role" stays under a permissions boundary, "everyone" and "exact" (a session, a user, a service) do not.
 */
export type PrincipalMatch = "none" | "account" | "role" | "everyone" | "exact";

/** Finds how a caller is named. */
export type PrincipalMatcher = (principal: Principal) => PrincipalMatch;

const rank: Readonly<Record<PrincipalMatch, number>> = { none: 0, account: 1, role: 2, everyone: 3, exact: 4 };

/** The closer of two matches. */
export const closer = (a: PrincipalMatch, b: PrincipalMatch): PrincipalMatch => (rank[a] >= rank[b] ? a : b);

const valuesOf = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === "string" ? [value] : value;

/** `arn:aws:iam::123456789012:root` and `123456789012` mean the same: the account. */
function accountOf(value: string): string | undefined {
  return /^\d{12}$/.test(value) ? value : /^arn:[^:]+:iam::(\d{12}):root$/.exec(value)?.[1];
}

function matchAws(value: string, principal: Principal): PrincipalMatch {
  if (value === "*") return "everyone";
  if (principal.kind === "service" || principal.kind === "anonymous") return "none";
  const account = accountOf(value);
  if (account !== undefined) {
    if (account !== principal.accountId) return "none";
    return principal.kind === "root" ? "exact" : "account";
  }
  if (value === principal.arn) return "exact";
  return value === principal.roleArn ? "role" : "none";
}

function matchOne(type: string, value: string, principal: Principal): PrincipalMatch {
  if (type === "AWS") return matchAws(value, principal);
  if (type === "Service") return principal.kind === "service" && value === principal.service ? "exact" : "none";
  // Federated and CanonicalUser principals: nobody in the local run calls as one.
  return "none";
}

/** Compiles a Principal element. */
export function compilePrincipal(element: NonNullable<PolicyStatement["Principal"]>): PrincipalMatcher {
  if (element === "*") return () => "everyone";
  const named = Object.entries(element).flatMap(([type, value]) =>
    valuesOf(value).map((each) => [type, each] as const),
  );
  return (principal) =>
    named.reduce<PrincipalMatch>((best, [type, value]) => closer(best, matchOne(type, value, principal)), "none");
}

/** Compiles a NotPrincipal element: everybody but those listed by session, user, role or account. */
export function compileNotPrincipal(element: NonNullable<PolicyStatement["NotPrincipal"]>): PrincipalMatcher {
  const listed = compilePrincipal(element);
  return (principal) => (listed(principal) === "none" ? "everyone" : "none");
}
