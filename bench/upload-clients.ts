// The clients that `bench -- upload` compares, each over the same emulated link.
import * as http from "node:http";
import * as net from "node:net";
import {
  CreateMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import * as esbuild from "esbuild";
import type { Browser } from "playwright-core";
import { createEnvironment, createUploader, type UploadOptions } from "../clients/upload";
import { createNodeTransport } from "../local/cli/upload-transport";
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

/** Uppy 6 in Chromium, signing each part as its documentation does. */
export async function uppy(stack: TestStack, browser: Browser, relayPort: number, megabytes: number): Promise<number> {
  const bundle = await esbuild.build({
    stdin: { contents: UPPY_PAGE, resolveDir: __dirname },
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    logLevel: "silent",
  });
  // URLs are signed for the relay's own host, which the gateway then sees in the Host header.
  const client = createClient(stack, undefined, `http://127.0.0.1:${String(relayPort)}`);
  const direct = createClient(stack);
  const target = { Bucket: stack.bucketName, Key: `bench/uppy-${String(Date.now())}` };
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  await page.exposeFunction("benchCreate", async () => {
    const { UploadId = "" } = await direct.send(new CreateMultipartUploadCommand(target));
    return { uploadId: UploadId, key: target.Key };
  });
  await page.exposeFunction("benchSign", async (uploadId: string, partNumber: number) => ({
    url: await getSignedUrl(client, new UploadPartCommand({ ...target, UploadId: uploadId, PartNumber: partNumber })),
  }));
  await page.exposeFunction(
    "benchComplete",
    async (uploadId: string, parts: { PartNumber: number; ETag: string }[]) => {
      await direct.send(
        new CompleteMultipartUploadCommand({ ...target, UploadId: uploadId, MultipartUpload: { Parts: parts } }),
      );
      return {};
    },
  );
  try {
    await page.goto(stack.pageUrl);
    await page.addScriptTag({ content: bundle.outputFiles[0]?.text ?? "" });
    return await page.evaluate(`window.benchUppy(${String(megabytes)})`);
  } finally {
    await context.close();
    client.destroy();
    direct.destroy();
  }
}

const UPPY_PAGE = `
import Uppy from "@uppy/core";
import AwsS3 from "@uppy/aws-s3";
window.benchUppy = async (megabytes) => {
  const uppy = new Uppy().use(AwsS3, {
    shouldUseMultipart: true,
    createMultipartUpload: () => window.benchCreate(),
    signPart: (_, { uploadId, partNumber }) => window.benchSign(uploadId, partNumber),
    completeMultipartUpload: (_, { uploadId, parts }) => window.benchComplete(uploadId, parts),
    listParts: () => [],
    abortMultipartUpload: () => undefined,
  });
  uppy.addFile({ name: "bench.bin", type: "application/octet-stream", data: new Blob([new Uint8Array(megabytes * 1048576)]) });
  const start = performance.now();
  const { successful, failed } = await uppy.upload();
  if (successful.length !== 1) throw new Error("Uppy failed: " + JSON.stringify(failed.map(({ error }) => error)));
  return performance.now() - start;
};
`;

function createClient(stack: TestStack, agent?: http.Agent, endpoint = stack.cloud.gatewayOrigin): S3Client {
  return new S3Client({
    region: stack.cloud.region,
    endpoint,
    credentials: stack.cloud.rootCredentials(),
    requestChecksumCalculation: "WHEN_REQUIRED",
    ...(agent ? { requestHandler: { httpAgent: agent } } : {}),
  });
}
