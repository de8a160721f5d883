// The clients that `bench -- upload` compares, each over the same emulated link.
import * as http from "node:http";
import * as net from "node:net";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import * as esbuild from "esbuild";
import type { Browser } from "playwright-core";
import { createEnvironment, createUploader, type UploadOptions } from "../clients/upload";
import { createNodeTransport } from "../local/cli/upload-transport";
import { accountRoot } from "../local/cloud/core/principal";
import { createCloudProvider } from "../local/run/provider";
import { requestOf } from "../tests/support/running-cloud";
import type { TestStack } from "../tests/support/stack";

/** An agent whose connections take the emulated path, by the port that they ask for. */
export function createRelayAgent(ports: ReadonlyMap<number, number>, keepAlive = true): http.Agent {
  class RelayAgent extends http.Agent {
    override createConnection(options: http.ClientRequestArgs): net.Socket {
      const asked = Number(options.port);
      return net.connect(ports.get(asked) ?? asked, "127.0.0.1");
    }
  }
  return new RelayAgent({ keepAlive });
}

/** A plain PUT of the whole object: the post's baseline. */
export async function plainPut(stack: TestStack, agent: http.Agent, key: string, bytes: Buffer): Promise<void> {
  const client = createClient(stack);
  const url = await getSignedUrl(client, new PutObjectCommand({ Bucket: stack.bucketName, Key: key }), {
    expiresIn: 3600,
  });
  client.destroy();
  await new Promise<void>((resolve, reject) => {
    const request = http.request(
      url,
      { method: "PUT", agent, headers: { "content-length": bytes.length } },
      (response) => {
        response.resume();
        response.on("end", () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`status ${String(response.statusCode)}`)),
        );
      },
    );
    request.on("error", reject);
    request.end(bytes);
  });
}

/** Ours, through the upload API (which is not behind the link). */
export async function ours(
  stack: TestStack,
  agent: http.Agent,
  file: Parameters<ReturnType<typeof createUploader>["upload"]>[0],
  options: UploadOptions,
): Promise<void> {
  const token = await stack.token("bench@example.com");
  const transport = createNodeTransport(agent);
  const uploader = createUploader({
    configuration: stack.configuration,
    authorize: () => Promise.resolve({ authorization: `Bearer ${token}` }),
    environment: createEnvironment({ transport }),
  });
  await uploader.upload(file, { resume: false, ...options }).done();
}

/** @aws-sdk/lib-storage with its defaults: parts of 5 MiB, four at a time. */
export async function libStorage(stack: TestStack, agent: http.Agent, key: string, bytes: Buffer): Promise<void> {
  const client = createClient(stack, agent);
  await new Upload({ client, params: { Bucket: stack.bucketName, Key: key, Body: bytes } }).done();
  client.destroy();
}

/**
 * Uppy 6 in Chromium, signing in the browser with temporary credentials. It creates and completes the upload from the page as well, so it
 * gets a bucket of its own whose CORS allows that.
 */
export async function uppy(stack: TestStack, browser: Browser, relayPort: number, mebibytes: number): Promise<number> {
  const bundle = await esbuild.build({
    stdin: { contents: UPPY_PAGE, resolveDir: __dirname },
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    logLevel: "silent",
  });
  const bucketName = await createOpenBucket(stack);
  const { accessKeyId, secretAccessKey, sessionToken } = stack.cloud.context.access.issue(
    accountRoot(stack.cloud.accountId),
  );
  const settings = {
    // The relay's own host is signed; the gateway sees it in the Host header.
    s3Endpoint: `http://127.0.0.1:${String(relayPort)}/${bucketName}`,
    region: stack.cloud.region,
    credentials: { accessKeyId, secretAccessKey, sessionToken },
    mebibytes,
  };
  const context = await browser.newContext({ bypassCSP: true });
  try {
    const page = await context.newPage();
    await page.goto(stack.pageUrl);
    await page.addScriptTag({ content: bundle.outputFiles[0]?.text ?? "" });
    return await page.evaluate(`window.benchUppy(${JSON.stringify(settings)})`);
  } finally {
    await context.close();
  }
}

async function createOpenBucket({ cloud }: TestStack): Promise<string> {
  const provider = createCloudProvider(() => Promise.resolve(cloud));
  const bucket = `bench-uppy-${String(Date.now())}`;
  await provider.create(requestOf("aws:s3/bucket:Bucket", { bucket, forceDestroy: true }, bucket));
  const corsRules = [
    {
      allowedOrigins: ["*"],
      allowedMethods: ["PUT", "POST", "GET", "DELETE"],
      allowedHeaders: ["*"],
      exposeHeaders: ["ETag"],
    },
  ];
  await provider.create(
    requestOf("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration", { bucket, corsRules }, `${bucket}-cors`),
  );
  return bucket;
}

const UPPY_PAGE = `
import Uppy from "@uppy/core";
import AwsS3 from "@uppy/aws-s3";
window.benchUppy = async ({ s3Endpoint, region, credentials, mebibytes }) => {
  const uppy = new Uppy().use(AwsS3, {
    shouldUseMultipart: true,
    s3Endpoint,
    region,
    getCredentials: () => ({ credentials, region }),
  });
  uppy.addFile({ name: "bench.bin", type: "application/octet-stream", data: new Blob([new Uint8Array(mebibytes * 1048576)]) });
  const start = performance.now();
  const { successful, failed } = await uppy.upload();
  if (successful.length !== 1) throw new Error("Uppy failed: " + JSON.stringify(failed.map(({ error }) => error)));
  return performance.now() - start;
};
`;

function createClient(stack: TestStack, agent?: http.Agent): S3Client {
  return new S3Client({
    region: stack.cloud.region,
    endpoint: stack.cloud.gatewayOrigin,
    credentials: stack.cloud.rootCredentials(),
    requestChecksumCalculation: "WHEN_REQUIRED",
    ...(agent ? { requestHandler: { httpAgent: agent } } : {}),
  });
}
