// Who may connect: a browser on an allowed origin, with a ticket that nobody has used.
import { TICKET_PARAMETER } from "./contract";
import type { TicketStore, Viewer } from "./ports";

/** What the decision needs. */
export interface AuthorizeDependencies {
  readonly tickets: Pick<TicketStore, "redeem">;
  readonly allowedOrigins: readonly string[];
}

/** What a handshake brings. */
export interface Handshake {
  readonly headers?: Readonly<Record<string, string | undefined>> | null;
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | null;
}

/** The viewer, or why there is none. */
export type Verdict = { readonly viewer: Viewer } | { readonly refused: "origin" | "ticket" };

/** The origin comes first: a foreign page must not be able to use up a ticket. */
export async function authorizeConnection(
  { tickets, allowedOrigins }: AuthorizeDependencies,
  { headers, queryStringParameters }: Handshake,
): Promise<Verdict> {
  const origin = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === "origin")?.[1];
  if (origin === undefined || !allowedOrigins.includes(origin)) return { refused: "origin" };
  const ticket = queryStringParameters?.[TICKET_PARAMETER];
  const viewer = ticket ? await tickets.redeem(ticket) : undefined;
  return viewer ? { viewer } : { refused: "ticket" };
}

/** The answer of a REQUEST authorizer. @param methodArn what is asked for, and nothing more. */
export function toPolicy(methodArn: string, verdict: Verdict): object {
  const viewer = "viewer" in verdict ? verdict.viewer : undefined;
  return {
    principalId: viewer?.owner ?? "nobody",
    policyDocument: {
      Version: "2012-10-17",
      Statement: [{ Action: "execute-api:Invoke", Effect: viewer ? "Allow" : "Deny", Resource: methodArn }],
    },
    ...(viewer ? { context: { ...viewer } } : {}),
  };
}
