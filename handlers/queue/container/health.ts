// Answers health checks of a container: 200 while polls are answered, 503 while stopping or when they are not.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** The state that is told. */
export interface Health {
  polledAt: number;
  stopping: boolean;
}

/** Polls are answered at least every 20 s. */
const LONGEST_SILENCE_MS = 90_000;

/** Whether a state is healthy. */
export function isHealthy({ polledAt, stopping }: Health, now: number): boolean {
  return !stopping && now - polledAt <= LONGEST_SILENCE_MS;
}

/** Serves health checks on all addresses. Resolves with the port and what ends it. */
export async function serveHealth(
  port: number,
  health: Health,
  now: () => number,
): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((_request, response) => {
    const healthy = isHealthy(health, now());
    response.writeHead(healthy ? 200 : 503, { "content-type": "application/json" });
    response.end(JSON.stringify({ healthy, stopping: health.stopping }));
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
