import assert from "node:assert/strict";
import { startProgressStack, TRANSPORTS, type ProgressStack, nameOf } from "/work/main/tests/support/progress-stack";
describe("try", function () {
  this.timeout(60000);
  let stack: ProgressStack;
  before(async () => { console.time("start"); stack = await startProgressStack(); console.timeEnd("start"); });
  after(async () => stack.stop());
  for (const transport of TRANSPORTS) it(transport, async () => {
    const w = stack.workflow(transport);
    console.time("run");
    const v = stack.viewer(w, "alice@example.com");
    const run = await v.client.start({ items: ["a", "b"] }, { idempotencyKey: "one" });
    console.timeLog("run");
    const log: string[] = [];
    for await (const e of v.client.watch(run.executionId)) log.push(`${e.sequence} ${nameOf(e)} ${e.percent}`);
    console.timeEnd("run");
    console.log(log.join("; "));
    const ex = stack.execution(w, run.executionId);
    console.log(ex.status, JSON.stringify(ex.output), ex.history.events.length);
    console.log(v.pushes(run.executionId).at(-2));
  });
});
