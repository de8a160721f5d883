// Content hashes of files and folders, so that a changed file counts as a changed input although its path is the same.
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

/**
 * Hash of a file, or of a folder's files with their relative paths.
 * @throws Error naming the path when there is nothing to read.
 */
export function hashPath(file: string): string {
  const status = fs.statSync(file, { throwIfNoEntry: false });
  if (!status) throw new Error(`the file or folder ${file} of an asset does not exist`);
  const hash = createHash("sha256");
  if (!status.isDirectory()) return hash.update(fs.readFileSync(file)).digest("hex");
  for (const name of filesOf(file))
    hash
      .update(`${name}\0`)
      .update(fs.readFileSync(path.join(file, name)))
      .update("\0");
  return hash.digest("hex");
}

const filesOf = (folder: string): string[] =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();
