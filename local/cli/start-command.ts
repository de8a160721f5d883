// `npm start`: from options to a running stack, and back to nothing.
import path from "node:path";
import type { Listener } from "../cloud/core/service";
import { PortInUseError } from "../cloud/ports";
import { describeOptions, parseOptions, UsageError } from "./arguments";
import type { OptionSpec } from "./arguments";
import { consoleModule, whileLoading } from "./late-modules";
import { createProgress } from "./progress";
import type { Output } from "./progress";
import { readProject } from "./project";
import type { Project } from "./project";
import { renderErrors, renderJson, renderPage, visibleOutputs } from "./report";
import type { StartedStack } from "./report";
import { removeRunFile, writeRunFile } from "./run-file";
import { startSession } from "./session";
import type { Session } from "./session";

/** First port of a run, fixed so that bookmarks and CORS origins stay the same from run to run. */
export const defaultPort = 4600;

const optionSpecs: readonly OptionSpec[] = [
  { name: "stack", value: "NAME", description: "stack to run: Pulumi.NAME.yaml (default: dev)" },
  {
    name: "port",
    value: "N",
    description: `first of a hundred ports to use; 0 takes free ones (default: ${defaultPort})`,
  },
  { name: "program", value: "DIR", description: "folder of another Pulumi project (default: this one)" },
  { name: "json", description: "prints one line of JSON when ready, instead of the page" },
  { name: "help", description: "prints this text" },
];

const help = `Runs a stack of a Pulumi program on this machine: no AWS account, no Docker, no Pulumi CLI.

  npm start -- [options]

${describeOptions(optionSpecs)}

Ctrl-C ends it and removes everything it made.
`;

/** What the command uses of its surroundings. */
export interface Surroundings {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Milliseconds since the process began. */
  elapsedMs(): number;
}

/** Runs the command until the signal aborts. @returns the exit code. */
export async function runStart(surroundings: Surroundings): Promise<number> {
  const { stderr, stdout, argv, cwd } = surroundings;
  try {
    const options = parseOptions(argv, optionSpecs);
    if (options.help) {
      stdout.write(help);
      return 0;
    }
    const port = parsePort(options.port);
    const project = readProject(path.resolve(cwd, textOf(options.program) ?? "."), textOf(options.stack) ?? "dev");
    return await runProject(surroundings, project, port, options.json === true);
  } catch (error) {
    if (surroundings.signal.aborted) return 0;
    stderr.write(`${describeFailure(error)}\n`);
    return 1;
  }
}

async function runProject(surroundings: Surroundings, project: Project, port: number, json: boolean): Promise<number> {
  const { stderr, stdout, signal } = surroundings;
  const progress = createProgress(stderr, json);
  progress.line(`starting ${project.name} / ${project.stack} …`);
  const starting = startSession({
    project,
    port,
    signal,
    onEvent: (event) => progress.report(event),
    log: (line) => progress.line(line),
  });
  const loadingConsole = whileLoading(consoleModule);
  const session = await starting.finally(() => progress.end());
  let webConsole: Listener | undefined;
  try {
    if (session.evaluation.errors.length > 0) {
      stderr.write(`${project.name} / ${project.stack} did not start:\n${renderErrors(session.evaluation)}\n`);
      return 1;
    }
    const { startConsole } = await loadingConsole;
    webConsole = await startConsole({ ...session, project: project.name, stack: project.stack });
    const started: StartedStack = {
      project: project.name,
      stack: project.stack,
      ...session,
      consoleUrl: webConsole.origin,
      readyMs: Math.round(surroundings.elapsedMs()),
    };
    announceRun(project, session);
    stdout.write(
      json ? `${renderJson(started)}\n` : renderPage(started, Boolean(stdout.isTTY) && !process.env.NO_COLOR),
    );
    await aborted(signal);
    return 0;
  } finally {
    removeRunFile(project.folder);
    await webConsole?.close();
    await session.cloud.stop();
  }
}

function announceRun({ folder, name, stack }: Project, { cloud, evaluation }: Session): void {
  const { accessKeyId, secretAccessKey } = cloud.rootCredentials();
  const [demo] = cloud.demoUsers();
  writeRunFile(folder, {
    pid: process.pid,
    project: name,
    stack,
    endpoint: cloud.gatewayOrigin,
    accelerateEndpoint: cloud.context.accelerateOrigin(),
    region: cloud.region,
    accountId: cloud.accountId,
    credentials: { accessKeyId, secretAccessKey },
    outputs: visibleOutputs(cloud, evaluation.outputs),
    ...(demo ? { demoUser: { username: demo.username, password: demo.password } } : {}),
  });
}

function parsePort(value: string | true | undefined): number {
  if (value === undefined) return defaultPort;
  const port = Number(value);
  const free = port === 0;
  // A run uses a handful of ports; they must all exist.
  if (!Number.isInteger(port) || (!free && (port < 1024 || port > 65_000))) {
    throw new UsageError(`option --port must be 0 or between 1024 and 65000, got ${String(value)}`);
  }
  return port;
}

function describeFailure(error: unknown): string {
  if (error instanceof UsageError || error instanceof PortInUseError) return `npm start: ${error.message}`;
  return `npm start failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function textOf(value: string | true | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
