// Proves each policy document of ProgressTrackedWorkflow word for word, that it is valid IAM, and what it decides. AWS's own decision is
// not proven here.
import assert from "node:assert/strict";
import { ProgressTrackedWorkflow, trackProgress, type ProgressTransport } from "../../../components";
import {
  buildDeadLetterQueuePolicy,
  buildHandlerStatements,
  buildMachinePolicy,
  buildMachineTrustPolicy,
  OWN_SIDS,
} from "../../../components/progress-tracked-workflow/policies";
import { buildPolicy } from "../../../components/shared/iam";
import { PROGRESS_HANDLERS, type ProgressHandlerName } from "../../../handlers/progress/contract";
import type { PolicyDocument } from "../../../local/cloud/core/access";
import { evaluateProgram } from "../../support/engine-run";
import { lintPolicy } from "../../support/policy-lint";
import { MINIMAL_WORKFLOW_ARGS, SHIP_ARN } from "../../support/workflow-component";

const TABLE = "arn:aws:dynamodb:eu-west-1:111111111111:table/orders";
const MACHINE = "arn:aws:states:eu-west-1:111111111111:stateMachine:orders";
const EXECUTIONS = "arn:aws:states:eu-west-1:111111111111:execution:orders:*";
const STAGE = "arn:aws:execute-api:eu-west-1:111111111111:abc123/live";
const CONNECTIONS = `${STAGE}/POST/@connections/*`;
const REPORT = "arn:aws:lambda:eu-west-1:111111111111:function:report";
const BUS = "arn:aws:events:eu-west-1:111111111111:event-bus/default";
const QUEUE = "arn:aws:sqs:eu-west-1:111111111111:undelivered";
const KEY = "arn:aws:kms:eu-west-1:111111111111:key/1";
const PARTS = {
  region: "eu-west-1",
  transport: "function",
  deadLetterQueueArn: QUEUE,
  tableArn: TABLE,
  kmsKeyArn: undefined,
  stateMachineArn: MACHINE,
  aliasArn: `${MACHINE}:live`,
  socketStageArn: STAGE,
} as const;
const allow = (Sid: string, Action: string[], Resource: string | string[]): object => ({
  Sid,
  Effect: "Allow",
  Action,
  Resource,
});
const table = (...actions: string[]): object =>
  allow(
    "UseTable",
    actions.map((action) => `dynamodb:${action}`),
    TABLE,
  );
const POST = allow("PostToConnections", ["execute-api:ManageConnections"], CONNECTIONS);
const UNDELIVERED = allow("SendUndelivered", ["sqs:SendMessage"], QUEUE);
const KEY_STATEMENT = {
  ...allow("UseKey", ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"], KEY),
  Condition: { StringEquals: { "kms:ViaService": "dynamodb.eu-west-1.amazonaws.com" } },
};
const SERVICE = [
  allow(
    "DeliverLogs",
    [
      "logs:CreateLogDelivery",
      "logs:DeleteLogDelivery",
      "logs:DescribeLogGroups",
      "logs:DescribeResourcePolicies",
      "logs:GetLogDelivery",
      "logs:ListLogDeliveries",
      "logs:PutResourcePolicy",
      "logs:UpdateLogDelivery",
    ],
    "*",
  ),
  allow(
    "SendTraces",
    ["xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments"],
    "*",
  ),
];
const machinePolicy = (transport: ProgressTransport, kmsKeyArn?: string, more = {}): PolicyDocument =>
  buildMachinePolicy({
    ...PARTS,
    kmsKeyArn,
    transport,
    reportFunctionArn: REPORT,
    eventBusArn: BUS,
    distributed: false,
    statements: [{ sid: "Ship", actions: ["lambda:InvokeFunction"], resources: [SHIP_ARN] }],
    ...more,
  });

const DISTRIBUTED_MAP = {
  Type: "Map",
  ItemProcessor: {
    ProcessorConfig: { Mode: "DISTRIBUTED", ExecutionType: "STANDARD" },
    StartAt: "One",
    States: { One: { Type: "Pass", End: true } },
  },
  End: true,
};

describe("ProgressTrackedWorkflow: policies", function () {
  this.timeout(20_000);

  it("W16: each handler may do exactly this", () => {
    const records = ["UpdateItem", "PutItem", "Query", "DeleteItem", "GetItem"];
    const expected: Readonly<Record<ProgressHandlerName, readonly object[]>> = {
      tickets: [table("PutItem", "GetItem")],
      authorize: [table("DeleteItem")],
      connections: [table("PutItem", "Query", "DeleteItem")],
      messages: [
        table("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"),
        allow("UseWorkflow", ["states:StartExecution"], [MACHINE, `${MACHINE}:live`]),
        allow(
          "UseExecutions",
          ["states:StopExecution", "states:RedriveExecution", "states:DescribeExecution"],
          EXECUTIONS,
        ),
        POST,
      ],
      report: [table(...records), POST],
      status: [table(...records), POST, UNDELIVERED],
      reconcile: [
        table(...records),
        allow("UseIndex", ["dynamodb:Query"], `${TABLE}/index/running`),
        allow("UseExecutions", ["states:DescribeExecution"], EXECUTIONS),
        POST,
        UNDELIVERED,
      ],
    };

    for (const handler of Object.keys(PROGRESS_HANDLERS) as ProgressHandlerName[]) {
      assert.deepEqual(buildHandlerStatements(handler, PARTS), expected[handler], handler);
    }
    // Lambda takes reports of this transport, and sends those that fail in the end as the function's role.
    assert.deepEqual(buildHandlerStatements("report", { ...PARTS, transport: "eventbridge" }), [
      ...expected.report,
      UNDELIVERED,
    ]);
  });

  it("W16: with a key of the team's, each handler may use it through the table only", () => {
    assert.deepEqual(buildHandlerStatements("authorize", { ...PARTS, kmsKeyArn: KEY }), [
      table("DeleteItem"),
      KEY_STATEMENT,
    ]);
  });

  it("W16: the workflow may do what its caller says, and report by its transport", () => {
    const own = allow("Ship", ["lambda:InvokeFunction"], [SHIP_ARN]);
    const policy = (...reports: object[]): object => ({
      Version: "2012-10-17",
      Statement: [own, ...reports, UNDELIVERED, ...SERVICE],
    });
    const store = allow(
      "StoreProgress",
      ["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"],
      TABLE,
    );

    assert.deepEqual(machinePolicy("function"), policy(allow("ReportProgress", ["lambda:InvokeFunction"], REPORT)));
    assert.deepEqual(
      machinePolicy("eventbridge"),
      policy({
        ...allow("ReportProgress", ["events:PutEvents"], BUS),
        Condition: { StringEquals: { "events:source": "serverless-patterns.progress" } },
      }),
    );
    assert.deepEqual(machinePolicy("direct"), policy(store, POST));
    assert.deepEqual(machinePolicy("direct", KEY), policy(store, KEY_STATEMENT, POST));
  });

  it("W16: a workflow with a distributed Map may run its items, and no other workflow", async () => {
    const All = { Type: "Parallel", Branches: [{ StartAt: "Map", States: { Map: DISTRIBUTED_MAP } }], End: true };
    const { errors, byName } = await evaluateProgram(() => {
      const definition = { StartAt: "All", States: { All: { ...All, Progress: {} } } };
      new ProgressTrackedWorkflow("orders", { ...MINIMAL_WORKFLOW_ARGS, definition });
    });

    assert.deepEqual(errors, []);
    const machine = byName("orders-state-machine").outputs.arn as string;
    const executions = machine.replace(":stateMachine:", ":execution:");
    const { Statement } = JSON.parse(byName("orders-state-machine-policy").inputs.policy as string) as PolicyDocument;
    assert.deepEqual(
      [Statement].flat().filter(({ Sid = "" }) => Sid.endsWith("Items")),
      [
        allow("RunItems", ["states:StartExecution"], machine),
        allow(
          "ManageItems",
          ["states:DescribeExecution", "states:RedriveExecution", "states:StopExecution"],
          [`${executions}:*`, `${executions}/*`],
        ),
      ],
    );
  });

  it("W16: Step Functions acts as the role for this workflow only", () => {
    assert.deepEqual(buildMachineTrustPolicy(MACHINE, false), {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "AllowService",
          Effect: "Allow",
          Principal: { Service: "states.amazonaws.com" },
          Action: "sts:AssumeRole",
          Condition: { ArnLike: { "aws:SourceArn": [MACHINE, `${MACHINE}:*`] } },
        },
      ],
    });
  });

  it("W19: only the component's rules send to the dead-letter queue, and only over TLS", () => {
    const queue = "arn:aws:sqs:eu-west-1:111111111111:orders";
    const rules = ["arn:aws:events:eu-west-1:111111111111:rule/status"];

    assert.deepEqual(buildDeadLetterQueuePolicy(queue, rules), {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "DenyInsecureTransport",
          Effect: "Deny",
          Principal: "*",
          Action: "sqs:*",
          Resource: queue,
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
        {
          Sid: "AllowRules",
          Effect: "Allow",
          Principal: { Service: "events.amazonaws.com" },
          Action: "sqs:SendMessage",
          Resource: queue,
          Condition: { ArnEquals: { "aws:SourceArn": rules } },
        },
      ],
    });
  });

  it("A1: knows the sids of its own statements, which a caller's may not have", () => {
    const own = (["direct", "function", "eventbridge"] as const).flatMap((transport) =>
      [machinePolicy(transport, KEY, { distributed: true }).Statement].flat().map(({ Sid = "" }) => Sid),
    );

    assert.deepEqual([...OWN_SIDS].sort(), [...new Set(own)].filter((sid) => sid !== "Ship").sort());
  });

  it("W16: with a distributed Map, Step Functions acts as the role for the runs of its items too", async () => {
    const definition = {
      StartAt: "All",
      States: {
        All: trackProgress(DISTRIBUTED_MAP),
      },
    };
    const { errors, byName } = await evaluateProgram(
      () => void new ProgressTrackedWorkflow("orders", { ...MINIMAL_WORKFLOW_ARGS, definition }),
    );

    assert.deepEqual(errors, []);
    const machine = byName("orders-state-machine").outputs.arn as string;
    const { Statement } = JSON.parse(
      byName("orders-state-machine-role").inputs.assumeRolePolicy as string,
    ) as PolicyDocument;
    assert.deepEqual(
      [Statement].flat().map(({ Condition }) => Condition),
      [{ ArnLike: { "aws:SourceArn": [machine, `${machine}:*`, `${machine}/*`] } }],
    );
  });

  it("A1: every document is valid IAM, and names no wildcard that it could do without", async () => {
    const handlers = (Object.keys(PROGRESS_HANDLERS) as ProgressHandlerName[]).map((handler) =>
      buildPolicy(buildHandlerStatements(handler, { ...PARTS, kmsKeyArn: KEY })),
    );
    const machines = (["direct", "function", "eventbridge"] as const).map((transport) => machinePolicy(transport, KEY));
    const others = [
      buildMachineTrustPolicy(MACHINE, true),
      buildDeadLetterQueuePolicy("arn:aws:sqs:eu-west-1:1:q", []),
    ];

    for (const document of [...handlers, ...machines, ...others])
      assert.deepEqual(await lintPolicy(document as PolicyDocument), []);
  });

  it("A1: what a program declares is these documents, with its own names", async () => {
    const { errors, byName } = await evaluateProgram(
      () => void new ProgressTrackedWorkflow("orders", { ...MINIMAL_WORKFLOW_ARGS, transport: "direct" }),
    );

    assert.deepEqual(errors, []);
    const machine = byName("orders-state-machine").outputs.arn as string;
    const stage = `${byName("orders-socket-api").outputs.executionArn as string}/live`;
    const expected = buildMachinePolicy({
      region: "eu-west-1",
      tableArn: byName("orders-table").outputs.arn as string,
      kmsKeyArn: undefined,
      deadLetterQueueArn: byName("orders-dead-letter-queue").outputs.arn as string,
      stateMachineArn: machine,
      aliasArn: `${machine}:live`,
      socketStageArn: stage,
      transport: "direct",
      reportFunctionArn: byName("orders-report-function").outputs.arn as string,
      eventBusArn: BUS,
      distributed: false,
      statements: [{ sid: "Ship", actions: ["lambda:InvokeFunction"], resources: [SHIP_ARN] }],
    });
    assert.deepEqual(JSON.parse(byName("orders-state-machine-policy").inputs.policy as string), expected);
    assert.deepEqual(
      JSON.parse(byName("orders-state-machine-role").inputs.assumeRolePolicy as string),
      buildMachineTrustPolicy(machine, false),
    );
    const messages = JSON.parse(byName("orders-messages-policy").inputs.policy as string) as PolicyDocument;
    const uses = JSON.stringify(messages);
    for (const arn of [`${machine}:live`, `${stage}/POST/@connections/*`])
      assert.ok(uses.includes(JSON.stringify(arn)), arn);
  });
});
