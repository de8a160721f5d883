// Entry of `npm run upload`.
import { runUpload } from "./upload-command";

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    // The second time, the person does not want to wait.
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort(new Error("interrupted"));
  });
}

void runUpload({
  argv: process.argv.slice(2),
  folder: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  interrupt: interrupt.signal,
}).then((code) => {
  process.exitCode = code;
});
