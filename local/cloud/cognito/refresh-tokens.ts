// Refresh tokens: opaque, bound to a client and a user, with Cognito's rotation and revocation.
import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "../core/clock";
import { AwsError } from "../core/errors";
import type { Pool, PoolClient } from "./pool";
import type { Authentication } from "./tokens";

interface StoredRefreshToken {
  readonly poolId: string;
  readonly clientId: string;
  readonly sub: string;
  readonly scopes: readonly string[];
  readonly authTime: number;
  readonly origin: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Set by rotation: the token works until then. Milliseconds since the epoch. */
  rotatedUntil?: number;
}

/** A sign-in renewed by a refresh token. */
export interface Refreshed {
  readonly authentication: Authentication;
  /** The successor, when the client rotates its refresh tokens. */
  readonly refreshToken?: string;
}

/** Refresh tokens of all pools. Only hashes are kept. */
export class RefreshTokens {
  private readonly tokens = new Map<string, StoredRefreshToken>();

  constructor(private readonly clock: Clock) {}

  /** A new token for a sign-in. */
  issue(pool: Pool, authentication: Authentication): string {
    const { client, user, scopes, authTime, origin } = authentication;
    const expiresAt = this.clock.now() + client.refreshTokenSeconds * 1000;
    return this.add({ poolId: pool.id, clientId: client.id, sub: user.sub, scopes, authTime, origin, expiresAt });
  }

  /** Uses a token. @throws AwsError NotAuthorizedException when it is unknown, another client's, expired, revoked or used up. */
  refresh(pool: Pool, client: PoolClient, token: string): Refreshed {
    const stored = this.find(pool, client, token);
    const user = pool.users.get(stored.sub);
    if (!user) throw new AwsError("NotAuthorizedException", "Invalid Refresh Token");
    if (!user.enabled) throw new AwsError("NotAuthorizedException", "User is disabled.");
    const { scopes, authTime, origin } = stored;
    const authentication = { user, client, scopes, authTime, origin };
    if (!client.rotateRefreshTokens) return { authentication };
    stored.rotatedUntil ??= this.clock.now() + client.retryGraceSeconds * 1000;
    const { rotatedUntil: _, ...successor } = stored;
    return { authentication, refreshToken: this.add(successor) };
  }

  /** Ends a token and all others of the same sign-in. Unknown tokens are no error. */
  revoke(pool: Pool, client: PoolClient, token: string): void {
    const stored = this.tokens.get(digest(token));
    if (stored?.poolId !== pool.id || stored.clientId !== client.id) return;
    this.removeWhere(({ origin }) => origin === stored.origin);
  }

  /** Ends all tokens of a user. */
  revokeUser(pool: Pool, sub: string): void {
    this.removeWhere((stored) => stored.poolId === pool.id && stored.sub === sub);
  }

  private find(pool: Pool, client: PoolClient, token: string): StoredRefreshToken {
    const stored = this.tokens.get(digest(token));
    if (stored?.poolId !== pool.id || stored.clientId !== client.id) {
      throw new AwsError("NotAuthorizedException", "Invalid Refresh Token");
    }
    const now = this.clock.now();
    if (stored.expiresAt <= now) throw new AwsError("NotAuthorizedException", "Refresh Token has expired");
    if (stored.rotatedUntil !== undefined && stored.rotatedUntil <= now) {
      throw new AwsError("RefreshTokenReuseException", "Refresh token has been invalidated by rotation");
    }
    return stored;
  }

  private add(stored: StoredRefreshToken): string {
    const token = randomBytes(48).toString("base64url");
    this.tokens.set(digest(token), stored);
    return token;
  }

  private removeWhere(fits: (stored: StoredRefreshToken) => boolean): void {
    for (const [key, stored] of this.tokens) if (fits(stored)) this.tokens.delete(key);
  }
}

function digest(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}
