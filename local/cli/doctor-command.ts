// `npm run doctor`: examines the running local stack, or a deployed one, and says what to do about what is wrong.
import { S3Client } from "@aws-sdk/client-s3";
import type { UploadClientConfiguration } from "../../handlers/upload/contract";
import { type ParsedOptions, UsageError } from "./arguments";
import { type Command, type CommandContext, EXIT, runCommand } from "./command";
import { createBucketSettings } from "./doctor-bucket";
import { examine } from "./doctor-checks";
import type { DoctorSurroundings, DoctorTarget, Finding } from "./doctor-verdict";
import { readRunFile, type RunFile } from "./run-file";
import { requestTokens } from "./token-command";
import { readChoice, readText, readUrl, readWhole } from "./values";

/** `maximumOpenUploadsPerUser` of the component, where the program sets no other. */
const DEFAULT_OPEN_LIMIT = 100;

const COMMAND: Command = {
  name: "npm run doctor",
  summary: "Examines a stack: CORS, acceleration, clock, lifecycle, protection and quota, each with what to do.",
  usage: [
    ["", "the running local stack"],
    ["--api URL --origin ORIGIN --bucket NAME --region REGION", "a stack on AWS, with your AWS credentials"],
  ],
  options: [
    {
      name: "api",
      value: "URL",
      description: "API of a deployed stack, stage included (default: the running local stack)",
    },
    { name: "origin", value: "ORIGIN", description: "origin of the page that uploads, with --api" },
    { name: "bucket", value: "NAME", description: "upload bucket, with --api" },
    { name: "region", value: "REGION", description: "Region of the bucket, with --api" },
    {
      name: "acceleration",
      value: "ON|OFF",
      description: "what the stack is configured to, with --api (default: any)",
    },
    { name: "token", value: "TOKEN", description: "ID token of a user, to check the quota, with --api" },
    { name: "open-limit", value: "N", description: `unfinished uploads per user (default: ${DEFAULT_OPEN_LIMIT})` },
    { name: "json", description: "prints one line of JSON" },
  ],
};

/** Surroundings of the command. */
export interface DoctorCommandContext extends CommandContext {
  /** Replaces parts of the world, for tests. */
  readonly surroundings?: Partial<DoctorSurroundings>;
}

/** Runs the command. @returns the exit code, one of EXIT. Warnings are no failure. */
export function runDoctor(context: DoctorCommandContext): Promise<number> {
  return runCommand(COMMAND, context, async ({ options }) => {
    const { target, client } = await findPatient(context.folder, options);
    const findings = await examineWith(context, target, client);
    context.stdout.write(options.json ? renderJson(target, findings) : renderPage(target, findings));
    return findings.some(({ state }) => state === "problem") ? EXIT.failed : EXIT.done;
  });
}

/** A stack, and the client that reads the settings of its bucket. */
interface Patient {
  readonly target: DoctorTarget;
  readonly client: S3Client;
}

async function examineWith(
  { surroundings }: DoctorCommandContext,
  target: DoctorTarget,
  client: S3Client,
): Promise<readonly Finding[]> {
  try {
    const bucket = createBucketSettings(client, target.bucket);
    return await examine(target, { fetch, now: () => Date.now(), bucket, ...surroundings });
  } finally {
    client.destroy();
  }
}

async function findPatient(folder: string, options: ParsedOptions): Promise<Patient> {
  const openLimit = readWhole(options, "open-limit", { least: 1, most: 10_000 }) ?? DEFAULT_OPEN_LIMIT;
  const names = ["api", "origin", "bucket", "region"] as const;
  const missing = names.filter((name) => options[name] === undefined);
  if (missing.length === 0) return findDeployed(options, openLimit);
  if (missing.length < names.length || options.token !== undefined || options.acceleration !== undefined) {
    throw new UsageError(`a deployed stack needs all of --${names.join(", --")}; missing: --${missing.join(", --")}`);
  }
  return findLocal(readRunFile(folder), openLimit);
}

function findDeployed(options: ParsedOptions, openLimit: number): Patient {
  const bucket = readText(options, "bucket") ?? "";
  const region = readText(options, "region") ?? "";
  const token = readText(options, "token");
  const acceleration = readChoice(options, "acceleration", ["on", "off"]);
  // A name with dots has no certificate as a host, and no acceleration.
  const host = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const target: DoctorTarget = {
    apiUrl: (readUrl(options, "api") ?? "").replace(/\/+$/, ""),
    origin: new URL(readUrl(options, "origin") ?? "").origin,
    bucket,
    bucketUrl: bucket.includes(".")
      ? `https://s3.${region}.${host}/${bucket}`
      : `https://${bucket}.s3.${region}.${host}`,
    acceleratedUrl: `https://${bucket}.s3-accelerate.amazonaws.com`,
    authorization: "cognito",
    openLimit,
    ...(acceleration === undefined ? {} : { acceleration: acceleration === "on" }),
    ...(token === undefined ? {} : { token }),
  };
  return { target, client: new S3Client({ region }) };
}

async function findLocal(run: RunFile, openLimit: number): Promise<Patient> {
  const { uploadClientConfiguration: configuration, uploadPageUrl: page } = run.outputs;
  if (!isConfiguration(configuration) || typeof page !== "string" || !URL.canParse(page)) {
    throw new UsageError("the running stack has no outputs uploadClientConfiguration and uploadPageUrl to examine");
  }
  const { bucketName: bucket, apiUrl, acceleration, authorization } = configuration;
  const { endpoint, accelerateEndpoint, region, credentials, demoUser } = run;
  const tokens = demoUser ? await requestTokens(run, { Username: demoUser.username }) : {};
  const target: DoctorTarget = {
    apiUrl,
    origin: new URL(page).origin,
    bucket,
    bucketUrl: `${endpoint}/${bucket}`,
    acceleration,
    authorization,
    openLimit,
    ...(accelerateEndpoint === undefined ? {} : { acceleratedUrl: `${accelerateEndpoint}/${bucket}` }),
    ...(tokens.IdToken === undefined ? {} : { token: tokens.IdToken }),
  };
  return { target, client: new S3Client({ endpoint, region, credentials, forcePathStyle: true }) };
}

function isConfiguration(value: unknown): value is UploadClientConfiguration {
  return typeof value === "object" && value !== null && "apiUrl" in value && "bucketName" in value;
}

const SIGNS = { ok: "✓", warning: "!", problem: "✗" } as const;

function renderPage(target: DoctorTarget, findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap((finding) => [
    `${SIGNS[finding.state]} ${finding.check.padEnd(width)}  ${finding.seen}`,
    ...(finding.state === "ok" ? [] : [`${" ".repeat(width + 4)}→ ${finding.fix}`]),
  ]);
  const count = (state: Finding["state"]): number => findings.filter((finding) => finding.state === state).length;
  const sum = `ok: ${count("ok")}, warnings: ${count("warning")}, problems: ${count("problem")}`;
  return `${target.bucket} behind ${target.apiUrl}\n\n${lines.join("\n")}\n\n${sum}\n`;
}

function renderJson({ apiUrl, origin, bucket }: DoctorTarget, findings: readonly Finding[]): string {
  const ok = findings.every(({ state }) => state !== "problem");
  return `${JSON.stringify({ ok, apiUrl, origin, bucket, findings })}\n`;
}
