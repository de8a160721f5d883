// Entry of `npm run token`.
import { runToken } from "./token-command";

void runToken(process.argv.slice(2), process.cwd(), process.stdout, process.stderr).then((code) => {
  process.exitCode = code;
});
