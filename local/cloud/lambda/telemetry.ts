// Reads what a function's process prints: framed log lines of aws-lambda-ric, and plain lines of stdout and stderr.
import { StringDecoder } from "node:string_decoder";
import type { Readable } from "node:stream";

const HEADER_BYTES = 16;
const LENGTH_OFFSET = 4;

/** Calls `onLine` for each log entry that aws-lambda-ric frames (type, length, time, then the text). */
export function readFrames(stream: Readable, onLine: (line: string) => void): void {
  let pending = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + pending.readInt32BE(LENGTH_OFFSET);
      if (pending.length < end) return;
      onLine(pending.toString("utf8", HEADER_BYTES, end).replace(/\n$/, ""));
      pending = pending.subarray(end);
    }
  });
}

/** Calls `onLine` for each line, and for an unfinished one at the end. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let pending = "";
  stream.on("data", (chunk: Buffer) => {
    const lines = (pending + decoder.write(chunk)).split("\n");
    pending = lines.pop() ?? "";
    lines.forEach(onLine);
  });
  stream.on("end", () => {
    if (pending) onLine(pending);
  });
}
