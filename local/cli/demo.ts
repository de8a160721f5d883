// Entry of `npm run demo`.
import { spawn } from "node:child_process";
import { runDemoCommand } from "./demo/command";
import { runInterruptibleEntry } from "./entry";

const OPENERS: Partial<Record<NodeJS.Platform, readonly [command: string, ...args: string[]]>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
};

function open(file: string): void {
  const [command, ...args] = OPENERS[process.platform] ?? ["xdg-open"];
  const opener = spawn(command, [...args, file], { detached: true, stdio: "ignore" });
  opener.on("error", () => process.stderr.write(`could not open ${file}: there is no ${command}\n`));
  opener.unref();
}

runInterruptibleEntry((context) => runDemoCommand({ ...context, open }));
