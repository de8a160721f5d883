// Compression at the edge, under CloudFront's conditions.
import { createBrotliCompress, createGzip, constants } from "node:zlib";
import type { Transform } from "node:stream";
import type { Behavior } from "./definition";

const smallestBytes = 1000;
const largestBytes = 10_000_000;
const compressible =
  /^(?:text\/(?:css|csv|html|javascript|js|plain|richtext|tab-separated-values|xml|x-script|x-component|x-java-source)|application\/(?:javascript|json|xml|wasm|x-javascript|xhtml\+xml|rss\+xml|atom\+xml|manifest\+json|vnd\.ms-fontobject|rtf|pdf|x-font-ttf|x-font-otf|font-woff)|font\/(?:eot|ttf|otf|opentype|woff)|image\/(?:svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)|model\/gltf\+json)$/;

/** How an answer is compressed; undefined when it stays as it is. */
export function chooseEncoding(
  behavior: Behavior,
  acceptEncoding: string | undefined,
  status: number,
  headers: Readonly<Record<string, string | readonly string[]>>,
): "br" | "gzip" | undefined {
  const size = Number(headers["content-length"]);
  const type =
    String(headers["content-type"] ?? "")
      .split(";", 1)[0]
      ?.trim()
      .toLowerCase() ?? "";
  const fits =
    size >= smallestBytes && size <= largestBytes && compressible.test(type) && [200, 403, 404].includes(status);
  if (!behavior.compress || !fits || headers["content-encoding"] !== undefined) return undefined;
  const accepted = (acceptEncoding ?? "").split(",").map((item) => item.split(";", 1)[0]?.trim());
  if (behavior.cache.brotli && accepted.includes("br")) return "br";
  return behavior.cache.gzip && accepted.includes("gzip") ? "gzip" : undefined;
}

/** A stream that compresses; fast rather than small, as everything stays on this computer. */
export function createCompressor(encoding: "br" | "gzip"): Transform {
  if (encoding === "gzip") return createGzip({ level: 4 });
  return createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
}
