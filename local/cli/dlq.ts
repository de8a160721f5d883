// Entry of `npm run dlq`.
import { createInterface } from "node:readline/promises";
import { runDlq } from "./dlq/command";
import { runInterruptibleEntry } from "./entry";

runInterruptibleEntry((context) => {
  const ask = async (question: string): Promise<string> => {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    // The terminal gives Ctrl-C to whoever reads lines.
    lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
    try {
      return await lines.question(question, { signal: context.interrupt });
    } finally {
      lines.close();
    }
  };
  return runDlq({ ...context, ...(process.stdin.isTTY ? { ask } : {}) });
});
