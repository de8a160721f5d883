// Proves the S3 adapter and the part URLs on the strict local S3, behind its gateway and IAM, each handler with exactly the rights
// that the contract gives it. What only AWS can prove is listed in docs/verification.md.
import assert from "node:assert/strict";
import { request } from "node:http";
import { Crc64Nvme } from "@aws-sdk/crc64-nvme";
import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { CHECKSUM_HEADER, UPLOAD_HANDLERS, type UploadHandlerName } from "../../../handlers/upload/contract";
import { PartSigner, resolvePartEndpoints } from "../../../handlers/upload/presign";
import { S3ObjectStore } from "../../../handlers/upload/s3-object-store";
import type { UploadRecord } from "../../../handlers/upload/upload";
import { startS3Cloud, type S3Cloud } from "../../support/s3-cloud";
import { createRecord, createRules, MEBIBYTE } from "../../support/upload-handlers";

const BUCKET = "media-bucket";
const OWNER = "123456789012";
const PART_BYTES = 5 * MEBIBYTE;
const content = Buffer.alloc(PART_BYTES + 1000, "strict");
const pieces = [content.subarray(0, PART_BYTES), content.subarray(PART_BYTES)];

/** Base64 of the CRC-64/NVME of some bytes. */
async function checksumOf(bytes: Uint8Array): Promise<string> {
  const crc = new Crc64Nvme();
  crc.update(bytes);
  return Buffer.from(await crc.digest()).toString("base64");
}

describe("Uploads on the strict S3", () => {
  let cloud: S3Cloud;
  let record: UploadRecord;

  beforeEach(async () => {
    cloud = await startS3Cloud();
    await cloud.bucket(BUCKET, { BucketVersioning: { versioningConfiguration: { status: "Enabled" } } });
    const planned = { size: content.length, partSize: PART_BYTES, partCount: 2, key: "uploads/acme/alice/1/ü (1).mp4" };
    const { s3UploadId: _id, ...reserved } = createRecord(planned);
    record = { ...reserved, s3UploadId: await (await storeOf("start")).create(reserved) };
  });

  afterEach(() => cloud.stop());

  async function credentialsOf(name: UploadHandlerName): Promise<Awaited<ReturnType<S3Cloud["role"]>>> {
    const actions = [...UPLOAD_HANDLERS[name].s3Actions];
    return cloud.role({ Effect: "Allow", Action: actions, Resource: `arn:aws:s3:::${BUCKET}/uploads/*` });
  }

  async function storeOf(name: UploadHandlerName, bucketOwner = OWNER): Promise<S3ObjectStore> {
    return new S3ObjectStore(cloud.client({ credentials: await credentialsOf(name) }), {
      region: "eu-west-1",
      bucketName: BUCKET,
      bucketOwner,
      tableName: "t",
      keyPrefix: "uploads/",
      eventBusName: "b",
      rules: createRules(),
      allowedOrigins: [],
    });
  }

  async function signerOf(accelerated = false): Promise<PartSigner> {
    const hosts = { bucketName: BUCKET, region: "eu-west-1", acceleration: true, dualStack: false };
    const environment = { AWS_ENDPOINT_URL: cloud.origin, AWS_ENDPOINT_URL_S3_ACCELERATE: cloud.accelerateOrigin };
    const endpoints = resolvePartEndpoints(hosts, environment);
    return new PartSigner({
      endpoint: (accelerated ? endpoints.accelerated : undefined) ?? endpoints.direct,
      key: record.key,
      s3UploadId: record.s3UploadId ?? "",
      region: "eu-west-1",
      credentials: await credentialsOf("sign"),
      now: cloud.clock.now(),
      expiresSeconds: 300,
    });
  }

  /** Signs a part for the declared bytes and sends others where a test says so. */
  async function send(partNumber: number, declared: Buffer, sent = declared, accelerated = false): Promise<PutAnswer> {
    const checksum = await checksumOf(declared);
    const url = (await signerOf(accelerated)).sign({ partNumber, size: declared.length, checksum });
    return put(url, sent, checksum);
  }

  async function sendAll(): Promise<{ partNumber: number; eTag: string; checksum: string }[]> {
    const parts = [];
    for (const [index, bytes] of pieces.entries()) {
      const { status, eTag } = await send(index + 1, bytes);
      assert.equal(status, 200);
      parts.push({ partNumber: index + 1, eTag, checksum: await checksumOf(bytes) });
    }
    return parts;
  }

  it("U6: stores the file byte for byte, with its checksum, type and download name", async () => {
    const parts = await sendAll();
    const checksum = await checksumOf(content);

    const completion = await (await storeOf("complete")).complete(record, parts, checksum);

    assert.equal(completion.kind, "stored");
    const head = await cloud
      .client()
      .send(new HeadObjectCommand({ Bucket: BUCKET, Key: record.key, ChecksumMode: "ENABLED" }));
    assert.deepEqual(
      [head.ContentLength, head.ChecksumCRC64NVME, head.ContentType, head.ContentDisposition],
      [content.length, checksum, "video/mp4", `attachment; filename="holiday.mp4"; filename*=UTF-8''holiday.mp4`],
    );
  });

  it("U10: lists what S3 holds, as the client needs it to go on", async () => {
    const [first] = await sendAll();

    const listed = await (await storeOf("describe")).listParts(record);

    assert.deepEqual(listed?.[0], { ...first, size: PART_BYTES });
    assert.equal(listed.length, 2);
  });

  it("U27: rejects a part with one flipped byte, another length or without its checksum", async () => {
    const [, last = Buffer.of()] = pieces;
    const flipped = Buffer.from(last);
    flipped[0] = flipped.readUInt8(0) ^ 1;
    const checksum = await checksumOf(last);
    const url = (await signerOf()).sign({ partNumber: 2, size: last.length, checksum });

    const answers = [
      await send(2, last, flipped),
      await send(2, last, last.subarray(1)),
      await put(url, last, "AAAAAAAAAAA="),
      await put(url, last, undefined),
    ];

    assert.deepEqual(
      answers.map(({ code }) => code),
      ["BadDigest", "SignatureDoesNotMatch", "SignatureDoesNotMatch", "SignatureDoesNotMatch"],
    );
    assert.deepEqual(await (await storeOf("describe")).listParts(record), []);
  });

  it("U6: rejects a completion whose whole-file checksum or size differs", async () => {
    const parts = await sendAll();
    const complete = await storeOf("complete");

    const otherChecksum = await complete.complete(record, parts, "AAAAAAAAAAA=");
    const otherSize = await complete.complete({ ...record, size: record.size + 1 }, parts, await checksumOf(content));

    assert.deepEqual([otherChecksum, otherSize], [{ kind: "checksumMismatch" }, { kind: "checksumMismatch" }]);
  });

  it("rejects a completion with a part that S3 does not hold", async () => {
    const [first, second] = await sendAll();
    assert.ok(first && second);
    const parts = [first, { ...second, eTag: first.eTag }];

    const answer = await (await storeOf("complete")).complete(record, parts, await checksumOf(content));

    assert.deepEqual(answer, { kind: "partsMismatch" });
  });

  it("U8: rejects a second object under the same key, and knows its own", async () => {
    const complete = await storeOf("complete");
    const checksum = await checksumOf(content);
    await complete.complete(record, await sendAll(), checksum);
    const other = { ...record, uploadId: "other", s3UploadId: await (await storeOf("start")).create(record) };
    const original = record;
    record = other;

    const answer = await complete.complete(other, await sendAll(), checksum);

    assert.deepEqual(answer, { kind: "alreadyExists" });
    assert.equal((await complete.findObject(original))?.checksum, checksum);
    assert.equal(await complete.findObject(other), undefined);
  });

  it("U24: finds no object where there is none, although it may not list the bucket", async () => {
    assert.equal(await (await storeOf("complete")).findObject(record), undefined);
  });

  it("U9: aborts with its parts, again without complaint, and then knows no parts", async () => {
    await sendAll();
    for (const name of ["abort", "complete", "sweep", "start"] as const) {
      assert.ok(["aborted", "gone"].includes(await (await storeOf(name)).abort(record)));
    }

    assert.equal(await (await storeOf("describe")).listParts(record), undefined);
  });

  it("rejects a bucket of another account", async () => {
    const foreign = await storeOf("abort", "999999999999");

    await assert.rejects(foreign.abort(record), { name: "AccessDenied" });
  });

  it("takes parts at the accelerated host where the bucket has it, and rejects them where not", async () => {
    const [first = Buffer.of()] = pieces;
    const before = await send(1, first, first, true);
    await cloud.declare("BucketAccelerateConfiguration", { bucket: BUCKET, status: "Enabled" });

    const after = await send(1, first, first, true);

    assert.deepEqual([before.status, after.status], [400, 200]);
  });
});

interface PutAnswer {
  readonly status: number;
  readonly code: string;
  readonly eTag: string;
}

/** PUTs as a browser does: with the body's own length. */
function put(url: string, body: Buffer, checksum: string | undefined): Promise<PutAnswer> {
  const headers = {
    "content-length": body.length,
    connection: "close",
    ...(checksum === undefined ? {} : { [CHECKSUM_HEADER]: checksum }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: "PUT", headers }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => {
        const code = /<Code>(\w+)/.exec(text)?.[1] ?? "";
        resolve({ status: response.statusCode ?? 0, code, eTag: response.headers.etag ?? "" });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
