// Credentials, roles and decisions of the embedded cloud: AccessControl over the policy evaluator.
import { createHmac, randomBytes } from "node:crypto";
import type {
  AccessControl,
  AccessQuestion,
  CallingResource,
  Credentials,
  Decision,
  NamedPolicy,
  PolicyEvaluator,
  RequestContext,
} from "../core/access";
import type { Clock } from "../core/clock";
import { AwsError } from "../core/errors";
import { accountRoot, type Principal } from "../core/principal";
import { createPolicyEvaluator } from "./evaluator";
import { identityPoliciesOf, type RoleRecord, RoleRegistry } from "./registry";

/** Shortest session, in seconds. */
export const minSessionSeconds = 900;
/** Session length when the caller asks for none, in seconds. */
export const defaultSessionSeconds = 3600;
/** Longest session that a role obtained through another role may have, in seconds. */
export const maxChainedSessionSeconds = 3600;

/** Temporary credentials and the session they stand for. */
export interface RoleSession {
  readonly credentials: Credentials;
  readonly principal: Principal;
}

/** What `assumeRoleAs` needs to know. */
export interface AssumeRoleQuestion {
  readonly caller: Principal;
  readonly roleArn: string;
  readonly sessionName: string;
  readonly durationSeconds?: number;
  /** Condition keys of the call, `sts:ExternalId` say. */
  readonly context?: RequestContext;
}

/** AccessControl with what only IAM, STS and the deployment need. */
export interface LocalAccessControl extends AccessControl {
  readonly roles: RoleRegistry;
  /** Long-lived credentials of an account's administrator: the same for every call in one run. */
  rootCredentials(accountId: string): Credentials;
  /** sts:AssumeRole by any caller: both the role's trust policy and the caller's own policies are asked. */
  assumeRoleAs(question: AssumeRoleQuestion): RoleSession;
}

/** Settings of `createAccessControl`. */
export interface AccessControlOptions {
  readonly clock: Clock;
  /** Left out: this project's own evaluator. */
  readonly evaluator?: PolicyEvaluator;
  /** Seed of keys and tokens. Left out: random, so that no run accepts the credentials of another. */
  readonly seed?: string;
}

interface Issued {
  readonly principal: Principal;
  readonly credentials: Credentials;
}

/** Creates the access layer of one run. */
export function createAccessControl(options: AccessControlOptions): LocalAccessControl {
  return new EmbeddedAccessControl(
    options.clock,
    options.evaluator ?? createPolicyEvaluator(),
    options.seed ?? randomBytes(32).toString("hex"),
  );
}

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** Expired credentials are remembered this long, so that their use is answered with ExpiredToken. */
const rememberExpiredMs = 24 * 3600 * 1000;

class EmbeddedAccessControl implements LocalAccessControl {
  readonly roles = new RoleRegistry();
  private readonly issued = new Map<string, Issued>();
  private readonly roots = new Map<string, Credentials>();
  private serial = 0;
  private pruneAt = 1000;
  private latestKeys: { principal: Principal; now: number; keys: Readonly<Record<string, string>> } | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly evaluator: PolicyEvaluator,
    private readonly seed: string,
  ) {}

  rootCredentials(accountId: string): Credentials {
    let credentials = this.roots.get(accountId);
    if (!credentials) {
      const label = `root/${accountId}`;
      credentials = { accessKeyId: `AKIA${this.keyPart(label)}`, secretAccessKey: this.secret(label) };
      this.roots.set(accountId, credentials);
      this.issued.set(credentials.accessKeyId, { principal: accountRoot(accountId), credentials });
    }
    return credentials;
  }

  issue(principal: Principal, durationSeconds = defaultSessionSeconds): Credentials {
    this.prune();
    const label = `session/${this.serial++}`;
    const credentials: Credentials = {
      accessKeyId: `ASIA${this.keyPart(label)}`,
      secretAccessKey: this.secret(label),
      sessionToken: this.token(label),
      expiresAt: this.clock.now() + durationSeconds * 1000,
    };
    this.issued.set(credentials.accessKeyId, { principal, credentials });
    return credentials;
  }

  find(accessKeyId: string): Issued | undefined {
    return this.issued.get(accessKeyId);
  }

  assumeRole(
    roleArn: string,
    sessionName: string,
    trustedService: string,
    durationSeconds?: number,
    source?: CallingResource,
  ): Credentials {
    const caller: Principal = {
      kind: "service",
      arn: trustedService,
      accountId: "",
      userId: trustedService,
      service: trustedService,
      sourceAccount: source?.sourceAccount ?? accountOfArn(roleArn),
      ...(source && { sourceArn: source.sourceArn }),
    };
    const { credentials } = this.assumeRoleAs({
      caller,
      roleArn,
      sessionName,
      ...(durationSeconds !== undefined && { durationSeconds }),
    });
    return credentials;
  }

  assumeRoleAs({ caller, roleArn, sessionName, durationSeconds, context }: AssumeRoleQuestion): RoleSession {
    if (caller.kind === "root") throw new AwsError("AccessDenied", "Roles may not be assumed by root accounts.", 403);
    const role = this.roles.get(roleArn);
    const allowed = role && this.decide(trustQuestion(role, caller, sessionName, context)).allowed;
    if (!role || !allowed) {
      const who = caller.kind === "service" ? `Service: ${caller.arn}` : `User: ${caller.arn}`;
      throw new AwsError(
        "AccessDenied",
        `${who} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`,
        403,
      );
    }
    const seconds = checkedDuration(role, caller, durationSeconds);
    const principal = sessionOf(role, sessionName);
    return { principal, credentials: this.issue(principal, seconds) };
  }

  decide(question: AccessQuestion): Decision {
    const { principal, action, resource, resourceAccountId, resourcePolicy } = question;
    const role = principal.roleArn === undefined ? undefined : this.roles.get(principal.roleArn);
    return this.evaluator.evaluate({
      principal,
      action,
      resource,
      resourceAccountId,
      context: { ...this.globalKeys(principal), ...question.context },
      identityPolicies: role ? identityPoliciesOf(role) : [],
      ...(role?.permissionsBoundary && { permissionsBoundary: role.permissionsBoundary }),
      ...(resourcePolicy && { resourcePolicy }),
    });
  }

  /** Pollers ask many times in a millisecond. */
  private globalKeys(principal: Principal): Readonly<Record<string, string>> {
    const now = this.clock.now();
    if (this.latestKeys?.principal !== principal || this.latestKeys.now !== now) {
      this.latestKeys = { principal, now, keys: globalKeys(principal, now) };
    }
    return this.latestKeys.keys;
  }

  private digest(label: string): Buffer {
    return createHmac("sha256", this.seed).update(label).digest();
  }

  private keyPart(label: string): string {
    return [...this.digest(`key/${label}`).subarray(0, 16)].map((byte) => base32[byte % 32]).join("");
  }

  private secret(label: string): string {
    return this.digest(`secret/${label}`).toString("base64").slice(0, 40);
  }

  /** As long as the tokens of STS are in practice, so that limits on URLs and messages are met as on AWS. */
  private token(label: string): string {
    const parts = Array.from({ length: 12 }, (_, index) => this.digest(`token/${index}/${label}`));
    return Buffer.concat(parts).toString("base64");
  }

  private prune(): void {
    if (this.issued.size < this.pruneAt) return;
    const limit = this.clock.now() - rememberExpiredMs;
    for (const [id, { credentials }] of this.issued) {
      if (credentials.expiresAt !== undefined && credentials.expiresAt < limit) this.issued.delete(id);
    }
    this.pruneAt = this.issued.size + 1000;
  }
}

const accountOfArn = (arn: string): string => arn.split(":")[4] ?? "";

function trustQuestion(
  role: RoleRecord,
  principal: Principal,
  sessionName: string,
  context: RequestContext | undefined,
): AccessQuestion {
  const resourcePolicy: NamedPolicy = { name: `trust policy of ${role.name}`, document: role.trustPolicy };
  return {
    principal,
    action: "sts:AssumeRole",
    resource: role.arn,
    resourceAccountId: role.accountId,
    context: { "sts:RoleSessionName": sessionName, ...context },
    resourcePolicy,
  };
}

function checkedDuration(role: RoleRecord, caller: Principal, wanted: number | undefined): number {
  const seconds = wanted ?? defaultSessionSeconds;
  if (seconds < minSessionSeconds) {
    throw new AwsError(
      "ValidationError",
      `1 validation error detected: Value '${seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to ${minSessionSeconds}`,
    );
  }
  if (seconds > role.maxSessionDurationSeconds) {
    throw new AwsError(
      "ValidationError",
      "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    );
  }
  if (caller.kind === "assumed-role" && seconds > maxChainedSessionSeconds) {
    throw new AwsError(
      "ValidationError",
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    );
  }
  return seconds;
}

/** The session principal of a role. */
export function sessionOf(role: RoleRecord, sessionName: string): Principal {
  return {
    kind: "assumed-role",
    arn: `arn:aws:sts::${role.accountId}:assumed-role/${role.name}/${sessionName}`,
    accountId: role.accountId,
    roleArn: role.arn,
    userId: `${role.uniqueId}:${sessionName}`,
  };
}

const principalTypes: Readonly<Record<Principal["kind"], string>> = {
  root: "Account",
  user: "User",
  "assumed-role": "AssumedRole",
  service: "Service",
  anonymous: "Anonymous",
};

/**
 * Condition keys that depend on the caller and the time alone. `aws:SecureTransport` is always "true": the local run speaks plain
 * HTTP on loopback, but the same SDK call goes to AWS over HTTPS, and it is that call which is being judged. A service that judges
 * a request really made over HTTP on AWS overrides the key in its question.
 */
function globalKeys(principal: Principal, now: number): Readonly<Record<string, string>> {
  const keys: Record<string, string> = {
    "aws:CurrentTime": new Date(now).toISOString(),
    "aws:EpochTime": String(Math.floor(now / 1000)),
    "aws:SecureTransport": "true",
    "aws:PrincipalType": principalTypes[principal.kind],
    "aws:PrincipalIsAWSService": String(principal.kind === "service"),
    "aws:ViaAWSService": "false",
  };
  if (principal.kind === "anonymous") return keys;
  if (principal.kind === "service") {
    keys["aws:PrincipalServiceName"] = principal.service ?? principal.arn;
    if (principal.sourceArn) keys["aws:SourceArn"] = principal.sourceArn;
    if (principal.sourceAccount) keys["aws:SourceAccount"] = principal.sourceAccount;
    return keys;
  }
  keys["aws:PrincipalArn"] = principal.roleArn ?? principal.arn;
  keys["aws:PrincipalAccount"] = principal.accountId;
  keys["aws:userid"] = principal.userId;
  if (principal.kind === "user") keys["aws:username"] = principal.arn.split("/").at(-1) ?? "";
  return keys;
}
