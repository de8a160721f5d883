// cognito-idp operations that sign in, renew and end a sign-in.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { AwsError, NotSimulatedError } from "../core/errors";
import { isJsonObject, requiredText, textOf } from "../core/json-api";
import type { JsonObject, JsonOperation } from "../core/json-api";
import { authorizedPool } from "./api-users";
import { apiScope } from "./pool";
import type { Pool, PoolClient, PoolUser } from "./pool";
import type { CognitoState } from "./state";
import { mintTokens } from "./tokens";
import type { Authentication } from "./tokens";
import { authenticate, setPassword } from "./users";

const file = "local/cloud/cognito/api-auth.ts";
const invalid = "InvalidParameterException";
/** How long a challenge may be answered: Cognito's default of three minutes. */
const challengeLifetimeMs = 180_000;

interface Challenge {
  readonly pool: Pool;
  readonly client: PoolClient;
  readonly user: PoolUser;
  readonly expiresAt: number;
}

/** Operations on sign-ins. */
export function authOperations(state: CognitoState): Readonly<Record<string, JsonOperation>> {
  const challenges = new Map<string, Challenge>();
  return {
    InitiateAuth: (input) => {
      const { pool, client } = requireClient(state, input);
      return initiate(state, challenges, pool, client, input, "USER_PASSWORD_AUTH");
    },
    AdminInitiateAuth: (input, call) => {
      const pool = authorizedPool(state, input, call, "AdminInitiateAuth");
      const { client } = requireClient(state, input, pool);
      return initiate(state, challenges, pool, client, input, "ADMIN_USER_PASSWORD_AUTH");
    },
    RespondToAuthChallenge: (input) => respond(state, challenges, input),
    GetTokensFromRefreshToken: async (input) => {
      const { pool, client } = requireClient(state, input);
      if (client.secret !== undefined && textOf(input, "ClientSecret") !== client.secret) {
        throw new AwsError(
          "NotAuthorizedException",
          `Client ${client.id} is configured with secret but secret was not received`,
        );
      }
      return { AuthenticationResult: await renew(state, pool, client, requiredText(input, "RefreshToken", invalid)) };
    },
    RevokeToken: (input) => {
      const { pool, client } = requireClient(state, input);
      if (client.secret !== undefined && textOf(input, "ClientSecret") !== client.secret) {
        throw new AwsError("UnauthorizedException", "Invalid client secret");
      }
      if (!client.tokenRevocation) throw new AwsError("UnsupportedOperationException", "Token revocation is disabled");
      const token = requiredText(input, "Token", invalid);
      if (token.split(".").length === 3) throw new AwsError("UnsupportedTokenTypeException", "Unsupported token type");
      state.refreshTokens.revoke(pool, client, token);
      return {};
    },
  };
}

async function initiate(
  state: CognitoState,
  challenges: Map<string, Challenge>,
  pool: Pool,
  client: PoolClient,
  input: JsonObject,
  passwordFlow: "USER_PASSWORD_AUTH" | "ADMIN_USER_PASSWORD_AUTH",
): Promise<JsonObject> {
  const flow = requiredText(input, "AuthFlow", invalid);
  const parameters = parametersOf(input, "AuthParameters");
  if (flow === "REFRESH_TOKEN_AUTH" || flow === "REFRESH_TOKEN") {
    requireFlow(client, "REFRESH_TOKEN_AUTH");
    const token = requiredText(parameters, "REFRESH_TOKEN", invalid);
    if (client.secret !== undefined && textOf(parameters, "SECRET_HASH") === undefined) throw secretHashMissing(client);
    return { ChallengeParameters: {}, AuthenticationResult: await renew(state, pool, client, token) };
  }
  if (flow !== passwordFlow) throw new NotSimulatedError(`cognito-idp AuthFlow ${flow}`, file);
  requireFlow(client, flow);
  const username = requiredText(parameters, "USERNAME", invalid);
  checkSecretHash(client, username, textOf(parameters, "SECRET_HASH"));
  const user = authenticate(pool, client, username, requiredText(parameters, "PASSWORD", invalid));
  if (user.status === "FORCE_CHANGE_PASSWORD") {
    const session = randomUUID() + randomUUID();
    challenges.set(session, { pool, client, user, expiresAt: state.context.clock.now() + challengeLifetimeMs });
    const attributes = JSON.stringify(user.attributes);
    return {
      ChallengeName: "NEW_PASSWORD_REQUIRED",
      Session: session,
      ChallengeParameters: { USER_ID_FOR_SRP: user.username, requiredAttributes: "[]", userAttributes: attributes },
    };
  }
  return { ChallengeParameters: {}, AuthenticationResult: await signIn(state, pool, client, user) };
}

async function respond(
  state: CognitoState,
  challenges: Map<string, Challenge>,
  input: JsonObject,
): Promise<JsonObject> {
  const name = requiredText(input, "ChallengeName", invalid);
  if (name !== "NEW_PASSWORD_REQUIRED") throw new NotSimulatedError(`cognito-idp challenge ${name}`, file);
  const { client } = requireClient(state, input);
  const session = requiredText(input, "Session", invalid);
  const challenge = challenges.get(session);
  if (challenge?.client.id !== client.id || challenge.expiresAt <= state.context.clock.now()) {
    throw new AwsError("NotAuthorizedException", "Invalid session for the user, session is expired.");
  }
  const answers = parametersOf(input, "ChallengeResponses");
  checkSecretHash(client, textOf(answers, "USERNAME") ?? "", textOf(answers, "SECRET_HASH"));
  setPassword(
    state.context.clock,
    challenge.pool,
    challenge.user,
    requiredText(answers, "NEW_PASSWORD", invalid),
    true,
  );
  challenges.delete(session);
  const result = await signIn(state, challenge.pool, challenge.client, challenge.user);
  return { ChallengeParameters: {}, AuthenticationResult: result };
}

async function signIn(state: CognitoState, pool: Pool, client: PoolClient, user: PoolUser): Promise<JsonObject> {
  const authentication: Authentication = {
    user,
    client,
    scopes: [apiScope],
    authTime: Math.floor(state.context.clock.now() / 1000),
    origin: randomUUID(),
  };
  const refreshToken = state.refreshTokens.issue(pool, authentication);
  return resultOf(state, pool, authentication, refreshToken);
}

async function renew(state: CognitoState, pool: Pool, client: PoolClient, token: string): Promise<JsonObject> {
  const { authentication, refreshToken } = state.refreshTokens.refresh(pool, client, token);
  return resultOf(state, pool, authentication, refreshToken);
}

async function resultOf(
  state: CognitoState,
  pool: Pool,
  authentication: Authentication,
  refreshToken: string | undefined,
): Promise<JsonObject> {
  const tokens = await mintTokens(state.context.clock, pool, authentication);
  return {
    AccessToken: tokens.accessToken,
    IdToken: tokens.idToken,
    ...(refreshToken === undefined ? {} : { RefreshToken: refreshToken }),
    ExpiresIn: tokens.expiresIn,
    TokenType: "Bearer",
  };
}

function requireClient(state: CognitoState, input: JsonObject, pool?: Pool): { pool: Pool; client: PoolClient } {
  const id = requiredText(input, "ClientId", invalid);
  const found = state.store.findClient(id);
  if (!found || (pool && found.pool !== pool)) {
    throw new AwsError("ResourceNotFoundException", `User pool client ${id} does not exist.`);
  }
  return found;
}

function requireFlow(client: PoolClient, flow: string): void {
  if (client.authFlows.includes(`ALLOW_${flow}`)) return;
  const admin = flow.startsWith("ADMIN_");
  const name = flow.replace(/^ADMIN_/, "");
  throw new AwsError(
    invalid,
    admin ? "Auth flow not enabled for this client" : `${name} flow not enabled for this client`,
  );
}

function checkSecretHash(client: PoolClient, username: string, hash: string | undefined): void {
  if (client.secret === undefined) return;
  if (hash === undefined) throw secretHashMissing(client);
  const expected = createHmac("sha256", client.secret)
    .update(username + client.id)
    .digest();
  const given = Buffer.from(hash, "base64");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new AwsError("NotAuthorizedException", `Unable to verify secret hash for client ${client.id}`);
  }
}

function secretHashMissing(client: PoolClient): AwsError {
  const reason = `Client ${client.id} is configured with secret but SECRET_HASH was not received`;
  return new AwsError("NotAuthorizedException", reason);
}

function parametersOf(input: JsonObject, member: string): JsonObject {
  const value = input[member];
  return isJsonObject(value) ? value : {};
}
