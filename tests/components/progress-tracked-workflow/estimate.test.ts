// Proves the cost estimate: its transitions are those that the interpreter really makes, and its sum is the one that it writes out.
import assert from "node:assert/strict";
import { estimateWorkflowCost, trackProgress } from "../../../components";
import { weaveProgress } from "../../../components/progress-tracked-workflow/weave/weave";
import type { Json, StatesDefinition } from "../../../local/cloud/states/language/types";
import { settle, startStates, type TestTask } from "../../support/states-run";
import { DELIVERIES, resourceOf } from "../../support/workflow-definitions";

const work = { Type: "Task", Resource: resourceOf("lambda:invoke") };
const ORDERS = {
  QueryLanguage: "JSONata",
  StartAt: "Inventory",
  States: {
    Inventory: trackProgress(
      {
        Type: "Map",
        Items: "{% [1..6] %}",
        ItemProcessor: { StartAt: "Reserve", States: { Reserve: { ...work, End: true } } },
        Next: "Settle",
      },
      { maximumItemReports: 4 },
    ),
    Settle: trackProgress({
      Type: "Parallel",
      Branches: [
        { StartAt: "Pay", States: { Pay: trackProgress({ ...work, End: true }, { detail: "{% 1 %}" }) } },
        { StartAt: "Invoice", States: { Invoice: { ...work, End: true } } },
      ],
      Next: "Large?",
    }),
    "Large?": { Type: "Choice", Choices: [{ Condition: "{% true %}", Next: "Label" }], Default: "Ship" },
    Label: { ...work, Next: "Ship" },
    Ship: trackProgress({ ...work, End: true }),
  },
};

const result = (stateName: string): Json => {
  if (stateName.includes("(count")) return { Attributes: { sequence: { N: "1" }, done: { N: "1" } } };
  if (stateName.includes("(find")) return { Items: [{ connectionId: { S: "a" } }, { connectionId: { S: "b" } }] };
  return {};
};

describe("estimateWorkflowCost", function () {
  this.timeout(20_000);

  for (const [index, delivery] of [DELIVERIES.direct, DELIVERIES.function, DELIVERIES.eventbridge].entries()) {
    it(`W34: counts the transitions that the workflow really makes (${delivery.transport})`, async () => {
      const tasks = new Proxy(
        {},
        {
          get:
            (_target, name): TestTask =>
            () =>
              result(String(name)),
        },
      );
      const run = startStates(weaveProgress(ORDERS, delivery).definition as unknown as StatesDefinition, {}, tasks);
      await settle(run);

      assert.equal(run.execution.status, "SUCCEEDED");
      const estimate = estimateWorkflowCost({ definition: ORDERS, runsPerMonth: 1, viewersPerRun: 2, itemsPerMap: 6 });
      const entered = run.types().filter((type) => type.endsWith("StateEntered")).length;
      assert.equal(estimate.transports[index]?.transport, delivery.transport);
      assert.equal(estimate.transports[index]?.transitionsPerRun, entered);
      assert.equal(estimate.reportsPerRun, 4 + 4);
    });
  }

  it("W34: multiplies by runs and prices, and writes the sum out", () => {
    const definition = { StartAt: "Ship", States: { Ship: trackProgress({ ...work, End: true }) } };
    const prices = {
      perMillionTransitions: 20,
      perMillionInvocations: 1,
      perGigabyteSecond: 0,
      perMillionTableWrites: 1,
      perMillionTableReads: 1,
      perMillionEvents: 3,
      perMillionSocketMessages: 5,
    };
    const { transports, plainTransitionsPerRun } = estimateWorkflowCost({ definition, runsPerMonth: 1e6, prices });

    assert.equal(plainTransitionsPerRun, 1);
    const [direct, byFunction, byEvent] = transports;
    assert.deepEqual(
      transports.map(({ transport }) => transport),
      ["direct", "function", "eventbridge"],
    );
    // The report and the end that it needs: 2 × $20; writes 4, reads 2, push 5, invocation 1.
    assert.equal(byFunction?.reportsUsdPerMonth, 40 + 4 + 2 + 5 + 1);
    assert.equal(byFunction?.usdPerMonth, 20 + 52);
    assert.equal(byFunction?.transitionsPerMonth, 3e6);
    assert.equal(byEvent?.reportsUsdPerMonth, 52 + 3);
    assert.equal(direct?.reportsUsdPerMonth, 8 * 20 + 2 + 1 + 5);
    assert.match(
      byFunction?.arithmetic ?? "",
      /^1 reports × 1000000 runs: transitions \$40\.00 \+ .+ = \$52\.00; .+ \$20\.00$/,
    );
  });

  it("rejects a definition that cannot be woven", () => {
    assert.throws(
      () => estimateWorkflowCost({ definition: { StartAt: "A", States: {} }, runsPerMonth: 1 }),
      /no state is marked/,
    );
  });
});
