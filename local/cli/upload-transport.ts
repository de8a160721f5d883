// Sends parts from Node: progress within a part, and connections that are kept for the next part.

import { Agent as HttpAgent, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import type { IncomingMessage } from "node:http";
import type { PartAnswer, PartRequest, PartTransport } from "../../clients/upload";

const PIECE_BYTES = 65_536;

/** A transport over node:http and node:https. `close` ends the idle connections. */
export interface NodeTransport extends PartTransport {
  close(): void;
}

/** Makes a transport. @param plain agent of http URLs; the default keeps connections. */
export function createNodeTransport(plain = new HttpAgent({ keepAlive: true })): NodeTransport {
  const secure = new HttpsAgent({ keepAlive: true });
  return {
    reportsProgress: true,
    send: (part) => sendPart(part, plain, secure),
    close: () => {
      plain.destroy();
      secure.destroy();
    },
  };
}

async function sendPart(part: PartRequest, plain: HttpAgent, secure: HttpsAgent): Promise<PartAnswer> {
  const { url, body, signal, onProgress } = part;
  const headers = { ...part.headers, "content-length": body.size };
  const request = url.startsWith("https:")
    ? requestHttps(url, { method: "PUT", headers, signal, agent: secure })
    : requestHttp(url, { method: "PUT", headers, signal, agent: plain });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once("response", resolve).once("error", reject);
  });
  // A refusal may come before all bytes have left, and then the connection breaks: the answer counts, if there is one.
  const sending = pipeline(readPieces(body, onProgress), request, { signal });
  const response = await Promise.race([answered, sending.then(() => answered)]);
  const text = await readText(response);
  // Answered with bytes still to send: Node never counts such a request as finished, and would hold its connection until that times out.
  if (!request.writableFinished) request.destroy();
  await sending.catch(() => undefined);
  return { status: response.statusCode ?? 0, eTag: response.headers.etag ?? null, body: text };
}

/** The bytes in pieces, each counted once the connection has taken it. A Blob in memory is one chunk, however large. */
async function* readPieces(body: Blob, onProgress: (sent: number) => void): AsyncGenerator<Uint8Array, void> {
  let sent = 0;
  for await (const chunk of body.stream() as ReadableStream<Uint8Array>) {
    for (let offset = 0; offset < chunk.length; offset += PIECE_BYTES) {
      const piece = chunk.subarray(offset, offset + PIECE_BYTES);
      yield piece;
      onProgress((sent += piece.length));
    }
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
