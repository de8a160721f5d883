// The smallest arguments with which ThrottledQueueConsumer works, and a way to write consumers, for its tests.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { ThrottledQueueConsumerArgs } from "../../components";

/** A real consumer of this repository. */
export const CONSUMER_ENTRY = path.join(__dirname, "..", "..", "handlers", "work", "process-work.ts");

/** Minimal arguments. */
export const MINIMAL_QUEUE_ARGS: ThrottledQueueConsumerArgs & { readonly entry: string } = { entry: CONSUMER_ENTRY };

/** Writes files into a new folder. @returns the folder, and what removes it. */
export function writeFolder(files: Readonly<Record<string, string>>): { folder: string; remove: () => void } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "queue-consumer-"));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
  return { folder, remove: () => fs.rmSync(folder, { recursive: true, force: true }) };
}
