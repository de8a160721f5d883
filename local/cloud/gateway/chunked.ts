// The aws-chunked content encoding: sizes, chunk signatures and trailers checked while the bytes flow through.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
import { createHash, type Hash, timingSafeEqual } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";
import { AwsError } from "../core/errors";
import { emptyHash, sha256Hex, signText } from "./canonical";

/** Signs the chunks of one upload, each over the one before. */
export interface ChunkSigner {
  readonly key: Buffer;
  readonly amzDate: string;
  readonly scope: string;
  /** Signature of the request's headers. */
  readonly seed: string;
}

/** How a body is encoded. */
export interface ChunkedOptions {
  /** x-amz-decoded-content-length, in bytes. */
  readonly decodedLength: number;
  /** Left out: chunks carry no signatures. */
  readonly signer?: ChunkSigner;
  /** Lower-case names that x-amz-trailer announces; empty when there is no trailer. */
  readonly trailerNames: readonly string[];
}

/** Longest line between chunks and longest trailer, in bytes. */
const maxLineBytes = 16 * 1024;

type State = "size" | "data" | "dataEnd" | "trailer" | "done";

const incomplete = (message: string): AwsError => new AwsError("IncompleteBody", message);

/** Decodes aws-chunked. Fails with IncompleteBody, SignatureDoesNotMatch or MalformedTrailerError. */
export class AwsChunkedDecoder extends Transform {
  readonly trailers: Record<string, string> = {};
  private state: State = "size";
  private line = Buffer.alloc(0);
  private remaining = 0;
  private decoded = 0;
  private hash: Hash | undefined;
  private chunkSignature = "";
  private previousSignature: string;
  private trailerSignature: string | undefined;
  private canonicalTrailer = "";

  constructor(private readonly options: ChunkedOptions) {
    super();
    this.previousSignature = options.signer?.seed ?? "";
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    try {
      this.consume(chunk);
      callback();
    } catch (error) {
      callback(error as Error);
    }
  }

  override _flush(callback: TransformCallback): void {
    if (this.state === "trailer" && this.line.length === 0) this.state = "done";
    if (this.state !== "done") {
      callback(incomplete("The request body terminated unexpectedly"));
      return;
    }
    try {
      this.finish();
      callback();
    } catch (error) {
      callback(error as Error);
    }
  }

  private consume(chunk: Buffer): void {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.state === "done") throw incomplete("The request body holds more than its last chunk");
      offset = this.state === "data" ? this.takeData(chunk, offset) : this.takeLine(chunk, offset);
    }
  }

  private takeData(chunk: Buffer, offset: number): number {
    const end = Math.min(chunk.length, offset + this.remaining);
    const piece = chunk.subarray(offset, end);
    this.hash?.update(piece);
    this.remaining -= piece.length;
    this.decoded += piece.length;
    if (this.decoded > this.options.decodedLength) throw this.wrongLength();
    this.push(piece);
    if (this.remaining === 0) this.state = "dataEnd";
    return end;
  }

  private takeLine(chunk: Buffer, offset: number): number {
    const end = chunk.indexOf(0x0a, offset);
    const piece = chunk.subarray(offset, end < 0 ? chunk.length : end + 1);
    this.line = this.line.length === 0 ? Buffer.from(piece) : Buffer.concat([this.line, piece]);
    if (this.line.length > maxLineBytes) throw incomplete("A chunk of the request body has a line that is too long");
    if (end >= 0) {
      // A trailer line may end in "\n" alone; everything else ends in "\r\n".
      const text = this.line.toString("latin1").replace(/\r?\n$/, "");
      this.line = Buffer.alloc(0);
      this.onLine(text);
    }
    return offset + piece.length;
  }

  private onLine(text: string): void {
    if (this.state === "size") {
      this.beginChunk(text);
      return;
    }
    if (this.state === "trailer") {
      this.takeTrailer(text);
      return;
    }
    if (text !== "") throw incomplete("A chunk of the request body is longer than its size says");
    this.endChunk();
    this.state = "size";
  }

  private beginChunk(text: string): void {
    const match = /^([0-9a-fA-F]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(text);
    if (!match) throw incomplete("A chunk of the request body has a malformed size");
    this.chunkSignature = match[2] ?? "";
    this.remaining = parseInt(match[1] ?? "0", 16);
    if (this.options.signer) this.hash = createHash("sha256");
    if (this.remaining > 0) {
      this.state = "data";
      return;
    }
    this.endChunk();
    if (this.decoded !== this.options.decodedLength) throw this.wrongLength();
    this.state = "trailer";
  }

  private endChunk(): void {
    const { signer } = this.options;
    if (!signer || !this.hash) return;
    const text = [
      "AWS4-HMAC-SHA256-PAYLOAD",
      signer.amzDate,
      signer.scope,
      this.previousSignature,
      emptyHash,
      this.hash.digest("hex"),
    ];
    this.verify(text, this.chunkSignature);
    this.hash = undefined;
  }

  private verify(text: readonly string[], given: string): void {
    const { signer } = this.options;
    if (!signer) return;
    const expected = signText(signer.key, text.join("\n"));
    if (given.length !== expected.length || !timingSafeEqual(Buffer.from(given), Buffer.from(expected)))
      throw this.wrongSignature();
    this.previousSignature = expected;
  }

  private takeTrailer(text: string): void {
    if (text === "") {
      this.state = "done";
      return;
    }
    const at = text.indexOf(":");
    const name = text.slice(0, Math.max(at, 0)).trim().toLowerCase();
    const value = text.slice(at + 1).trim();
    if (name === "x-amz-trailer-signature" && this.options.signer) this.trailerSignature = value;
    else if (!this.options.trailerNames.includes(name)) throw malformedTrailer();
    else {
      this.trailers[name] = value;
      this.canonicalTrailer += `${name}:${value}\n`;
    }
  }

  private finish(): void {
    const { signer, trailerNames } = this.options;
    if (trailerNames.some((name) => this.trailers[name] === undefined)) throw malformedTrailer();
    if (!signer || trailerNames.length === 0) return;
    const text = [
      "AWS4-HMAC-SHA256-TRAILER",
      signer.amzDate,
      signer.scope,
      this.previousSignature,
      sha256Hex(this.canonicalTrailer),
    ];
    this.verify(text, this.trailerSignature ?? "");
  }

  private wrongLength(): AwsError {
    return incomplete(
      "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header",
    );
  }

  private wrongSignature(): AwsError {
    return new AwsError(
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
      403,
    );
  }
}

function malformedTrailer(): AwsError {
  return new AwsError(
    "MalformedTrailerError",
    "The request contained trailing data that was not well-formed or did not conform to our published schema.",
  );
}
