// aws:cognito/userPoolClient:UserPoolClient
import { randomBytes } from "node:crypto";
import type { InputProblem } from "../../core/errors";
import { InputReader, nameOf } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import { standardScopes } from "../pool";
import type { Pool, PoolClient } from "../pool";
import type { CognitoState } from "../state";

const authFlows = [
  "ALLOW_ADMIN_USER_PASSWORD_AUTH",
  "ALLOW_CUSTOM_AUTH",
  "ALLOW_USER_PASSWORD_AUTH",
  "ALLOW_USER_SRP_AUTH",
  "ALLOW_REFRESH_TOKEN_AUTH",
  "ALLOW_USER_AUTH",
];
const unitSeconds: Readonly<Record<string, number>> = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 };

/** Allowed lifetimes in seconds: 5 minutes to 1 day for tokens, 1 hour to 10 years for refresh tokens. */
const tokenRange = [300, 86_400] as const;
const refreshRange = [3600, 315_360_000] as const;

/** Model of app clients. */
export function userPoolClientModel(state: CognitoState): ResourceModel {
  return {
    type: "aws:cognito/userPoolClient:UserPoolClient",
    fidelity: "realised",
    summary:
      "Code flow with PKCE, refresh tokens with rotation, revocation, lifetimes, password sign-in by API. " +
      "SRP, custom challenges, choice-based sign-in, client credentials and other identity providers are not simulated.",
    check: (inputs) => check(inputs),
    create: async (inputs, context) => create(state, inputs, context),
    update: async (id, inputs, old, context) => {
      const pool = state.pool(text(inputs, "userPoolId"));
      const client = buildClient(inputs, context, id, pool.clients.get(id)?.secret, old);
      return realise(pool, client, inputs);
    },
    delete: async (id, outputs) => {
      state.store.pools.get(text(outputs, "userPoolId"))?.clients.delete(id);
    },
  };
}

function check(inputs: PropertyMap): readonly InputProblem[] {
  const reader = new InputReader(inputs);
  reader.requiredText("userPoolId");
  reader.matching("name", /^[\w\s+=,.@-]{1,128}$/, "1 to 128 letters, digits, spaces or any of _+=,.@-");
  const flows = reader.texts("explicitAuthFlows");
  refuseOthers(reader, "explicitAuthFlows", flows, authFlows);
  reader.choice("preventUserExistenceErrors", ["ENABLED", "LEGACY"]);
  if (reader.has("analyticsConfiguration")) {
    reader.refuse("analyticsConfiguration", "is not simulated by the local run; leave it out, or run this part on AWS");
  }
  const providers = reader.texts("supportedIdentityProviders");
  const foreign = providers.filter((provider) => provider !== "COGNITO");
  if (foreign.length > 0) {
    reader.refuse(
      "supportedIdentityProviders",
      `only COGNITO is simulated by the local run, got ${foreign.join(", ")}`,
    );
  }
  checkOauth(reader);
  checkLifetimes(reader);
  const rotation = reader.nested("refreshTokenRotation");
  rotation?.choice("feature", ["ENABLED", "DISABLED"]);
  rotation?.integer("retryGracePeriodSeconds", 0, 60);
  if (rotation?.text("feature") === "ENABLED" && flows.includes("ALLOW_REFRESH_TOKEN_AUTH")) {
    reader.refuse("explicitAuthFlows", "ALLOW_REFRESH_TOKEN_AUTH excludes refreshTokenRotation; leave it out");
  }
  return reader.problems;
}

function checkOauth(reader: InputReader): void {
  const flows = reader.texts("allowedOauthFlows");
  const scopes = reader.texts("allowedOauthScopes");
  const enabled = reader.flag("allowedOauthFlowsUserPoolClient") ?? false;
  refuseOthers(reader, "allowedOauthFlows", flows, ["code", "implicit", "client_credentials"]);
  if (enabled && flows.length === 0)
    reader.refuse("allowedOauthFlows", "needs at least one flow, code say, when OAuth is on");
  if (enabled && scopes.length === 0)
    reader.refuse("allowedOauthScopes", "needs at least one scope, openid say, when OAuth is on");
  if (!enabled && flows.length > 0) {
    reader.refuse("allowedOauthFlowsUserPoolClient", "must be true to use allowedOauthFlows and allowedOauthScopes");
  }
  if (flows.includes("client_credentials") && (flows.length > 1 || !reader.flag("generateSecret"))) {
    reader.refuse("allowedOauthFlows", "client_credentials stands alone and needs generateSecret: true");
  }
  for (const scope of scopes) {
    const standard = standardScopes.some((name) => name === scope);
    if (!standard && !scope.includes("/")) {
      reader.refuse(
        "allowedOauthScopes",
        `${scope} is neither one of ${standardScopes.join(", ")} nor identifier/scope`,
      );
    }
  }
  const callbacks = reader.texts("callbackUrls");
  const needsCallback = flows.some((flow) => flow === "code" || flow === "implicit");
  if (enabled && needsCallback && callbacks.length === 0)
    reader.refuse("callbackUrls", "needs at least one URL for this flow");
  checkUrls(reader, "callbackUrls", callbacks);
  checkUrls(reader, "logoutUrls", reader.texts("logoutUrls"));
  const fallback = reader.text("defaultRedirectUri");
  if (fallback !== undefined && !callbacks.includes(fallback)) {
    reader.refuse("defaultRedirectUri", `must be one of callbackUrls, got ${fallback}`);
  }
}

/** Cognito's rule: absolute, no fragment, https; http only for this computer, whose addresses also stand for AWS's here. */
function checkUrls(reader: InputReader, name: string, urls: readonly string[]): void {
  if (urls.length > 100) reader.refuse(name, `must hold at most 100 URLs, got ${urls.length}`);
  for (const url of urls) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    const localHost = parsed && ["localhost", "127.0.0.1", "[::1]"].includes(parsed.hostname);
    if (!parsed) reader.refuse(name, `must be absolute URLs, got ${url}`);
    else if (url.includes("#")) reader.refuse(name, `must not have a fragment, got ${url}`);
    else if (parsed.protocol === "http:" && !localHost)
      reader.refuse(name, `must be https, http only for localhost, got ${url}`);
  }
}

function checkLifetimes(reader: InputReader): void {
  const units = reader.nested("tokenValidityUnits");
  for (const name of ["accessToken", "idToken", "refreshToken"] as const) {
    const unit = units?.choice(name, Object.keys(unitSeconds));
    const isRefresh = name === "refreshToken";
    const value = reader.number(`${name}Validity`);
    if (value === undefined || (isRefresh && value === 0)) continue;
    const seconds = value * (unitSeconds[unit ?? (isRefresh ? "days" : "hours")] ?? 0);
    const [minimum, maximum] = isRefresh ? refreshRange : tokenRange;
    if (seconds < minimum || seconds > maximum) {
      reader.refuse(`${name}Validity`, `must be between ${minimum} and ${maximum} seconds, got ${seconds} seconds`);
    }
  }
}

function refuseOthers(reader: InputReader, name: string, values: readonly string[], allowed: readonly string[]): void {
  const wrong = values.filter((value) => !allowed.includes(value));
  if (wrong.length > 0) reader.refuse(name, `must hold only ${allowed.join(", ")}, got ${wrong.join(", ")}`);
}

function create(state: CognitoState, inputs: PropertyMap, context: ResourceContext): RealisedResource {
  const pool = state.pool(text(inputs, "userPoolId"));
  const secret = inputs.generateSecret === true ? randomBytes(38).toString("base64url") : undefined;
  return realise(pool, buildClient(inputs, context, state.context.uniqueId(26), secret), inputs);
}

function buildClient(
  inputs: PropertyMap,
  context: ResourceContext,
  id: string,
  secret: string | undefined,
  old?: PropertyMap,
): PoolClient {
  const reader = new InputReader(inputs);
  const units = reader.nested("tokenValidityUnits");
  const lifetime = (name: string, fallback: number, unit: string): number => {
    const value = reader.number(`${name}Validity`);
    return value === undefined || value === 0 ? fallback : value * (unitSeconds[units?.text(name) ?? unit] ?? 3600);
  };
  const rotation = reader.nested("refreshTokenRotation");
  const redirect = reader.text("defaultRedirectUri");
  const flows = reader.texts("explicitAuthFlows");
  return {
    id,
    name: nameOf(inputs, context, 128, old),
    ...(secret === undefined ? {} : { secret }),
    oauthEnabled: reader.flag("allowedOauthFlowsUserPoolClient") ?? false,
    oauthFlows: reader.texts("allowedOauthFlows"),
    oauthScopes: reader.texts("allowedOauthScopes"),
    callbackUrls: reader.texts("callbackUrls"),
    logoutUrls: reader.texts("logoutUrls"),
    ...(redirect === undefined ? {} : { defaultRedirectUri: redirect }),
    authFlows: flows.length > 0 ? flows : ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"],
    accessTokenSeconds: lifetime("accessToken", 3600, "hours"),
    idTokenSeconds: lifetime("idToken", 3600, "hours"),
    refreshTokenSeconds: lifetime("refreshToken", 30 * 86_400, "days"),
    tokenRevocation: reader.flag("enableTokenRevocation") ?? true,
    rotateRefreshTokens: rotation?.text("feature") === "ENABLED",
    retryGraceSeconds: rotation?.number("retryGracePeriodSeconds") ?? 0,
    hideUserExistence: reader.text("preventUserExistenceErrors") === "ENABLED",
  };
}

function realise(pool: Pool, client: PoolClient, inputs: PropertyMap): RealisedResource {
  const unknown = client.oauthScopes.find((scope) => !scopeExists(pool, scope));
  if (unknown)
    throw new Error(
      `allowedOauthScopes: ${unknown} is not a scope of the user pool; declare its resource server first`,
    );
  pool.clients.set(client.id, client);
  return {
    id: client.id,
    outputs: {
      enableTokenRevocation: true,
      ...inputs,
      region: pool.region,
      name: client.name,
      clientSecret: client.secret ?? "",
      explicitAuthFlows: [...client.authFlows],
      preventUserExistenceErrors: client.hideUserExistence ? "ENABLED" : "LEGACY",
    },
  };
}

function scopeExists(pool: Pool, scope: string): boolean {
  const custom = [...pool.customScopes.values()].flat();
  return standardScopes.some((name) => name === scope) || custom.includes(scope);
}

function text(map: PropertyMap, name: string): string {
  return String(map[name]);
}
