// Proves that functions run as on AWS: real processes, timeouts, crashes, memory, payload limits, environment, logs and reuse.
import assert from "node:assert/strict";
import { VirtualClock } from "../../../../local/cloud/core/clock";
import { accountRoot, servicePrincipal } from "../../../../local/cloud/core/principal";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import type { InvocationResult } from "../../../../local/cloud/core/service";
import { createLambdaService, type LambdaService } from "../../../../local/cloud/lambda/service";
import {
  ACCOUNT,
  ALLOW_LOGS,
  type FunctionCloud,
  resourceContext,
  ROLE,
  startFunctionCloud,
} from "../../../support/function-cloud";

const FUNCTION = "aws:lambda/function:Function";
const ARN = `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:fn`;
const root = accountRoot(ACCOUNT);

describe("Lambda invocation", () => {
  let cloud: FunctionCloud;
  let lambda: LambdaService;
  const clock = new VirtualClock();

  const declare = (code: string, inputs: PropertyMap = {}): Promise<unknown> =>
    cloud.create(FUNCTION, {
      name: "fn",
      role: ROLE,
      runtime: "nodejs24.x",
      handler: "index.handler",
      code: { kind: "archive", assets: { "index.mjs": { kind: "asset", text: code } } },
      ...inputs,
    });
  const invoke = (event: unknown = {}): Promise<InvocationResult> =>
    lambda.invoke(ARN, Buffer.from(JSON.stringify(event)), root);
  const invokeJson = async (event: unknown = {}): Promise<Record<string, unknown>> =>
    JSON.parse((await invoke(event)).payload.toString()) as Record<string, unknown>;
  const logged = (): string[] => cloud.logs.map(({ message }) => message);

  beforeEach(() => {
    cloud = startFunctionCloud(clock);
    lambda = createLambdaService(cloud.context);
    cloud.use(lambda);
    cloud.addRole("fn", "lambda.amazonaws.com", [ALLOW_LOGS]);
  });
  afterEach(() => cloud.stop());

  it("starts no process before the first event and none per further event", async () => {
    await declare("let calls = 0; export const handler = async () => ++calls;");
    assert.equal(lambda.environments().length, 0);
    assert.equal(await invokeJson(), 1);
    assert.equal(await invokeJson(), 2);
    assert.equal(lambda.environments().length, 1);
  });

  it("runs concurrent events in environments of their own", async () => {
    await declare(
      "export const handler = async () => { await new Promise((r) => setTimeout(r, 150)); return process.pid; };",
    );
    const pids = await Promise.all([invokeJson(), invokeJson()]);
    assert.notEqual(pids[0], pids[1]);
  });

  it("ends an environment that was idle for a minute of the clock", async () => {
    await declare("export const handler = async () => 1;");
    await invoke();
    const [environment] = lambda.environments();
    await until(() => lambda.environments()[0]?.state === "idle");
    await clock.advance(60_000);
    await until(() => lambda.environments().length === 0);
    assert.throws(() => process.kill(environment?.pid ?? 0, 0), { code: "ESRCH" });
  });

  it("gives the handler Lambda's environment, its own variables and its role's credentials, and nothing of the developer's", async () => {
    process.env.DEVELOPER_SECRET = "leak";
    try {
      await declare("export const handler = async () => process.env;", { environment: { variables: { TABLE: "t1" } } });
      const env = await invokeJson();
      const { AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN, ...rest } = env;
      const owner = cloud.access.find(String(AWS_ACCESS_KEY_ID));
      assert.equal(owner?.principal.arn, `arn:aws:sts::${ACCOUNT}:assumed-role/fn/fn`);
      assert.equal(owner.credentials.sessionToken, AWS_SESSION_TOKEN);
      assert.equal(rest.TABLE, "t1");
      assert.equal(rest.AWS_REGION, "eu-west-1");
      assert.equal(rest.AWS_ENDPOINT_URL, "http://127.0.0.1:4000");
      assert.equal(rest.AWS_ENDPOINT_URL_S3_ACCELERATE, "http://127.0.0.1:4001");
      assert.equal(rest.AWS_LAMBDA_FUNCTION_NAME, "fn");
      assert.equal(rest.DEVELOPER_SECRET, undefined);
      assert.equal(rest.HOME, undefined);
      assert.equal(rest.LOCAL_RUNTIME_TOKEN, undefined);
    } finally {
      delete process.env.DEVELOPER_SECRET;
    }
  });

  it("reports a thrown error with its type, message and trace", async () => {
    await declare("export const handler = async () => { throw new TypeError('boom'); };");
    const result = await invoke();
    const body = JSON.parse(result.payload.toString()) as { errorType: string; errorMessage: string; trace: string[] };
    assert.equal(result.functionError, "Unhandled");
    assert.deepEqual([body.errorType, body.errorMessage], ["TypeError", "boom"]);
    assert.ok(body.trace.length > 0);
  });

  it("kills a handler that runs longer than its timeout, and starts a new environment for the next event", async () => {
    await declare(
      "export const handler = async (e) => (e.hang ? new Promise(() => setInterval(() => 0, 1000)) : process.pid);",
    );
    const first = await invokeJson();
    const hanging = invoke({ hang: true });
    await until(() => logged().filter((line) => line.startsWith("START")).length === 2);
    await clock.advance(3000);
    const result = await hanging;
    const { errorType, errorMessage } = JSON.parse(result.payload.toString()) as Record<string, string>;
    assert.equal(errorType, "Sandbox.Timedout");
    assert.match(errorMessage ?? "", /^RequestId: \S+ Error: Task timed out after 3\.00 seconds$/);
    assert.ok(logged().some((line) => line.endsWith(`${result.requestId} Task timed out after 3.00 seconds`)));
    assert.ok(logged().some((line) => line.startsWith("REPORT") && line.endsWith("Status: timeout")));
    assert.notEqual(await invokeJson(), first);
  });

  it("repeats a slow init phase once and then reports a timeout", async () => {
    await declare("await new Promise(() => setInterval(() => 0, 1000)); export const handler = async () => 1;");
    const pending = invokeJson();
    await until(() => lambda.environments()[0]?.pid !== undefined);
    await clock.advance(10_000);
    await until(() => logged().filter((line) => line.includes("Phase: init\tStatus: timeout")).length === 1);
    const first = lambda.environments()[0]?.pid;
    await until(() => lambda.environments()[0]?.pid !== undefined && lambda.environments()[0]?.pid !== first);
    await clock.advance(3000);
    assert.equal((await pending).errorType, "Sandbox.Timedout");
  });

  it("reports a handler that ends its process", async () => {
    await declare("export const handler = async () => process.exit(7);");
    const body = await invokeJson();
    assert.equal(body.errorType, "Runtime.ExitError");
    assert.match(String(body.errorMessage), /Runtime exited with error: exit status 7$/);
  });

  it("reports a process that a test kills in the middle of its request", async () => {
    await declare("export const handler = async () => new Promise(() => setInterval(() => 0, 1000));");
    const killed = lambda.killDuring("fn");
    const body = await invokeJson();
    await killed;
    assert.match(String(body.errorMessage), /Runtime exited with error: signal: killed$/);
  });

  it("kills after a trace that a test waits for", async () => {
    await declare("export const handler = async () => new Promise(() => setInterval(() => 0, 1000));");
    const killed = lambda.killDuring("fn", (trace) => trace.operation === "PutObject");
    const pending = invokeJson();
    await until(() => logged().some((line) => line.startsWith("START")));
    await new Promise((resolve) => setImmediate(resolve));
    cloud.context.traces.record({
      id: "1",
      at: 0,
      durationMs: 0,
      caller: "fn",
      service: "s3",
      operation: "PutObject",
      status: 200,
      decisions: [],
    });
    await killed;
    assert.equal((await pending).errorType, "Runtime.ExitError");
  });

  it("reports a module that cannot be loaded", async () => {
    await declare("export const handler = async () => 1;", { handler: "missing.handler" });
    assert.equal((await invokeJson()).errorType, "Runtime.ImportModuleError");
  });

  it("rejects callback handlers, as the runtime of Node 24 does", async () => {
    await declare("export const handler = (event, context, done) => done(null, 1);");
    assert.equal((await invokeJson()).errorType, "Runtime.CallbackHandlerDeprecated");
  });

  // Only Linux tells the resident set of another process.
  (process.platform === "linux" ? it : xit)("kills a process that uses more memory than the function has", async () => {
    await declare(
      "export const handler = async () => { globalThis.x = Buffer.alloc(300e6, 1); await new Promise((r) => setTimeout(r, 5000)); };",
    );
    const body = await invokeJson();
    assert.equal(body.errorType, "Runtime.OutOfMemory");
    assert.match(String(body.errorMessage), /signal: killed$/);
  });

  it("rejects an event over 6 MiB with RequestTooLargeException", async () => {
    await declare("export const handler = async () => 1;");
    const payload = Buffer.from(JSON.stringify("x".repeat(6 * 1024 ** 2)));
    await assert.rejects(lambda.invoke(ARN, payload, root), { code: "RequestTooLargeException", statusCode: 413 });
  });

  it("rejects an event that is not JSON", async () => {
    await declare("export const handler = async () => 1;");
    await assert.rejects(lambda.invoke(ARN, Buffer.from("{"), root), { code: "InvalidRequestContentException" });
  });

  it("rejects a response over 6 MiB with Function.ResponseSizeTooLarge", async () => {
    await declare("export const handler = async () => 'x'.repeat(6 * 1024 ** 2 + 200);");
    assert.equal((await invokeJson()).errorType, "Function.ResponseSizeTooLarge");
  });

  it("writes INIT_START, START, the handler's lines, END and REPORT in this order", async () => {
    await declare("export const handler = async () => { console.log('hello'); process.stdout.write('plain\\n'); };");
    const { requestId } = await invoke();
    const lines = logged().map((line) => line.replace(/^\S+Z\t/, "").replaceAll(requestId, "ID"));
    const [init, start, one, two, end, report] = lines;
    assert.match(init ?? "", /^INIT_START Runtime Version: nodejs:24\.v1\t/);
    assert.equal(start, "START RequestId: ID Version: $LATEST");
    assert.deepEqual(new Set([one, two]), new Set(["ID\tINFO\thello", "plain"]));
    assert.equal(end, "END RequestId: ID");
    const expected =
      /^REPORT RequestId: ID\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms$/;
    assert.match(report ?? "", expected);
    assert.match(cloud.logs[0]?.stream ?? "", /^2026\/01\/01\/\[\$LATEST\][0-9a-f]{32}$/);
    assert.equal(cloud.logs[0]?.group, "/aws/lambda/fn");
  });

  it("writes JSON lines at the levels that the function's logging asks for, into its own group", async () => {
    await declare("export const handler = async () => { console.log('quiet'); console.error('loud'); };", {
      loggingConfig: { logFormat: "JSON", logGroup: "/my/group", applicationLogLevel: "ERROR", systemLogLevel: "WARN" },
    });
    await invoke();
    const lines = cloud.logs.map(({ message }) => JSON.parse(message) as Record<string, unknown>);
    assert.deepEqual(
      lines.map(({ level, message }) => [level, message]),
      [["ERROR", "loud"]],
    );
    assert.equal(cloud.logs[0]?.group, "/my/group");
    assert.match(cloud.logs[0].stream, /^2026\/01\/01\/fn\[\$LATEST\]/);
  });

  it("loses the logs of a role that may not write them, and says so in a trace", async () => {
    const role = cloud.addRole("mute", "lambda.amazonaws.com");
    await declare("export const handler = async () => console.log('hello');", { role });
    await invoke();
    assert.deepEqual(cloud.logs, []);
    const trace = await cloud.context.traces.waitFor(({ operation }) => operation === "WriteLogs");
    assert.equal(trace.errorCode, "AccessDenied");
  });

  it("measures invocations, errors and duration with the function's name", async () => {
    await declare("export const handler = async () => { throw new Error('x'); };");
    await invoke();
    const sum = (name: string): number =>
      cloud.metrics.filter((datum) => datum.name === name).reduce((total, { value }) => total + value, 0);
    assert.deepEqual([sum("Invocations"), sum("Errors"), sum("ConcurrentExecutions")], [1, 1, 1]);
    assert.ok(sum("Duration") > 0);
    assert.deepEqual(cloud.metrics[0]?.dimensions, { FunctionName: "fn" });
  });

  it("runs the new code after an update", async () => {
    const inputs = (code: string): PropertyMap => ({
      name: "fn",
      role: ROLE,
      runtime: "nodejs24.x",
      handler: "index.handler",
      code: { kind: "archive", assets: { "index.mjs": { kind: "asset", text: code } } },
    });
    const { id, outputs } = await cloud.create(FUNCTION, inputs("export const handler = async () => 1;"));
    assert.equal(await invokeJson(), 1);
    const model = lambda.models.find(({ type }) => type === FUNCTION);
    await model?.update?.(
      id,
      inputs("export const handler = async () => 2;"),
      outputs,
      resourceContext(FUNCTION, "fn"),
    );
    assert.equal(await invokeJson(), 2);
  });

  it("rejects calls of the Runtime API that do not come from an environment's own runtime client", async () => {
    await declare(`export const handler = async () => {
      const api = "http://" + process.env.AWS_LAMBDA_RUNTIME_API + "/2018-06-01/runtime/";
      const next = await fetch(api + "invocation/next");
      const answer = await fetch(api + "invocation/other/response", { method: "POST", body: "1" });
      return [next.status, answer.status];
    };`);
    assert.deepEqual(await invokeJson(), [403, 403]);
  });

  it("passes a streamed response on as a whole", async () => {
    await declare(
      "export const handler = awslambda.streamifyResponse(async (e, out) => { out.write('a'); out.write('b'); out.end(); });",
    );
    assert.equal((await invoke()).payload.toString(), "ab");
  });

  it("leaves no process after stop", async () => {
    await declare("export const handler = async () => process.pid;");
    const pid = Number(await invokeJson());
    await lambda.stop?.();
    assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  });

  it("rejects a service that the function's policy does not name", async () => {
    await declare("export const handler = async () => 1;");
    const caller = servicePrincipal(
      "apigateway.amazonaws.com",
      "arn:aws:execute-api:eu-west-1:123456789012:a/b",
      ACCOUNT,
    );
    await assert.rejects(lambda.invoke(ARN, Buffer.from("{}"), caller), {
      code: "AccessDeniedException",
      statusCode: 403,
    });
  });

  it("rejects a function that does not exist", async () => {
    await assert.rejects(lambda.invoke(`${ARN}x`, Buffer.from("{}"), root), {
      code: "ResourceNotFoundException",
      message: `Function not found: ${ARN}x`,
    });
  });
});

/** Waits for the real process; the clock of these tests stands still meanwhile. */
async function until(fits: () => boolean): Promise<void> {
  while (!fits()) await new Promise((resolve) => setTimeout(resolve, 5));
}
