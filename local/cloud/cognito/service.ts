// Amazon Cognito user pools: the described half, the API at the gateway, the verification of tokens.
import { AwsError } from "../core/errors";
import { requiredText, serveJson, textOf } from "../core/json-api";
import type { JsonApi, JsonObject } from "../core/json-api";
import type { CloudContext, GatewayCall, Service, TokenVerifier } from "../core/service";
import { authOperations } from "./api-auth";
import { userOperations } from "./api-users";
import { decodeJwt } from "./decode";
import { directoryModels } from "./resources/directory";
import { userPoolModel } from "./resources/user-pool";
import { userPoolClientModel } from "./resources/user-pool-client";
import { userPoolDomainModel } from "./resources/user-pool-domain";
import { CognitoState } from "./state";
import type { DemoUser } from "./state";
import { mintTokens, verifyToken } from "./tokens";
import { createUser, findUser } from "./users";

export type { DemoUser } from "./state";

/** What the commands of this repository ask the service for. */
export interface CognitoControl {
  /** One user per pool, for trying things out. */
  demoUsers(): readonly DemoUser[];
  /**
   * An ID token and an access token of a user, as after a sign-in; the user is created when missing.
   *
   * @param clientId the app client the tokens are for. @throws AwsError when pool or client do not exist.
   */
  issueTokens(clientId: string, username: string): Promise<{ readonly idToken: string; readonly accessToken: string }>;
}

/** Creates the service. */
export function createCognitoService(context: CloudContext): Service & TokenVerifier & CognitoControl {
  const state = new CognitoState(context);
  const api: JsonApi = {
    target: "AWSCognitoIdentityProviderService",
    version: "1.1",
    limitBytes: 1024 * 1024,
    operations: {
      ...userOperations(state),
      ...authOperations(state),
      // Not of AWS: what `npm run token` calls.
      LocalIssueTokens: (input, call) => localIssueTokens(state, input, call),
    },
    service: "cognito-idp",
    file: "local/cloud/cognito/api-users.ts",
  };
  return {
    name: "cognito-idp",
    models: [userPoolModel(state), userPoolClientModel(state), userPoolDomainModel(state), ...directoryModels(state)],
    handle: (call) => serveJson(api, call),
    stop: () => stop(state),
    verify: (token, userPoolArns) => verify(state, token, userPoolArns),
    demoUsers: () => [...state.demoUsers.values()],
    issueTokens: (clientId, username) => issueTokens(state, clientId, username),
  };
}

async function stop(state: CognitoState): Promise<void> {
  const listeners = [...state.domains.values()].map(({ listener }) => listener);
  const issuer = await state.issuerListener?.catch(() => undefined);
  state.domains.clear();
  await Promise.all([...listeners, ...(issuer ? [issuer] : [])].map((listener) => listener.close()));
}

async function verify(
  state: CognitoState,
  token: string,
  userPoolArns: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  const issuer = decodeJwt(token)?.iss;
  const pool = [...state.store.pools.values()].find((candidate) => candidate.issuer === issuer);
  if (!pool || !userPoolArns.includes(pool.arn)) throw new Error("the token is not from one of these user pools");
  return verifyToken(state.context.clock, pool, token);
}

/** For the administrator of the pool's account only, who could as well set a password and sign in. */
async function localIssueTokens(state: CognitoState, input: JsonObject, call: GatewayCall): Promise<JsonObject> {
  const wanted = textOf(input, "ClientId");
  const clients = [...state.store.pools.values()].flatMap((pool) =>
    [...pool.clients.values()].map((client) => ({ pool, client })),
  );
  const fitting = clients.filter(({ client }) => wanted === undefined || client.id === wanted);
  const [only, ...others] = fitting;
  const list = clients.map(({ pool, client }) => `${client.id} (${client.name} of ${pool.name})`).join(", ");
  if (!only)
    throw new AwsError("ResourceNotFoundException", `There is no such app client; there are: ${list || "none"}`);
  if (others.length > 0) throw new AwsError("InvalidParameterException", `Choose one of the app clients: ${list}`);
  if (call.principal.kind !== "root" || call.principal.accountId !== only.pool.accountId) {
    throw new AwsError("AccessDenied", "Only the administrator of the local account may issue tokens", 403);
  }
  const tokens = await issueTokens(state, only.client.id, requiredText(input, "Username", "InvalidParameterException"));
  return { IdToken: tokens.idToken, AccessToken: tokens.accessToken };
}

async function issueTokens(
  state: CognitoState,
  clientId: string,
  username: string,
): Promise<{ readonly idToken: string; readonly accessToken: string }> {
  const found = state.store.findClient(clientId);
  if (!found) throw new Error(`there is no app client ${clientId} in this run`);
  const { pool, client } = found;
  const attributes = username.includes("@") ? { email: username, email_verified: "true" } : undefined;
  const user =
    findUser(pool, username) ??
    createUser(state.context.clock, pool, { username, permanent: true, ...(attributes && { attributes }) });
  const authTime = Math.floor(state.context.clock.now() / 1000);
  const scopes = client.oauthScopes.length > 0 ? client.oauthScopes : ["openid"];
  return mintTokens(state.context.clock, pool, { user, client, scopes, authTime, origin: user.sub });
}
