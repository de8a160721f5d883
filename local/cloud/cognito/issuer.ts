// The issuer's public documents: keys and discovery, for whoever verifies tokens.
import type { IncomingMessage, ServerResponse } from "node:http";
import { sendJson } from "./http";
import type { Pool } from "./pool";
import type { CognitoState } from "./state";
import { exportKey } from "./tokens";

/**
 * Makes a pool's `/.well-known` documents answer. Only they are mapped to the local origin: the issuer itself is an identifier
 * that verifiers compare with `iss`, so it stays AWS's.
 */
export async function openIssuer(state: CognitoState, pool: Pool): Promise<void> {
  state.issuerListener ??= state.context.listen((request, response) => void answer(state, request, response));
  const { origin } = await state.issuerListener;
  state.context.hosts.add(`${pool.issuer}/.well-known`, `${origin}/${pool.id}/.well-known`);
}

async function answer(state: CognitoState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, poolId, document] = /^\/([\w-]+)\/\.well-known\/([\w.-]+)$/.exec(request.url ?? "") ?? [];
  const pool = state.store.pools.get(poolId ?? "");
  response.setHeader("access-control-allow-origin", "*");
  if (!pool || request.method !== "GET") {
    sendJson(response, 404, { code: "ResourceNotFoundException", message: "There is no such document" });
    return;
  }
  if (document === "jwks.json") {
    sendJson(response, 200, { keys: [await exportKey(pool.key, "publicKey")] });
    return;
  }
  if (document === "openid-configuration") {
    sendJson(response, 200, discovery(state, pool));
    return;
  }
  sendJson(response, 404, { code: "ResourceNotFoundException", message: "There is no such document" });
}

function discovery(state: CognitoState, pool: Pool): Record<string, unknown> {
  const domain = pool.domain === undefined ? undefined : `https://${pool.domain}.auth.${pool.region}.amazoncognito.com`;
  const endpoints =
    domain === undefined
      ? {}
      : {
          authorization_endpoint: `${domain}/oauth2/authorize`,
          end_session_endpoint: `${domain}/logout`,
          revocation_endpoint: `${domain}/oauth2/revoke`,
          token_endpoint: `${domain}/oauth2/token`,
          userinfo_endpoint: `${domain}/oauth2/userInfo`,
        };
  return {
    issuer: pool.issuer,
    ...state.context.hosts.localise({ jwks_uri: `${pool.issuer}/.well-known/jwks.json`, ...endpoints }),
    id_token_signing_alg_values_supported: ["RS256"],
    response_types_supported: ["code"],
    scopes_supported: ["openid", "email", "phone", "profile"],
    subject_types_supported: ["public"],
    token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
  };
}
