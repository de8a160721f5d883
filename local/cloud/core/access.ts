// Authorisation: the one small interface behind which policies are evaluated.
import type { Principal } from "./principal";

/** A policy document as IAM stores it, parsed from JSON. */
export interface PolicyDocument {
  readonly Version?: string;
  readonly Id?: string;
  readonly Statement: PolicyStatement | readonly PolicyStatement[];
}

/** One statement of a policy document. */
export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: "*" | Readonly<Record<string, string | readonly string[]>>;
  readonly NotPrincipal?: "*" | Readonly<Record<string, string | readonly string[]>>;
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, ConditionValue>>>>;
}

/** The values that a condition compares with. */
export type ConditionValue = string | number | boolean | readonly (string | number | boolean)[];

/** A policy and the name under which a decision cites it. */
export interface NamedPolicy {
  readonly name: string;
  readonly document: PolicyDocument;
}

/** Condition keys of one request, "aws:SourceIp" say. Multi-valued keys carry arrays. */
export type RequestContext = Readonly<Record<string, string | readonly string[]>>;

/** One question to the evaluator. */
export interface AuthorizationRequest {
  readonly principal: Principal;
  /** "s3:PutObject" */
  readonly action: string;
  /** ARN of the resource, or "*" for actions without one. */
  readonly resource: string;
  /** Account that owns the resource. */
  readonly resourceAccountId: string;
  readonly context: RequestContext;
  /** Policies attached to the principal's role or user. Ignored for services, root and anonymous callers. */
  readonly identityPolicies: readonly NamedPolicy[];
  readonly permissionsBoundary?: NamedPolicy;
  /** Policy attached to the resource, if there is one. */
  readonly resourcePolicy?: NamedPolicy;
}

/** The answer, with the reason a person reads in the console. */
export interface Decision {
  readonly allowed: boolean;
  readonly action: string;
  readonly resource: string;
  /** "explicit deny by …", "allowed by …", "no identity-based policy allows …". */
  readonly reason: string;
  /** `policy#sid-or-index` of the statements that decided. */
  readonly statements: readonly string[];
}

/** Evaluates IAM policies. The whole embedded cloud knows only this interface. */
export interface PolicyEvaluator {
  evaluate(request: AuthorizationRequest): Decision;
}

/** Credentials that stand for a principal. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Milliseconds since the epoch; undefined for long-lived keys. */
  readonly expiresAt?: number;
}

/** The resource for which a service assumes a role, where the service tells: `aws:SourceArn` and `aws:SourceAccount`. */
export interface CallingResource {
  readonly sourceArn: string;
  /** Left out: the account of the role. */
  readonly sourceAccount?: string;
}

/** What services ask the access layer for. Implemented in `local/cloud/iam`. */
export interface AccessControl {
  /** Issues temporary credentials of a declared role, after checking that its trust policy admits `trustedService`. */
  assumeRole(
    roleArn: string,
    sessionName: string,
    trustedService: string,
    durationSeconds?: number,
    source?: CallingResource,
  ): Credentials;
  /** Credentials with which an AWS service signs calls to another one (CloudFront origin access control, say). */
  issue(principal: Principal, durationSeconds?: number): Credentials;
  /** The principal behind an access key, with its secret; undefined when the key does not exist. */
  find(accessKeyId: string): { principal: Principal; credentials: Credentials } | undefined;
  /** Decides, without throwing and without a trace. */
  decide(request: AccessQuestion): Decision;
}

/** A question about a call: the access layer adds the principal's own policies and the global context keys. */
export interface AccessQuestion {
  readonly principal: Principal;
  readonly action: string;
  readonly resource: string;
  readonly resourceAccountId: string;
  readonly context?: RequestContext;
  readonly resourcePolicy?: NamedPolicy;
}
