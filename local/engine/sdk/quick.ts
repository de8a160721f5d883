// Takes the debugging aids out of the SDK while this engine runs a program: a formatted stack trace for every promise and
// a complete one for every resource are most of the time an evaluation takes. Uses internals of @pulumi/pulumi.
import * as pulumi from "@pulumi/pulumi";
// The module object itself: a namespace import may be a read-only copy of it, depending on the loader.
import debuggable = require("@pulumi/pulumi/runtime/debuggable");

interface Callsite {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}
const promises = debuggable as unknown as {
  debuggablePromise: <T>(promise: Promise<T>, context?: unknown) => Promise<T>;
};
const resources = pulumi.Resource as unknown as { callsites: () => readonly Callsite[] };

/** `callsites`, `stackTrace`, three constructors of the SDK and the line of the program: the SDK reports the last one. */
const FRAMES = 6;
const POSITION = /^\s*at (?:.*\()?(?:file:\/\/)?(?<file>\/.*|[A-Za-z]:.*):(?<line>\d+):(?<column>\d+)\)?$/;

/** Takes them out; the result puts them back. */
export function withoutDebuggingAids(): () => void {
  const { debuggablePromise } = promises;
  const { callsites } = resources;
  // The leak detector behind it is replaced by the engine's own report of what never resolved.
  promises.debuggablePromise = (promise) => promise;
  resources.callsites = nearestCallsites;
  return () => {
    promises.debuggablePromise = debuggablePromise;
    resources.callsites = callsites;
  };
}

function nearestCallsites(): readonly Callsite[] {
  const { stackTraceLimit } = Error;
  const prepareStackTrace = Error.prepareStackTrace as typeof Error.prepareStackTrace | undefined;
  try {
    Error.stackTraceLimit = FRAMES;
    // A loader that maps positions back to TypeScript takes its time for each frame.
    if (prepareStackTrace) {
      Error.prepareStackTrace = (error, frames) => prepareStackTrace(error, frames.slice(FRAMES - 1)) as unknown;
    }
    const mapped = (new Error().stack ?? "").split("\n").slice(1).map(toCallsite);
    return prepareStackTrace ? [...Array.from({ length: FRAMES - 1 }, () => ({})), ...mapped] : mapped;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    if (prepareStackTrace) Error.prepareStackTrace = prepareStackTrace;
  }
}

function toCallsite(frame: string): Callsite {
  const { file, line, column } = POSITION.exec(frame)?.groups ?? {};
  return file === undefined ? {} : { file, line: Number(line), column: Number(column) };
}
