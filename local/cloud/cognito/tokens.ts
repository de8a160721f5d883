// Tokens with the claims and the order of trust of Cognito's: RS256, one key per pool, lifetimes on the injected clock.
import { generateKeyPair, randomUUID } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { JWK } from "jose";
import type { Clock } from "../core/clock";
import type { Pool, PoolClient, PoolUser } from "./pool";

/** A pool's key pair, being made. Making it takes about 100 ms, so nobody waits for it before the first token. */
export interface SigningKey {
  readonly kid: string;
  readonly pair: Promise<{ readonly privateKey: KeyObject; readonly publicKey: KeyObject }>;
}

/** Starts making a key pair. */
export function newSigningKey(): SigningKey {
  const pair = new Promise<{ privateKey: KeyObject; publicKey: KeyObject }>((resolve, reject) => {
    generateKeyPair("rsa", { modulusLength: 2048 }, (error, publicKey, privateKey) => {
      if (error) reject(error);
      else resolve({ publicKey, privateKey });
    });
  });
  return { kid: randomUUID(), pair };
}

/** The key as JSON Web Key: public for the JWKS document, private for oidc-provider. */
export async function exportKey(key: SigningKey, half: "publicKey" | "privateKey"): Promise<JWK> {
  const pair = await key.pair;
  return { ...(pair[half].export({ format: "jwk" }) as JWK), kid: key.kid, use: "sig", alg: "RS256" };
}

/** One sign-in, which all tokens that come from it share. */
export interface Authentication {
  readonly user: PoolUser;
  readonly client: PoolClient;
  /** Granted scopes; the ID token exists only with "openid" among them. */
  readonly scopes: readonly string[];
  /** Seconds since the epoch. */
  readonly authTime: number;
  /** Id of the sign-in: `origin_jti` of its tokens. */
  readonly origin: string;
  readonly nonce?: string;
}

/** What a sign-in yields. */
export interface MintedTokens {
  readonly accessToken: string;
  readonly idToken: string;
  /** Lifetime of the access token in seconds. */
  readonly expiresIn: number;
}

/** Signs an access token and an ID token. */
export async function mintTokens(clock: Clock, pool: Pool, authentication: Authentication): Promise<MintedTokens> {
  const { client, user, scopes } = authentication;
  const now = Math.floor(clock.now() / 1000);
  const common = {
    sub: user.sub,
    iss: pool.issuer,
    origin_jti: authentication.origin,
    event_id: randomUUID(),
    auth_time: authentication.authTime,
    iat: now,
    ...(user.groups.size > 0 ? { "cognito:groups": sortGroups(pool, user) } : {}),
  };
  const access = {
    ...common,
    version: 2,
    client_id: client.id,
    token_use: "access",
    scope: scopes.join(" "),
    username: user.username,
    jti: randomUUID(),
    exp: now + client.accessTokenSeconds,
  };
  const id = {
    ...common,
    ...idClaims(user),
    aud: client.id,
    token_use: "id",
    "cognito:username": user.username,
    ...(authentication.nonce === undefined ? {} : { nonce: authentication.nonce }),
    jti: randomUUID(),
    exp: now + client.idTokenSeconds,
  };
  const [accessToken, idToken] = await Promise.all([sign(pool.key, access), sign(pool.key, id)]);
  return { accessToken, idToken, expiresIn: client.accessTokenSeconds };
}

/** Attributes as claims: verification flags are booleans, everything else text. */
export function idClaims(user: PoolUser): Record<string, string | boolean> {
  const claims: Record<string, string | boolean> = {};
  for (const [name, value] of Object.entries(user.attributes)) {
    claims[name] = name.endsWith("_verified") ? value === "true" : value;
  }
  return claims;
}

/**
 * Claims of a token that `pool` signed and that has not expired.
 *
 * @throws an error of jose when signature, algorithm, issuer or expiry do not hold.
 */
export async function verifyToken(clock: Clock, pool: Pool, token: string): Promise<Readonly<Record<string, unknown>>> {
  const { jwtVerify } = await import("jose");
  const { publicKey } = await pool.key.pair;
  const { payload } = await jwtVerify(token, publicKey, {
    algorithms: ["RS256"],
    issuer: pool.issuer,
    currentDate: new Date(clock.now()),
    requiredClaims: ["exp", "token_use"],
  });
  return payload;
}

async function sign(key: SigningKey, claims: Record<string, unknown>): Promise<string> {
  const { SignJWT } = await import("jose");
  const { privateKey } = await key.pair;
  return new SignJWT(claims).setProtectedHeader({ kid: key.kid, alg: "RS256" }).sign(privateKey);
}

function sortGroups(pool: Pool, user: PoolUser): readonly string[] {
  const precedence = (name: string): number => pool.groups.get(name)?.precedence ?? Number.MAX_SAFE_INTEGER;
  return [...user.groups].sort((a, b) => precedence(a) - precedence(b) || a.localeCompare(b));
}
