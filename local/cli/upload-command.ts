// `npm run upload -- FILE`: sends a file to the running local stack, or to any deployed one, with the uploader of the browser.

import { openAsBlob } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import {
  type Acceleration,
  createEnvironment,
  createUploader,
  type Environment,
  type FileSource,
  type Upload,
  type UploaderOptions,
  type UploadOptions,
} from "../../clients/upload";
import { S3_LIMITS, type UploadClientConfiguration, type UploadDescription } from "../../handlers/upload/contract";
import { describeOptions, type OptionSpec, type ParsedOptions, parseOptions, UsageError } from "./arguments";
import { contentTypeOf } from "./content-type";
import type { Output } from "./progress";
import { readRunFile } from "./run-file";
import { runToken } from "./token-command";
import { createNodeTransport } from "./upload-transport";

const MEBIBYTE = 1024 ** 2;
/** Most connections that `--parallel` may ask for; without it the number adapts up to the default of six. */
const MOST_CONNECTIONS = 64;
const BAR_WIDTH = 24;

const optionSpecs: readonly OptionSpec[] = [
  { name: "part-size", value: "MIB", description: "size of a part, 5 to 5120 (default: follows from file and speed)" },
  { name: "parallel", value: "N", description: "connections, 1 to 64 (default: adapts to the throughput)" },
  { name: "accelerate", value: "WHEN", description: "auto, on or off (default: auto)" },
  { name: "content-type", value: "TYPE", description: "media type (default: by the file's extension)" },
  { name: "api", value: "URL", description: "API of a deployed stack (default: the running local stack)" },
  { name: "token", value: "TOKEN", description: "ID token for --api" },
  { name: "json", description: "prints the finished upload as JSON" },
  { name: "help", description: "prints this text" },
];

/** Exit codes of the command. */
export const UPLOAD_EXIT = { done: 0, failed: 1, usage: 2, paused: 130 } as const;

/** Surroundings of the command. */
export interface UploadCommandContext {
  readonly argv: readonly string[];
  readonly folder: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborts when the person presses Ctrl-C: the upload pauses, what has arrived stays. */
  readonly interrupt: AbortSignal;
  /** Replaces parts of the uploader's surroundings, for tests. */
  readonly environment?: Partial<Environment>;
}

/** Runs the command. @returns the exit code, one of UPLOAD_EXIT. */
export async function runUpload(context: UploadCommandContext): Promise<number> {
  const { stdout, stderr } = context;
  try {
    const { file: name, options } = parse(context.argv);
    if (options.help || name === undefined) {
      (options.help ? stdout : stderr).write(help());
      return options.help ? UPLOAD_EXIT.done : UPLOAD_EXIT.usage;
    }
    return await send(context, name, options);
  } catch (error) {
    stderr.write(`npm run upload: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof UsageError ? UPLOAD_EXIT.usage : UPLOAD_EXIT.failed;
  }
}

async function send(context: UploadCommandContext, name: string, options: ParsedOptions): Promise<number> {
  const { stdout, stderr, interrupt } = context;
  const wishes = readWishes(options);
  const source = await openSource(name, text(options, "content-type"));
  const transport = createNodeTransport();
  const uploader = createUploader({
    ...(await findTarget(context, options)),
    environment: createEnvironment({ transport, ...context.environment }),
  });
  try {
    const upload = uploader.upload(source, wishes);
    const stopDrawing = draw(upload, source.name, stderr);
    const outcome = await Promise.race([upload.done(), untilPaused(upload, interrupt)]).finally(stopDrawing);
    if (!outcome) {
      stderr.write("Paused; what has arrived stays. Run the same command again to go on.\n");
      return UPLOAD_EXIT.paused;
    }
    stdout.write(options.json ? `${JSON.stringify(outcome)}\n` : `${outcome.key ?? outcome.uploadId}\n`);
    return UPLOAD_EXIT.done;
  } finally {
    uploader.close();
    transport.close();
  }
}

/** Options may stand before or after the file. */
function parse(argv: readonly string[]): { file: string | undefined; options: ParsedOptions } {
  const takesValue = (argument: string | undefined): boolean =>
    optionSpecs.some(({ name, value }) => value !== undefined && argument === `--${name}`);
  const at = argv.findIndex((argument, index) => !argument.startsWith("--") && !takesValue(argv[index - 1]));
  if (at < 0) return { file: undefined, options: parseOptions(argv, optionSpecs) };
  return { file: argv[at], options: parseOptions([...argv.slice(0, at), ...argv.slice(at + 1)], optionSpecs) };
}

function help(): string {
  return `Sends a file in parallel parts; run it again to go on after an interruption.

  npm run upload -- FILE [options]

${describeOptions(optionSpecs)}
`;
}

function text(options: ParsedOptions, name: string): string | undefined {
  const value = options[name];
  return value === true ? undefined : value;
}

function readWishes(options: ParsedOptions): UploadOptions {
  const mebibytes = readNumber(
    options,
    "part-size",
    S3_LIMITS.minimumPartBytes / MEBIBYTE,
    S3_LIMITS.maximumPartBytes / MEBIBYTE,
  );
  const parallel = readNumber(options, "parallel", 1, MOST_CONNECTIONS);
  const acceleration = text(options, "accelerate") ?? "auto";
  if (!isAcceleration(acceleration)) throw new UsageError(`--accelerate must be auto, on or off, got ${acceleration}`);
  return {
    acceleration,
    ...(mebibytes !== undefined && { partSize: mebibytes * MEBIBYTE }),
    ...(parallel !== undefined && { parallel }),
  };
}

function readNumber(options: ParsedOptions, name: string, least: number, most: number): number | undefined {
  const given = text(options, name);
  if (given === undefined) return undefined;
  const value = Number(given);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new UsageError(`--${name} must be a whole number from ${least} to ${most}, got ${given}`);
  }
  return value;
}

function isAcceleration(value: string): value is Acceleration {
  return value === "auto" || value === "on" || value === "off";
}

async function openSource(name: string, contentType: string | undefined): Promise<FileSource> {
  const found = await stat(name).catch(() => undefined);
  if (!found?.isFile()) throw new UsageError(`there is no file ${name}`);
  const blob = await openAsBlob(name);
  return {
    name: path.basename(name),
    size: found.size,
    type: contentType ?? contentTypeOf(name),
    lastModified: Math.trunc(found.mtimeMs),
    slice: (start, end) => blob.slice(start, end),
  };
}

type Target = Pick<UploaderOptions, "configuration" | "authorize">;

async function findTarget(context: UploadCommandContext, options: ParsedOptions): Promise<Target> {
  const api = text(options, "api");
  const token = text(options, "token");
  if ((api === undefined) !== (token === undefined))
    throw new UsageError("--api and --token belong together: give both or none");
  if (api !== undefined && token !== undefined) {
    return {
      configuration: configurationOf(api),
      authorize: () => Promise.resolve({ authorization: `Bearer ${token}` }),
    };
  }
  const configuration = readRunFile(context.folder).outputs.uploadClientConfiguration;
  if (!isConfiguration(configuration)) {
    throw new UsageError("the running stack has no output uploadClientConfiguration, so there is nothing to upload to");
  }
  let known: string | undefined;
  const authorize = async ({ refused }: { readonly refused: boolean }): Promise<Record<string, string>> => {
    if (known === undefined || refused) known = await requestToken(context);
    return { authorization: `Bearer ${known}` };
  };
  return { configuration, authorize };
}

/** The same token as `npm run token` prints. */
async function requestToken({ folder }: UploadCommandContext): Promise<string> {
  let token = "";
  let complaint = "";
  const code = await runToken(
    [],
    folder,
    { write: (part) => (token += part) },
    { write: (part) => (complaint += part) },
  );
  if (code !== 0) throw new UsageError(complaint.trim());
  return token.trim();
}

/** What the server does not tell beforehand, it refuses later with its own message. */
function configurationOf(api: string): UploadClientConfiguration {
  if (!URL.canParse(api)) throw new UsageError(`--api must be a URL, got ${api}`);
  return {
    apiUrl: api.replace(/\/+$/, ""),
    region: "",
    bucketName: "",
    authorization: "cognito",
    acceleration: true,
    maximumFileBytes: S3_LIMITS.maximumObjectBytes,
    allowedContentTypes: ["*/*"],
    signWindow: 100,
  };
}

function isConfiguration(value: unknown): value is UploadClientConfiguration {
  return typeof value === "object" && value !== null && "apiUrl" in value && "signWindow" in value;
}

function untilPaused(upload: Upload, interrupt: AbortSignal): Promise<UploadDescription | undefined> {
  return new Promise((resolve, reject) => {
    const pause = (): void => {
      upload.pause().then(() => resolve(upload.state === "completed" ? upload.description : undefined), reject);
    };
    if (interrupt.aborted) pause();
    else interrupt.addEventListener("abort", pause, { once: true });
  });
}

/** One line that is rewritten on a terminal; elsewhere a line per state. */
function draw(upload: Upload, name: string, output: Output): () => void {
  const live = Boolean(output.isTTY);
  const stopState = upload.on("state", (state) => {
    if (!live) output.write(`${name}: ${state}\n`);
  });
  const stopProgress = upload.on("progress", (progress) => {
    if (!live) return;
    const share = progress.total ? progress.bytes / progress.total : 1;
    const filled = Math.round(share * BAR_WIDTH);
    const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
    const left = progress.secondsLeft === undefined ? "" : `, ${Math.ceil(progress.secondsLeft)} s left`;
    const rate = ((progress.bytesPerSecond * 8) / 1e6).toFixed(1);
    const state = progress.online ? upload.state : "waiting for the network";
    const line = `${bar} ${Math.floor(share * 100)} %  ${rate} Mbit/s${left}  ${progress.activeConnections} × ${progress.route}  ${state}`;
    output.write(`\r\u001b[K${line.slice(0, (output.columns ?? 80) - 1)}`);
  });
  return () => {
    stopState();
    stopProgress();
    if (live) output.write("\r\u001b[K");
  };
}
