// Proves what the console draws of a program: nodes, groups, settings, who calls whom, and that boxes do not overlap.
import assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { AcceleratedUploadBucket, StaticSite } from "../../../components";
import { layOut } from "../../../local/console/layout";
import { buildTopology, type Topology } from "../../../local/console/topology";
import { evaluateQueueProgram } from "../../support/console-program";
import { evaluateProgram } from "../../support/engine-run";
import { MINIMAL_ARGS } from "../../support/upload-component";

describe("the topology of a program", () => {
  let topology: Topology;
  before(async () => {
    const { errors, resources } = await evaluateProgram(() => {
      new StaticSite("site");
      const pool = new aws.cognito.UserPool("pool");
      new AcceleratedUploadBucket("media", { ...MINIMAL_ARGS, userPoolArn: pool.arn });
    });
    assert.deepEqual(errors, []);
    topology = buildTopology(resources);
  });

  const edges = (): string[] => {
    const name = (urn: string): string => topology.nodes.find((node) => node.urn === urn)?.name ?? urn;
    return topology.edges.map(({ from, to, label }) => `${name(from)} > ${name(to)}: ${label}`);
  };

  it("draws resources that do something, in the group of their component", () => {
    assert.deepEqual(
      topology.nodes.map(({ name, kind }) => `${kind} ${name}`).sort(),
      [
        "Bucket media-bucket",
        "Bucket site-bucket",
        "Distribution site-distribution",
        ...["abort", "complete", "describe", "list", "release", "sign", "start", "sweep"].map(
          (name) => `Function media-${name}-function`,
        ),
        "REST API media-api",
        "Rule media-release-rule",
        "Rule media-sweep-rule",
        "Table media-table",
        "User pool pool",
      ].sort(),
    );
    const groupNames = new Map(topology.groups.map(({ urn, name }) => [urn, name]));
    assert.equal(groupNames.get(topology.nodes.find(({ name }) => name === "media-table")?.group ?? ""), "media");
    assert.equal(topology.nodes.find(({ name }) => name === "pool")?.group, "");
  });

  it("finds who calls whom from policies, documents, targets and origins", () => {
    const found = edges();

    for (const edge of [
      "media-sign-function > media-bucket: PutObject",
      "media-sign-function > media-table: GetItem",
      "media-list-function > media-table: Query",
      "media-api > media-sign-function: invokes",
      "media-api > pool: verifies tokens",
      "media-sweep-rule > media-sweep-function: invokes",
      "site-distribution > site-bucket: reads",
    ]) {
      assert.ok(found.includes(edge), `${edge} is not among\n${found.join("\n")}`);
    }
    assert.ok(!found.some((edge) => edge.startsWith("media-list-function > media-bucket")));
    assert.ok(!found.some((edge) => edge.startsWith("media-api > media-sweep-function")));
  });

  it("puts settings under the resource that they configure", () => {
    const settingsOf = (name: string): string[] =>
      topology.nodes.find((node) => node.name === name)?.settings.map((setting) => setting.name) ?? [];

    assert.ok(settingsOf("media-bucket").includes("media-cors"));
    assert.deepEqual(settingsOf("media-sign-function").sort(), [
      "media-sign-log-group",
      "media-sign-permission",
      "media-sign-policy",
      "media-sign-role",
    ]);
  });

  it("lays boxes out without overlap, each inside its group", () => {
    const { nodes, groups, width, height } = layOut(topology);

    for (const [index, one] of nodes.entries()) {
      assert.ok(one.x >= 0 && one.x + one.width <= width && one.y >= 0 && one.y + one.height <= height);
      for (const other of nodes.slice(index + 1)) {
        const apart =
          one.x + one.width <= other.x ||
          other.x + other.width <= one.x ||
          one.y + one.height <= other.y ||
          other.y + other.height <= one.y;
        assert.ok(apart, `${one.urn} overlaps ${other.urn}`);
      }
    }
    assert.equal(groups.length, 2);
  });

  it("draws a mapping from the queue to its function, and where dead letters go", async () => {
    const { resources, byName } = await evaluateQueueProgram();
    const drawn = buildTopology(resources);
    const name = (urn: string): string => drawn.nodes.find((node) => node.urn === urn)?.name ?? urn;

    assert.deepEqual(drawn.edges.map(({ from, to, label }) => `${name(from)} > ${name(to)}: ${label}`).sort(), [
      "work-queue > work-function: invokes in batches of up to 10; at most 5 at once",
      "work-queue > work-queue-dlq: dead letters after 5 receives",
      "work-rule > work-queue: sends to",
    ]);
    assert.deepEqual(
      drawn.edges.flatMap(({ mapping }) => mapping ?? []),
      [byName("work-mapping").id],
    );
  });

  it("draws a state machine with what its tasks call, and a WebSocket API with its routes and authorizer", async () => {
    const { resources, errors } = await evaluateProgram(declareWorkflow);
    assert.deepEqual(errors, []);
    const drawn = buildTopology(resources);
    const name = (urn: string): string => drawn.nodes.find((node) => node.urn === urn)?.name ?? urn;

    assert.deepEqual(drawn.edges.map(({ from, to, label }) => `${name(from)} > ${name(to)}: ${label}`).sort(), [
      "api > admit: authorizes with",
      "api > worker: invokes, on start, on $default",
      "machine > api: ManageConnections",
      "machine > rule: events",
      "machine > runs: UpdateItem",
      "machine > worker: InvokeFunction",
      "worker > machine: StartExecution, DescribeExecution",
    ]);
    const machine = drawn.nodes.find(({ kind }) => kind === "State machine");
    assert.deepEqual(machine?.settings.map((setting) => setting.name).sort(), ["machine-policy", "machine-role"]);
  });

  it("draws nothing of an empty program", () => {
    assert.deepEqual(layOut(buildTopology([])), { width: 0, height: 0, nodes: [], groups: [], edges: [] });
  });
});

function declareWorkflow(): void {
  const role = (name: string): aws.iam.Role => new aws.iam.Role(`${name}-role`, { assumeRolePolicy: "{}" });
  const functionOf = (name: string, of: aws.iam.Role): aws.lambda.Function =>
    new aws.lambda.Function(name, { role: of.arn, runtime: "nodejs24.x", handler: "a.b" });
  const allow = (name: string, of: aws.iam.Role, actions: string[], on: pulumi.Input<string>): void => {
    const policy = pulumi.jsonStringify({ Statement: [{ Effect: "Allow", Action: actions, Resource: on }] });
    new aws.iam.RolePolicy(`${name}-policy`, { role: of, policy });
  };
  const workerRole = role("worker");
  const worker = functionOf("worker", workerRole);
  const admit = functionOf("admit", role("admit"));
  const table = new aws.dynamodb.Table("runs", { hashKey: "pk", attributes: [{ name: "pk", type: "S" }] });
  const api = new aws.apigatewayv2.Api("api", { protocolType: "WEBSOCKET" });
  const machineRole = role("machine");
  allow("machine", machineRole, ["lambda:InvokeFunction"], worker.arn);
  const definition = pulumi.jsonStringify({
    StartAt: "Work",
    States: {
      Work: {
        Type: "Task",
        Resource: "arn:aws:states:::lambda:invoke",
        Parameters: { FunctionName: pulumi.interpolate`${worker.arn}:live` },
        Next: "Both",
      },
      Both: {
        Type: "Parallel",
        Branches: [
          branch("Note", "arn:aws:states:::dynamodb:updateItem", { TableName: table.name }),
          branch("Tell", "arn:aws:states:::apigateway:invoke", {
            ApiEndpoint: pulumi.interpolate`${api.id}.execute-api.eu-west-1.amazonaws.com`,
          }),
        ],
        End: true,
      },
    },
  });
  const machine = new aws.sfn.StateMachine("machine", { roleArn: machineRole.arn, definition });
  const runs = machine.arn.apply((arn) => `${arn.replace(":stateMachine:", ":execution:")}:*`);
  allow("worker", workerRole, ["states:StartExecution"], machine.arn);
  allow("worker-runs", workerRole, ["states:DescribeExecution"], runs);
  new aws.cloudwatch.EventRule("rule", {
    eventPattern: pulumi.jsonStringify({ source: ["aws.states"], detail: { stateMachineArn: [machine.arn] } }),
  });
  const integration = new aws.apigatewayv2.Integration("integration", {
    apiId: api.id,
    integrationType: "AWS_PROXY",
    integrationUri: worker.invokeArn,
  });
  for (const routeKey of ["start", "$default"]) {
    const target = pulumi.interpolate`integrations/${integration.id}`;
    new aws.apigatewayv2.Route(`route-${routeKey}`, { apiId: api.id, routeKey, target });
  }
  new aws.apigatewayv2.Authorizer("authorizer", {
    apiId: api.id,
    authorizerType: "REQUEST",
    authorizerUri: admit.invokeArn,
  });
}

function branch(name: string, resource: string, parameters: object): object {
  return { StartAt: name, States: { [name]: { Type: "Task", Resource: resource, Parameters: parameters, End: true } } };
}
