// SQS, S3 and Lambda's mapping API on loopback, as small as the consumer kit needs them, in real time; records every call. DynamoDB
// is the embedded cloud's. For tests of the kit alone: signatures, policies and SQS's own rules are proven elsewhere.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Context, SQSEvent, SQSRecord } from "aws-lambda";
import { createDynamoDbService } from "../../local/cloud/dynamodb/service";
import { declare, serveStub, testContext } from "./json-service-stub";

/** Credentials and Region of every test. */
export const BASE_ENVIRONMENT = {
  AWS_REGION: "eu-west-1",
  AWS_ACCESS_KEY_ID: "ASIAEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_SESSION_TOKEN: "session-token",
};

/** A call that arrived: operation of SQS, or method and path. */
export interface StubCall {
  readonly operation: string;
  readonly input: Record<string, unknown>;
  readonly headers: IncomingMessage["headers"];
}

/** A message in a queue of the stub. */
export interface StubMessage {
  readonly id: string;
  readonly body: string;
  readonly groupId?: string;
  visibleAt: number;
  receives: number;
  receipt: string;
}

/** The running stub. */
export interface QueueStub {
  readonly endpoint: string;
  readonly calls: StubCall[];
  /** Messages that are neither deleted nor sent elsewhere, by queue name. */
  readonly queues: Map<string, StubMessage[]>;
  readonly objects: Map<string, string>;
  /** The event source mapping. */
  mapping: { State: string; MaximumConcurrency?: number };
  /** Answers a call with an error instead of carrying it out. */
  fail: (call: StubCall) => { readonly status: number; readonly code: string } | undefined;
  callsOf(operation: string): readonly StubCall[];
  put(queue: string, body: string, groupId?: string): StubMessage;
  close(): Promise<void>;
}

/** URL of a queue, as outputs name it. */
export function queueUrl(name: string): string {
  return `https://sqs.eu-west-1.amazonaws.com/123456789012/${name}`;
}

/** Starts a stub on a free port. */
export async function startQueueStub(): Promise<QueueStub> {
  const polls = new Set<NodeJS.Timeout>();
  let count = 0;
  const queue = (name: string): StubMessage[] => {
    const messages = stub.queues.get(name) ?? [];
    stub.queues.set(name, messages);
    return messages;
  };
  const server = createServer((request, response) => {
    void readBody(request).then((body) => dispatch(request, body, response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stub: QueueStub = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    queues: new Map(),
    objects: new Map(),
    mapping: { State: "Enabled" },
    fail: () => undefined,
    callsOf: (operation) => stub.calls.filter((call) => call.operation === operation),
    put: (name, body, groupId) => {
      const id = `m${++count}`;
      const message = { id, body, visibleAt: 0, receives: 0, receipt: "", ...(groupId ? { groupId } : {}) };
      queue(name).push(message);
      return message;
    },
    close: async () => {
      for (const poll of polls) clearTimeout(poll);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  function dispatch(request: IncomingMessage, body: string, response: ServerResponse): void {
    const target = request.headers["x-amz-target"];
    const path = new URL(request.url ?? "/", stub.endpoint).pathname;
    const operation = typeof target === "string" ? target.split(".")[1]! : `${request.method} ${path}`;
    const input = typeof target === "string" ? (JSON.parse(body) as Record<string, unknown>) : { body };
    const call = { operation, input, headers: request.headers };
    stub.calls.push(call);
    const failure = stub.fail(call);
    if (failure) {
      const xml = `<Error><Code>${failure.code}</Code></Error>`;
      answer(response, failure.status, typeof target === "string" ? { __type: failure.code } : xml);
    } else if (typeof target === "string") serveQueue(operation, input, response);
    else if (path.includes("/event-source-mappings/")) serveMapping(request.method, body, response);
    else serveObject(request.method, path, body, response);
  }

  function serveQueue(operation: string, input: Record<string, unknown>, response: ServerResponse): void {
    const name = String(input.QueueUrl).split("/").at(-1)!;
    const messages = queue(name);
    const byReceipt = (handle: unknown): StubMessage | undefined => messages.find(({ receipt }) => receipt === handle);
    if (operation === "ReceiveMessage") {
      receive(messages, input, response, Date.now() + Number(input.WaitTimeSeconds) * 1000);
      return;
    }
    if (operation === "SendMessage") stub.put(name, String(input.MessageBody), input.MessageGroupId as string);
    if (operation === "SendMessageBatch")
      for (const entry of input.Entries as Record<string, string>[])
        stub.put(name, entry.MessageBody!, entry.MessageGroupId);
    if (operation === "DeleteMessage") {
      const message = byReceipt(input.ReceiptHandle);
      if (message) messages.splice(messages.indexOf(message), 1);
    }
    if (operation === "ChangeMessageVisibilityBatch")
      for (const entry of input.Entries as Record<string, unknown>[]) {
        const message = byReceipt(entry.ReceiptHandle);
        if (message) message.visibleAt = Date.now() + Number(entry.VisibilityTimeout) * 1000;
      }
    answer(response, 200, {});
  }

  function receive(
    messages: StubMessage[],
    input: Record<string, unknown>,
    response: ServerResponse,
    until: number,
  ): void {
    const found = takeVisible(messages, Number(input.MaxNumberOfMessages));
    if (found.length === 0 && Date.now() < until && !response.destroyed) {
      const poll = setTimeout(() => {
        polls.delete(poll);
        receive(messages, input, response, until);
      }, 5);
      polls.add(poll);
      return;
    }
    for (const message of found) {
      message.visibleAt = Date.now() + Number(input.VisibilityTimeout) * 1000;
      message.receipt = `${message.id}-${++message.receives}`;
    }
    answer(response, 200, {
      Messages: found.map(({ id, body, receipt, receives, groupId }) => ({
        MessageId: id,
        ReceiptHandle: receipt,
        Body: body,
        Attributes: {
          ApproximateReceiveCount: String(receives),
          SentTimestamp: "1",
          ...(groupId ? { MessageGroupId: groupId } : {}),
        },
      })),
    });
  }

  /** As SQS: a group is closed while one of its messages is invisible. */
  function takeVisible(messages: StubMessage[], maximum: number): StubMessage[] {
    const closed = new Set(
      messages.filter(({ groupId, visibleAt }) => groupId && visibleAt > Date.now()).map(({ groupId }) => groupId),
    );
    return messages
      .filter(({ visibleAt, groupId }) => visibleAt <= Date.now() && !(groupId && closed.has(groupId)))
      .slice(0, maximum);
  }

  function serveMapping(method: string | undefined, body: string, response: ServerResponse): void {
    if (method === "PUT") {
      const { Enabled, ScalingConfig } = JSON.parse(body) as {
        Enabled?: boolean;
        ScalingConfig?: { MaximumConcurrency?: number };
      };
      if (Enabled !== undefined) stub.mapping.State = Enabled ? "Enabled" : "Disabled";
      if (ScalingConfig) stub.mapping = { State: stub.mapping.State, ...ScalingConfig };
    }
    answer(response, 200, stub.mapping);
  }

  function serveObject(method: string | undefined, path: string, body: string, response: ServerResponse): void {
    if (method === "PUT") stub.objects.set(path, body);
    const found = stub.objects.get(path);
    if (found === undefined) answer(response, 404, "<Error><Code>NoSuchKey</Code></Error>");
    else answer(response, 200, method === "PUT" ? "" : found);
  }
  return stub;
}

/** A state table of the embedded cloud. */
export async function startStateTable(): Promise<{ readonly endpoint: string; close(): Promise<void> }> {
  const service = createDynamoDbService(testContext());
  const stub = await serveStub(service);
  await declare(service, "aws:dynamodb/table:Table", {
    name: "state",
    billingMode: "PAY_PER_REQUEST",
    hashKey: "pk",
    attributes: [{ name: "pk", type: "S" }],
  });
  return stub;
}

/** A batch as Lambda delivers it. */
export function queueEvent(records: readonly Partial<RecordSketch>[], queue = "work"): SQSEvent {
  return { Records: records.map((sketch, index) => toRecord(sketch, index, queue)) };
}

/** What a test says of a record. */
export interface RecordSketch {
  readonly id: string;
  readonly body: string;
  readonly group: string;
  readonly receives: number;
  readonly attributes: SQSRecord["messageAttributes"];
  readonly trace: string;
}

function toRecord(sketch: Partial<RecordSketch>, index: number, queue: string): SQSRecord {
  const { id = `m${index + 1}`, body = "{}", group, receives = 1, attributes = {}, trace } = sketch;
  return {
    messageId: id,
    receiptHandle: `handle-${id}`,
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: "1700000000000",
      SenderId: "AIDAEXAMPLE",
      ApproximateFirstReceiveTimestamp: "1700000000001",
      ...(group === undefined ? {} : { MessageGroupId: group, MessageDeduplicationId: `dedup-${id}` }),
      ...(trace === undefined ? {} : { AWSTraceHeader: trace }),
    },
    messageAttributes: attributes,
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: `arn:aws:sqs:eu-west-1:123456789012:${queue}`,
    awsRegion: "eu-west-1",
  };
}

/** The context of an invocation that has so many milliseconds left. */
export function invocation(remainingMs = 30_000): Context {
  const end = performance.now() + remainingMs;
  return {
    awsRequestId: "request-1",
    getRemainingTimeInMillis: () => Math.max(0, end - performance.now()),
  } as Context;
}

/** Ids that a handler returned as failed. */
export function failedIds(response: { readonly batchItemFailures: readonly { itemIdentifier: string }[] }): string[] {
  return response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
}

function answer(response: ServerResponse, status: number, body: object | string): void {
  response.writeHead(status);
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
