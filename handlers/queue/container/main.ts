// Entry of the container: loads the consumer that CONSUMER_ENTRY names and runs it until SIGTERM or SIGINT.
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { Log } from "../../shared/log";
import type { QueueConsumer } from "../message";
import { keepCredentials } from "./credentials";
import { Health, serveHealth } from "./health";
import { runConsumer } from "./run-consumer";
import { CONTAINER_ENVIRONMENT, readContainerSettings } from "./settings";

const log = new Log({ route: "container" });

main().then(
  () => process.exit(0),
  (error: unknown) => {
    log.error("container failed", error);
    process.exit(1);
  },
);

async function main(): Promise<void> {
  const settings = readContainerSettings(process.env);
  const consumer = loadConsumer(process.env[CONTAINER_ENVIRONMENT.consumerEntry]);
  const stop = new AbortController();
  const health = new Health(Date.now);
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      health.stop();
      stop.abort(new Error(name));
    });
  }
  const live = await keepCredentials(process.env, { onError: (error) => log.error("credentials not renewed", error) });
  const { healthPort } = settings;
  const server = healthPort === undefined ? undefined : await serveHealth(healthPort, health);
  if (server) log.info("health checks", { port: server.port });
  try {
    await runConsumer(consumer, settings, {
      environment: live.environment,
      signal: stop.signal,
      onPoll: () => health.polled(),
      onOccupied: (full) => health.occupied(full),
    });
  } finally {
    live.stop();
    server?.close();
  }
}

function loadConsumer(entry: string | undefined): QueueConsumer {
  if (!entry) throw new Error(`${CONTAINER_ENVIRONMENT.consumerEntry} is not set`);
  const loaded = createRequire(__filename)(resolve(entry)) as Partial<QueueConsumer>;
  if (typeof loaded.processMessage !== "function") throw new Error(`${entry} does not export processMessage`);
  return loaded as QueueConsumer;
}
