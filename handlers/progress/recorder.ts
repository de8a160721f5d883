// What the handlers that write logs and push share. Apart from composition.ts: the SDK would weigh down those who do without.
import type { Environment } from "../shared/aws-environment";
import type { Log } from "../shared/log";
import { createMetrics, createStores, now, pause } from "./composition";
import { createPoster } from "./poster";
import type { RecordDependencies } from "./record";
import type { ProgressSettings } from "./settings";

/** Everything but the log, which differs from call to call. */
export function createRecorder(
  settings: ProgressSettings,
  environment: Environment,
): (
  log: Log,
) => RecordDependencies & Omit<ReturnType<typeof createStores>, "tickets"> & { readonly settings: ProgressSettings } {
  const { runs, connections, durations } = createStores(settings, environment);
  const post = createPoster(settings.connectionsUrl, environment);
  const metrics = createMetrics(settings);
  return (log) => ({ runs, connections, durations, post, metrics, settings, now, pause, random: Math.random, log });
}
