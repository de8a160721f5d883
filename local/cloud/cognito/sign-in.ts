// /login: the page where a person proves who they are, between two visits to the authorization server.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../core/clock";
import { AwsError } from "../core/errors";
import { PageError, readForm, sendPage } from "./http";
import { renderLogin } from "./login-page";
import type { LoginView } from "./login-page";
import type { OidcServer } from "./oidc";
import type { Pool, PoolUser } from "./pool";
import { authenticate, setPassword } from "./users";

/** What the page needs. */
export interface SignIn {
  readonly clock: Clock;
  readonly pool: Pool;
  /** Sign-ins that wait for a new password: `sub` by interaction. */
  readonly pending: Map<string, string>;
  oidc(): Promise<OidcServer>;
}

/** Shows the page (GET) or takes the answer (POST). @throws PageError when the sign-in has expired or was never begun. */
export async function answerSignIn(signIn: SignIn, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { provider } = await signIn.oidc();
  const interaction = await provider.interactionDetails(request, response).catch(() => undefined);
  const client = signIn.pool.clients.get(String(interaction?.params.client_id));
  if (!interaction || !client) {
    throw new PageError(
      "invalid_request",
      "This sign-in has expired or was never begun. Go back to the application and start again.",
    );
  }
  const show = (status: number, changes: Partial<LoginView>): void => {
    const view: LoginView = {
      step: signIn.pending.has(interaction.uid) ? "new-password" : "sign-in",
      poolName: signIn.pool.name,
      clientName: client.name,
      action: `/login/${interaction.uid}`,
      username: String(interaction.params.login_hint ?? ""),
      usernameLabel: signIn.pool.usernameAttributes.includes("email") ? "Email" : "Username",
      ...changes,
    };
    sendPage(response, status, (nonce) => renderLogin(view, nonce));
  };
  if (request.method !== "POST") {
    show(200, {});
    return;
  }

  const form = await readForm(request);
  let user: PoolUser;
  try {
    const sub = signIn.pending.get(interaction.uid);
    const pending = sub === undefined ? undefined : signIn.pool.users.get(sub);
    if (pending) {
      setPassword(signIn.clock, signIn.pool, pending, form.new_password ?? "", true);
      user = pending;
    } else {
      // The page never tells whether a user exists, whatever the client's setting for the API.
      const discreet = { ...client, hideUserExistence: true };
      user = authenticate(signIn.pool, discreet, form.username ?? "", form.password ?? "");
    }
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    show(401, { error: error.message, username: form.username ?? "" });
    return;
  }
  if (user.status === "FORCE_CHANGE_PASSWORD") {
    signIn.pending.set(interaction.uid, user.sub);
    show(200, {});
    return;
  }
  signIn.pending.delete(interaction.uid);
  const login = { accountId: user.sub, ts: Math.floor(signIn.clock.now() / 1000) };
  await provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
}
