// Reads zip archives: what a FileArchive that points to a .zip needs, and no more.
import { inflateRawSync } from "node:zlib";

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_HEADER_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;

/** A file inside a zip archive. */
export interface ZipEntry {
  /** Slash-separated path inside the archive. */
  readonly path: string;
  readonly content: Buffer;
}

/** Files of a zip archive, folders left out. @throws Error when it is not a zip, or uses encryption or another compression. */
export function readZip(archive: Buffer): readonly ZipEntry[] {
  const end = findEnd(archive);
  const count = archive.readUInt16LE(end + 10);
  const entries: ZipEntry[] = [];
  let offset = archive.readUInt32LE(end + 16);
  for (let index = 0; index < count; index++) {
    if (archive.readUInt32LE(offset) !== DIRECTORY_ENTRY) throw new Error("the zip directory is damaged");
    const nameLength = archive.readUInt16LE(offset + 28);
    const path = archive.toString("utf8", offset + ENTRY_BYTES, offset + ENTRY_BYTES + nameLength);
    if (!path.endsWith("/")) entries.push({ path, content: readContent(archive, offset) });
    offset += ENTRY_BYTES + nameLength + archive.readUInt16LE(offset + 30) + archive.readUInt16LE(offset + 32);
  }
  return entries;
}

function findEnd(archive: Buffer): number {
  for (let offset = archive.length - END_BYTES; offset >= 0; offset--) {
    if (archive.readUInt32LE(offset) === END_OF_DIRECTORY) return offset;
  }
  throw new Error("this is not a zip archive");
}

function readContent(archive: Buffer, entry: number): Buffer {
  const encrypted = (archive.readUInt16LE(entry + 8) & 1) === 1;
  const method = archive.readUInt16LE(entry + 10);
  const size = archive.readUInt32LE(entry + 20);
  const local = archive.readUInt32LE(entry + 42);
  const start = local + LOCAL_HEADER_BYTES + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  const data = archive.subarray(start, start + size);
  if (encrypted) throw new Error("the zip archive is encrypted");
  if (method === STORED) return Buffer.from(data);
  if (method === DEFLATED) return inflateRawSync(data);
  throw new Error(`compression method ${String(method)} of the zip archive is not supported`);
}
