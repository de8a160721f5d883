// How every page begins: its configuration, who is signed in, and where it complains.
import { createSession, type Session, type SessionConfiguration } from "../../session";
import { createBrowserSessionEnvironment } from "../../session/browser";
import { byId } from "./dom";

/** `config.json` beside the page, written by the stack. */
export async function loadConfiguration<T>(): Promise<T> {
  const response = await fetch("./config.json", { cache: "no-store" });
  if (!response.ok) throw new Error(`config.json is missing beside this page (status ${response.status}).`);
  return (await response.json()) as T;
}

/** Takes up the session, and shows the page's part for whoever is signed in or not. */
export async function openSession(configuration: SessionConfiguration): Promise<Session> {
  const session = createSession(configuration, createBrowserSessionEnvironment());
  try {
    await session.restore();
  } catch (error) {
    complain(error);
  }
  const signedIn = session.user !== undefined;
  byId("user", HTMLElement).textContent = session.user?.name ?? "";
  byId("sign-in", HTMLButtonElement).hidden = signedIn;
  byId("sign-out", HTMLButtonElement).hidden = !signedIn;
  byId("welcome", HTMLElement).hidden = signedIn;
  byId("workspace", HTMLElement).hidden = !signedIn;
  for (const id of ["sign-in", "welcome-sign-in"]) {
    byId(id, HTMLButtonElement).addEventListener("click", () => void session.signIn().catch(complain));
  }
  byId("sign-out", HTMLButtonElement).addEventListener("click", () => void session.signOut().catch(complain));
  return session;
}

/** Shows what went wrong. */
export function complain(error: unknown): void {
  const notice = byId("notice", HTMLElement);
  notice.textContent = error instanceof Error ? error.message : String(error);
  notice.hidden = false;
}
