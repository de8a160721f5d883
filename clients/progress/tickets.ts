// Tickets: browsers cannot send headers with a WebSocket, so each connection costs one short-lived, single-use ticket.
import type { TicketRequest, TicketResponse } from "../../handlers/progress/contract";
import type { ProgressEnvironment } from "./environment";
import { ProgressError } from "./errors";

/** Gets a ticket for one connection. */
export type TicketSource = (signal: AbortSignal) => Promise<Pick<TicketResponse, "ticket" | "url">>;

/** Where tickets come from. */
export interface TicketOptions {
  /** `POST /tickets` of the component. */
  readonly ticketUrl: string;
  /** A token of the user pool. @param renew get a new one: the last one was refused */
  readonly token: (renew: boolean) => Promise<string>;
  /** Asks for tickets that open this run only. @default - all runs of the user */
  readonly executionId?: string;
}

/** Gets tickets with a token. A 401 gets a fresh token once; 401 and 403 after that are `SignInNeeded`; other 4xx are final too. */
export function createTicketSource(
  { ticketUrl, token, executionId }: TicketOptions,
  { fetch }: Pick<ProgressEnvironment, "fetch">,
): TicketSource {
  // JSON leaves out what is undefined.
  const body = JSON.stringify({ executionId } satisfies Partial<Record<keyof TicketRequest, unknown>>);
  const ask = async (renew: boolean, signal: AbortSignal): Promise<Response> =>
    fetch(ticketUrl, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${await readToken(token, renew)}` },
      body,
      cache: "no-store",
      signal,
    });
  return async (signal) => {
    let response = await ask(false, signal);
    if (response.status === 401) response = await ask(true, signal);
    const { ok, status } = response;
    if (ok) return (await response.json()) as TicketResponse;
    if (status === 401 || status === 403) throw new ProgressError("SignInNeeded", "Sign in again.");
    const message = `The ticket service refused with status ${status}.`;
    if (status >= 500 || status === 408 || status === 429) throw new Error(message);
    throw new ProgressError(status === 404 ? "NotFound" : "BadRequest", message);
  };
}

async function readToken(token: TicketOptions["token"], renew: boolean): Promise<string> {
  try {
    return await token(renew);
  } catch (cause) {
    // `fetch` rejects with TypeError when there is no network: that says nothing about the sign-in.
    if (cause instanceof TypeError) throw cause;
    throw new ProgressError("SignInNeeded", "Sign in again.", { cause });
  }
}
