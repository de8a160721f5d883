// Entry of `npm run doctor`.
import { runDoctor } from "./doctor-command";

void runDoctor({
  argv: process.argv.slice(2),
  folder: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
}).then((code) => {
  process.exitCode = code;
});
