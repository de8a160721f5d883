// Proves the SQS API with the real SDK: parameters, digests, attributes, batches and errors. Policies, URLs and long polls through
// the real gateway are proven in gateway.test.ts.
import assert from "node:assert/strict";
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  SendMessageCommand,
  type SendMessageCommandInput,
  type SendMessageCommandOutput,
  SetQueueAttributesCommand,
  SQSClient,
  SQSServiceException,
} from "@aws-sdk/client-sqs";
import { md5OfAttributes } from "../../../../local/cloud/sqs/digests";
import { type ServiceStub, serveStub } from "../../../support/json-service-stub";
import { createQueueCloud, type QueueCloud, queueOrigin, type TestQueue } from "../../../support/queue-cloud";

const MEBIBYTE = 1_048_576;

describe("The SQS API", () => {
  let cloud: QueueCloud;
  let stub: ServiceStub;
  let client: SQSClient;
  let queue: TestQueue;

  beforeEach(async () => {
    cloud = createQueueCloud();
    stub = await serveStub(cloud.service);
    client = new SQSClient(stub.client);
    queue = await cloud.declare();
  });

  afterEach(async () => {
    client.destroy();
    await stub.close();
  });

  const send = (input: Partial<SendMessageCommandInput> = {}): Promise<SendMessageCommandOutput> =>
    client.send(new SendMessageCommand({ QueueUrl: queue.url, MessageBody: "x", ...input }));
  const receive = async (input: Partial<ReceiveMessageCommandInput> = {}) =>
    (await client.send(new ReceiveMessageCommand({ QueueUrl: queue.url, ...input }))).Messages ?? [];
  const sendBatch = (Entries: SendMessageBatchRequestEntry[]) =>
    client.send(new SendMessageBatchCommand({ QueueUrl: queue.url, Entries }));
  const refuses = (call: Promise<unknown>, code: string, message?: RegExp): Promise<void> =>
    assert.rejects(call, (error) => {
      assert.ok(error instanceof SQSServiceException, String(error));
      const { Code } = error as { readonly Code?: string };
      assert.equal(Code ?? error.name, code);
      if (message) assert.match(error.message, message);
      return true;
    });

  it("sends and receives a message with attributes and digests that the SDK accepts", async () => {
    const MessageAttributes = {
      kind: { DataType: "String", StringValue: "größe" },
      "trace.id": { DataType: "Number", StringValue: "42" },
      raw: { DataType: "Binary.png", BinaryValue: new Uint8Array([0, 255]) },
    };

    const sent = await send({ MessageBody: "héllo 🎉", MessageAttributes });
    const [message] = await receive({ MessageAttributeNames: ["All"], MessageSystemAttributeNames: ["All"] });

    assert.equal(message?.Body, "héllo 🎉");
    assert.equal(message.MessageId, sent.MessageId);
    assert.deepEqual(message.MessageAttributes, MessageAttributes);
    assert.equal(message.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
    assert.deepEqual(Object.keys(message.Attributes ?? {}).sort(), [
      "ApproximateFirstReceiveTimestamp",
      "ApproximateReceiveCount",
      "SenderId",
      "SentTimestamp",
    ]);
    assert.equal(message.Attributes?.SenderId, "123456789012");
  });

  it("computes the digest of attributes as AWS documents it", () => {
    // Made with the reference procedure: length-prefixed name, type, a byte for the kind of value, and the value.
    const digest = md5OfAttributes({
      my_attribute_name_1: { dataType: "String", stringValue: "my_attribute_value_1" },
    });

    assert.equal(digest, "8ef4d60dbc8efda9f260e1dfd09d29f3");
  });

  it("returns the attributes that were asked for only", async () => {
    const text = { DataType: "String", StringValue: "v" };
    await send({ MessageAttributes: { "app.one": text, "app.two": text, other: text } });

    const names = async (MessageAttributeNames: string[]) => {
      const [message] = await receive({
        MessageAttributeNames,
        VisibilityTimeout: 0,
        MessageSystemAttributeNames: ["SenderId"],
      });
      assert.deepEqual(Object.keys(message?.Attributes ?? {}), ["SenderId"]);
      return Object.keys(message?.MessageAttributes ?? {}).sort();
    };

    assert.deepEqual(await names([]), []);
    assert.deepEqual(await names(["other"]), ["other"]);
    assert.deepEqual(await names(["app.*"]), ["app.one", "app.two"]);
    assert.deepEqual(await names(["All"]), ["app.one", "app.two", "other"]);
  });

  it("carries a trace header", async () => {
    const AWSTraceHeader = { DataType: "String", StringValue: "Root=1-5e3d83c1-e6a0db584850d61342823d4c" } as const;
    await send({ MessageSystemAttributes: { AWSTraceHeader } });

    const [message] = await receive({ MessageSystemAttributeNames: ["AWSTraceHeader"] });

    assert.deepEqual(message?.Attributes, { AWSTraceHeader: AWSTraceHeader.StringValue });
  });

  it("sends, deletes and releases in batches, entry by entry", async () => {
    const sent = await sendBatch([
      { Id: "good", MessageBody: "one" },
      { Id: "bad", MessageBody: "\u0000" },
      { Id: "also", MessageBody: "two" },
    ]);
    const messages = await receive({ MaxNumberOfMessages: 10 });
    const handles = messages.map(({ ReceiptHandle }) => ReceiptHandle ?? "");
    const released = await client.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: queue.url,
        Entries: [
          { Id: "1", ReceiptHandle: handles[0], VisibilityTimeout: 0 },
          { Id: "2", ReceiptHandle: handles[1], VisibilityTimeout: 43_201 },
        ],
      }),
    );
    const deleted = await client.send(
      new DeleteMessageBatchCommand({
        QueueUrl: queue.url,
        Entries: [
          { Id: "1", ReceiptHandle: handles[1] },
          { Id: "2", ReceiptHandle: "nonsense" },
        ],
      }),
    );

    assert.deepEqual(
      sent.Successful?.map(({ Id }) => Id),
      ["good", "also"],
    );
    assert.deepEqual(
      sent.Failed?.map(({ Id, Code, SenderFault }) => [Id, Code, SenderFault]),
      [["bad", "InvalidMessageContents", true]],
    );
    assert.deepEqual(released.Successful, [{ Id: "1" }]);
    assert.equal(released.Failed?.[0]?.Code, "InvalidParameterValue");
    assert.deepEqual(deleted.Successful, [{ Id: "1" }]);
    assert.equal(deleted.Failed?.[0]?.Code, "ReceiptHandleIsInvalid");
    assert.deepEqual([queue.info().visible, queue.info().notVisible], [1, 0]);
  });

  it("finds queues by name and prefix, and gives the URL at which they answer here", async () => {
    await cloud.declare({}, "other");
    const local = `${queueOrigin}/123456789012/work-1234567`;

    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: "work-1234567" }));
    const { QueueUrls } = await client.send(new ListQueuesCommand({ QueueNamePrefix: "work" }));
    await send({ QueueUrl: local });

    assert.equal(QueueUrl, local);
    assert.deepEqual(QueueUrls, [local]);
    assert.equal(queue.info().visible, 1);
  });

  it("lists queues page by page", async () => {
    await cloud.declare({}, "other");

    const first = await client.send(new ListQueuesCommand({ MaxResults: 1 }));
    const second = await client.send(new ListQueuesCommand({ MaxResults: 1, NextToken: first.NextToken }));

    assert.equal(first.QueueUrls?.length, 1);
    assert.equal(second.QueueUrls?.length, 1);
    assert.equal(second.NextToken, undefined);
    assert.notDeepEqual(first.QueueUrls, second.QueueUrls);
  });

  it("reads attributes, counts and tags", async () => {
    const tagged = await cloud.declare({ tags: { team: "orders" }, delaySeconds: 7 }, "tagged");
    tagged.send("delayed");
    tagged.send({ body: "visible", delaySeconds: 0 });

    const { Attributes = {} } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: tagged.url, AttributeNames: ["All"] }),
    );
    const some = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: tagged.url, AttributeNames: ["QueueArn"] }),
    );
    const { Tags } = await client.send(new ListQueueTagsCommand({ QueueUrl: tagged.url }));

    assert.deepEqual(Attributes, {
      ApproximateNumberOfMessages: "1",
      ApproximateNumberOfMessagesDelayed: "1",
      ApproximateNumberOfMessagesNotVisible: "0",
      CreatedTimestamp: "1767225600",
      DelaySeconds: "7",
      LastModifiedTimestamp: "1767225600",
      MaximumMessageSize: "1048576",
      MessageRetentionPeriod: "345600",
      QueueArn: tagged.arn,
      ReceiveMessageWaitTimeSeconds: "0",
      SqsManagedSseEnabled: "true",
      VisibilityTimeout: "30",
    });
    assert.deepEqual(some.Attributes, { QueueArn: tagged.arn });
    assert.deepEqual(Tags, { stack: "test", team: "orders" });
  });

  it("changes attributes, and takes policies away with an empty text", async () => {
    const dead = await cloud.declare({}, "dead");
    const set = (Attributes: Record<string, string>) =>
      client.send(new SetQueueAttributesCommand({ QueueUrl: queue.url, Attributes }));
    const sources = async () =>
      (await client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead.url }))).queueUrls ?? [];

    await set({ RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: "3" }) });
    await set({ VisibilityTimeout: "77" });
    const before = await sources();
    const { maxReceiveCount } = queue.info();
    await set({ RedrivePolicy: "" });

    assert.equal(before.length, 1);
    assert.equal(maxReceiveCount, 3);
    assert.deepEqual(await sources(), []);
    assert.equal(cloud.service.describe(queue.arn)?.visibilityTimeoutSeconds, 77);
  });

  it("purges once in 60 seconds", async () => {
    const purge = () => client.send(new PurgeQueueCommand({ QueueUrl: queue.url }));
    queue.send("one");
    queue.send("two");
    await receive();

    await purge();
    const { visible, notVisible } = queue.info();

    assert.deepEqual([visible, notVisible], [0, 0]);
    await refuses(purge(), "AWS.SimpleQueueService.PurgeQueueInProgress", /every 60 seconds/);
    await cloud.context.clock.advance(60_000);
    await purge();
  });

  it("repeats a receive attempt on FIFO with the same messages and a fresh visibility timeout", async () => {
    const fifo = await cloud.declare({ fifoQueue: true, visibilityTimeoutSeconds: 60 }, "fifo");
    fifo.send({ body: "x", groupId: "a", deduplicationId: "1" });
    const attempt = { QueueUrl: fifo.url, ReceiveRequestAttemptId: "attempt-1" };

    const [first] = await receive(attempt);
    await cloud.context.clock.advance(59_000);
    const [second] = await receive(attempt);
    await cloud.context.clock.advance(59_000);
    const still = fifo.info().notVisible;
    await cloud.context.clock.advance(1_000);
    const [third] = await receive(attempt);

    assert.equal(second?.ReceiptHandle, first?.ReceiptHandle);
    assert.equal(still, 1);
    assert.notEqual(third?.ReceiptHandle, first?.ReceiptHandle);
  });

  it("asks IAM for the queue's ARN, with the queue policy", async () => {
    const Statement = { Effect: "Allow", Principal: "*", Action: "sqs:SendMessage", Resource: "*" };
    queue = await cloud.declare({ policy: JSON.stringify({ Version: "2012-10-17", Statement }) }, "open");

    await send();

    const [question] = stub.questions;
    assert.equal(question?.action, "sqs:SendMessage");
    assert.equal(question.resource, queue.arn);
    assert.deepEqual(question.resourcePolicy?.document.Statement, Statement);
  });

  const call: Readonly<Record<string, () => Promise<unknown>>> = {
    SendMessage: () => send(),
    ReceiveMessage: () => receive(),
    DeleteMessage: () => client.send(new DeleteMessageCommand({ QueueUrl: queue.url, ReceiptHandle: "x" })),
    ChangeMessageVisibility: () =>
      client.send(
        new ChangeMessageVisibilityCommand({ QueueUrl: queue.url, ReceiptHandle: "x", VisibilityTimeout: 0 }),
      ),
    PurgeQueue: () => client.send(new PurgeQueueCommand({ QueueUrl: queue.url })),
    GetQueueUrl: () => client.send(new GetQueueUrlCommand({ QueueName: "work-1234567" })),
    GetQueueAttributes: () => client.send(new GetQueueAttributesCommand({ QueueUrl: queue.url })),
    SetQueueAttributes: () => client.send(new SetQueueAttributesCommand({ QueueUrl: queue.url, Attributes: {} })),
    ListQueues: () => client.send(new ListQueuesCommand({})),
    ListQueueTags: () => client.send(new ListQueueTagsCommand({ QueueUrl: queue.url })),
    ListDeadLetterSourceQueues: () => client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: queue.url })),
  };
  for (const [action, run] of Object.entries(call)) {
    it(`rejects a caller without sqs:${action}`, async () => {
      stub.allows = (question) => question.action !== `sqs:${action}`;

      await refuses(run(), "AccessDenied");
    });
  }

  for (const [title, input, code, message] of [
    ["without a body", { MessageBody: "" }, "MissingParameter", /MessageBody/],
    ["with a control character", { MessageBody: "a\u0001" }, "InvalidMessageContents", /Invalid characters/],
    ["with half a character", { MessageBody: "a\ud800" }, "InvalidMessageContents", /Invalid characters/],
    ["that is too long", { MessageBody: "x".repeat(MEBIBYTE + 1) }, "InvalidParameterValue", /shorter than 1048576/],
    ["with too long a delay", { DelaySeconds: 901 }, "InvalidParameterValue", /DelaySeconds/],
    ["with a deduplication id", { MessageDeduplicationId: "1" }, "InvalidParameterValue", /queue type/],
    ["with a malformed group", { MessageGroupId: "a b" }, "InvalidParameterValue", /MessageGroupId/],
    [
      "with an unknown type of attribute",
      { MessageAttributes: { a: { DataType: "Text", StringValue: "x" } } },
      "InvalidParameterValue",
      /type/,
    ],
    [
      "with an empty attribute",
      { MessageAttributes: { a: { DataType: "String", StringValue: "" } } },
      "InvalidParameterValue",
      /non-empty/,
    ],
    [
      "with a number that is none",
      { MessageAttributes: { a: { DataType: "Number", StringValue: "x" } } },
      "InvalidParameterValue",
      /number/,
    ],
    [
      "with a reserved name",
      { MessageAttributes: { "AWS.a": { DataType: "String", StringValue: "x" } } },
      "InvalidParameterValue",
      /AWS/,
    ],
    [
      "to a queue that does not exist",
      { QueueUrl: `${queueOrigin}/123456789012/nowhere` },
      "AWS.SimpleQueueService.NonExistentQueue",
      /does not exist/,
    ],
    ["to an address that is none", { QueueUrl: "https://example.com/" }, "InvalidAddress", /not valid/],
  ] as const satisfies readonly (readonly [string, Partial<SendMessageCommandInput>, string, RegExp])[]) {
    it(`rejects a message ${title}`, async () => {
      await refuses(send(input), code, message);
    });
  }

  it("rejects more than ten attributes, and counts them as part of the message", async () => {
    const attribute = { DataType: "String", StringValue: "x" };
    const eleven = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`a${index}`, attribute]));

    await refuses(send({ MessageAttributes: eleven }), "InvalidParameterValue", /exceeds the allowed maximum/);
    const body = "x".repeat(MEBIBYTE - 8);
    await send({ MessageBody: body, MessageAttributes: { a: attribute } });
    await refuses(
      send({ MessageBody: `${body}x`, MessageAttributes: { a: attribute } }),
      "InvalidParameterValue",
      /shorter/,
    );
  });

  for (const [title, entries, code] of [
    ["no entries", [], "EmptyBatchRequest"],
    [
      "eleven entries",
      Array.from({ length: 11 }, (_, Id) => ({ Id: `${Id}`, MessageBody: "x" })),
      "TooManyEntriesInBatchRequest",
    ],
    [
      "repeated ids",
      [
        { Id: "a", MessageBody: "x" },
        { Id: "a", MessageBody: "x" },
      ],
      "BatchEntryIdsNotDistinct",
    ],
    ["a malformed id", [{ Id: "a b", MessageBody: "x" }], "InvalidBatchEntryId"],
    [
      "more than a mebibyte in all",
      [
        { Id: "a", MessageBody: "x".repeat(MEBIBYTE) },
        { Id: "b", MessageBody: "x" },
      ],
      "BatchRequestTooLong",
    ],
  ] as const) {
    it(`rejects a batch with ${title}`, async () => {
      await refuses(sendBatch([...entries]), `AWS.SimpleQueueService.${code}`);
      assert.equal(queue.info().visible, 0);
    });
  }

  for (const [title, input, code] of [
    ["eleven messages", { MaxNumberOfMessages: 11 }, "InvalidParameterValue"],
    ["no message", { MaxNumberOfMessages: 0 }, "InvalidParameterValue"],
    ["a wait of 21 seconds", { WaitTimeSeconds: 21 }, "InvalidParameterValue"],
    ["a visibility timeout of more than 12 hours", { VisibilityTimeout: 43_201 }, "InvalidParameterValue"],
    ["an unknown attribute", { MessageSystemAttributeNames: ["Colour" as "All"] }, "InvalidAttributeName"],
    ["an attempt id on a standard queue", { ReceiveRequestAttemptId: "1" }, "InvalidParameterValue"],
  ] as const satisfies readonly (readonly [string, Partial<ReceiveMessageCommandInput>, string])[]) {
    it(`rejects a receive with ${title}`, async () => {
      await refuses(receive(input), code);
    });
  }

  it("rejects handles that are none or of another queue, and messages that are not in flight", async () => {
    const change = (ReceiptHandle: string, VisibilityTimeout = 10) =>
      client.send(new ChangeMessageVisibilityCommand({ QueueUrl: queue.url, ReceiptHandle, VisibilityTimeout }));
    const remove = (ReceiptHandle: string) =>
      client.send(new DeleteMessageCommand({ QueueUrl: queue.url, ReceiptHandle }));
    const other = await cloud.declare({}, "other");
    other.send("x");
    const [foreign] = await other.receive();
    queue.send("x");
    const [message] = await queue.receive();

    await refuses(remove("nonsense"), "ReceiptHandleIsInvalid");
    await refuses(remove(foreign!.receiptHandle), "ReceiptHandleIsInvalid");
    await cloud.context.clock.advance(1_000);
    await refuses(change(message!.receiptHandle, 43_200), "InvalidParameterValue", /beyond the limit/);
    await change(message!.receiptHandle, 0);
    await refuses(change(message!.receiptHandle), "AWS.SimpleQueueService.MessageNotInflight");
    await remove(message!.receiptHandle);
    await remove(message!.receiptHandle);
    await refuses(change(message!.receiptHandle), "InvalidParameterValue", /does not exist or is not available/);
  });

  it("rejects to delete with a handle whose visibility timeout is over on FIFO", async () => {
    const fifo = await cloud.declare({ fifoQueue: true, visibilityTimeoutSeconds: 1 }, "fifo");
    fifo.send({ body: "x", groupId: "a", deduplicationId: "1" });
    const [message] = await fifo.receive();
    await cloud.context.clock.advance(1_000);

    const remove = client.send(new DeleteMessageCommand({ QueueUrl: fifo.url, ReceiptHandle: message?.receiptHandle }));

    await refuses(remove, "InvalidParameterValue", /handle has expired/);
    assert.equal(fifo.info().visible, 1);
  });

  it("rejects attributes that are unknown or out of range", async () => {
    const set = (Attributes: Record<string, string>) =>
      client.send(new SetQueueAttributesCommand({ QueueUrl: queue.url, Attributes }));

    await refuses(set({ Colour: "red" }), "InvalidAttributeName");
    await refuses(set({ FifoQueue: "true" }), "InvalidAttributeName");
    await refuses(set({ VisibilityTimeout: "43201" }), "InvalidAttributeValue", /VisibilityTimeout/);
    await refuses(set({ Policy: "{" }), "InvalidAttributeValue", /Policy/);
    await refuses(
      client.send(new GetQueueAttributesCommand({ QueueUrl: queue.url, AttributeNames: ["Colour" as "All"] })),
      "InvalidAttributeName",
    );
    assert.equal(cloud.service.describe(queue.arn)?.visibilityTimeoutSeconds, 30);
  });

  it("names errors in both protocols", async () => {
    const answer = await fetch(`${stub.endpoint}/any/path`, {
      method: "POST",
      headers: { "x-amz-target": "AmazonSQS.SendMessage", "content-type": "application/x-amz-json-1.0" },
      body: JSON.stringify({ QueueUrl: `${queueOrigin}/123456789012/nowhere`, MessageBody: "x" }),
    });

    assert.equal(answer.status, 400);
    assert.equal(answer.headers.get("x-amzn-query-error"), "AWS.SimpleQueueService.NonExistentQueue;Sender");
    assert.deepEqual(await answer.json(), {
      __type: "com.amazonaws.sqs#QueueDoesNotExist",
      message: "The specified queue does not exist.",
    });
  });
});
