// `npm run bench -- bundles`: weight of each handler as it is deployed, beside the AWS SDK's own presigner built in the same run.
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { bundleHandlers } from "../components/shared/bundle";
import { formatTable, round } from "./statistics";

/** Bytes, minified and gzipped. */
export interface BundlesBenchmark {
  readonly bundles: readonly { readonly name: string; readonly kilobytes: number; readonly gzippedKilobytes: number }[];
}

const SDK_PRESIGNER = `
import { S3Client, UploadPartCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
const client = new S3Client({});
export const handler = (event) => getSignedUrl(client, new UploadPartCommand(event));
`;

/** Measures and prints. */
export async function run(): Promise<BundlesBenchmark> {
  const peer = await esbuild.build({
    stdin: { contents: SDK_PRESIGNER, resolveDir: __dirname },
    bundle: true,
    write: false,
    minify: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    mainFields: ["module", "main"],
    logLevel: "silent",
  });
  const texts = [...bundleHandlers(), ["AWS SDK presigner (peer)", peer.outputFiles[0]?.text ?? ""] as const];
  const bundles = texts.map(([name, text]) => ({
    name,
    kilobytes: round(Buffer.byteLength(text) / 1000, 1),
    gzippedKilobytes: round(gzipSync(text).length / 1000, 1),
  }));
  console.log(
    formatTable([
      ["bundle", "kB", "gzipped"],
      ...bundles.map((one) => [one.name, String(one.kilobytes), String(one.gzippedKilobytes)]),
    ]),
  );
  return { bundles };
}
