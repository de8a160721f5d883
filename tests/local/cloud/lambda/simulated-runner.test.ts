// Proves that simulated functions behave as real ones towards their callers: results, errors, timeouts, sizes, limits, faults, role.
import assert from "node:assert/strict";
import type { SimulatedFunction, SimulatedInvocation } from "../../../../local/cloud/cloud";
import { sleep, VirtualClock } from "../../../../local/cloud/core/clock";
import { accountRoot } from "../../../../local/cloud/core/principal";
import type { InvocationResult } from "../../../../local/cloud/core/service";
import { createLambdaService, type LambdaService } from "../../../../local/cloud/lambda/service";
import { ACCOUNT, type FunctionCloud, startFunctionCloud } from "../../../support/function-cloud";
import { createFunction } from "../../../support/rest-api";

const ARN = `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:fn`;

describe("Simulated functions", () => {
  let cloud: FunctionCloud;
  let lambda: LambdaService;
  let clock: VirtualClock;

  const start = async (simulateFunction: SimulatedFunction, inputs = {}): Promise<void> => {
    clock = new VirtualClock();
    cloud = startFunctionCloud(clock);
    lambda = createLambdaService(cloud.context, { simulateFunction });
    cloud.use(lambda);
    cloud.addRole("fn", "lambda.amazonaws.com");
    await createFunction(cloud, "", { timeout: 5, ...inputs });
  };
  const invoke = (payload = "{}"): Promise<InvocationResult> =>
    lambda.invoke(ARN, Buffer.from(payload), accountRoot(ACCOUNT));
  afterEach(() => cloud.stop());

  it("gives the event, the deadline and the clock, and returns the result as JSON", async () => {
    let seen: SimulatedInvocation | undefined;
    await start(async (invocation) => {
      seen = invocation;
      await sleep(invocation.clock, 1500);
      return { ok: true };
    });
    const result = invoke('{"x":1}');
    await clock.advance(2000);
    assert.equal((await result).payload.toString(), '{"ok":true}');
    assert.equal((await result).durationMs, 1500);
    assert.deepEqual(seen?.event, { x: 1 });
    assert.equal(seen?.functionName, "fn");
    assert.equal(seen?.deadline, Date.UTC(2026, 0, 1) + 5000);
  });

  it("answers null for a function that returns nothing", async () => {
    await start(async () => undefined);
    assert.equal((await invoke()).payload.toString(), "null");
  });

  for (const [how, throws] of [
    [
      "throws at once",
      () => {
        throw new RangeError("no");
      },
    ],
    ["rejects", async () => Promise.reject(new RangeError("no"))],
  ] as const) {
    it(`reports the error of a function that ${how}`, async () => {
      await start(throws);
      const { payload, functionError } = await invoke();
      assert.equal(functionError, "Unhandled");
      assert.deepEqual(JSON.parse(payload.toString()), { errorType: "RangeError", errorMessage: "no" });
    });
  }

  it("ends a function at its timeout, in Lambda's words", async () => {
    await start(async (invocation) => sleep(invocation.clock, 60_000));
    const result = invoke();
    await clock.advance(5000);
    const { requestId, payload, functionError } = await result;
    assert.equal(functionError, "Unhandled");
    assert.deepEqual(JSON.parse(payload.toString()), {
      errorType: "Sandbox.Timedout",
      errorMessage: `RequestId: ${requestId} Error: Task timed out after 5.00 seconds`,
    });
  });

  it("refuses a response over 6 MiB", async () => {
    await start(async () => "x".repeat(6 * 1024 ** 2 + 200));
    assert.match((await invoke()).payload.toString(), /Function\.ResponseSizeTooLarge/);
  });

  it("rejects events beyond the reserved concurrency", async () => {
    await start(async (invocation) => sleep(invocation.clock, 1000), { reservedConcurrentExecutions: 1 });
    const first = invoke();
    await assert.rejects(invoke(), { code: "TooManyRequestsException" });
    await clock.advance(1000);
    await first;
    const next = invoke();
    await clock.advance(1000);
    assert.equal((await next).functionError, undefined);
  });

  it("rejects events beyond what the account has left, with AWS's reason", async () => {
    await start(async (invocation) => sleep(invocation.clock, 1000));
    const running = Array.from({ length: 1000 }, () => invoke());
    await assert.rejects(invoke(), { fields: { Reason: "ConcurrentInvocationLimitExceeded" } });
    await clock.advance(1000);
    await Promise.all(running);
  });

  it("dies in the middle of an event when a test asks for it", async () => {
    await start(async (invocation) => sleep(invocation.clock, 1000));
    const killed = lambda.killDuring("fn");
    const result = invoke();
    await killed;
    assert.match((await result).payload.toString(), /Runtime\.ExitError.*signal: killed/);
    assert.deepEqual(lambda.environments(), []);
  });

  it("rejects events of a function whose role Lambda can no longer assume", async () => {
    await start(async () => 1);
    await invoke();
    cloud.access.roles.remove(`arn:aws:iam::${ACCOUNT}:role/fn`);
    await clock.advance(3_600_000);
    await assert.rejects(invoke(), { code: "AccessDeniedException" });
  });
});
