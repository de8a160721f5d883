// Entry of `npm start`.
import { runStart } from "./start-command";

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // The second time, the person does not want to wait.
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort(new Error("the run was ended"));
  });
}
// A person who closes the terminal wants the same as with Ctrl-C.
process.on("SIGHUP", () => stopping.abort(new Error("the terminal was closed")));

// A waiting run has nothing else that keeps the process alive once its listeners are idle.
const alive = setInterval(() => undefined, 2 ** 30);
void runStart({
  argv: process.argv.slice(2),
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  signal: stopping.signal,
  elapsedMs: () => performance.now(),
}).then((code) => {
  clearInterval(alive);
  process.exitCode = code;
});
