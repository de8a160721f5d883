// Proves which resources ProgressTrackedWorkflow declares, and which argument changes which input. Runs on the engine with AWS-shaped
// outputs; it does not prove that AWS accepts them.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { ProgressTrackedWorkflow, trackProgress, type ProgressTrackedWorkflowArgs } from "../../../components";
import { buildRouting } from "../../../components/progress-tracked-workflow/machine";
import { PROGRESS_ENVIRONMENT, PROGRESS_HANDLERS, PROGRESS_METRICS } from "../../../handlers/progress/contract";
import { findingsOf } from "../../../local/cloud/states/language/validate";
import { evaluateProgram, type ProgramEvaluation, type ProgramOptions } from "../../support/engine-run";
import { publicFieldsOf } from "../../support/public-children";
import { writeFolder } from "../../support/queue-component";
import { MINIMAL_WORKFLOW_ARGS, SHIP_ARN, WORKFLOW_POOL_ARN } from "../../support/workflow-component";

const TRANSPORTS = ["direct", "function", "eventbridge"] as const;

async function evaluate(
  args: Partial<ProgressTrackedWorkflowArgs> = {},
  options: ProgramOptions = {},
): Promise<ProgramEvaluation> {
  const evaluation = await evaluateProgram(() => {
    const base =
      args.definitionFile === undefined ? MINIMAL_WORKFLOW_ARGS : { ...MINIMAL_WORKFLOW_ARGS, definition: undefined };
    const orders = new ProgressTrackedWorkflow("orders", { ...base, ...args } as ProgressTrackedWorkflowArgs);
    return { client: orders.clientSettings, versionArn: orders.versionArn };
  }, options);
  assert.deepEqual(
    evaluation.errors.map(({ message }) => message),
    [],
  );
  return evaluation;
}

const parsed = (value: unknown): unknown => {
  assert.equal(typeof value, "string");
  return JSON.parse(value as string);
};
interface Woven {
  readonly States: Record<string, Record<string, unknown>>;
  readonly TimeoutSeconds?: number;
}
const machineOf = ({ byName }: ProgramEvaluation): Woven =>
  parsed(byName("orders-state-machine").inputs.definition) as Woven;

const HANDLERS = Object.keys(PROGRESS_HANDLERS);
const MESSAGES = ["start", "subscribe", "unsubscribe", "cancel", "redrive", "detail", "list", "ping", "default"];
const CHILDREN = [
  ...HANDLERS.flatMap((handler) => [
    `orders-${handler}-function (Function)`,
    `orders-${handler}-log-group (LogGroup)`,
    `orders-${handler}-policy (RolePolicy)`,
    `orders-${handler}-role (Role)`,
  ]),
  ...MESSAGES.flatMap((route) => [`orders-${route}-route (Route)`, `orders-${route}-route-response (RouteResponse)`]),
  ...["connect", "disconnect"].map((route) => `orders-${route}-route (Route)`),
  ...["connections", "messages"].map((handler) => `orders-${handler}-integration (Integration)`),
  ...["authorize", "connections", "messages", "tickets", "status", "reconcile"].map(
    (handler) => `orders-${handler}-permission (Permission)`,
  ),
  ...["status", "reconcile"].flatMap((handler) => [
    `orders-${handler}-rule (EventRule)`,
    `orders-${handler}-target (EventTarget)`,
    `orders-${handler}-event-invoke-config (FunctionEventInvokeConfig)`,
  ]),
  "orders-alias (Alias)",
  "orders-authorizer (Authorizer)",
  "orders-dead-letter-queue (Queue)",
  "orders-dead-letter-queue-policy (QueuePolicy)",
  "orders-socket-access-log-group (LogGroup)",
  "orders-socket-api (Api)",
  "orders-socket-deployment (Deployment)",
  "orders-socket-stage (Stage)",
  "orders-state-machine (StateMachine)",
  "orders-state-machine-log-group (LogGroup)",
  "orders-state-machine-policy (RolePolicy)",
  "orders-state-machine-role (Role)",
  "orders-table (Table)",
  "orders-ticket-access-log-group (LogGroup)",
  "orders-ticket-api (RestApi)",
  "orders-ticket-deployment (Deployment)",
  "orders-ticket-method-settings (MethodSettings)",
  "orders-ticket-stage (Stage)",
];
const ALARMS = ["dead-letters", "failed-runs", "function-errors", "report-failures", "timed-out-runs"];

const childrenOf = ({ table }: ProgramEvaluation): string[] =>
  table()
    .filter(([, , parent]) => parent === "orders")
    .map(([type, name]) => `${name} (${type.split(":")[2] ?? ""})`)
    .sort();

describe("ProgressTrackedWorkflow: resources", function () {
  this.timeout(20_000);

  it("W29: creates exactly these children from minimal arguments", async () => {
    const alarms = [...ALARMS.map((role) => `orders-${role}-alarm (MetricAlarm)`), "orders-dashboard (Dashboard)"];

    assert.deepEqual(childrenOf(await evaluate()), [...CHILDREN, ...alarms].sort());
  });

  it("creates neither alarms nor dashboard when they are off", async () => {
    assert.deepEqual(childrenOf(await evaluate({ alarms: { enabled: false } })), [...CHILDREN].sort());
  });

  it("gives each function the time that its contract names", async () => {
    const { byName } = await evaluate();

    for (const [handler, { timeoutSeconds }] of Object.entries(PROGRESS_HANDLERS)) {
      assert.equal(byName(`orders-${handler}-function`).inputs.timeout, timeoutSeconds, handler);
    }
  });

  it("W29: tells the functions everything by the environment that their contract names", async () => {
    const evaluation = await evaluate();
    const { byName, output } = evaluation;
    const machine = byName("orders-state-machine").outputs.arn as string;
    const apiId = byName("orders-socket-api").id;

    for (const handler of HANDLERS) {
      const { variables } = byName(`orders-${handler}-function`).inputs.environment as { variables: object };
      assert.deepEqual(variables, {
        [PROGRESS_ENVIRONMENT.table]: byName("orders-table").outputs.name,
        [PROGRESS_ENVIRONMENT.stateMachineArn]: machine,
        [PROGRESS_ENVIRONMENT.startArn]: byName("orders-alias").outputs.arn,
        [PROGRESS_ENVIRONMENT.steps]: '[{"step":"Ship","label":"Shipping","weight":1}]',
        [PROGRESS_ENVIRONMENT.connectionsUrl]: `https://${apiId}.execute-api.eu-west-1.amazonaws.com/live`,
        [PROGRESS_ENVIRONMENT.socketUrl]: `wss://${apiId}.execute-api.eu-west-1.amazonaws.com/live`,
        [PROGRESS_ENVIRONMENT.allowedOrigins]: '["https://app.example.com"]',
        [PROGRESS_ENVIRONMENT.retentionSeconds]: "604800",
        [PROGRESS_ENVIRONMENT.startsPerMinute]: "10",
        [PROGRESS_ENVIRONMENT.workflowName]: byName("orders-state-machine").inputs.name,
      });
    }
    assert.equal(
      byName("orders-socket-stage").outputs.invokeUrl,
      (output("client") as { socketUrl: string }).socketUrl,
    );
  });

  it("W29: hands a page its addresses and steps, and no secret", async () => {
    const { byName, output } = await evaluate();

    assert.deepEqual(output("client"), {
      ticketUrl: `https://${byName("orders-ticket-api").id}.execute-api.eu-west-1.amazonaws.com/v1/tickets`,
      socketUrl: `wss://${byName("orders-socket-api").id}.execute-api.eu-west-1.amazonaws.com/live`,
      steps: [{ step: "Ship", label: "Shipping", weight: 1 }],
    });
  });

  for (const transport of TRANSPORTS) {
    it(`W2: one setting chooses the transport "${transport}", and the definition is valid`, async () => {
      const evaluation = await evaluate({ transport });
      const text = evaluation.byName("orders-state-machine").inputs.definition as string;

      assert.deepEqual(findingsOf(text), []);
      const report = machineOf(evaluation).States["Ship (progress)"];
      const resource = { direct: undefined, function: "lambda:invoke", eventbridge: "events:putEvents" }[transport];
      assert.equal(report?.Resource, resource === undefined ? undefined : `arn:aws:states:::${resource}`);
      assert.equal(report?.Type, transport === "direct" ? "Parallel" : "Task");
      assert.equal(
        text.includes(evaluation.byName("orders-report-function").outputs.arn as string),
        transport === "function",
      );
      assert.equal(childrenOf(evaluation).includes("orders-report-rule (EventRule)"), transport === "eventbridge");
    });

    it(`W11: stage, API id and Region of "${transport}" come from configuration, in a Region of its own too`, async () => {
      const { byName, resources } = await evaluate({ transport, region: "eu-north-1" });

      const text = byName("orders-state-machine").inputs.definition as string;
      if (transport === "direct") {
        assert.ok(text.includes(`${byName("orders-socket-api").id}.execute-api.eu-north-1.amazonaws.com`));
        assert.ok(text.includes('"Stage":"live"'));
        assert.ok(text.includes(JSON.stringify(byName("orders-table").outputs.name)));
      }
      for (const { type, name, inputs } of resources) {
        if (/^aws:(?!iam)/.test(type)) assert.equal(inputs.region, "eu-north-1", name);
      }
    });
  }

  it("W2: reports by EventBridge reach the function from this workflow only", async () => {
    const { byName } = await evaluate({ transport: "eventbridge" });
    const machine = byName("orders-state-machine").outputs.arn as string;

    assert.deepEqual(parsed(byName("orders-report-rule").inputs.eventPattern), {
      source: ["serverless-patterns.progress"],
      "detail-type": ["Progress Reported"],
      detail: { stateMachineArn: [machine, { prefix: `${machine}:` }] },
    });
    assert.equal(byName("orders-report-target").inputs.arn, byName("orders-report-function").outputs.arn);
    // Reports and the end of a run travel the same way, and either may be first: the end waits within its function's time.
    const { variables } = byName("orders-status-function").inputs.environment as { variables: Record<string, string> };
    const grace = Number(variables[PROGRESS_ENVIRONMENT.reportGraceSeconds]);
    assert.ok(grace >= 1 && grace <= PROGRESS_HANDLERS.status.timeoutSeconds / 2, String(grace));
  });

  it("W9: status events of this workflow and a schedule reach the functions", async () => {
    const { byName } = await evaluate();

    assert.deepEqual(parsed(byName("orders-status-rule").inputs.eventPattern), {
      source: ["aws.states"],
      "detail-type": ["Step Functions Execution Status Change"],
      detail: { stateMachineArn: [byName("orders-state-machine").outputs.arn] },
    });
    assert.equal(byName("orders-reconcile-rule").inputs.scheduleExpression, "rate(5 minutes)");
  });

  it("W19: what cannot be delivered lands in the dead-letter queue, and that raises an alarm", async () => {
    const { byName, byType } = await evaluate({
      transport: "eventbridge",
      alarms: { topicArn: "arn:aws:sns:eu-west-1:1:ops" },
    });
    const queue = byName("orders-dead-letter-queue").outputs;

    const targets = byType("aws:cloudwatch/eventTarget:EventTarget");
    assert.equal(targets.length, 3);
    for (const { inputs } of targets) {
      assert.deepEqual(inputs.deadLetterConfig, { arn: queue.arn });
      assert.deepEqual(inputs.retryPolicy, { maximumEventAgeInSeconds: 3600, maximumRetryAttempts: 24 });
    }
    // EventBridge calls an event delivered when Lambda has taken it: what the function fails on goes this way.
    const configs = byType("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig");
    assert.deepEqual(
      configs.map(({ inputs }) => inputs.functionName).sort(),
      ["reconcile", "report", "status"].map((handler) => byName(`orders-${handler}-function`).outputs.name).sort(),
    );
    for (const { inputs } of configs) {
      assert.deepEqual(inputs.destinationConfig, { onFailure: { destination: queue.arn } });
      assert.deepEqual([inputs.maximumRetryAttempts, inputs.maximumEventAgeInSeconds], [2, 3600]);
    }
    const alarms = byType("aws:cloudwatch/metricAlarm:MetricAlarm");
    assert.deepEqual(
      alarms.map(({ name }) => name).sort(),
      ALARMS.map((role) => `orders-${role}-alarm`),
    );
    for (const { inputs } of alarms) assert.deepEqual(inputs.alarmActions, ["arn:aws:sns:eu-west-1:1:ops"]);
    assert.deepEqual(byName("orders-dead-letters-alarm").inputs.dimensions, { QueueName: queue.name });
    assert.equal(byName("orders-report-failures-alarm").inputs.metricName, PROGRESS_METRICS.reportsFailed);
    for (const [role, metric] of [
      ["failed-runs", "ExecutionsFailed"],
      ["timed-out-runs", "ExecutionsTimedOut"],
    ]) {
      const { inputs } = byName(`orders-${role}-alarm`);
      assert.equal(inputs.metricName, metric);
      assert.deepEqual(inputs.dimensions, { StateMachineArn: byName("orders-state-machine").outputs.arn });
    }
  });

  it("W18: every log has retention, tracing is on, and no access log holds the query", async () => {
    const { byName, byType } = await evaluate({ logRetentionDays: 14 });

    const groups = byType("aws:cloudwatch/logGroup:LogGroup");
    assert.equal(groups.length, 7 + 3);
    for (const { inputs } of groups) assert.equal(inputs.retentionInDays, 14);
    const { inputs } = byName("orders-state-machine");
    assert.deepEqual(inputs.tracingConfiguration, { enabled: true });
    assert.deepEqual(inputs.loggingConfiguration, {
      level: "ERROR",
      includeExecutionData: false,
      logDestination: `${byName("orders-state-machine-log-group").outputs.arn as string}:*`,
    });
    const stage = byName("orders-socket-stage").inputs;
    const { format, destinationArn } = stage.accessLogSettings as { format: string; destinationArn: string };
    assert.equal(destinationArn, byName("orders-socket-access-log-group").outputs.arn);
    assert.doesNotMatch(format, /query|ticket|authorizer/i);
    assert.deepEqual(stage.defaultRouteSettings, {
      throttlingRateLimit: 100,
      throttlingBurstLimit: 200,
      detailedMetricsEnabled: true,
      loggingLevel: "OFF",
      dataTraceEnabled: false,
    });
  });

  it("W17: every permission carries the source that it is for", async () => {
    const { byName, byType } = await evaluate();
    const api = byName("orders-socket-api").outputs.executionArn as string;
    const tickets = byName("orders-ticket-api").outputs.executionArn as string;

    assert.deepEqual(
      Object.fromEntries(
        byType("aws:lambda/permission:Permission").map(({ name, inputs }) => [
          name,
          [inputs.principal, inputs.sourceArn],
        ]),
      ),
      {
        "orders-authorize-permission": [
          "apigateway.amazonaws.com",
          `${api}/authorizers/${byName("orders-authorizer").id}`,
        ],
        "orders-connections-permission": ["apigateway.amazonaws.com", `${api}/live/*`],
        "orders-messages-permission": ["apigateway.amazonaws.com", `${api}/live/*`],
        "orders-tickets-permission": ["apigateway.amazonaws.com", `${tickets}/v1/POST/tickets`],
        "orders-status-permission": ["events.amazonaws.com", byName("orders-status-rule").outputs.arn],
        "orders-reconcile-permission": ["events.amazonaws.com", byName("orders-reconcile-rule").outputs.arn],
      },
    );
  });

  it("W3: only connecting is authorised, by the ticket; every message has an answer", async () => {
    const { byName, byType } = await evaluate();

    assert.deepEqual(byName("orders-authorizer").inputs.identitySources, ["route.request.querystring.ticket"]);
    for (const { name, inputs } of byType("aws:apigatewayv2/route:Route")) {
      const connects = name === "orders-connect-route";
      assert.equal(inputs.authorizationType, connects ? "CUSTOM" : undefined, name);
      assert.equal(inputs.authorizerId, connects ? byName("orders-authorizer").id : undefined, name);
      const answers = !name.includes("connect");
      assert.equal(inputs.routeResponseSelectionExpression, answers ? "$default" : undefined, name);
    }
    assert.equal(byName("orders-socket-stage").inputs.deploymentId, byName("orders-socket-deployment").id);
  });

  it("deploys anew when a route, its integration or the authorizer is another one", async () => {
    const { byName, byType } = await evaluate();
    const routes = [...PROGRESS_HANDLERS.connections.routeKeys, ...PROGRESS_HANDLERS.messages.routeKeys].map((key) =>
      byName(`orders-${key.replace("$", "")}-route`),
    );

    const parts = [
      byName("orders-authorizer").id,
      ...["connections", "messages"].map((handler) => byName(`orders-${handler}-integration`).inputs.integrationUri),
      ...routes.map(({ id }) => id),
      ...routes.map(({ inputs }) => inputs.target),
    ];
    assert.equal(routes.length, byType("aws:apigatewayv2/route:Route").length);
    assert.deepEqual(byName("orders-socket-deployment").inputs.triggers, {
      routes: createHash("sha256").update(parts.join("\n")).digest("hex"),
    });
  });

  it("W3: tickets are sold to users of the pool, and to pages of the allowed origins", async () => {
    const { byName } = await evaluate({ allowedOrigins: ["https://app.example.com", "https://shop.example.com"] });
    const document = parsed(byName("orders-ticket-api").inputs.body) as {
      paths: Record<string, { post: object; options: object }>;
      components: object;
    };

    assert.deepEqual(Object.keys(document.paths), ["/tickets"]);
    assert.deepEqual(document.components, {
      securitySchemes: {
        caller: {
          type: "apiKey",
          name: "Authorization",
          in: "header",
          "x-amazon-apigateway-authtype": "cognito_user_pools",
          "x-amazon-apigateway-authorizer": { type: "cognito_user_pools", providerARNs: [WORKFLOW_POOL_ARN] },
        },
      },
    });
    assert.match(JSON.stringify(document.paths["/tickets"]?.options), /shop\.example\.com/);
    assert.match(JSON.stringify(document.paths["/tickets"]?.post), /"security":\[\{"caller":\[\]\}\]/);
  });

  it("W22: publishes a version, and the alias leads all new runs to it", async () => {
    const { byName, output } = await evaluate();

    assert.equal(byName("orders-state-machine").inputs.publish, true);
    const version = byName("orders-state-machine").outputs.stateMachineVersionArn;
    assert.equal(output("versionArn"), version);
    assert.deepEqual(byName("orders-alias").inputs.routingConfigurations, [
      { stateMachineVersionArn: version, weight: 100 },
    ]);
  });

  it("W22: shifts gradually to a new version, and back", async () => {
    const previousVersionArn = "arn:aws:states:eu-west-1:111111111111:stateMachine:orders:7";
    const weights = async (percent: number): Promise<unknown> =>
      (await evaluate({ gradualShift: { previousVersionArn, percent } })).byName("orders-alias").inputs
        .routingConfigurations;
    const version = (await evaluate()).byName("orders-state-machine").outputs.stateMachineVersionArn;

    for (const percent of [0, 10]) {
      assert.deepEqual(await weights(percent), [
        { stateMachineVersionArn: version, weight: percent },
        { stateMachineVersionArn: previousVersionArn, weight: 100 - percent },
      ]);
    }
    // An update that changes nothing of the workflow publishes none: AWS refuses the same version twice.
    const same = await evaluateProgram(() => {
      const version = pulumi.output(MINIMAL_WORKFLOW_ARGS.userPoolArn);
      const routing = buildRouting({ gradualShift: { previousVersionArn: version, percent: 10 } }, version);
      return { routing };
    });
    assert.deepEqual(same.output("routing"), [{ stateMachineVersionArn: WORKFLOW_POOL_ARN, weight: 100 }]);
  });

  it("takes outputs of other resources within the definition", async () => {
    const { byName } = await evaluate({
      definition: {
        StartAt: "Ship",
        States: {
          Ship: trackProgress({
            Type: "Task",
            Resource: "arn:aws:states:::lambda:invoke",
            Parameters: { FunctionName: pulumi.output(SHIP_ARN) },
            End: true,
          }),
        },
      },
    });

    const { States } = parsed(byName("orders-state-machine").inputs.definition) as Woven;
    assert.deepEqual(States.Ship?.Parameters, { FunctionName: SHIP_ARN });
  });

  it("reads a definition from a file and replaces its placeholders", async () => {
    const { folder, remove } = writeFolder({
      "orders.asl.json": JSON.stringify({
        StartAt: "Ship",
        States: { Ship: { Type: "Task", Resource: "${ShipArn}", Comment: "${Other}", Progress: {}, End: true } },
      }),
    });
    try {
      const { byName } = await evaluate({
        definitionFile: path.join(folder, "orders.asl.json"),
        definitionSubstitutions: { ShipArn: pulumi.output(SHIP_ARN) },
      });

      const { States } = parsed(byName("orders-state-machine").inputs.definition) as Woven;
      assert.deepEqual(States.Ship, { Type: "Task", Resource: SHIP_ARN, Comment: "${Other}", Next: "Ship (progress)" });
    } finally {
      remove();
    }
  });

  it("gives the whole run its time, and takes the definition's otherwise", async () => {
    const own = { ...MINIMAL_WORKFLOW_ARGS.definition, TimeoutSeconds: 60 };

    assert.equal(machineOf(await evaluate()).TimeoutSeconds, undefined);
    assert.equal(machineOf(await evaluate({ definition: own })).TimeoutSeconds, 60);
    assert.equal(machineOf(await evaluate({ definition: own, timeoutSeconds: 90 })).TimeoutSeconds, 90);
  });

  it("keeps runs in a table that expires rows and can be restored", async () => {
    const KEY = "arn:aws:kms:eu-west-1:111111111111:key/1";
    const { inputs } = (await evaluate({ kmsKeyArn: KEY })).byName("orders-table");

    assert.deepEqual(inputs.ttl, { attributeName: "expiresAt", enabled: true });
    assert.deepEqual(inputs.pointInTimeRecovery, { enabled: true });
    assert.deepEqual([inputs.hashKey, inputs.rangeKey, inputs.billingMode], ["pk", "sk", "PAY_PER_REQUEST"]);
    assert.deepEqual(inputs.globalSecondaryIndexes, [
      { name: "running", hashKey: "running", rangeKey: "startedAt", projectionType: "KEYS_ONLY" },
    ]);
    assert.equal(inputs.deletionProtectionEnabled, true);
    assert.deepEqual(inputs.serverSideEncryption, { enabled: true, kmsKeyArn: KEY });
  });

  it("gives the workflow a name of at most 80 characters", async () => {
    const name = "o".repeat(100);
    const { byName, errors } = await evaluateProgram(
      () => void new ProgressTrackedWorkflow(name, MINIMAL_WORKFLOW_ARGS),
    );

    assert.deepEqual(errors, []);
    assert.match(byName(`${name}-state-machine`).inputs.name as string, /^o+-workflow-[0-9a-f]{7}$/);
    assert.equal((byName(`${name}-state-machine`).inputs.name as string).length, 80);
  });

  it("registers its public fields, and nothing else", async () => {
    let fields: string[] = [];
    const { resources } = await evaluateProgram(() => {
      fields = publicFieldsOf(new ProgressTrackedWorkflow("orders", MINIMAL_WORKFLOW_ARGS));
    });

    const component = resources.find(({ type }) => type === ProgressTrackedWorkflow.pulumiType);
    assert.deepEqual(Object.keys(component?.outputs ?? {}).sort(), fields);
  });

  it("previews with unknown origins, pool and key", async () => {
    const { errors, byType } = await evaluateProgram(
      () => {
        const other = new ProgressTrackedWorkflow("first", MINIMAL_WORKFLOW_ARGS);
        new ProgressTrackedWorkflow("orders", {
          ...MINIMAL_WORKFLOW_ARGS,
          allowedOrigins: [other.api.apiEndpoint],
          userPoolArn: other.table.arn,
          kmsKeyArn: other.table.arn,
        });
      },
      { preview: true },
    );

    assert.deepEqual(errors, []);
    assert.equal(byType("aws:sfn/stateMachine:StateMachine").length, 2);
  });
});
