// Unpacks a function's code into a folder of its own.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Archive, Asset } from "../core/resource-model";
import { UNPACKED_CODE_BYTES } from "./limits";
import { readZip } from "./zip";

/** What was unpacked. */
export interface UnpackedCode {
  /** Base64 of SHA-256 over names and contents. AWS hashes the zip file, which does not exist here. */
  readonly sha256: string;
  readonly bytes: number;
}

/** Writes `archive` into `directory`, which must be new. @throws Error when it cannot be read or is larger than Lambda allows. */
export function unpackCode(archive: Archive, directory: string): UnpackedCode {
  mkdirSync(directory, { recursive: true });
  writeArchive(archive, directory);
  const code = measure(directory);
  if (code.bytes > UNPACKED_CODE_BYTES) {
    throw new Error(`Unzipped size must be smaller than ${String(UNPACKED_CODE_BYTES)} bytes`);
  }
  return code;
}

function writeArchive(archive: Archive, directory: string): void {
  if (archive.path === undefined) {
    for (const [name, item] of Object.entries(archive.assets ?? {})) writeItem(item, inside(directory, name));
    return;
  }
  if (statSync(archive.path).isDirectory()) {
    cpSync(archive.path, directory, { recursive: true, dereference: true });
    return;
  }
  for (const entry of readZip(readFileSync(archive.path))) writeFile(inside(directory, entry.path), entry.content);
}

function writeItem(item: Asset | Archive, target: string): void {
  if (item.kind === "archive") {
    mkdirSync(target, { recursive: true });
    writeArchive(item, target);
  } else if (item.path !== undefined) {
    writeFile(target, readFileSync(item.path));
  } else {
    writeFile(target, Buffer.from(item.text ?? ""));
  }
}

function writeFile(target: string, content: Buffer): void {
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, content);
}

/** A name such as "../../.bashrc" must not leave the folder. */
function inside(directory: string, name: string): string {
  const target = path.resolve(directory, name);
  if (!target.startsWith(directory + path.sep)) throw new Error(`the archive names ${name}, outside its own folder`);
  return target;
}

function measure(directory: string): UnpackedCode {
  const hash = createHash("sha256");
  let bytes = 0;
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .sort();
  for (const file of files) {
    const content = readFileSync(path.join(directory, file));
    bytes += content.length;
    hash.update(`${file}\0${String(content.length)}\0`).update(content);
  }
  return { sha256: hash.digest("base64"), bytes };
}
