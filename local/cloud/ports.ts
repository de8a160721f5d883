// Ports of the embedded cloud: all on 127.0.0.1, either free ones or a plan of consecutive numbers.
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Listener } from "./core/service";

/** A port of the plan is taken by another program. */
export class PortInUseError extends Error {
  constructor(readonly port: number) {
    super(
      `port ${port} on 127.0.0.1 is in use by another program; end that program, ` +
        `choose another base port (--port ${port + 100}), or take free ports (--port 0)`,
    );
    this.name = "PortInUseError";
  }
}

/** Hands out ports: free ones (`base` 0), or `base`, `base` + 1, … in the order of the calls. */
export class PortPlan {
  private nextPort: number;

  constructor(private readonly base: number) {
    this.nextPort = base;
  }

  /** The next port to bind; 0 lets the system choose. */
  take(): number {
    return this.base === 0 ? 0 : this.nextPort++;
  }
}

/**
 * Serves `handler` on 127.0.0.1.
 *
 * @throws PortInUseError when the planned port is taken.
 */
export async function listenOn(port: number, handler: RequestListener): Promise<Listener> {
  const server = createServer((request, response) => guard(handler, request, response));
  server.keepAliveTimeout = 5_000;
  await bind(server, port);
  const address = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${address.port}`, close: () => close(server) };
}

function guard(handler: RequestListener, request: IncomingMessage, response: ServerResponse): void {
  // A client that goes away must not end the process.
  request.on("error", () => undefined);
  response.on("error", () => undefined);
  handler(request, response);
}

function bind(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "EADDRINUSE" ? new PortInUseError(port) : error);
    });
    server.listen({ host: "127.0.0.1", port }, resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
