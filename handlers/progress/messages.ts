// All messages of clients. The reply goes back on the connection as the route's response.
import { Log } from "../shared/log";
import { answerMessage } from "./answer-message";
import { createWorkflow } from "./composition";
import { createRecorder } from "./recorder";
import { readSettings } from "./settings";
import { readSender, type SocketEvent } from "./socket-event";

const settings = readSettings(process.env);
const recorder = createRecorder(settings, process.env);
const workflow = createWorkflow(settings, process.env);

/** Lambda entry point. */
export async function handler(event: SocketEvent): Promise<{ readonly statusCode: number; readonly body: string }> {
  const { requestId, connectionId } = event.requestContext;
  const log = new Log({ requestId, connectionId, route: "messages" });
  const text = event.body ?? "";
  const body = event.isBase64Encoded ? Buffer.from(text, "base64").toString("utf8") : text;
  const reply = await answerMessage({ ...recorder(log), workflow }, readSender(event), body);
  return { statusCode: 200, body: JSON.stringify(reply) };
}
