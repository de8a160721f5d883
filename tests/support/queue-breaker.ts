// The circuit breaker as it was deployed, on a test's clock: the code, environment and role of the declared function, in this process.
import { createRequire } from "node:module";
import type { SimulatedInvocation } from "../../local/cloud";
import type { QueueStack } from "./queue-stack";

const FUNCTION = "work-breaker-function";

/** What the breaker's function exports. */
type Breaker = (event: unknown, context: { readonly awsRequestId: string }) => Promise<{ readonly phase: string }>;

/** Whether an invocation is the breaker's. */
export function isBreaker({ urn }: Pick<SimulatedInvocation, "urn">): boolean {
  return urn.endsWith(`::${FUNCTION}`);
}

/** The environment that Lambda would give to the breaker now, with fresh credentials of its role. */
export function breakerEnvironment(stack: QueueStack): Readonly<Record<string, string>> {
  const { environment, role } = stack.resource(FUNCTION).inputs as {
    readonly environment: { readonly variables: Readonly<Record<string, string>> };
    readonly role: string;
  };
  const { cloud } = stack;
  const session = cloud.context.access.assumeRole(role, "breaker", "lambda.amazonaws.com");
  return {
    ...environment.variables,
    AWS_REGION: cloud.region,
    AWS_ENDPOINT_URL: cloud.gatewayOrigin,
    AWS_ACCESS_KEY_ID: session.accessKeyId,
    AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
    AWS_SESSION_TOKEN: session.sessionToken ?? "",
  };
}

/** Starts the breaker cold, and runs it once. @param write receives its log lines. */
export function runDeployedBreaker(
  stack: QueueStack,
  { event, requestId, clock }: SimulatedInvocation,
  write: (line: string) => void,
): Promise<{ readonly phase: string }> {
  const { code } = stack.resource(FUNCTION).inputs as {
    readonly code: { readonly assets: Readonly<Record<string, { readonly text: string }>> };
  };
  const loaded: { exports: { handler?: Breaker } } = { exports: {} };
  const process = { env: breakerEnvironment(stack), stdout: { write } };
  // The bundle's own view of the world: its time is the clock's.
  class ClockDate extends Date {
    static override now = (): number => clock.now();
  }
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- what was deployed is a text
  const load = new Function("require", "module", "exports", "process", "Date", code.assets["index.js"]?.text ?? "") as (
    ...world: readonly unknown[]
  ) => void;
  load(createRequire(__filename), loaded, loaded.exports, process, ClockDate);
  const { handler } = loaded.exports;
  if (!handler) throw new Error("the bundle exports no handler");
  return handler(event, { awsRequestId: requestId });
}
