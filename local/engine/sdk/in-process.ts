// Runs a program in this process with the engine as the SDK's "mock monitor". Every internal entry point of
// @pulumi/pulumi that this needs is named in `internals`; the SDK is pinned exactly, and the tests are its guard.
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as settings from "@pulumi/pulumi/runtime/settings";
import * as state from "@pulumi/pulumi/runtime/state";
import { Deployment } from "../deployment";
import { describeEscaped } from "../escaped";
import { messageOf } from "../errors";
import { loadProgram } from "../program";
import { toEvaluation } from "../result";
import { Watchdog } from "../watchdog";
import { createServices } from "./monitor";
import { withoutDebuggingAids } from "./quick";
import type { Message } from "google-protobuf";
import type { PendingRegistration } from "../watchdog";
import type { EvaluateOptions, Evaluation } from "../types";
import type { Handlers } from "./monitor";
import type { CallbackPort } from "./transforms";

interface Store {
  readonly settings: { monitor?: unknown; engine?: unknown; readonly options: Record<string, unknown> };
  readonly pendingResourceRegistrations: ReadonlyMap<unknown, PendingRegistration>;
  readonly callbacks?: {
    readonly _callbacks: ReadonlyMap<string, (request: Uint8Array) => Promise<Message>>;
    /** Address of the SDK's callback server, once it listens. */
    readonly _target: Promise<string>;
  };
}

const internals = { ...settings, ...state } as unknown as {
  withLocalStorage<T>(task: () => T): T;
  getStore(): Store;
  setMockOptions(monitor: unknown, project: string, stack: string, preview: boolean, organization: string): void;
  awaitFeatureSupport(): Promise<void>;
  waitForRPCs(): Promise<void>;
  disconnectSync(): void;
};

/** How far {@link evaluateInProcess} goes. */
export interface InProcessOptions {
  /**
   * The process does nothing else: the working directory is the program's, resources created by timers are waited for
   * until the event loop is empty, and uncaught exceptions are the program's.
   */
  readonly ownProcess?: boolean;
}

let queue: Promise<unknown> = Promise.resolve();

/** Evaluates a program in this process. Evaluations queue up: failures of two at once could not be told apart. */
export function evaluateInProcess(
  options: EvaluateOptions,
  { ownProcess = false }: InProcessOptions = {},
): Promise<Evaluation> {
  const result = queue.then(() => internals.withLocalStorage(() => run(options, ownProcess)));
  queue = result.catch(() => undefined);
  return result;
}

async function run(options: EvaluateOptions, ownProcess: boolean): Promise<Evaluation> {
  const inFolder = typeof options.program === "string" && !ownProcess;
  const baseDirectory = inFolder ? path.dirname(options.program) : process.cwd();
  const deployment = new Deployment(options, baseDirectory);
  const thrown = new Set<unknown>();
  const takeFailure = (cause: unknown): void => {
    // A refusal after the end is no failure of its own.
    if (deployment.closed !== undefined && messageOf(cause).includes(deployment.closed)) return;
    deployment.failures.addEscaped(cause, (one) => describeEscaped(one, thrown.has(one), deployment.calls.failed));
  };
  // Held here: timers and "beforeExit" run outside of the program's async context.
  const store = internals.getStore();
  const watchdog = new Watchdog(deployment, () => [...store.pendingResourceRegistrations.values()]);
  const restore = [captureRejections(takeFailure, ownProcess), withoutDebuggingAids()];
  try {
    await connect(deployment, options);
    const program = pulumi.runtime.runInPulumiStack(() => loadProgram(options.program, thrown));
    await watchdog.until(program.catch(takeFailure));
    await watchdog.until(drain(deployment, ownProcess, watchdog));
    await watchdog.until(deployment.deleteLeftovers());
  } catch (cause) {
    takeFailure(cause);
  } finally {
    await turns();
    watchdog.stop();
    deployment.close("the evaluation is over: this was registered too late, by a timer or a promise nobody waits for");
    internals.disconnectSync();
    for (const undo of restore) undo();
  }
  return toEvaluation(deployment);
}

async function connect(deployment: Deployment, options: EvaluateOptions): Promise<void> {
  const {
    project,
    stack,
    preview = false,
    organization = "organization",
    config = {},
    secretConfigKeys = [],
  } = options;
  const services = createServices(deployment, callbackPort(internals.getStore()));
  internals.setMockOptions(asClient(services.monitor), project, stack, preview, organization);
  const { settings: own } = internals.getStore();
  own.engine = asClient(services.engine);
  own.options.rootDirectory = deployment.baseDirectory;
  pulumi.runtime.setAllConfig({ ...config }, [...secretConfigKeys]);
  await internals.awaitFeatureSupport();
}

/** Makes services look like the SDK's gRPC client. */
function asClient(handlers: Handlers): Record<string, unknown> {
  const methods = Object.entries(handlers).map(([name, handler]) => {
    const method = (message: never, done: (error: Error | null, answer?: Message) => void): void => {
      new Promise<Message>((resolve) => resolve(handler(message))).then(
        (answer) => done(null, withoutText(answer)),
        (cause: unknown) => done(withDetails(cause)),
      );
    };
    return [name, method] as const;
  });
  return { ...Object.fromEntries(methods), close: () => undefined };
}

// The SDK puts each answer into a debug message, wanted or not; with the code of a function in it that takes longer than all else.
function withoutText(answer: Message): Message {
  return Object.assign(answer, { toString: () => "[answer]" });
}

// The SDK shows `details`, which gRPC errors have. The identity stays, so that one failure is recognised everywhere.
function withDetails(cause: unknown): Error {
  const error = cause instanceof Error ? cause : new Error(messageOf(cause));
  return Object.assign(error, { details: error.message });
}

// Straight to the function: a detour through the SDK's own gRPC server would lose the async context of the program.
function callbackPort(store: Store): CallbackPort {
  return async (callback, request) => {
    const target = store.callbacks?._callbacks.get(callback.getToken());
    if (!target) throw new Error("the program's callback is gone");
    return (await target(request)).serializeBinary();
  };
}

/** Waits for what the program has under way, and again for what that brought along. */
async function drain(deployment: Deployment, waitForLate: boolean, watchdog: Watchdog): Promise<void> {
  for (let seen = -1; seen !== deployment.activity;) {
    seen = deployment.activity;
    // Hooks are registered only once the callback server listens, and the SDK does not count that as under way.
    await internals.getStore().callbacks?._target;
    await internals.waitForRPCs();
    await turns();
    if (waitForLate) await watchdog.emptyEventLoop();
  }
}

/** Lets rejections surface. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

// A listener of the host that rethrows would end the process before the failure is recorded.
function captureRejections(take: (cause: unknown) => void, alsoExceptions: boolean): () => void {
  const others = process.listeners("unhandledRejection");
  if (alsoExceptions) process.on("uncaughtException", take);
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", take);
  return () => {
    process.off("unhandledRejection", take);
    process.off("uncaughtException", take);
    for (const listener of others) process.on("unhandledRejection", listener);
  };
}
