// The body of a call: decoded and checked on its way, never held in memory unless a service asks for all of it.
import { createHash, type Hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { PassThrough, type Readable, Transform, type TransformCallback } from "node:stream";
import { AwsError } from "../core/errors";
import { type ArrivedRequest, headerOf } from "./arrival";
import { unsignedPayload } from "./canonical";
import { AwsChunkedDecoder, type ChunkSigner } from "./chunked";

/** How the bytes on the wire become the content. */
export interface BodyPlan {
  /** Content hash that the signature covers, hex; left out when it covers none. */
  readonly sha256?: string;
  /** Set for aws-chunked bodies. */
  readonly chunked?: {
    readonly decodedLength: number;
    readonly trailerNames: readonly string[];
    readonly signed: boolean;
  };
}

const signedStream = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const payloadKinds = [unsignedPayload, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", signedStream, `${signedStream}-TRAILER`];

/** Reads from the headers of an S3 call how its body is encoded. Throws for headers that contradict each other. */
export function planS3Body(request: ArrivedRequest, payloadHash: string | undefined): BodyPlan {
  if (payloadHash === undefined || payloadHash === unsignedPayload) return {};
  if (/^[0-9a-f]{64}$/.test(payloadHash)) return { sha256: payloadHash };
  if (!payloadKinds.includes(payloadHash)) {
    throw new AwsError(
      "InvalidArgument",
      `x-amz-content-sha256 must be ${payloadKinds.join(", ")} or a valid sha256 value.`,
      400,
      { ArgumentName: "x-amz-content-sha256", ArgumentValue: payloadHash },
    );
  }
  const length = headerOf(request, "x-amz-decoded-content-length");
  if (length === undefined || !/^\d+$/.test(length)) {
    throw new AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411);
  }
  const announced = headerOf(request, "x-amz-trailer") ?? "";
  const trailerNames = announced
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  const withTrailer = payloadHash.endsWith("-TRAILER");
  if (!withTrailer && trailerNames.length > 0) {
    throw new AwsError("InvalidRequest", "The value specified in the x-amz-trailer header is not supported");
  }
  return { chunked: { decodedLength: Number(length), trailerNames, signed: payloadHash.startsWith(signedStream) } };
}

/** Passes bytes on, and fails at their end when they are not the ones that were signed. */
class ContentCheck extends Transform {
  private readonly hash: Hash = createHash("sha256");

  constructor(private readonly expected: string) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.hash.update(chunk);
    callback(null, chunk);
  }

  override _flush(callback: TransformCallback): void {
    const actual = this.hash.digest("hex");
    if (actual === this.expected) {
      callback();
      return;
    }
    callback(
      new AwsError(
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
        400,
        {
          ClientComputedContentSHA256: this.expected,
          S3ComputedContentSHA256: actual,
        },
      ),
    );
  }
}

/** The content of a call as a stream. */
export interface BodyStream {
  readonly stream: Readable;
  trailers(): Readonly<Record<string, string>>;
}

/**
 * Connects the decoder to the request. An error of the decoder leaves the request open, so that the caller can still read the
 * answer; a connection that breaks destroys the stream.
 */
export function openBody(request: IncomingMessage, plan: BodyPlan, signer?: ChunkSigner): BodyStream {
  const decoder = plan.chunked
    ? new AwsChunkedDecoder({ ...plan.chunked, ...(plan.chunked.signed && signer && { signer }) })
    : undefined;
  const stream = decoder ?? (plan.sha256 === undefined ? new PassThrough() : new ContentCheck(plan.sha256));
  const broken = (): void => {
    if (!request.complete)
      stream.destroy(new AwsError("RequestTimeout", "The connection ended before the body did.", 400));
  };
  request.once("error", broken);
  // A service that drops the stream after an error must not bring the process down.
  stream.on("error", () => undefined);
  request.pipe(stream);
  return { stream, trailers: () => decoder?.trailers ?? {} };
}

/** Reads a stream to its end. Throws RequestEntityTooLarge (413) beyond the limit. */
export async function readAll(stream: Readable, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limitBytes) {
      throw new AwsError("RequestEntityTooLarge", `The request body must be at most ${limitBytes} bytes`, 413);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
