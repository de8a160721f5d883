// Measures the signer: 1,000 part URLs by ours and by the AWS SDK's presigner, weight of the handlers' bundles, and the time that
// they take to load in a fresh process. Prints one JSON object; times are medians in milliseconds.
// Run: node -r tsx/cjs bench/sign.ts
import { S3Client, UploadPartCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { execFileSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadHandler } from "../components/shared/bundle";
import { CHECKSUM_HEADER, UPLOAD_ENVIRONMENT, UPLOAD_HANDLERS } from "../handlers/upload/contract";
import { PartSigner, resolvePartEndpoints } from "../handlers/upload/presign";
import { median, round } from "./statistics";

const PARTS = 1000;
const PART_BYTES = 5 * 1024 ** 2;
const ROUNDS = 7;
const REGION = "eu-west-1";
const KEY = "uploads/acme/alice/0190/holiday.mp4";
const S3_UPLOAD_ID = "s3-upload-id";
const CHECKSUM = "AAAAAAAAAAA=";
const EXPIRES_SECONDS = 300;
const credentials = { accessKeyId: "ASIAEXAMPLE", secretAccessKey: "secret", sessionToken: "A".repeat(1000) };

function signOurs(): void {
  const hosts = { bucketName: "media", region: REGION, acceleration: false, dualStack: false };
  const signer = new PartSigner({
    endpoint: resolvePartEndpoints(hosts, {}).direct,
    key: KEY,
    s3UploadId: S3_UPLOAD_ID,
    region: REGION,
    credentials,
    now: Date.now(),
    expiresSeconds: EXPIRES_SECONDS,
  });
  for (let partNumber = 1; partNumber <= PARTS; partNumber++) {
    signer.sign({ partNumber, size: PART_BYTES, checksum: CHECKSUM });
  }
}

async function signTheirs(client: S3Client): Promise<void> {
  for (let partNumber = 1; partNumber <= PARTS; partNumber++) {
    const command = new UploadPartCommand({
      Bucket: "media",
      Key: KEY,
      UploadId: S3_UPLOAD_ID,
      PartNumber: partNumber,
      ContentLength: PART_BYTES,
      ChecksumCRC64NVME: CHECKSUM,
    });
    await getSignedUrl(client, command, { expiresIn: EXPIRES_SECONDS, unhoistableHeaders: new Set([CHECKSUM_HEADER]) });
  }
}

async function measureCpu(act: () => void | Promise<void>, rounds: number): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    await act();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  return round(median(times));
}

/** Prints how long a module takes to load. Lambda's runtime client has loaded node:http before. */
const LOADER =
  'require("node:http"); const start = performance.now(); require(process.argv[2]); console.log(performance.now() - start);';

/** What the component sets, as far as loading needs it. */
const environment = {
  PATH: process.env.PATH,
  AWS_REGION: REGION,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  ...Object.fromEntries(Object.values(UPLOAD_ENVIRONMENT).map((name) => [name, "x"])),
  [UPLOAD_ENVIRONMENT.rules]: "{}",
  [UPLOAD_ENVIRONMENT.allowedOrigins]: "[]",
};

/** Loads a module in fresh processes, as Lambda does. */
function measureLoad(loader: string, path: string): number {
  const load = (): number =>
    Number(execFileSync(process.execPath, [loader, path], { env: environment, encoding: "utf8" }));
  return round(median(Array.from({ length: ROUNDS }, load)));
}

function weigh(folder: string, loader: string, name: string): HandlerWeight {
  const code = Buffer.from(loadHandler(`upload/${name}`));
  const path = join(folder, `${name}.js`);
  writeFileSync(path, code);
  return { bytes: code.length, gzippedBytes: gzipSync(code).length, loadMs: measureLoad(loader, path) };
}

/** What `run` measured. Times are medians in milliseconds. */
export interface SignBenchmark {
  readonly node: string;
  readonly parts: number;
  /** CPU for signing all parts. */
  readonly signCpuMs: { readonly ours: number; readonly awsSdk: number };
  /** Share of every load that is Node's own. */
  readonly nodeCryptoLoadMs: number;
  readonly handlers: Readonly<Record<string, HandlerWeight>>;
}

/** Weight of one handler's bundle. */
export interface HandlerWeight {
  readonly bytes: number;
  readonly gzippedBytes: number;
  readonly loadMs: number;
}

/** Measures and prints. */
export async function run(): Promise<SignBenchmark> {
  const client = new S3Client({ region: REGION, credentials, requestChecksumCalculation: "WHEN_REQUIRED" });
  const folder = mkdtempSync(join(tmpdir(), "bench-sign-"));
  const loader = join(folder, "loader.js");
  writeFileSync(loader, LOADER);
  try {
    const result = {
      node: process.version,
      parts: PARTS,
      signCpuMs: { ours: await measureCpu(signOurs, ROUNDS), awsSdk: await measureCpu(() => signTheirs(client), 3) },
      nodeCryptoLoadMs: measureLoad(loader, "node:crypto"),
      handlers: Object.fromEntries(
        Object.keys(UPLOAD_HANDLERS).map((name) => [name, weigh(folder, loader, name)] as const),
      ),
    };
    console.log(JSON.stringify(result, undefined, 2));
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    client.destroy();
  }
}

if (require.main === module) void run();
