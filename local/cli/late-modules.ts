// Modules that are loaded late: the cloud takes half a second, in which the program's process can load as well; a client of AWS takes
// a quarter, which nobody should wait for who mistyped an option.
import type * as Lambda from "@aws-sdk/client-lambda";
import type * as Sqs from "@aws-sdk/client-sqs";
import type * as Cloud from "../cloud";
import type * as Console from "../console";
import type * as Demo from "./demo/run";

/* eslint-disable @typescript-eslint/no-require-imports -- `import()` bypasses the TypeScript loaders for relative paths. */

/** Loads the embedded cloud. */
export const cloudModule = (): typeof Cloud => require("../cloud") as typeof Cloud;

/** Loads the console. */
export const consoleModule = (): typeof Console => require("../console") as typeof Console;

/** Loads the client of SQS. */
export const sqsModule = (): typeof Sqs => require("@aws-sdk/client-sqs") as typeof Sqs;

/** Loads the client of Lambda. */
export const lambdaModule = (): typeof Lambda => require("@aws-sdk/client-lambda") as typeof Lambda;

/** Loads what runs a demonstration: the cloud's adapters and the engine. */
export const demoModule = (): typeof Demo => require("./demo/run") as typeof Demo;

/** Calls `load` once what the caller does now is done: fork a process first, say. */
export async function whileLoading<T>(load: () => T): Promise<Awaited<T>> {
  await new Promise((resolve) => setImmediate(resolve));
  return await load();
}
