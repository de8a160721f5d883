// What is known about the parts of one upload: checksums, and which of them Amazon S3 holds.

import type { CompletedPart, FinishedPart, UploadDescription } from "../../handlers/upload/contract";
import { combineCrc64, encodeCrc64 } from "./crc64";
import { UploadError } from "./errors";
import type { Hasher } from "./hasher";

/** A file, as browsers and Node's `openAsBlob` know it. */
export interface FileSource {
  readonly name: string;
  readonly size: number;
  /** Media type; empty when unknown. */
  readonly type: string;
  /** Milliseconds since the Unix epoch. */
  readonly lastModified: number;
  slice(start: number, end: number): Blob;
}

/** For the person. */
export const FILE_CHANGED = "The file is not the one that this upload was started with.";

/** Bookkeeping of one upload's parts. Survives pauses. */
export class Ledger {
  readonly #file: FileSource;
  readonly #hasher: Hasher;
  readonly #partSize: number;
  readonly #checksums = new Map<number, bigint>();
  readonly #finished = new Map<number, CompletedPart>();
  /** Bytes of the parts that S3 holds. */
  finishedBytes = 0;

  constructor(
    file: FileSource,
    hasher: Hasher,
    readonly upload: UploadDescription,
  ) {
    this.#file = file;
    this.#hasher = hasher;
    this.#partSize = upload.partSize;
  }

  get finishedParts(): number {
    return this.#finished.size;
  }

  get complete(): boolean {
    return this.#finished.size === this.upload.partCount;
  }

  isFinished(partNumber: number): boolean {
    return this.#finished.has(partNumber);
  }

  /** Numbers of the parts that are still to be sent, in order. */
  missing(): number[] {
    const numbers = Array.from({ length: this.upload.partCount }, (_, index) => index + 1);
    return numbers.filter((partNumber) => !this.#finished.has(partNumber));
  }

  sizeOf(partNumber: number): number {
    const start = (partNumber - 1) * this.#partSize;
    return Math.min(start + this.#partSize, this.upload.size) - start;
  }

  /** The bytes of a part, not yet read. */
  slice(partNumber: number): Blob {
    const start = (partNumber - 1) * this.#partSize;
    return this.#file.slice(start, start + this.sizeOf(partNumber));
  }

  /** Checksum of a part; the file is read once per part. */
  async hash(partNumber: number): Promise<string> {
    let value = this.#checksums.get(partNumber);
    if (value === undefined) {
      value = await this.#hasher.hash(this.slice(partNumber)).catch((cause: unknown) => {
        throw new UploadError("FileUnreadable", "The file cannot be read; choose it again.", undefined, { cause });
      });
      this.#checksums.set(partNumber, value);
    }
    return encodeCrc64(value);
  }

  /** The bytes did not match the checksum when they arrived: read them again. */
  forgetHash(partNumber: number): void {
    this.#checksums.delete(partNumber);
  }

  /** A part has arrived; the checksum it was sent with is ours. */
  finish(partNumber: number, eTag: string, checksum = encodeCrc64(this.#checksums.get(partNumber)!)): void {
    if (!this.#finished.has(partNumber)) this.finishedBytes += this.sizeOf(partNumber);
    this.#finished.set(partNumber, { partNumber, eTag, checksum });
  }

  /** Takes the server's list as the truth about what S3 holds. */
  adopt(parts: readonly FinishedPart[]): void {
    this.#finished.clear();
    this.finishedBytes = 0;
    for (const { partNumber, size, eTag, checksum } of parts) {
      if (size === this.sizeOf(partNumber)) this.finish(partNumber, eTag, checksum);
    }
  }

  /** Compares every finished part with the file on this device. */
  async verify(signal: AbortSignal): Promise<void> {
    for (const { partNumber, checksum } of [...this.#finished.values()]) {
      if ((await this.hash(partNumber)) !== checksum) {
        throw new UploadError("FileChanged", FILE_CHANGED);
      }
      signal.throwIfAborted();
    }
  }

  /** Every part, in order. */
  completedParts(): CompletedPart[] {
    return [...this.#finished.values()].sort((a, b) => a.partNumber - b.partNumber);
  }

  /** Checksum of the whole file, from those of its parts. Every part must have been hashed. */
  wholeChecksum(): string {
    let whole = 0n;
    for (let partNumber = 1; partNumber <= this.upload.partCount; partNumber++) {
      whole = combineCrc64(whole, this.#checksums.get(partNumber)!, this.sizeOf(partNumber));
    }
    return encodeCrc64(whole);
  }
}
