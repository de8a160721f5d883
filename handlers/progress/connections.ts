// $connect and $disconnect.
import { Log } from "../shared/log";
import { createStores } from "./composition";
import { readSettings } from "./settings";
import { readSender, type SocketEvent } from "./socket-event";

const { connections } = createStores(readSettings(process.env), process.env);

/** Lambda entry point. */
export async function handler(event: SocketEvent): Promise<{ readonly statusCode: number }> {
  const { eventType, connectionId, requestId } = event.requestContext;
  const log = new Log({ requestId, route: "connections" });
  if (eventType === "DISCONNECT") {
    await connections.forget(connectionId);
  } else {
    const { owner, scope } = readSender(event);
    await connections.add(connectionId, { owner, ...(scope === undefined ? {} : { scope }) });
  }
  log.info(eventType === "DISCONNECT" ? "disconnected" : "connected", { connectionId });
  return { statusCode: 200 };
}
