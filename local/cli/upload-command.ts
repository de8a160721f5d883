// `npm run upload -- FILE`: sends a file to the running local stack, or to any deployed one, with the uploader of the browser.

import { openAsBlob } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import {
  createEnvironment,
  createUploader,
  type Environment,
  type FileSource,
  type Upload,
  type UploaderOptions,
  type UploadOptions,
} from "../../clients/upload";
import { S3_LIMITS, type UploadClientConfiguration, type UploadDescription } from "../../handlers/upload/contract";
import { type ParsedOptions, UsageError } from "./arguments";
import { type Command, EXIT, type InterruptibleContext, runCommand } from "./command";
import { contentTypeOf } from "./content-type";
import { readRunFile } from "./run-file";
import { createStatusLine, drawBar, type Output } from "./status-line";
import { runToken } from "./token-command";
import { createNodeTransport } from "./upload-transport";
import { readChoice, readText, readUrl, readWhole } from "./values";

const MEBIBYTE = 1024 ** 2;
/** Most connections that `--parallel` may ask for; without it the number adapts up to the default of six. */
const MOST_CONNECTIONS = 64;

const COMMAND: Command = {
  name: "npm run upload",
  summary: "Sends a file in parallel parts; run it again to go on after an interruption.",
  usage: [["FILE [options]"]],
  operands: [1, 1],
  options: [
    {
      name: "part-size",
      value: "MIB",
      description: "size of a part, 5 to 5120 (default: follows from file and speed)",
    },
    { name: "parallel", value: "N", description: "connections, 1 to 64 (default: adapts to the throughput)" },
    { name: "accelerate", value: "WHEN", description: "auto, on or off (default: auto)" },
    { name: "content-type", value: "TYPE", description: "media type (default: by the file's extension)" },
    { name: "api", value: "URL", description: "API of a deployed stack (default: the running local stack)" },
    { name: "token", value: "TOKEN", description: "ID token for --api" },
    { name: "json", description: "prints the finished upload as JSON" },
  ],
};

/** Surroundings of the command. Interrupted, the upload pauses and what has arrived stays. */
export interface UploadCommandContext extends InterruptibleContext {
  /** Replaces parts of the uploader's surroundings, for tests. */
  readonly environment?: Partial<Environment>;
}

/** Runs the command. @returns the exit code, one of EXIT. */
export function runUpload(context: UploadCommandContext): Promise<number> {
  return runCommand(COMMAND, context, ({ operands: [name = ""], options }) => send(context, name, options));
}

async function send(context: UploadCommandContext, name: string, options: ParsedOptions): Promise<number> {
  const { stdout, stderr, interrupt } = context;
  const wishes = readWishes(options);
  const source = await openSource(name, readText(options, "content-type"));
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
      return EXIT.interrupted;
    }
    stdout.write(options.json ? `${JSON.stringify(outcome)}\n` : `${outcome.key ?? outcome.uploadId}\n`);
    return EXIT.done;
  } finally {
    uploader.close();
    transport.close();
  }
}

function readWishes(options: ParsedOptions): UploadOptions {
  const mebibytes = readWhole(options, "part-size", {
    least: S3_LIMITS.minimumPartBytes / MEBIBYTE,
    most: S3_LIMITS.maximumPartBytes / MEBIBYTE,
  });
  const parallel = readWhole(options, "parallel", { least: 1, most: MOST_CONNECTIONS });
  return {
    acceleration: readChoice(options, "accelerate", ["auto", "on", "off"]) ?? "auto",
    ...(mebibytes !== undefined && { partSize: mebibytes * MEBIBYTE }),
    ...(parallel !== undefined && { parallel }),
  };
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
  const api = readUrl(options, "api");
  const token = readText(options, "token");
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
  const code = await runToken({
    argv: [],
    folder,
    stdout: { write: (part) => (token += part) },
    stderr: { write: (part) => (complaint += part) },
  });
  if (code !== EXIT.done) throw new UsageError(complaint.trim());
  return token.trim();
}

/** What the server does not tell beforehand, it refuses later with its own message. */
function configurationOf(api: string): UploadClientConfiguration {
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
  const status = createStatusLine(output);
  const stopState = upload.on("state", (state) => {
    if (!status.live) status.line(`${name}: ${state}`);
  });
  const stopProgress = upload.on("progress", (progress) => {
    const share = progress.total ? progress.bytes / progress.total : 1;
    const left = progress.secondsLeft === undefined ? "" : `, ${Math.ceil(progress.secondsLeft)} s left`;
    const rate = ((progress.bytesPerSecond * 8) / 1e6).toFixed(1);
    const state = progress.online ? upload.state : "waiting for the network";
    status.show(
      `${drawBar(share)} ${Math.floor(share * 100)} %  ${rate} Mbit/s${left}  ${progress.activeConnections} × ${progress.route}  ${state}`,
    );
  });
  return () => {
    stopState();
    stopProgress();
    status.end();
  };
}
