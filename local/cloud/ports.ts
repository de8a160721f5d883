// Ports of the embedded cloud: all on 127.0.0.1, either free ones or a plan of fixed numbers.
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Listener, ListenerKind, UpgradeHandler } from "./core/service";

/** Idle connections stay open for longer than clients keep them: a request on one that is just being closed fails. */
export const KEEP_ALIVE_MS = 75_000;

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

/** Where the ports of each kind begin, counted from the base. The next kind's begin is the limit. */
const lanes: Readonly<Record<ListenerKind | "gateway" | "beyond", number>> = {
  gateway: 0,
  console: 2,
  other: 3,
  website: 10,
  "sign-in": 20,
  api: 30,
  beyond: 40,
};
/** Ports of a run, from the base on: the last may be used by whatever no longer fits elsewhere. */
export const portsOfRun = 100;

/**
 * Hands out ports: free ones (`base` 0), or by kind. Resources are created side by side, in an order that differs from run to run;
 * the first website nevertheless always gets `base` + 10.
 */
export class PortPlan {
  private readonly taken = new Set<number>();

  constructor(private readonly base: number) {}

  /** The next port to bind; 0 lets the system choose. */
  take(kind: ListenerKind | "gateway"): number {
    if (this.base === 0) return 0;
    const begins = Object.values(lanes).sort((a, b) => a - b);
    const end = begins.find((begin) => begin > lanes[kind]) ?? portsOfRun;
    const port = this.firstFree(lanes[kind], end) ?? this.firstFree(lanes.beyond, portsOfRun);
    if (port === undefined)
      throw new Error(`a run has ${portsOfRun} ports, and all are taken; use free ports (--port 0)`);
    this.taken.add(port);
    return this.base + port;
  }

  /** Gives a port back. */
  release(port: number): void {
    this.taken.delete(port - this.base);
  }

  private firstFree(begin: number, end: number): number | undefined {
    for (let port = begin; port < end; port++) if (!this.taken.has(port)) return port;
    return undefined;
  }
}

/** The listeners of one run: whatever a service forgets, or opens while the run ends, is closed too. */
export class Listeners {
  private readonly open = new Set<Listener>();
  private closed = false;

  constructor(private readonly ports: PortPlan) {}

  /** Serves `handler` on the next port of its kind. @throws PortInUseError, or an error once the run has ended. */
  async listen(handler: RequestListener, kind: ListenerKind = "other", onUpgrade?: UpgradeHandler): Promise<Listener> {
    const port = this.ports.take(kind);
    const listener = await listenOn(port, handler, onUpgrade);
    if (this.closed) {
      await listener.close();
      throw new Error("the local run has ended");
    }
    this.open.add(listener);
    return {
      origin: listener.origin,
      close: () => {
        this.open.delete(listener);
        return listener.close().finally(() => this.ports.release(port));
      },
    };
  }

  /** Closes all that are open, and lets no new one open. */
  async closeAll(): Promise<void> {
    this.closed = true;
    const open = [...this.open];
    this.open.clear();
    await Promise.all(open.map((listener) => listener.close()));
  }
}

/**
 * Serves `handler` on 127.0.0.1.
 *
 * @throws PortInUseError when the planned port is taken.
 */
export async function listenOn(port: number, handler: RequestListener, onUpgrade?: UpgradeHandler): Promise<Listener> {
  const server = createServer((request, response) => guard(handler, request, response));
  if (onUpgrade) server.on("upgrade", onUpgrade);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
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
