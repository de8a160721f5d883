// Sums of a body, computed while it streams by.
import { createHash, type Hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { CRC64_START, type Crc64State, finishCrc64, updateCrc64 } from "../../../clients/upload/crc64";
import { crc32c } from "./crc";
import type { ChecksumAlgorithm } from "./checksums";

/** A sum that can be asked for. */
export type DigestName = ChecksumAlgorithm | "MD5";
/** Raw bytes of each sum that was asked for; CRCs big-endian. */
export type Digests = ReadonlyMap<DigestName, Buffer>;

interface RunningDigest {
  update(chunk: Uint8Array): void;
  digest(): Buffer;
}

/** Several sums over the same bytes. */
export class Hashes {
  private readonly running: ReadonlyMap<DigestName, RunningDigest>;

  constructor(names: readonly DigestName[]) {
    this.running = new Map(names.map((name) => [name, start(name)]));
  }

  update(chunk: Uint8Array): void {
    for (const digest of this.running.values()) digest.update(chunk);
  }

  digests(): Digests {
    return new Map([...this.running].map(([name, digest]) => [name, digest.digest()]));
  }
}

function start(name: DigestName): RunningDigest {
  switch (name) {
    case "MD5":
      return fromHash(createHash("md5"));
    case "SHA1":
      return fromHash(createHash("sha1"));
    case "SHA256":
      return fromHash(createHash("sha256"));
    case "CRC32":
      return fold<number>(0, (value, chunk) => crc32(chunk, value), crc32Bytes);
    case "CRC32C":
      return fold<number>(0, (value, chunk) => crc32c(chunk, value), crc32Bytes);
    case "CRC64NVME":
      // The uploader's, twice as fast as the AWS library's (450 MB/s against 225); the tests hold it against that library.
      return fold(CRC64_START, updateCrc64, crc64Bytes);
  }
}

function fromHash(hash: Hash): RunningDigest {
  return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest() };
}

/** A sum whose state goes from chunk to chunk. */
function fold<State>(
  initial: State,
  step: (state: State, chunk: Uint8Array) => State,
  finish: (state: State) => Buffer,
): RunningDigest {
  let state = initial;
  return {
    update: (chunk) => {
      state = step(state, chunk);
    },
    digest: () => finish(state),
  };
}

function crc32Bytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function crc64Bytes(state: Crc64State): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(finishCrc64(state));
  return bytes;
}

/** One sum of a buffer. */
export function digestOf(name: DigestName, bytes: Uint8Array): Buffer {
  const digest = start(name);
  digest.update(bytes);
  return digest.digest();
}
