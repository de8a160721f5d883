// From a process to a command: what the entry files share.
import type { CommandContext, InterruptibleContext } from "./command";

/** Runs a command that ends at once with Ctrl-C. */
export function runEntry(run: (context: CommandContext) => Promise<number>): void {
  const { argv, stdout, stderr } = process;
  void run({ argv: argv.slice(2), folder: process.cwd(), stdout, stderr }).then((code) => {
    process.exitCode = code;
  });
}

/** Runs a command that ends in order with Ctrl-C. */
export function runInterruptibleEntry(run: (context: InterruptibleContext) => Promise<number>): void {
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // The second time, the person does not want to wait.
      if (interrupt.signal.aborted) process.exit(130);
      interrupt.abort(new Error("interrupted"));
    });
  }
  runEntry((context) => run({ ...context, interrupt: interrupt.signal }));
}
