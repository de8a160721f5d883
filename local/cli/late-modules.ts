// Modules that are loaded late: the cloud takes half a second, in which the program's process can load as well.
import type * as Cloud from "../cloud";
import type * as Console from "../console";

/* eslint-disable @typescript-eslint/no-require-imports -- `import()` bypasses the TypeScript loaders for relative paths. */

/** Loads the embedded cloud. */
export const cloudModule = (): typeof Cloud => require("../cloud") as typeof Cloud;

/** Loads the console. */
export const consoleModule = (): typeof Console => require("../console") as typeof Console;

/** Calls `load` once what the caller does now is done: fork a process first, say. */
export async function whileLoading<T>(load: () => T): Promise<Awaited<T>> {
  await new Promise((resolve) => setImmediate(resolve));
  return await load();
}
