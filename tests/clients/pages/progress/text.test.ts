// Proves the words of the progress page: what stands beside a step, what a screen reader says of a run, what the banner says.

import assert from "node:assert/strict";
import { describeConnection, describeRun, describeStep } from "../../../../clients/pages/progress/text";
import { ProgressError, viewRun, type StepView } from "../../../../clients/progress";
import { ORDER_STEPS } from "../../../support/progress-fake";

const NOW = Date.UTC(2026, 0, 1);
const STEP = { step: "Ship", label: "Shipped", weight: 1 };

describe("Words of the progress page", () => {
  const steps: readonly [Partial<StepView>, string][] = [
    [{ state: "done", durationMs: 1234 }, "1.2 s"],
    [{ state: "running", since: new Date(NOW - 3999).toISOString() }, "3 s"],
    [{ state: "running", since: new Date(NOW + 5000).toISOString() }, "0 s"],
    [{ state: "waiting" }, ""],
    [{ state: "failed" }, "failed"],
    [{ state: "skipped" }, "not needed"],
  ];
  for (const [step, expected] of steps) {
    it(`says "${expected}" beside a step that is ${String(step.state)}`, () => {
      assert.equal(describeStep({ ...STEP, state: "waiting", ...step }, NOW), expected);
    });
  }

  it("says percent, state and step of a run", () => {
    const run = { executionId: "a", startedAt: "", sequence: 1, steps: ORDER_STEPS };

    const running = describeRun(viewRun({ ...run, state: "running", percent: 19 }, []));
    const ended = describeRun(viewRun({ ...run, state: "succeeded", percent: 100 }, []));

    assert.deepEqual([running, ended], ["19 percent, running: Items reserved", "100 percent, done"]);
  });

  it("says something about the connection only when there is something to say", () => {
    const refused = new ProgressError("SignInNeeded", "Sign in again.");

    assert.deepEqual(
      [{ state: "connecting" } as const, { state: "online" } as const, { state: "stopped" } as const].map(
        describeConnection,
      ),
      ["", "", ""],
    );
    assert.match(describeConnection({ state: "reconnecting" }), /^Connection lost\. Reconnecting/);
    assert.match(describeConnection({ state: "offline" }), /^No connection\. Still trying/);
    assert.equal(describeConnection({ state: "stopped", error: refused }), "Your session has ended.");
    assert.equal(describeConnection({ state: "stopped", error: new ProgressError("BadRequest", "No.") }), "No.");
  });
});
