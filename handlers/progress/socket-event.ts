// What a WebSocket API tells a route's function about the connection.
import type { Sender } from "./answer-message";

/** Members of an event that the handlers read. */
export interface SocketEvent {
  readonly requestContext: {
    readonly eventType: "CONNECT" | "MESSAGE" | "DISCONNECT";
    readonly connectionId: string;
    readonly requestId: string;
    /** Context that the authorizer of $connect gave. */
    readonly authorizer?: { readonly owner?: unknown; readonly scope?: unknown };
  };
  readonly body?: string | null;
  readonly isBase64Encoded?: boolean;
}

/** Whose connection it is. @throws Error when no authorizer vouches for it: the API is set up wrongly. */
export function readSender({ requestContext }: SocketEvent): Sender {
  const { connectionId, authorizer } = requestContext;
  const { owner, scope } = authorizer ?? {};
  if (typeof owner !== "string" || owner === "") throw new Error("no authorizer vouches for the connection");
  return { connectionId, owner, ...(typeof scope === "string" && scope !== "" ? { scope } : {}) };
}
