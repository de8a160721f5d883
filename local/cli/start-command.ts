// `npm start`: from options to a running stack, and back to nothing.
import path from "node:path";
import type { Listener } from "../cloud/core/service";
import { PortInUseError } from "../cloud/ports";
import { UsageError } from "./arguments";
import { type Command, EXIT, type InterruptibleContext, runCommand } from "./command";
import { consoleModule, whileLoading } from "./late-modules";
import { createProgress } from "./progress";
import { readProject } from "./project";
import type { Project } from "./project";
import { renderErrors, renderJson, renderPage, visibleOutputs } from "./report";
import type { StartedStack } from "./report";
import { removeRunFile, writeRunFile } from "./run-file";
import { startSession } from "./session";
import type { Session } from "./session";
import { readText } from "./values";

/** First port of a run, fixed so that bookmarks and CORS origins stay the same from run to run. */
export const defaultPort = 4600;

const COMMAND: Command = {
  name: "npm start",
  summary: "Runs a stack of a Pulumi program on this machine: no AWS account, no Docker, no Pulumi CLI.",
  usage: [["[options]"]],
  options: [
    { name: "stack", value: "NAME", description: "stack to run: Pulumi.NAME.yaml (default: dev)" },
    {
      name: "port",
      value: "N",
      description: `first of a hundred ports to use; 0 takes free ones (default: ${defaultPort})`,
    },
    { name: "program", value: "DIR", description: "folder of another Pulumi project (default: this one)" },
    { name: "json", description: "prints one line of JSON when ready, instead of the page" },
  ],
  notes: "Ctrl-C ends it and removes everything it made.",
};

/** What the command uses of its surroundings. */
export interface StartContext extends InterruptibleContext {
  /** Milliseconds since the process began. */
  elapsedMs(): number;
}

/** Runs the command until it is interrupted, which is its ordinary end. @returns the exit code, one of EXIT. */
export function runStart(context: StartContext): Promise<number> {
  const { folder, interrupt, stderr } = context;
  return runCommand(COMMAND, context, async ({ options }) => {
    try {
      const port = parsePort(readText(options, "port"));
      const project = readProject(
        path.resolve(folder, readText(options, "program") ?? "."),
        readText(options, "stack") ?? "dev",
      );
      return await runProject(context, project, port, options.json === true);
    } catch (error) {
      if (interrupt.aborted) return EXIT.done;
      if (error instanceof UsageError || error instanceof PortInUseError) throw error;
      stderr.write(`npm start failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      return EXIT.failed;
    }
  });
}

async function runProject(context: StartContext, project: Project, port: number, json: boolean): Promise<number> {
  const { stderr, stdout, interrupt: signal } = context;
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
      return EXIT.failed;
    }
    const { startConsole } = await loadingConsole;
    webConsole = await startConsole({ ...session, project: project.name, stack: project.stack });
    const started: StartedStack = {
      project: project.name,
      stack: project.stack,
      ...session,
      consoleUrl: webConsole.origin,
      readyMs: Math.round(context.elapsedMs()),
    };
    announceRun(project, session);
    stdout.write(
      json ? `${renderJson(started)}\n` : renderPage(started, Boolean(stdout.isTTY) && !process.env.NO_COLOR),
    );
    await aborted(signal);
    return EXIT.done;
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

function parsePort(value: string | undefined): number {
  if (value === undefined) return defaultPort;
  const port = Number(value);
  const free = port === 0;
  // A run uses a handful of ports; they must all exist.
  if (!Number.isInteger(port) || (!free && (port < 1024 || port > 65_000))) {
    throw new UsageError(`option --port must be 0 or between 1024 and 65000, got ${value}`);
  }
  return port;
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
