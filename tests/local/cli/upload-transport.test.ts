// Proves that the transport tells of bytes that have left, not of bytes that wait, and that it brings the answer whenever it comes.
import assert from "node:assert/strict";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { createNodeTransport, type NodeTransport } from "../../../local/cli/upload-transport";

const MEBIBYTE = 2 ** 20;
/** More than the buffers of both sockets hold. */
const SIZE = 64 * MEBIBYTE;
const REFUSAL = "HTTP/1.1 403 Forbidden\r\ncontent-length: 3\r\n\r\nno!";

/** Sends a Blob in memory to what does with the connection as told. */
async function withServer(
  onConnection: (socket: Socket) => void,
  act: (url: string, transport: NodeTransport) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    onConnection(socket);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const transport = createNodeTransport();
  try {
    await act(`http://127.0.0.1:${(server.address() as AddressInfo).port}/part`, transport);
  } finally {
    transport.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

describe("The uploader's transport over Node", () => {
  const body = new Blob([Buffer.alloc(SIZE)]);

  it("counts no bytes that the connection has not taken, so that a slow line is not taken for a stalled one", () =>
    withServer(
      (socket) => {
        socket.pause();
        // What has arrived is read only after a refusal that ends the request: until then the line stands still.
        setImmediate(() => socket.write(REFUSAL));
      },
      async (url, transport) => {
        let sent = 0;
        const { signal } = new AbortController();

        const answer = await transport.send({ url, headers: {}, body, signal, onProgress: (bytes) => (sent = bytes) });

        assert.deepEqual([answer.status, answer.body], [403, "no!"]);
        assert.ok(sent < SIZE / 2, `${String(sent / MEBIBYTE)} MiB were counted, and nobody read them`);
      },
    ));

  it("counts all bytes once they have arrived, in rising order", () =>
    withServer(
      (socket) => {
        let received = 0;
        socket.on("data", (data) => {
          received += data.length;
          if (received > SIZE) socket.write("HTTP/1.1 200 OK\r\netag: one\r\ncontent-length: 0\r\n\r\n");
        });
      },
      async (url, transport) => {
        const counts: number[] = [];
        const { signal } = new AbortController();

        const answer = await transport.send({
          url,
          headers: {},
          body,
          signal,
          onProgress: (bytes) => counts.push(bytes),
        });

        assert.deepEqual([answer.status, answer.eTag], [200, "one"]);
        assert.equal(counts.at(-1), SIZE);
        assert.ok(
          counts.length > 100 && counts.every((count, index) => index === 0 || count > (counts[index - 1] ?? 0)),
        );
      },
    ));

  it("rejects, and sends no more, when it is aborted", () =>
    withServer(
      (socket) => void socket.pause(),
      async (url, transport) => {
        const controller = new AbortController();
        const counts: number[] = [];
        const onProgress = (bytes: number): void => {
          counts.push(bytes);
          controller.abort(new Error("enough"));
        };

        await assert.rejects(transport.send({ url, headers: {}, body, signal: controller.signal, onProgress }));
        assert.ok(counts.length > 0 && (counts.at(-1) ?? SIZE) < SIZE / 2, counts.join(", "));
      },
    ));
});
