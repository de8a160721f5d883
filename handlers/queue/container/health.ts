// Answers health checks of a container: 200 while polls are answered or none is due, 503 while stopping or when they are not.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Polls are answered at least every 20 s. */
const LONGEST_SILENCE_MS = 90_000;

/** The state that is told. While every slot is in use nothing polls, however long the messages take: silence is no illness then. */
export class Health {
  private silentSince: number;
  private full = false;
  private ending = false;

  constructor(private readonly now: () => number) {
    this.silentSince = now();
  }

  get stopping(): boolean {
    return this.ending;
  }

  get healthy(): boolean {
    return !this.ending && (this.full || this.now() - this.silentSince <= LONGEST_SILENCE_MS);
  }

  /** A poll was answered. */
  polled(): void {
    this.silentSince = this.now();
  }

  /** All slots are in use, or no longer: then the next poll is due. */
  occupied(full: boolean): void {
    if (this.full && !full) this.silentSince = this.now();
    this.full = full;
  }

  /** The worker stops. */
  stop(): void {
    this.ending = true;
  }
}

/** Serves health checks on all addresses. Resolves with the port and what ends it. */
export async function serveHealth(
  port: number,
  health: Pick<Health, "healthy" | "stopping">,
): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((_request, response) => {
    const { healthy, stopping } = health;
    response.writeHead(healthy ? 200 : 503, { "content-type": "application/json" });
    response.end(JSON.stringify({ healthy, stopping }));
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
