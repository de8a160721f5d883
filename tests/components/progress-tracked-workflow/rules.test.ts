// Proves the refusals of ProgressTrackedWorkflow: what a wrong argument or mark leads to, in words, before anything is registered.
import assert from "node:assert/strict";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { ProgressTrackedWorkflow, trackProgress, type ProgressTrackedWorkflowArgs } from "../../../components";
import { resolveProgressTrackedWorkflowSettings } from "../../../components/progress-tracked-workflow/settings";
import { evaluateProgram } from "../../support/engine-run";
import { writeFolder } from "../../support/queue-component";
import { MINIMAL_WORKFLOW_ARGS } from "../../support/workflow-component";

const refuses = (args: object, message: RegExp): void => {
  assert.throws(
    () =>
      resolveProgressTrackedWorkflowSettings("orders", {
        ...MINIMAL_WORKFLOW_ARGS,
        ...args,
      }),
    (error: Error) => {
      assert.ok(pulumi.InputPropertiesError.isInstance(error));
      assert.match(error.message, /^orders: /);
      assert.match(error.message, message);
      return true;
    },
  );
};
const machine = (state: object, more: object = {}): object => ({
  definition: { StartAt: "A", States: { A: { Type: "Task", Resource: "arn", End: true, ...state } }, ...more },
});
const marked = (mark: object, state: object = {}): object => machine({ Progress: mark, ...state });
const map = (items: unknown, state: object = {}): object =>
  marked(
    { Items: items },
    {
      Type: "Map",
      ItemProcessor: { StartAt: "B", States: { B: { Type: "Pass", End: true } } },
      ...state,
    },
  );

const CASES: readonly (readonly [string, object, RegExp])[] = [
  ["neither definition nor file", { definition: undefined }, /definition must be given, or else definitionFile/],
  ["definition and file", { definitionFile: "x.json" }, /and not both, got "both"/],
  ["a definition without states", { definition: { StartAt: "A" } }, /it needs StartAt and States/],
  ["a definition without marks", machine({}), /no state is marked/],
  ["a mark that is no object", machine({ Progress: true }), /A: Progress must be an object/],
  ["an unknown field of a mark", marked({ Lable: "x" }), /Progress\.Lable is not known; did you mean Label\?/],
  ["a marked Choice", marked({}, { Type: "Choice" }), /a state of type Choice cannot be a step/],
  ["a marked Succeed", marked({}, { Type: "Succeed" }), /a state of type Succeed cannot be a step/],
  ["an empty label", marked({ Label: "" }), /Progress\.Label must be 1 to 200 characters/],
  ["a label with an expression", marked({ Label: "{% $x %}" }), /without \{% and %\}/],
  ["a weight of 0", marked({ Weight: 0 }), /Progress\.Weight must be above 0/],
  ["a detail that is no expression", marked({ Detail: "$.amount" }), /Progress\.Detail must be a JSONata expression/],
  ["items of a Task", marked({ Items: { MaximumReports: 5 } }), /Progress\.Items is for Map states/],
  [
    "a sid of its own statements",
    {
      policyStatements: [
        { sid: "UseKey", actions: ["lambda:InvokeFunction"], resources: ["arn:aws:lambda:r:1:function:f"] },
      ],
    },
    /not have sids of the component's own statements, got \["UseKey"\]/,
  ],
  [
    "steps that do not fit into a function's environment",
    {
      definition: {
        StartAt: "S0",
        States: Object.fromEntries(
          Array.from({ length: 12 }, (_, index) => [
            `S${index}`,
            {
              Type: "Pass",
              Progress: { Label: "x".repeat(200) },
              ...(index < 11 ? { Next: `S${index + 1}` } : { End: true }),
            },
          ]),
        ),
      },
    },
    /steps of at most 2560 bytes/,
  ],
  ["101 reports of items", map({ MaximumReports: 101 }), /Progress\.Items must be \{ "MaximumReports": 1 to 100 \}/],
  [
    "items by a filter",
    map({ MaximumReports: 5 }, { ItemsPath: "$.a[?(@.b)]" }),
    /ItemsPath and InputPath of plain names/,
  ],
  [
    "items of a distributed Map",
    map(
      { MaximumReports: 5 },
      {
        ItemProcessor: {
          ProcessorConfig: { Mode: "DISTRIBUTED" },
          StartAt: "B",
          States: { B: { Type: "Pass", End: true } },
        },
      },
    ),
    /items of a distributed Map/,
  ],
  [
    "items of a processor that only succeeds",
    map({ MaximumReports: 5 }, { ItemProcessor: { StartAt: "B", States: { B: { Type: "Succeed" } } } }),
    /needs a processor with a state that has End: true/,
  ],
  [
    "a step within a Map",
    machine({
      Type: "Map",
      Progress: {},
      ItemProcessor: { StartAt: "B", States: { B: trackProgress({ Type: "Pass", End: true }) } },
    }),
    /B: a state within a Map runs once per item and cannot be a step/,
  ],
  [
    "501 reports",
    {
      definition: {
        StartAt: "S0",
        States: Object.fromEntries(
          Array.from({ length: 501 }, (_, index) => [
            `S${index}`,
            trackProgress({ Type: "Pass", Next: `S${index + 1}` }),
          ]),
        ),
      },
    },
    /501 reports are more than 500/,
  ],
  [
    "101 reports with the direct transport",
    {
      transport: "direct",
      definition: {
        StartAt: "S0",
        States: Object.fromEntries(
          Array.from({ length: 101 }, (_, index) => [
            `S${index}`,
            trackProgress({ Type: "Pass", Next: `S${index + 1}` }),
          ]),
        ),
      },
    },
    /transport must have at most 100 reports with "direct", got 101/,
  ],
  ["an unknown transport", { transport: "appsync" }, /transport must be one of "direct", "function", "eventbridge"/],
  [
    "a placeholder with a hyphen",
    { definitionSubstitutions: { "a-b": "x" } },
    /definitionSubstitutions must have names/,
  ],
  [
    "a label with a placeholder that is filled in",
    { ...marked({ Label: "To ${City}" }), definitionSubstitutions: { City: "Rome" } },
    /definition must have no placeholders of definitionSubstitutions in names and labels .+ got \["To \$\{City\}"\]/,
  ],
  [
    "a marked state whose name has a placeholder that is filled in",
    {
      definition: { StartAt: "Ship ${City}", States: { "Ship ${City}": trackProgress({ Type: "Pass", End: true }) } },
      definitionSubstitutions: { City: pulumi.output("Rome") },
    },
    /got \["Ship \$\{City\}"\]; write the text itself/,
  ],
  ["no retention", { retentionDays: 0 }, /retentionDays must be a whole number between 1 and 365/],
  ["1,001 starts", { startsPerMinute: 1001 }, /startsPerMinute must be .+ between 1 and 1000/],
  ["a rate of 0", { throttling: { rateLimit: 0 } }, /throttling\.rateLimit/],
  ["a burst of 5,001", { throttling: { burstLimit: 5001 } }, /throttling\.burstLimit/],
  ["a timeout of two years", { timeoutSeconds: 63_072_000 }, /timeoutSeconds must be .+ 31536000/],
  [
    "a shift of 100 percent",
    { gradualShift: { previousVersionArn: "x", percent: 100 } },
    /leave gradualShift out for 100/,
  ],
  ["memory of 64 MB", { memorySize: 64 }, /memorySize/],
  ["31 days of logs", { logRetentionDays: 31 }, /logRetentionDays must be one of/],
  ["thresholds of 0", { alarms: { failedRunsThreshold: 0 } }, /alarms\.failedRunsThreshold/],
  [
    "a wildcard action",
    { policyStatements: [{ sid: "All", actions: ["s3:*"], resources: ["arn"] }] },
    /policyStatements must name actions without wildcards/,
  ],
  [
    "two statements of one name",
    { policyStatements: ["a", "a"].map((sid) => ({ sid, actions: ["s3:GetObject"], resources: ["arn"] })) },
    /different sids/,
  ],
];

async function refusesLater(args: Partial<ProgressTrackedWorkflowArgs>, message: RegExp): Promise<void> {
  const { errors, byType } = await evaluateProgram(
    () => void new ProgressTrackedWorkflow("orders", { ...MINIMAL_WORKFLOW_ARGS, ...args }),
  );
  assert.ok(
    errors.some((error) => message.test(error.message)),
    errors.map((error) => error.message).join("\n"),
  );
  assert.equal(byType("aws:sfn/stateMachine:StateMachine").length, 0);
}

describe("ProgressTrackedWorkflow: rules", function () {
  this.timeout(20_000);

  for (const [what, args, message] of CASES) it(`rejects ${what}`, () => refuses(args, message));

  it("rejects a file that is missing, and one that is no JSON", () => {
    const { folder, remove } = writeFolder({ "broken.json": "{" });
    try {
      for (const name of ["none.json", "broken.json"]) {
        refuses(
          { definition: undefined, definitionFile: path.join(folder, name) },
          /definitionFile must be a file that holds JSON/,
        );
      }
    } finally {
      remove();
    }
  });

  it("takes placeholders elsewhere, and texts in labels that only look like one", () => {
    const { definition } = resolveProgressTrackedWorkflowSettings("orders", {
      ...MINIMAL_WORKFLOW_ARGS,
      ...marked({ Label: "To ${Town}" }, { Resource: "${ShipArn}" }),
      definitionSubstitutions: { ShipArn: "arn" },
    });

    assert.ok(JSON.stringify(definition).includes("${Town}"));
  });

  it("rejects with all problems at once", () => {
    refuses(
      { retentionDays: 0, memorySize: 1, ...marked({ Weight: 0, Label: "" }) },
      /Label.+\n.+Weight.+\nretentionDays.+\nmemorySize/,
    );
  });

  it("rejects the resource * without a reason, and takes it with one", async () => {
    const statement = { sid: "Any", actions: ["xray:PutTraceSegments"], resources: [pulumi.output("*")] };

    await refusesLater({ policyStatements: [statement] }, /policyStatements must name resources, and neither "\*"/);
    const { errors } = await evaluateProgram(
      () =>
        void new ProgressTrackedWorkflow("orders", {
          ...MINIMAL_WORKFLOW_ARGS,
          policyStatements: [{ ...statement, wildcardReason: "X-Ray knows no resources" }],
        }),
    );
    assert.deepEqual(errors, []);
  });

  it("W16: rejects all of a service, Region or account without a reason, and takes all below a named resource", async () => {
    const broad = ["arn:aws:lambda:*:1:function:f", "arn:aws:lambda:r:1:function:*", "arn:aws:s3:::*", "arn:*:s3:::b"];
    for (const resource of broad) {
      await refusesLater(
        { policyStatements: [{ sid: "Any", actions: ["lambda:InvokeFunction"], resources: [resource] }] },
        /neither "\*" nor all of a service, Region or account/,
      );
    }
    const { errors } = await evaluateProgram(
      () =>
        void new ProgressTrackedWorkflow("orders", {
          ...MINIMAL_WORKFLOW_ARGS,
          policyStatements: [{ sid: "Read", actions: ["s3:GetObject"], resources: ["arn:aws:s3:::orders/*"] }],
        }),
    );
    assert.deepEqual(errors, []);
  });

  it("W3: rejects the origin *, and origins with a path", async () => {
    for (const origin of ["*", "https://app.example.com/", "http://app.example.com"]) {
      const { errors } = await evaluateProgram(
        () => void new ProgressTrackedWorkflow("orders", { ...MINIMAL_WORKFLOW_ARGS, allowedOrigins: [origin] }),
      );
      assert.ok(
        errors.some((error) => error.message.includes("allowedOrigins must")),
        origin,
      );
    }
  });

  it("rejects a definition that is too large with its reports", async () => {
    const Comment = "x".repeat(1_048_576);
    const { errors } = await evaluateProgram(
      () =>
        void new ProgressTrackedWorkflow("orders", {
          ...MINIMAL_WORKFLOW_ARGS,
          definition: { ...MINIMAL_WORKFLOW_ARGS.definition, Comment },
        }),
    );

    assert.ok(errors.some((error) => error.message.includes("definition must have at most 1048576 bytes")));
  });
});
