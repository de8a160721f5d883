// The web console is a guest of the command: started when it is there, never in the way.
import { existsSync } from "node:fs";
import path from "node:path";
import type { Cloud } from "../cloud";
import type { Evaluation } from "../engine";

/** A running console. */
export interface RunningConsole {
  readonly url: string;
  close(): Promise<void>;
}

interface ConsoleModule {
  startConsole(cloud: Cloud, evaluation: Evaluation): Promise<RunningConsole>;
}

/** Starts the console of `local/console`; undefined when there is none. */
export async function openConsole(cloud: Cloud, evaluation: Evaluation): Promise<RunningConsole | undefined> {
  const folder = path.join(__dirname, "..", "console");
  const file = ["index.ts", "index.js"].map((name) => path.join(folder, name)).find((name) => existsSync(name));
  if (!file) return undefined;
  const { startConsole } = require(file) as ConsoleModule;
  return startConsole(cloud, evaluation);
}
