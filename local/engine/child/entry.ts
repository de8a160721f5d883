// First module of the child process: evaluates one program, with the provider in the parent, and ends.
import "./lazy-sdk";
import { evaluateInProcess } from "../sdk/in-process";
import type { ResourceProvider } from "../types";
import type { Answer, Method, Start, ToChild, ToParent } from "./protocol";

const pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
let calls = 0;

const send = (message: ToParent): Promise<void> =>
  new Promise((resolve) => {
    if (process.connected) process.send?.(message, undefined, {}, () => resolve());
    else resolve();
  });

// The channel must not keep an otherwise empty event loop alive: that it is empty is how unresolved inputs are found.
function call(method: Method, request: unknown): Promise<unknown> {
  const id = calls++;
  process.channel?.ref();
  return new Promise((resolve, reject) => {
    pending.set(id, { resolve, reject });
    void send({ kind: "call", id, method, request });
  }).finally(() => {
    if (pending.size === 0) process.channel?.unref();
  });
}

function take(answer: Answer): void {
  const waiting = pending.get(answer.id);
  pending.delete(answer.id);
  if (!("error" in answer)) return waiting?.resolve(answer.value);
  const { message, stack, problems } = answer.error;
  const error = Object.assign(new Error(message), problems.length > 0 && { problems });
  if (stack !== undefined) error.stack = stack;
  waiting?.reject(error);
}

async function start({ program, options, methods }: Start): Promise<void> {
  process.channel?.unref();
  const proxies = methods.map((method) => [method, (request: unknown) => call(method, request)] as const);
  const provider = Object.fromEntries(proxies) as unknown as ResourceProvider;
  const onEvent = (event: Extract<ToParent, { kind: "event" }>["event"]): void => void send({ kind: "event", event });
  const evaluation = await evaluateInProcess({ ...options, program, provider, onEvent }, { ownProcess: true });
  process.channel?.ref();
  await send({ kind: "result", evaluation });
  process.exit(0);
}

// Without its parent the child has no purpose.
process.on("disconnect", () => process.exit(1));
process.on("message", (message: ToChild) => {
  if (message.kind === "answer") take(message);
  else void start(message);
});
