// What the service knows of a user pool: clients, users, groups, scopes. Plain data, no protocol.
import type { PasswordPolicy } from "./passwords";
import type { SigningKey } from "./tokens";

/** A user of a pool. */
export interface PoolUser {
  /** What the pool calls the user: as given, or the `sub` when users sign in with an e-mail address. */
  readonly username: string;
  readonly sub: string;
  /** "email", "email_verified", "custom:tenant", … */
  attributes: Readonly<Record<string, string>>;
  status: "CONFIRMED" | "FORCE_CHANGE_PASSWORD";
  enabled: boolean;
  passwordHash: Buffer | undefined;
  readonly passwordSalt: Buffer;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  modifiedAt: number;
  readonly groups: Set<string>;
}

/** A group of a pool; appears in tokens as `cognito:groups`. */
export interface PoolGroup {
  readonly name: string;
  readonly description?: string;
  readonly precedence?: number;
  readonly roleArn?: string;
}

/** An app client, with its defaults filled in. Lifetimes in seconds. */
export interface PoolClient {
  readonly id: string;
  readonly name: string;
  readonly secret?: string;
  readonly oauthEnabled: boolean;
  readonly oauthFlows: readonly string[];
  readonly oauthScopes: readonly string[];
  readonly callbackUrls: readonly string[];
  readonly logoutUrls: readonly string[];
  readonly defaultRedirectUri?: string;
  readonly authFlows: readonly string[];
  readonly accessTokenSeconds: number;
  readonly idTokenSeconds: number;
  readonly refreshTokenSeconds: number;
  readonly tokenRevocation: boolean;
  readonly rotateRefreshTokens: boolean;
  /** How long a rotated refresh token still works. */
  readonly retryGraceSeconds: number;
  /** Unknown users get the same answer as wrong passwords. */
  readonly hideUserExistence: boolean;
}

/** A user pool. */
export interface Pool {
  /** "eu-west-1_AbCdEf123" */
  readonly id: string;
  readonly arn: string;
  readonly accountId: string;
  readonly region: string;
  /** `iss` of its tokens: "https://cognito-idp.<region>.amazonaws.com/<id>". */
  readonly issuer: string;
  readonly key: SigningKey;
  name: string;
  deletionProtection: boolean;
  passwordPolicy: PasswordPolicy;
  readonly usernameAttributes: readonly string[];
  readonly aliasAttributes: readonly string[];
  readonly caseSensitive: boolean;
  readonly createdAt: number;
  readonly clients: Map<string, PoolClient>;
  /** By `sub`. */
  readonly users: Map<string, PoolUser>;
  readonly groups: Map<string, PoolGroup>;
  /** Scopes of resource servers: "identifier/scope". */
  readonly customScopes: Map<string, readonly string[]>;
  domain?: string;
}

/** Scopes that every pool has. */
export const standardScopes = ["openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"] as const;

/** Scope of access tokens that come from the API instead of the sign-in page. */
export const apiScope = "aws.cognito.signin.user.admin";

/** All pools of the embedded cloud, by id. */
export class PoolStore {
  readonly pools = new Map<string, Pool>();

  /** The client with this id, in whichever pool it is. */
  findClient(clientId: string): { pool: Pool; client: PoolClient } | undefined {
    for (const pool of this.pools.values()) {
      const client = pool.clients.get(clientId);
      if (client) return { pool, client };
    }
    return undefined;
  }
}
