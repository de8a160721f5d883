// Proves EventBridge end to end: PutEvents by the real SDK, rules, targets, input transformers, schedules, permissions, refusals.
import assert from "node:assert/strict";
import {
  EventBridgeClient,
  ListRulesCommand,
  PutEventsCommand,
  type PutEventsCommandOutput,
  type PutEventsRequestEntry,
} from "@aws-sdk/client-eventbridge";
import { AwsError } from "../../../../local/cloud/core/errors";
import { textIn } from "../../../../local/cloud/core/input-reader";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import { createEventsService, type EventsService } from "../../../../local/cloud/events/service";
import {
  declare,
  modelOf,
  problemsOf,
  resourceContext,
  serveStub,
  testContext,
  type ServiceStub,
  type TestContext,
} from "../../../support/json-service-stub";

const RULE = "aws:cloudwatch/eventRule:EventRule";
const TARGET = "aws:cloudwatch/eventTarget:EventTarget";
const BUS = "aws:cloudwatch/eventBus:EventBus";
const functionArn = "arn:aws:lambda:eu-west-1:123456789012:function:worker";
const entry: PutEventsRequestEntry = {
  Source: "shop",
  DetailType: "Order",
  Detail: JSON.stringify({ id: 7, name: 'a "b"' }),
  Resources: ["arn:x"],
};

describe("EventBridge", () => {
  let context: TestContext;
  let service: EventsService;
  let stub: ServiceStub;
  let client: EventBridgeClient;

  beforeEach(async () => {
    context = testContext();
    service = createEventsService(context);
    stub = await serveStub(service);
    client = new EventBridgeClient(stub.client);
  });

  afterEach(async () => {
    client.destroy();
    await stub.close();
  });

  const put = (...Entries: PutEventsRequestEntry[]): Promise<PutEventsCommandOutput> =>
    client.send(new PutEventsCommand({ Entries }));
  const rule = async (inputs: PropertyMap = {}, target: PropertyMap = {}): Promise<void> => {
    await declare(service, RULE, { name: "orders", eventPattern: '{"source":["shop"]}', ...inputs });
    await declare(service, TARGET, { rule: "orders", arn: functionArn, targetId: "worker", ...target });
  };

  it("delivers a matching event to a function, as the rule", async () => {
    await rule();

    const { FailedEntryCount, Entries } = await put(entry, { ...entry, Source: "other" });

    assert.equal(FailedEntryCount, 0);
    assert.equal(Entries?.length, 2);
    const [invocation, ...others] = context.invocations;
    assert.equal(others.length, 0);
    assert.equal(invocation?.functionArn, functionArn);
    assert.equal(invocation.principal.service, "events.amazonaws.com");
    assert.equal(invocation.principal.sourceArn, "arn:aws:events:eu-west-1:123456789012:rule/orders");
    assert.deepEqual(invocation.payload, {
      version: "0",
      id: Entries[0]?.EventId,
      "detail-type": "Order",
      source: "shop",
      account: "123456789012",
      time: "2026-01-01T00:00:00Z",
      region: "eu-west-1",
      resources: ["arn:x"],
      detail: { id: 7, name: 'a "b"' },
    });
  });

  it("keeps the time that the sender gave", async () => {
    await rule();

    await put({ ...entry, Time: new Date("2025-05-05T05:05:05.678Z") });

    assert.equal((context.invocations[0]?.payload as { time: string }).time, "2025-05-05T05:05:05Z");
  });

  it("delivers events of other services, and shows what became of them", async () => {
    await rule({ eventPattern: '{"source":["aws.s3"]}' });
    const seen: string[] = [];
    service.subscribe(({ event }) => seen.push(event.source));
    const s3 = { source: "aws.s3", detailType: "Object Created", detail: {}, resources: [] };

    service.publish({ ...s3, accountId: "123456789012", region: "eu-west-1" });

    assert.equal(context.invocations.length, 1);
    assert.deepEqual(seen, ["aws.s3"]);
    assert.equal(service.recentEvents()[0]?.deliveries[0]?.targetArn, functionArn);
    const trace = context.traces.recent().find(({ operation }) => operation === "Deliver");
    assert.equal(trace?.status, 200);
    assert.deepEqual(
      context.measured.map(({ name }) => name),
      ["MatchedEvents", "TriggeredRules", "Invocations", "SuccessfulInvocationAttempts"],
    );
  });

  it("records a failed delivery with its error, and carries on", async () => {
    await rule();
    context.invocationError = new AwsError("AccessDeniedException", "no permission", 403);

    await put(entry);

    assert.equal(service.recentEvents()[0]?.deliveries[0]?.errorCode, "AccessDeniedException");
    assert.equal(context.traces.recent().at(-1)?.errorCode, "AccessDeniedException");
    assert.equal(context.measured.at(-1)?.name, "FailedInvocations");
  });

  const inputs: readonly [string, PropertyMap, unknown][] = [
    ["a constant", { input: '{"fixed":true}' }, { fixed: true }],
    ["a part of the event", { inputPath: "$.detail.name" }, 'a "b"'],
    [
      "a filled template",
      {
        inputTransformer: {
          inputPaths: { id: "$.detail.id", name: "$.detail.name", first: "$.resources[0]", gone: "$.detail.gone" },
          inputTemplate:
            '{"id": <id>, "text": "order <id>: <name>", "first": <first>, "gone": <gone>, "rule": "<aws.events.rule-name>"}',
        },
      },
      { id: 7, text: 'order 7: a "b"', first: "arn:x", gone: null, rule: "orders" },
    ],
  ];
  for (const [what, target, payload] of inputs) {
    it(`sends ${what} instead of the event`, async () => {
      await rule({}, target);

      await put(entry);

      assert.deepEqual(context.invocations[0]?.payload, payload);
    });
  }

  it("writes to a log group", async () => {
    await rule({}, { arn: "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/events/orders:*" });

    await put(entry);

    assert.equal(context.logged[0]?.group, "/aws/events/orders");
    assert.match(context.logged[0].message, /"source":"shop"/);
  });

  it("keeps a custom bus apart from the default one", async () => {
    const bus = await declare(service, BUS, { name: "shop/main" });
    await rule({ eventBusName: "shop/main" }, { eventBusName: "shop/main" });

    await put(entry);
    const before = context.invocations.length;
    await put({ ...entry, EventBusName: textIn(bus.outputs, "arn") });

    assert.equal(before, 0);
    assert.equal(bus.outputs.arn, "arn:aws:events:eu-west-1:123456789012:event-bus/shop/main");
    assert.equal(
      context.invocations[0]?.principal.sourceArn,
      "arn:aws:events:eu-west-1:123456789012:rule/shop/main/orders",
    );
  });

  it("sends nothing through a disabled rule", async () => {
    await rule({ state: "DISABLED" });

    await put(entry);

    assert.equal(context.invocations.length, 0);
  });

  it("fires a schedule on the clock, until the rule goes", async () => {
    const scheduled = await declare(service, RULE, { name: "tick", scheduleExpression: "rate(5 minutes)" });
    await declare(service, TARGET, { rule: "tick", arn: functionArn });

    await context.clock.advance(10 * 60_000);
    const { payload } = context.invocations[0] ?? {};
    const model = modelOf(service, RULE);
    await model.delete?.("tick", { ...scheduled.outputs, forceDestroy: true }, resourceContext(RULE));
    await context.clock.advance(10 * 60_000);

    assert.equal(context.invocations.length, 2);
    assert.equal((payload as { "detail-type": string })["detail-type"], "Scheduled Event");
    assert.deepEqual((payload as { resources: string[] }).resources, [scheduled.outputs.arn]);
  });

  it("fires a schedule that lies more than a timer's reach ahead", async () => {
    await declare(service, RULE, { name: "monthly", scheduleExpression: "cron(0 0 1 * ? *)" });
    await declare(service, TARGET, { rule: "monthly", arn: functionArn });

    await context.clock.advance(31 * 86_400_000);

    assert.equal(context.invocations.length, 1);
  });

  it("rejects entries one by one, and takes the others", async () => {
    const { FailedEntryCount, Entries } = await put(
      { ...entry, Source: "aws.s3" },
      { ...entry, Detail: "not json" },
      { ...entry, Detail: "[1]" },
      { ...entry, DetailType: undefined },
      { ...entry, EventBusName: "missing" },
      entry,
    );

    assert.equal(FailedEntryCount, 5);
    assert.deepEqual(
      Entries?.map(({ ErrorCode }) => ErrorCode),
      [
        "NotAuthorizedForSourceException",
        "MalformedDetail",
        "MalformedDetail",
        "InvalidArgument",
        "InvalidArgument",
        undefined,
      ],
    );
    assert.equal(service.recentEvents().length, 1);
  });

  it("rejects more than 10 entries, none, and a megabyte", async () => {
    const megabyte = { ...entry, Detail: JSON.stringify({ blob: "x".repeat(1024 * 1024) }) };

    await assert.rejects(put(...Array.from({ length: 11 }, () => entry)), { message: /less than or equal to 10/ });
    await assert.rejects(put(), { message: /greater than or equal to 1/ });
    await assert.rejects(put(megabyte), { name: "ValidationException", message: /over the limit/ });
  });

  it("asks IAM for each entry, with source and detail type", async () => {
    await put(entry);

    assert.deepEqual(stub.questions, [
      {
        action: "events:PutEvents",
        resource: "arn:aws:events:eu-west-1:123456789012:event-bus/default",
        resourceAccountId: "123456789012",
        context: { "events:source": "shop", "events:detail-type": "Order", "events:eventBusInvocation": "false" },
      },
    ]);
  });

  it("rejects a caller without permission, and routes nothing", async () => {
    await rule();
    stub.allows = ({ context: keys }) => keys?.["events:source"] !== "shop";

    await assert.rejects(put({ ...entry, Source: "other" }, entry), { name: "AccessDeniedException" });

    assert.equal(service.recentEvents().length, 0);
  });

  it("rejects operations that are not simulated", async () => {
    await assert.rejects(client.send(new ListRulesCommand({})), { name: "NotSimulated" });
  });

  it("returns what the provider returns", async () => {
    const created = await declare(service, RULE, { eventPattern: '{"source":["shop"]}' }, "orders");
    const target = await declare(service, TARGET, { rule: created.id, arn: functionArn }, "worker");

    assert.equal(created.id, "orders-1234567");
    assert.equal(created.outputs.state, "ENABLED");
    assert.equal(created.outputs.eventBusName, "default");
    assert.equal(target.id, "orders-1234567-worker-1234567");
  });

  it("changes a rule in place and keeps its targets", async () => {
    await rule();
    const model = modelOf(service, RULE);
    const old = { name: "orders", eventPattern: '{"source":["shop"]}' };
    const changed = { ...old, eventPattern: '{"source":["other"]}' };

    await model.update?.("orders", changed, old, resourceContext(RULE));
    await put(entry, { ...entry, Source: "other" });

    assert.equal(context.invocations.length, 1);
    await assert.rejects(
      model.update?.("orders", { ...old, name: "b" }, old, resourceContext(RULE)) ?? Promise.resolve(),
      {
        code: "NotSimulated",
      },
    );
  });

  it("rejects a rule's deletion while it has targets", async () => {
    await rule();
    const model = modelOf(service, RULE);

    await assert.rejects(model.delete?.("orders", { name: "orders" }, resourceContext(RULE)) ?? Promise.resolve(), {
      message: "Rule can't be deleted since it has targets.",
    });
  });

  it("rejects a target of a rule that does not exist, and a sixth target", async () => {
    await assert.rejects(declare(service, TARGET, { rule: "missing", arn: functionArn }), {
      code: "ResourceNotFoundException",
    });
    await rule();
    for (const targetId of ["2", "3", "4", "5"])
      await declare(service, TARGET, { rule: "orders", arn: functionArn, targetId });
    await assert.rejects(declare(service, TARGET, { rule: "orders", arn: functionArn, targetId: "6" }), {
      code: "LimitExceededException",
    });
  });

  const target = { rule: "orders", arn: functionArn };
  const refusals: readonly [string, string, PropertyMap, RegExp][] = [
    ["a rule without pattern or schedule", RULE, { name: "a" }, /eventPattern: or scheduleExpression is required/],
    ["an invalid pattern", RULE, { eventPattern: '{"a":[]}' }, /eventPattern: Event pattern is not valid/],
    ["an invalid schedule", RULE, { scheduleExpression: "rate(1 minutes)" }, /scheduleExpression: rate needs/],
    [
      "a schedule on a custom bus",
      RULE,
      { scheduleExpression: "rate(1 minute)", eventBusName: "shop" },
      /supported only on the default event bus/,
    ],
    ["a bus called default", BUS, { name: "default" }, /must not be default/],
    [
      "a topic as target",
      TARGET,
      { ...target, arn: "arn:aws:sns:eu-west-1:123456789012:t" },
      /arn: must name a Lambda/,
    ],
    [
      "a FIFO queue without a group",
      TARGET,
      { ...target, arn: "arn:aws:sqs:eu-west-1:123456789012:q.fifo" },
      /sqsTarget.messageGroupId: is required for a FIFO queue/,
    ],
    [
      "a FIFO dead-letter queue",
      TARGET,
      { ...target, deadLetterConfig: { arn: "arn:aws:sqs:eu-west-1:123456789012:q.fifo" } },
      /deadLetterConfig.arn: must be the ARN of a standard queue/,
    ],
    ["two kinds of input", TARGET, { ...target, input: "{}", inputPath: "$.detail" }, /inputPath: must be left out/],
    ["input that is not JSON", TARGET, { ...target, input: "text" }, /input: must be valid JSON/],
    [
      "a template with an unknown variable",
      TARGET,
      { ...target, inputTransformer: { inputTemplate: '{"a": <missing>}' } },
      /inputTransformer.inputTemplate: must be valid JSON/,
    ],
    [
      "a retry policy out of bounds",
      TARGET,
      { ...target, retryPolicy: { maximumRetryAttempts: 186 } },
      /retryPolicy.maximumRetryAttempts: must be a whole number between 0 and 185/,
    ],
  ];
  for (const [what, type, values, problem] of refusals) {
    it(`rejects ${what}`, () => {
      assert.match(problemsOf(service, type, values).join("; "), problem);
    });
  }
});
