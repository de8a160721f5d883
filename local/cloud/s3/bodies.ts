// Bodies of objects and parts: files that never change, shared by whoever refers to them, removed with the last reference.
import { createReadStream } from "node:fs";
import { mkdir, open, rm, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Hashes, type DigestName, type Digests } from "./hashes";
import { incompleteBody } from "./errors";
import { AwsError } from "../core/errors";

/** A file that holds one body. */
export interface BodyFile {
  readonly path: string;
  readonly size: number;
}

/** A stretch of a file. An object is a list of them: completing an upload and copying move no bytes. */
export interface Segment {
  readonly file: BodyFile;
  readonly offset: number;
  readonly length: number;
}

/** A body that has arrived, held once for the caller. */
export interface ReceivedBody {
  readonly segments: readonly Segment[];
  readonly size: number;
  readonly digests: Digests;
}

/** Keeps bodies on disk and counts who refers to them. */
export class BodyStore {
  private readonly references = new Map<BodyFile, number>();
  private readonly removals = new Set<Promise<void>>();
  private readonly folder: string;
  private ready: Promise<unknown> | undefined;
  private count = 0;

  /** @param dataDirectory folder in which `s3-bodies` is made at the first body. */
  constructor(dataDirectory: string) {
    this.folder = join(dataDirectory, "s3-bodies");
  }

  /** Streams a body to disk and sums it on the way; nothing is left when it fails or exceeds `limit` bytes. */
  async receive(
    body: Readable,
    digestNames: readonly DigestName[],
    limit: () => AwsError,
    limitBytes: number,
  ): Promise<ReceivedBody> {
    await (this.ready ??= mkdir(this.folder, { recursive: true }));
    const path = join(this.folder, String(++this.count));
    const hashes = new Hashes(digestNames);
    const handle = await open(path, "wx");
    const writer = new Writer(handle);
    let size = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > limitBytes) throw limit();
        hashes.update(chunk);
        await writer.write(chunk);
      }
      await writer.flush();
      await handle.close();
    } catch (error) {
      await handle.close().catch(() => undefined);
      await unlink(path).catch(() => undefined);
      throw error instanceof AwsError ? error : brokenBody(error);
    }
    const file = { path, size };
    this.references.set(file, 1);
    return {
      segments: size === 0 ? this.dropEmpty(file) : [{ file, offset: 0, length: size }],
      size,
      digests: hashes.digests(),
    };
  }

  /** Sums bytes that are on disk already. */
  async digest(segments: readonly Segment[], digestNames: readonly DigestName[]): Promise<Digests> {
    const hashes = new Hashes(digestNames);
    for await (const chunk of this.read(segments) as AsyncIterable<Buffer>) hashes.update(chunk);
    return hashes.digests();
  }

  /** One more reference to each segment's file. */
  retain(segments: readonly Segment[]): void {
    for (const { file } of segments) this.references.set(file, (this.references.get(file) ?? 0) + 1);
  }

  /** One reference less; the file goes with the last. */
  release(segments: readonly Segment[]): void {
    for (const { file } of segments) {
      const left = (this.references.get(file) ?? 0) - 1;
      if (left > 0) {
        this.references.set(file, left);
        continue;
      }
      this.references.delete(file);
      const removal = unlink(file.path).catch(() => undefined);
      this.removals.add(removal);
      void removal.then(() => this.removals.delete(removal));
    }
  }

  /** Reads segments one after another. Holds them until the stream closes, whatever happens to the object meanwhile. */
  read(segments: readonly Segment[]): Readable {
    this.retain(segments);
    const stream = Readable.from(readSegments(segments), { objectMode: false, highWaterMark: 256 * 1024 });
    stream.once("close", () => this.release(segments));
    return stream;
  }

  /** Number of files that are kept. */
  fileCount(): number {
    return this.references.size;
  }

  /** Removes every body. */
  async removeAll(): Promise<void> {
    await Promise.all(this.removals);
    this.references.clear();
    await rm(this.folder, { recursive: true, force: true });
  }

  private dropEmpty(file: BodyFile): readonly Segment[] {
    this.release([{ file, offset: 0, length: 0 }]);
    return [];
  }
}

/** The stretch `start` to `end` (included) of a body. */
export function sliceSegments(segments: readonly Segment[], start: number, end: number): readonly Segment[] {
  const result: Segment[] = [];
  let position = 0;
  for (const { file, offset, length } of segments) {
    const from = Math.max(start - position, 0);
    const to = Math.min(end - position, length - 1);
    if (from <= to) result.push({ file, offset: offset + from, length: to - from + 1 });
    position += length;
  }
  return result;
}

async function* readSegments(segments: readonly Segment[]): AsyncGenerator<Buffer> {
  for (const { file, offset, length } of segments) {
    const options = { start: offset, end: offset + length - 1, highWaterMark: 256 * 1024 };
    yield* createReadStream(file.path, options) as AsyncIterable<Buffer>;
  }
}

/** Bytes that wait for one write: a socket gives 64 KiB at a time, and each write is a way to another thread and back. */
const WRITE_BYTES = 1024 ** 2;

/** Writes chunks to a file, several at once. */
class Writer {
  private waiting: Buffer[] = [];
  private bytes = 0;

  constructor(private readonly handle: FileHandle) {}

  async write(chunk: Buffer): Promise<void> {
    this.waiting.push(chunk);
    this.bytes += chunk.length;
    if (this.bytes >= WRITE_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    const { waiting, bytes } = this;
    this.waiting = [];
    this.bytes = 0;
    if (bytes === 0) return;
    const { bytesWritten } = await this.handle.writev(waiting);
    // Rare: a nearly full disk. What is left is written, or its refusal is told.
    if (bytesWritten < bytes) await this.handle.writeFile(Buffer.concat(waiting).subarray(bytesWritten));
  }
}

/** A connection that ended early is the client's fault; a full disk is not. */
function brokenBody(error: unknown): unknown {
  const code = (error as { code?: unknown }).code;
  return code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE" || code === "ABORT_ERR"
    ? incompleteBody()
    : error;
}
