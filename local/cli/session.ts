// One local run: the cloud and the program start side by side; stopping ends both.
import { existsSync } from "node:fs";
import path from "node:path";
import { BUILD_CACHE_VARIABLE } from "../../components/shared/build";
import type { Cloud, CloudOptions } from "../cloud";
import { evaluateInChild } from "../engine";
import type { EngineEvent, Evaluation } from "../engine";
import { createCloudProvider } from "../run/provider";
import { cloudModule, whileLoading } from "./late-modules";
import type { Project } from "./project";

/** How to run a project. */
export interface SessionOptions {
  readonly project: Project;
  /** First port; 0 takes free ones. */
  readonly port: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: EngineEvent) => void;
  readonly log: (line: string) => void;
  /** @default - wall-clock time */
  readonly clock?: NonNullable<CloudOptions["clock"]>;
  /** @default - real processes */
  readonly simulateFunction?: NonNullable<CloudOptions["simulateFunction"]>;
}

/** A project that has been evaluated, successfully or not, on a running cloud. */
export interface Session {
  readonly cloud: Cloud;
  readonly evaluation: Evaluation;
}

/**
 * Starts the cloud and evaluates the program.
 *
 * @throws PortInUseError, or the signal's reason when it aborts; then nothing runs any more. A program's own failures are in
 * `evaluation.errors`, and the cloud runs: stop it.
 */
export async function startSession(session: SessionOptions): Promise<Session> {
  const { project, port, signal, onEvent, log, clock, simulateFunction } = session;
  const region = project.config["aws:region"];
  const options = {
    port,
    log,
    ...(region === undefined ? {} : { region }),
    ...(clock && { clock }),
    ...(simulateFunction && { simulateFunction }),
  };
  const starting = whileLoading(() => cloudModule().startCloud(options));
  // The program's process loads for a second; when the cloud cannot start there is no point in waiting for it.
  const failed = new AbortController();
  starting.catch(() => failed.abort());
  const evaluating = evaluateInChild({
    project: project.name,
    stack: project.stack,
    program: project.program,
    cwd: project.folder,
    config: project.config,
    secretConfigKeys: project.secretKeys,
    env: buildCache(project.folder),
    provider: createCloudProvider(() => starting),
    signal: AbortSignal.any([signal, failed.signal]),
    onEvent,
    onOutput: log,
  });
  const [cloud, evaluation] = await Promise.allSettled([starting, evaluating]);
  if (cloud.status === "rejected") throw cloud.reason;
  if (evaluation.status === "rejected" || signal.aborted) {
    await cloud.value.stop();
    throw evaluation.status === "rejected" ? evaluation.reason : signal.reason;
  }
  return { cloud: cloud.value, evaluation: evaluation.value };
}

/** Where the program keeps the bundles of its handlers between runs: beside what else is installed and can be deleted. */
function buildCache(folder: string): Readonly<Record<string, string>> {
  const installed = path.join(folder, "node_modules");
  if (process.env[BUILD_CACHE_VARIABLE] !== undefined || !existsSync(installed)) return {};
  return { [BUILD_CACHE_VARIABLE]: path.join(installed, ".cache", "serverless-patterns") };
}
