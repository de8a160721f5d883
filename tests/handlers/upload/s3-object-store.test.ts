// Proves what the S3 adapter sends through the real SDK, and what it makes of every answer. What a strict S3 thinks of these
// requests is proven end to end with the local S3.
import assert from "node:assert/strict";
import { S3Client } from "@aws-sdk/client-s3";
import { S3ObjectStore } from "../../../handlers/upload/s3-object-store";
import { classifyS3Failure } from "../../../handlers/upload/s3-failure";
import type { UploadRules } from "../../../handlers/upload/contract";
import { CHECKSUM, createRecord, createRules, MEBIBYTE } from "../../support/upload-handlers";
import { s3Error, startS3Stub, type S3Request, type S3Stub } from "../../support/upload-s3-stub";

const record = createRecord();
const PATH = "/media/uploads/acme/alice/1/holiday.mp4";
const parts = [{ partNumber: 1, eTag: '"e1"', checksum: CHECKSUM }];
const completedBody = "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>";

describe("S3 object store", () => {
  let stub: S3Stub;

  beforeEach(async () => {
    stub = await startS3Stub();
  });

  afterEach(() => stub.close());

  function createStore(rules: Partial<UploadRules> = {}): S3ObjectStore {
    const client = new S3Client({
      region: "eu-west-1",
      endpoint: stub.endpoint,
      forcePathStyle: true,
      credentials: { accessKeyId: "id", secretAccessKey: "secret" },
      requestChecksumCalculation: "WHEN_REQUIRED",
      maxAttempts: 1,
    });
    const settings = {
      region: "eu-west-1",
      bucketName: "media",
      bucketOwner: "123456789012",
      tableName: "t",
      keyPrefix: "uploads/",
      eventBusName: "b",
      rules: createRules(rules),
      allowedOrigins: [],
    };
    return new S3ObjectStore(client, settings);
  }

  function lastRequest(): S3Request {
    const request = stub.requests.at(-1);
    assert.ok(request);
    return request;
  }

  it("U6: begins with the checksum algorithm, the approved type, an attachment disposition and the owner's account", async () => {
    stub.answers = [
      { status: 200, body: "<InitiateMultipartUploadResult><UploadId>id-1</UploadId></InitiateMultipartUploadResult>" },
    ];

    assert.equal(await createStore().create(record), "id-1");

    const { method, target, headers } = lastRequest();
    assert.deepEqual([method, target], ["POST", `${PATH}?uploads=`]);
    const sent = {
      "x-amz-checksum-algorithm": "CRC64NVME",
      "x-amz-checksum-type": "FULL_OBJECT",
      "content-type": "video/mp4",
      "content-disposition": `attachment; filename="holiday.mp4"; filename*=UTF-8''holiday.mp4`,
      "x-amz-expected-bucket-owner": "123456789012",
      "x-amz-server-side-encryption": "AES256",
      "x-amz-meta-tenant": "acme",
      "x-amz-meta-user": "alice",
      "x-amz-meta-upload-id": record.uploadId,
    };
    for (const [name, value] of Object.entries(sent)) assert.equal(headers[name], value, name);
    assert.equal(headers["x-amz-server-side-encryption-bucket-key-enabled"], undefined);
  });

  it("encrypts with the component's KMS key and a bucket key", async () => {
    stub.answers = [
      { status: 200, body: "<InitiateMultipartUploadResult><UploadId>id-1</UploadId></InitiateMultipartUploadResult>" },
    ];

    await createStore({ serverSideEncryption: "aws:kms", kmsKeyArn: "arn:key" }).create(record);

    const { headers } = lastRequest();
    assert.equal(headers["x-amz-server-side-encryption"], "aws:kms");
    assert.equal(headers["x-amz-server-side-encryption-aws-kms-key-id"], "arn:key");
    assert.equal(headers["x-amz-server-side-encryption-bucket-key-enabled"], "true");
  });

  it("U10: lists the parts of all pages", async () => {
    const page = (number: number, truncated: boolean): string =>
      `<ListPartsResult><IsTruncated>${truncated}</IsTruncated><NextPartNumberMarker>${number}</NextPartNumberMarker>` +
      `<Part><PartNumber>${number}</PartNumber><ETag>&quot;e${number}&quot;</ETag><Size>5</Size>` +
      `<ChecksumCRC64NVME>${CHECKSUM}</ChecksumCRC64NVME></Part></ListPartsResult>`;
    stub.answers = [
      { status: 200, body: page(1, true) },
      { status: 200, body: page(2, false) },
    ];

    const listed = await createStore().listParts(record);

    assert.deepEqual(listed, [
      { partNumber: 1, size: 5, eTag: '"e1"', checksum: CHECKSUM },
      { partNumber: 2, size: 5, eTag: '"e2"', checksum: CHECKSUM },
    ]);
    assert.match(lastRequest().target, /part-number-marker=1/);
  });

  it("U6: completes with size, whole-file checksum, parts and, by U8, only where no object is", async () => {
    stub.answers = [{ status: 200, body: completedBody, headers: { "x-amz-version-id": "v1" } }];

    const completion = await createStore().complete(record, parts, CHECKSUM);

    assert.deepEqual(completion, { kind: "stored", versionId: "v1" });
    const { target, headers, body } = lastRequest();
    assert.equal(target, `${PATH}?uploadId=s3-upload`);
    assert.equal(headers["x-amz-mp-object-size"], String(12 * MEBIBYTE));
    assert.equal(headers["x-amz-checksum-crc64nvme"], CHECKSUM);
    assert.equal(headers["x-amz-checksum-type"], "FULL_OBJECT");
    assert.equal(headers["if-none-match"], "*");
    assert.equal(headers["x-amz-expected-bucket-owner"], "123456789012");
    const part =
      "<Part><ETag>&quot;e1&quot;</ETag><ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME><PartNumber>1</PartNumber></Part>";
    assert.ok(body.includes(part), body);
  });

  it("U8: overwrites only where the component says so", async () => {
    stub.answers = [{ status: 200, body: completedBody }];

    await createStore({ allowOverwrite: true }).complete(record, parts, CHECKSUM);

    assert.equal(lastRequest().headers["if-none-match"], undefined);
  });

  const outcomes = [
    [s3Error(412, "PreconditionFailed"), "alreadyExists"],
    [s3Error(409, "ConditionalRequestConflict"), "conflict"],
    [s3Error(400, "BadDigest"), "checksumMismatch"],
    [
      s3Error(
        400,
        "InvalidRequest",
        "The provided 'x-amz-mp-object-size' header value 5 does not match what was computed: 6",
      ),
      "checksumMismatch",
    ],
    [s3Error(400, "InvalidPart"), "partsMismatch"],
    [s3Error(400, "InvalidPartOrder"), "partsMismatch"],
    [s3Error(400, "EntityTooSmall"), "partsMismatch"],
    [s3Error(404, "NoSuchUpload"), "gone"],
    [s3Error(200, "InvalidPart"), "partsMismatch"],
  ] as const;
  for (const [answer, kind] of outcomes) {
    it(`U8: reads ${answer.status} ${/<Code>(\w+)/.exec(answer.body ?? "")?.[1]} at completion as ${kind}`, async () => {
      stub.answers = [answer];

      assert.deepEqual(await createStore().complete(record, parts, CHECKSUM), { kind });
    });
  }

  const busy = [
    s3Error(503, "SlowDown"),
    s3Error(500, "InternalError"),
    s3Error(200, "InternalError"),
    s3Error(409, "OperationAborted"),
    s3Error(400, "RequestTimeout"),
  ];
  for (const answer of busy) {
    it(`U24: fails with TryAgain after ${answer.status} ${/<Code>(\w+)/.exec(answer.body ?? "")?.[1]}`, async () => {
      stub.answers = [answer];

      await assert.rejects(createStore().complete(record, parts, CHECKSUM), { code: "TryAgain", status: 503 });
    });
  }

  it("fails with TryAgain when S3 does not answer", async () => {
    const store = createStore();
    await stub.close();

    await assert.rejects(store.abort(record), { code: "TryAgain" });
  });

  it("rejects a missing permission as our own defect", async () => {
    stub.answers = [s3Error(403, "AccessDenied")];
    const store = createStore();

    for (const call of [
      store.create(record),
      store.complete(record, parts, CHECKSUM),
      store.abort(record),
      store.listParts(record),
    ]) {
      await assert.rejects(call, { name: "AccessDenied" });
    }
  });

  it("U9: aborts, and takes an upload that is gone for success", async () => {
    stub.answers = [{ status: 204 }, s3Error(404, "NoSuchUpload")];
    const store = createStore();

    assert.deepEqual([await store.abort(record), await store.abort(record)], ["aborted", "gone"]);
    assert.deepEqual(
      stub.requests.map(({ method }) => method),
      ["DELETE", "DELETE"],
    );
  });

  it("lists no parts of an upload that is gone", async () => {
    stub.answers = [s3Error(404, "NoSuchUpload")];

    assert.equal(await createStore().listParts(record), undefined);
  });

  it("U24: finds the object of this very upload, and no other's", async () => {
    const headers = {
      "x-amz-version-id": "v1",
      "x-amz-checksum-crc64nvme": CHECKSUM,
      "x-amz-meta-upload-id": record.uploadId,
    };
    stub.answers = [
      { status: 200, headers },
      { status: 200, headers: { "x-amz-meta-upload-id": "other" } },
      { status: 404 },
      { status: 403 },
    ];
    const store = createStore();

    const found = [];
    for (let count = 0; count < 4; count++) found.push(await store.findObject(record));

    assert.deepEqual(found, [{ versionId: "v1", checksum: CHECKSUM }, undefined, undefined, undefined]);
    assert.equal(stub.requests[0]?.headers["x-amz-checksum-mode"], "ENABLED");
  });
});

describe("S3 failures", () => {
  it("are read by status where the code is unknown", () => {
    const withStatus = (httpStatusCode: number): Error =>
      Object.assign(new Error(), { name: "New", $metadata: { httpStatusCode } });

    assert.deepEqual(
      [409, 412, 500, 503, 429, 400, 403].map((status) => classifyS3Failure(withStatus(status))),
      ["conflict", "alreadyExists", "busy", "busy", "busy", "other", "other"],
    );
    assert.deepEqual([classifyS3Failure("text"), classifyS3Failure(new TypeError())], ["other", "other"]);
  });
});
