// Proves the deployed bundles end to end: API Gateway events in, the local DynamoDB and a stubbed S3 and EventBridge behind.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context, ScheduledEvent } from "aws-lambda";
import fc from "fast-check";
import {
  UPLOAD_METRICS,
  type ErrorResponse,
  type ListUploadsResponse,
  type SignPartsResponse,
  type StartUploadResponse,
  type UploadHandlerName,
} from "../../../handlers/upload/contract";
import { startDynamoDb, uploadTable, type DynamoDbRun } from "../../support/dynamodb-service";
import { createHandlerEnvironment, HANDLER_NAMES, writeBundles } from "../../support/upload-bundles";
import { CHECKSUM, createEvent, createRequestContext, createRules, MEBIBYTE } from "../../support/upload-handlers";
import { s3Error, startS3Stub, type S3Stub } from "../../support/upload-s3-stub";

type ProxyHandler = (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult>;
type TestBody = Partial<StartUploadResponse & SignPartsResponse & ErrorResponse & ListUploadsResponse>;
interface TestAnswer {
  readonly status: number;
  readonly text: string;
  readonly body: TestBody;
}
type SweepHandler = (event: ScheduledEvent, context: Context) => Promise<unknown>;

const startBody = { fileName: "a.mp4", size: 6 * MEBIBYTE, contentType: "video/mp4", requestId: "request-00000001" };
const created = {
  status: 200,
  body: "<InitiateMultipartUploadResult><UploadId>s3-1</UploadId></InitiateMultipartUploadResult>",
};
const stranger = createRequestContext({ claims: { sub: "mallory", "custom:tenant": "acme" } });

describe("Upload handlers as deployed", function () {
  this.timeout(60_000);
  const saved = new Map<string, string | undefined>();
  const handlers = new Map<string, unknown>();
  let database: DynamoDbRun;
  let s3: S3Stub;
  let bus: S3Stub;
  let bundles: ReturnType<typeof writeBundles>;
  let lines: string[];
  const writeToConsole = process.stdout.write.bind(process.stdout);

  before(async () => {
    database = await startDynamoDb(uploadTable("uploads"));
    s3 = await startS3Stub();
    bus = await startS3Stub();
    bus.answers = [{ status: 200, body: '{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}' }];
    const endpoints = {
      AWS_ENDPOINT_URL_DYNAMODB: database.stub.endpoint,
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_ENDPOINT_URL_EVENTBRIDGE: bus.endpoint,
    };
    const environment = createHandlerEnvironment(createRules({ maximumOpenUploadsPerUser: 1000 }), endpoints);
    for (const [name, value] of Object.entries(environment)) {
      saved.set(name, process.env[name]);
      process.env[name] = value;
    }
    bundles = writeBundles(HANDLER_NAMES);
    const load = createRequire(__filename);
    for (const name of HANDLER_NAMES) {
      handlers.set(name, (load(bundles.paths[name] ?? "") as { handler: unknown }).handler);
    }
  });

  after(async () => {
    for (const [name, value] of saved) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
    bundles.remove();
    await Promise.all([database.stop(), s3.close(), bus.close()]);
  });

  beforeEach(() => {
    lines = [];
    s3.requests.length = 0;
    s3.answers = [{ status: 500 }];
    bus.requests.length = 0;
  });

  /** Runs with standard output captured: handlers log there. */
  async function capture<T>(run: () => Promise<T>): Promise<T> {
    process.stdout.write = (line: string | Uint8Array) => {
      lines.push(String(line));
      return true;
    };
    try {
      return await run();
    } finally {
      process.stdout.write = writeToConsole;
    }
  }

  async function call(name: UploadHandlerName, changes: Partial<APIGatewayProxyEvent> = {}): Promise<TestAnswer> {
    const handler = handlers.get(name) as ProxyHandler;
    const { statusCode, body } = await capture(() => handler(createEvent(changes)));
    return { status: statusCode, text: body, body: JSON.parse(body || "{}") as TestBody };
  }

  async function start(requestId: string): Promise<string> {
    s3.answers = [created];
    const { status, body } = await call("start", { body: JSON.stringify({ ...startBody, requestId }) });
    assert.ok(body.upload && status === 201, JSON.stringify(body));
    s3.requests.length = 0;
    return body.upload.uploadId;
  }

  function metric(name: string): number | undefined {
    const line = lines.map((each) => JSON.parse(each) as Record<string, number>).find((each) => name in each);
    return line?.[name];
  }

  it("carry an upload from start to completion", async () => {
    const uploadId = await start("request-complete1");
    const path = { pathParameters: { uploadId } };
    const parts = [1, 2].map((partNumber) => ({ partNumber, checksum: CHECKSUM }));

    const signed = await call("sign", { ...path, body: JSON.stringify({ parts }) });
    assert.equal(signed.status, 200);
    assert.equal(metric(UPLOAD_METRICS.partsSigned), 2);
    const second = signed.body.parts?.[1];
    assert.match(
      second?.url ?? "",
      new RegExp(`^${s3.endpoint}/media/uploads/acme/alice/${uploadId}/a\\.mp4\\?X-Amz-`),
    );
    assert.equal(second?.size, MEBIBYTE);

    s3.answers = [{ status: 200, body: "<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>" }];
    const described = await call("describe", path);
    assert.deepEqual([described.status, described.body.parts], [200, []]);

    s3.answers = [{ status: 200, body: "<CompleteMultipartUploadResult/>", headers: { "x-amz-version-id": "v1" } }];
    const completion = { checksum: CHECKSUM, parts: parts.map((part) => ({ ...part, eTag: '"e"' })) };
    const completed = await call("complete", { ...path, body: JSON.stringify(completion) });
    assert.deepEqual(
      [completed.status, completed.body.upload?.state, completed.body.upload?.versionId],
      [200, "completed", "v1"],
    );
    assert.equal(metric(UPLOAD_METRICS.bytesCompleted), 6 * MEBIBYTE);
    assert.equal(bus.requests.length, 1);

    const listed = await call("list", { queryStringParameters: { state: "completed" } });
    assert.deepEqual(
      listed.body.uploads?.map((upload) => upload.uploadId),
      [uploadId],
    );
  });

  it("U24: answer a repeated start with 200 and count it once", async () => {
    s3.answers = [created];
    const body = JSON.stringify({ ...startBody, requestId: "request-repeated" });

    const first = await call("start", { body });
    const counted = metric(UPLOAD_METRICS.uploadsStarted);
    lines = [];
    const second = await call("start", { body });

    assert.deepEqual(
      [first.status, second.status, counted, metric(UPLOAD_METRICS.uploadsStarted)],
      [201, 200, 1, undefined],
    );
    assert.deepEqual(second.body, first.body);
  });

  it("U9: abort with 204, and again with 204", async () => {
    const uploadId = await start("request-00abort1");
    s3.answers = [{ status: 204 }, s3Error(404, "NoSuchUpload")];

    const first = await call("abort", { pathParameters: { uploadId } });
    const counted = metric(UPLOAD_METRICS.uploadsAborted);
    const second = await call("abort", { pathParameters: { uploadId } });

    assert.deepEqual([first.status, first.text, counted, second.status], [204, "", 1, 204]);
  });

  it("U8: answer a refused completion with its code and count it", async () => {
    const uploadId = await start("request-refused1");
    s3.answers = [s3Error(400, "BadDigest"), { status: 204 }];
    const parts = [1, 2].map((partNumber) => ({ partNumber, checksum: CHECKSUM, eTag: '"e"' }));

    const answer = await call("complete", {
      pathParameters: { uploadId },
      body: JSON.stringify({ checksum: CHECKSUM, parts }),
    });

    assert.deepEqual([answer.status, answer.body.error?.code], [422, "ChecksumMismatch"]);
    assert.equal(metric(UPLOAD_METRICS.uploadsFailed), 1);
  });

  it("U26: answer another user's upload id with 403 on every route, without a call to S3", async () => {
    const uploadId = await start("request-foreign1");
    const event = { pathParameters: { uploadId }, requestContext: stranger };
    const parts = [{ partNumber: 1, checksum: CHECKSUM, eTag: '"e"' }];
    const body = JSON.stringify({ checksum: CHECKSUM, parts });

    const answers = [
      await call("describe", event),
      await call("abort", event),
      await call("sign", { ...event, body: JSON.stringify({ parts: [{ partNumber: 1, checksum: CHECKSUM }] }) }),
      await call("complete", { ...event, body }),
    ];
    const listed = await call("list", { requestContext: stranger });

    assert.deepEqual(
      answers.map(({ status }) => status),
      [403, 403, 403, 403],
    );
    assert.deepEqual(listed.body.uploads, []);
    assert.equal(s3.requests.length, 0);
  });

  it("U1: answer every route with 401 when nobody vouches for the caller", async () => {
    for (const name of HANDLER_NAMES.filter((each) => each !== "sweep" && each !== "release")) {
      assert.equal((await call(name, { requestContext: createRequestContext() })).status, 401, name);
    }
    assert.equal(s3.requests.length, 0);
  });

  it("never answer 500 to any body, path or query", async () => {
    const uploadId = await start("request-fuzzing1");
    const text = fc.oneof(fc.string({ maxLength: 40 }), fc.json({ maxDepth: 3 }), fc.constant(null));
    const id = fc.oneof(fc.constant(uploadId), fc.string({ maxLength: 40 }));
    const event = fc.record({
      body: text,
      uploadId: id,
      query: fc.dictionary(fc.constantFrom("state", "limit", "cursor"), fc.string()),
    });
    const routes = HANDLER_NAMES.filter((name) => !["sweep", "release", "describe", "abort"].includes(name));

    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...routes), event, async (name, { body, uploadId: value, query }) => {
        const { status } = await call(name, {
          body,
          pathParameters: { uploadId: value },
          queryStringParameters: query,
        });

        assert.ok(status < 500, `${name} answered ${status}`);
      }),
      { numRuns: 300 },
    );
  });

  it("write no signed URL, token or checksum into the log", async () => {
    const uploadId = await start("request-logging1");
    const parts = [{ partNumber: 1, checksum: CHECKSUM }];

    await call("sign", { pathParameters: { uploadId }, body: JSON.stringify({ parts }) });

    assert.ok(lines.length >= 2);
    assert.doesNotMatch(lines.join(""), /X-Amz-|session-token|AAAAAAAAAAA/);
  });

  it("give the bytes of a deleted object back, once, and publish how many", async () => {
    const uploadId = await start("request-deleted1");
    s3.answers = [{ status: 200, body: "<CompleteMultipartUploadResult/>", headers: { "x-amz-version-id": "v1" } }];
    const parts = [1, 2].map((partNumber) => ({ partNumber, checksum: CHECKSUM, eTag: '"e"' }));
    const path = { pathParameters: { uploadId } };
    const { body } = await call("complete", { ...path, body: JSON.stringify({ checksum: CHECKSUM, parts }) });
    s3.requests.length = 0;
    const object = { key: body.upload?.key, etag: "d41d8cd98f00b204e9800998ecf8427e", "version-id": "marker" };
    const event = { detail: { bucket: { name: "media" }, object, "deletion-type": "Delete Marker Created" } };
    const context = { awsRequestId: "release-1" } as Context;
    const release = handlers.get("release") as (event: object, context: Context) => Promise<unknown>;

    await capture(() => release(event, context));
    const counted = metric(UPLOAD_METRICS.bytesReleased);
    lines = [];
    await capture(() => release(event, context));

    assert.deepEqual([counted, metric(UPLOAD_METRICS.bytesReleased)], [6 * MEBIBYTE, undefined]);
    assert.equal(
      (await call("list", { queryStringParameters: { state: "completed" } })).text.includes(uploadId),
      false,
    );
    assert.equal(s3.requests.length, 0);
  });

  it("sweep and publish what they found", async () => {
    s3.answers = [{ status: 204 }];
    const context = { awsRequestId: "sweep-1", getRemainingTimeInMillis: () => 300_000 } as Context;

    const result = await capture(() => (handlers.get("sweep") as SweepHandler)({} as ScheduledEvent, context));

    assert.deepEqual(result, { settled: 0, abandoned: 0, stale: 0 });
    assert.deepEqual([metric(UPLOAD_METRICS.staleUploads), metric(UPLOAD_METRICS.abandonedUploads)], [0, 0]);
  });
});
