// Proves CloudWatch Logs: the model of a log group, the operations by the real SDK, retention, bounds, embedded metrics, refusals.
import assert from "node:assert/strict";
import * as aws from "@aws-sdk/client-cloudwatch-logs";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import { createLogsService, type LogsService } from "../../../../local/cloud/logs/service";
import { MAX_LINES } from "../../../../local/cloud/logs/store";
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

const GROUP = "aws:cloudwatch/logGroup:LogGroup";
const logGroupName = "/app/orders";
const logStreamName = "one";
const DAY_MS = 86_400_000;

describe("CloudWatch Logs", () => {
  let context: TestContext;
  let service: LogsService;
  let stub: ServiceStub;
  let client: aws.CloudWatchLogsClient;
  let now: number;

  beforeEach(async () => {
    context = testContext();
    now = context.clock.now();
    service = createLogsService(context);
    stub = await serveStub(service);
    client = new aws.CloudWatchLogsClient(stub.client);
    await declare(service, GROUP, { name: logGroupName, retentionInDays: 7 });
    await client.send(new aws.CreateLogStreamCommand({ logGroupName, logStreamName }));
  });

  afterEach(async () => {
    client.destroy();
    await stub.close();
  });

  const put = (...logEvents: aws.InputLogEvent[]): Promise<aws.PutLogEventsCommandOutput> =>
    client.send(new aws.PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
  const filter = async (filterPattern?: string): Promise<readonly (string | undefined)[]> => {
    const { events } = await client.send(new aws.FilterLogEventsCommand({ logGroupName, filterPattern }));
    return events?.map(({ message }) => message) ?? [];
  };

  it("returns what the provider returns", async () => {
    const { id, outputs } = await declare(service, GROUP, {}, "group");

    assert.equal(id, "group-1234567");
    assert.equal(outputs.arn, "arn:aws:logs:eu-west-1:123456789012:log-group:group-1234567");
    assert.equal(outputs.retentionInDays, 0);
    assert.deepEqual(outputs.tagsAll, { stack: "test" });
  });

  it("keeps events, and reads them by stream, page by page", async () => {
    await put(...["a", "b", "c"].map((message, index) => ({ timestamp: now + index, message })));
    const read = { logGroupName, logStreamName, limit: 2, startFromHead: true };

    const first = await client.send(new aws.GetLogEventsCommand(read));
    const second = await client.send(new aws.GetLogEventsCommand({ ...read, nextToken: first.nextForwardToken }));
    const end = await client.send(new aws.GetLogEventsCommand({ ...read, nextToken: second.nextForwardToken }));

    assert.deepEqual(
      [first, second, end].map(({ events }) => events?.map(({ message }) => message)),
      [["a", "b"], ["c"], []],
    );
    assert.equal(end.nextForwardToken, second.nextForwardToken);
  });

  const patterns: readonly [string | undefined, readonly string[]][] = [
    [undefined, ["ERROR one", "WARN two", "ERROR two"]],
    ["ERROR", ["ERROR one", "ERROR two"]],
    ["ERROR two", ["ERROR two"]],
    ["ERROR -one", ["ERROR two"]],
    ["?one ?WARN", ["ERROR one", "WARN two"]],
    ['"N t"', ["WARN two"]],
  ];
  for (const [pattern, expected] of patterns) {
    it(`filters with ${pattern ?? "no pattern"}`, async () => {
      await put(...["ERROR one", "WARN two", "ERROR two"].map((message) => ({ timestamp: now, message })));

      assert.deepEqual(await filter(pattern), expected);
    });
  }

  it("rejects filter patterns that are not simulated", async () => {
    await assert.rejects(filter('{ $.level = "error" }'), { name: "NotSimulated" });
  });

  it("describes groups and streams", async () => {
    await put({ timestamp: now, message: "a" });

    const { logGroups } = await client.send(new aws.DescribeLogGroupsCommand({ logGroupNamePrefix: "/app" }));
    const { logStreams } = await client.send(
      new aws.DescribeLogStreamsCommand({ logGroupName, orderBy: "LastEventTime", descending: true }),
    );

    assert.equal(logGroups?.[0]?.arn, "arn:aws:logs:eu-west-1:123456789012:log-group:/app/orders:*");
    assert.equal(logGroups[0].retentionInDays, 7);
    assert.equal(logStreams?.[0]?.lastEventTimestamp, now);
  });

  it("drops lines past the retention", async () => {
    await put({ timestamp: now, message: "old" });
    await context.clock.advance(7 * DAY_MS + 1);
    await put({ timestamp: context.clock.now(), message: "new" });

    assert.deepEqual(await filter(), ["new"]);
  });

  it("keeps a bounded number of lines, the latest ones", () => {
    for (let index = 0; index < MAX_LINES * 1.2; index++) service.append("/busy", "s", String(index));

    const lines = service.lines("/busy");
    assert.equal(lines.length, MAX_LINES);
    assert.equal(lines.at(-1)?.message, String(MAX_LINES * 1.2 - 1));
  });

  it("shows lines of services as they come", () => {
    const seen: string[] = [];
    const end = service.subscribe(({ group, stream, message }) => seen.push(`${group} ${stream} ${message}`));

    service.append("/aws/lambda/worker", "2026/01/01", "START");
    end();
    service.append("/aws/lambda/worker", "2026/01/01", "END");

    assert.deepEqual(seen, ["/aws/lambda/worker 2026/01/01 START"]);
    assert.equal(
      service.groups().some(({ name }) => name === "/aws/lambda/worker"),
      true,
    );
  });

  it("extracts metrics in embedded metric format, one per dimension set", () => {
    const Metrics = [{ Name: "uploads", Unit: "Count" }, { Name: "sizes", Unit: "Bytes" }, { Name: "absent" }];
    const CloudWatchMetrics = [{ Namespace: "Shop", Dimensions: [[], ["bucket"], ["missing"]], Metrics }];
    const document = { _aws: { Timestamp: 42, CloudWatchMetrics }, bucket: "media", uploads: 1, sizes: [5, 6] };

    service.append("/g", "s", JSON.stringify(document));
    service.append("/g", "s", '{"_aws": broken');

    assert.deepEqual(
      context.measured.map(({ name, dimensions, value, unit, at }) => [name, dimensions, value, unit, at]),
      [
        ["uploads", {}, 1, "Count", 42],
        ["uploads", { bucket: "media" }, 1, "Count", 42],
        ["sizes", {}, 5, "Bytes", 42],
        ["sizes", {}, 6, "Bytes", 42],
        ["sizes", { bucket: "media" }, 5, "Bytes", 42],
        ["sizes", { bucket: "media" }, 6, "Bytes", 42],
      ],
    );
  });

  it("rejects events out of order, over 24 hours apart, too many bytes, and unknown places", async () => {
    await assert.rejects(put({ timestamp: now, message: "b" }, { timestamp: now - 1, message: "a" }), {
      name: "InvalidParameterException",
      message: /chronological order/,
    });
    await assert.rejects(put({ timestamp: now - DAY_MS - 1, message: "a" }, { timestamp: now, message: "b" }), {
      message: /24 hours/,
    });
    await assert.rejects(put({ timestamp: now, message: "x".repeat(1_048_576) }), { message: /Upload too large/ });
    await assert.rejects(client.send(new aws.GetLogEventsCommand({ logGroupName, logStreamName: "missing" })), {
      name: "ResourceNotFoundException",
      message: "The specified log stream does not exist.",
    });
    await assert.rejects(client.send(new aws.FilterLogEventsCommand({ logGroupName: "missing" })), {
      name: "ResourceNotFoundException",
      message: "The specified log group does not exist.",
    });
  });

  it("rejects single events of the far past and future, and takes the others", async () => {
    const old = await put({ timestamp: now - 15 * DAY_MS, message: "old" });
    const early = await put({ timestamp: now, message: "now" }, { timestamp: now + 3 * 3_600_000, message: "new" });

    assert.equal(old.rejectedLogEventsInfo?.tooOldLogEventEndIndex, 1);
    assert.equal(early.rejectedLogEventsInfo?.tooNewLogEventStartIndex, 1);
    assert.deepEqual(await filter(), ["now"]);
  });

  it("rejects groups and streams that exist", async () => {
    const expected = { name: "ResourceAlreadyExistsException" };
    await assert.rejects(client.send(new aws.CreateLogGroupCommand({ logGroupName })), expected);
    await assert.rejects(client.send(new aws.CreateLogStreamCommand({ logGroupName, logStreamName })), expected);
    await assert.rejects(declare(service, GROUP, { name: logGroupName }), { code: expected.name });
  });

  it("asks IAM about the stream, or the group's streams", async () => {
    stub.questions.length = 0;
    await put({ timestamp: now, message: "a" });
    await filter();

    assert.deepEqual(
      stub.questions.map(({ action, resource }) => [action, resource]),
      [
        ["logs:PutLogEvents", "arn:aws:logs:eu-west-1:123456789012:log-group:/app/orders:log-stream:one"],
        ["logs:FilterLogEvents", "arn:aws:logs:eu-west-1:123456789012:log-group:/app/orders:log-stream:"],
      ],
    );
  });

  it("rejects a caller without permission, and keeps nothing", async () => {
    stub.allows = ({ action }) => action !== "logs:PutLogEvents";

    await assert.rejects(put({ timestamp: now, message: "a" }), { name: "AccessDeniedException" });

    assert.deepEqual(await filter(), []);
  });

  it("changes the retention in place and keeps the lines; a new name starts empty", async () => {
    await put({ timestamp: now, message: "a" });
    const model = modelOf(service, GROUP);
    const old = { name: logGroupName, retentionInDays: 7 };
    await model.update?.(logGroupName, { ...old, retentionInDays: 30 }, old, resourceContext(GROUP));
    const kept = await filter();

    await model.update?.(logGroupName, { name: "/app/new" }, old, resourceContext(GROUP));

    assert.deepEqual(kept, ["a"]);
    assert.deepEqual(
      service.groups().map(({ name }) => name),
      ["/app/new"],
    );
  });

  it("deletes a group with its lines, unless it is protected", async () => {
    const model = modelOf(service, GROUP);
    const remove = (outputs: PropertyMap): Promise<void> =>
      model.delete?.(logGroupName, { name: logGroupName, ...outputs }, resourceContext(GROUP)) ?? Promise.resolve();

    await assert.rejects(remove({ deletionProtectionEnabled: true }), { code: "ValidationException" });
    await remove({});

    assert.equal(service.groups().length, 0);
  });

  const refusals: readonly [string, PropertyMap, RegExp][] = [
    [
      "a retention that AWS does not know",
      { retentionInDays: 10 },
      /^retentionInDays: must be one of 0, 1, 3, .*, got 10$/,
    ],
    ["a name with spaces", { name: "a b" }, /^name: must be 1 to 512/],
    ["a key that is no ARN", { kmsKeyId: "key" }, /^kmsKeyId: must be the ARN of a KMS key/],
    ["an unknown property", { fields: 1 }, /^fields: is not simulated/],
  ];
  for (const [what, inputs, problem] of refusals) {
    it(`rejects ${what}`, () => {
      assert.match(problemsOf(service, GROUP, inputs).join("; "), problem);
    });
  }
});
