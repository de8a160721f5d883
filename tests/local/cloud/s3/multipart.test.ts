// Proves multipart uploads of the local S3: limits, order, ETags, checksums of parts and whole, conditions, abort, lists, copies.
// Parts go through presigned URLs or the real SDK. Does not prove that Amazon S3 agrees.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { Crc64Nvme } from "@aws-sdk/crc64-nvme";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { rawRefusal, refusal, type S3Cloud, startS3Cloud, statusOf } from "../../../support/s3-cloud";

const Bucket = "uploads";
const Key = "video.mp4";
const MIB = 1024 ** 2;
const first = Buffer.alloc(5 * MIB, "a");
const second = Buffer.alloc(5 * MIB, "b");
const tail = Buffer.from("tail");
const whole = Buffer.concat([first, second, tail]);

async function crc64(bytes: Uint8Array): Promise<string> {
  const crc = new Crc64Nvme();
  crc.update(bytes);
  return Buffer.from(await crc.digest()).toString("base64");
}

function md5(...bytes: Uint8Array[]): Buffer {
  return createHash("md5").update(Buffer.concat(bytes)).digest();
}

describe("S3 multipart uploads", () => {
  let cloud: S3Cloud;
  let client: S3Client;

  beforeEach(async () => {
    cloud = await startS3Cloud();
    client = cloud.client();
    client.config.requestChecksumCalculation = () => Promise.resolve("WHEN_REQUIRED");
    await cloud.bucket(Bucket);
  });
  afterEach(() => cloud.stop());

  const start = async (more: object = {}): Promise<string> => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }));
    assert.ok(UploadId);
    return UploadId;
  };
  const send = async (
    UploadId: string,
    PartNumber: number,
    Body: Buffer,
    more: object = {},
  ): Promise<CompletedPart> => {
    const part = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...more }));
    return { PartNumber, ETag: part.ETag };
  };
  const complete = (UploadId: string, Parts: CompletedPart[], more: object = {}) =>
    client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }));
  const startWhole = async (more: object = {}): Promise<{ id: string; parts: CompletedPart[] }> => {
    const id = await start(more);
    const parts = [await send(id, 1, first), await send(id, 2, second), await send(id, 3, tail)];
    return { id, parts };
  };

  it("U31: builds the object from presigned parts, with S3's ETag and the CRC64NVME of all bytes", async () => {
    const id = await start({ ContentType: "video/mp4", Metadata: { who: "me" } });
    const parts: CompletedPart[] = [];
    for (const [index, body] of [first, second, tail].entries()) {
      const command = new UploadPartCommand({ Bucket, Key, UploadId: id, PartNumber: index + 1 });
      const answer = await fetch(await getSignedUrl(client, command), { method: "PUT", body });
      assert.equal(answer.headers.get("etag"), `"${md5(body).toString("hex")}"`);
      parts.push({ PartNumber: index + 1, ETag: answer.headers.get("etag") ?? "" });
    }

    const done = await complete(id, parts);

    const read = await client.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
    const bytes = Buffer.from((await read.Body?.transformToByteArray()) ?? []);
    assert.equal(done.ETag, `"${md5(md5(first), md5(second), md5(tail)).toString("hex")}-3"`);
    assert.equal(done.ChecksumCRC64NVME, await crc64(whole));
    assert.equal(read.ChecksumType, "FULL_OBJECT");
    assert.ok(bytes.equals(whole));
    assert.deepEqual([read.ContentType, read.Metadata], ["video/mp4", { who: "me" }]);
    assert.equal(cloud.s3.bodyFileCount(), 3, "completion copies nothing");
    const slice = await client.send(
      new GetObjectCommand({ Bucket, Key, Range: `bytes=${5 * MIB - 2}-${5 * MIB + 1}` }),
    );
    assert.equal(await slice.Body?.transformToString(), "aabb");
    const part = await client.send(new GetObjectCommand({ Bucket, Key, PartNumber: 3 }));
    assert.deepEqual([await part.Body?.transformToString(), part.PartsCount], ["tail", 3]);
  });

  it("takes an upload of the SDK's own uploader", async () => {
    const upload = new Upload({
      client: cloud.client(),
      params: { Bucket, Key, Body: whole },
      partSize: 5 * MIB,
    });

    await upload.done();

    const head = await client.send(new HeadObjectCommand({ Bucket, Key }));
    assert.equal(head.ContentLength, whole.length);
  });

  it("U31: rejects a part below 5 MiB that is not the last with EntityTooSmall", async () => {
    const id = await start();
    const parts = [await send(id, 1, Buffer.alloc(5 * MIB - 1)), await send(id, 2, tail)];

    const small = await refusal(complete(id, parts));

    assert.deepEqual([small.code, small.status], ["EntityTooSmall", 400]);
    assert.equal(small.message, "Your proposed upload is smaller than the minimum allowed size");
  });

  it("U31: rejects part numbers outside 1 to 10,000", async () => {
    const id = await start();

    for (const number of [0, 10_001]) {
      const refused = await refusal(send(id, number, tail));
      assert.equal(refused.code, "InvalidArgument");
      assert.equal(refused.message, "Part number must be an integer between 1 and 10000, inclusive");
    }
    await send(id, 10_000, tail);
  });

  it("rejects a part above 5 GiB before a byte of it is read", async () => {
    const id = await start();
    const command = new UploadPartCommand({ Bucket, Key, UploadId: id, PartNumber: 1 });
    const url = await getSignedUrl(client, command);

    const status = await new Promise<number | undefined>((resolve, reject) => {
      const outgoing = request(url, { method: "PUT", headers: { "content-length": 5 * 1024 ** 3 + 1 } }, (answer) => {
        resolve(answer.statusCode);
        outgoing.destroy();
      });
      outgoing.once("error", reject);
      outgoing.flushHeaders();
    });

    assert.equal(status, 400);
    const trace = await cloud.context.traces.waitFor((event) => event.operation === "UploadPart");
    assert.equal(trace.errorCode, "EntityTooLarge");
  });

  it("U31: rejects parts out of order, unknown parts and wrong ETags", async () => {
    const { id, parts } = await startWhole();
    const [one, two, three] = parts as [CompletedPart, CompletedPart, CompletedPart];

    assert.equal((await refusal(complete(id, [two, one, three]))).code, "InvalidPartOrder");
    assert.equal((await refusal(complete(id, [one, one]))).code, "InvalidPartOrder");
    assert.equal((await refusal(complete(id, [one, { PartNumber: 4, ETag: '"0"' }]))).code, "InvalidPart");
    assert.equal((await refusal(complete(id, [{ ...one, ETag: two.ETag }]))).code, "InvalidPart");
    assert.equal((await refusal(complete(id, []))).code, "MalformedXML");
    await complete(id, parts);
  });

  it("U6: rejects a completion whose whole-object CRC64NVME differs, and takes the right one", async () => {
    const id = await start({ ChecksumAlgorithm: "CRC64NVME" });
    const parts: CompletedPart[] = [];
    for (const [index, body] of [first, second, tail].entries()) {
      parts.push(await send(id, index + 1, body, { ChecksumCRC64NVME: await crc64(body) }));
    }

    const wrong = await refusal(
      complete(id, parts, { ChecksumCRC64NVME: await crc64(tail), ChecksumType: "FULL_OBJECT" }),
    );
    const done = await complete(id, parts, { ChecksumCRC64NVME: await crc64(whole), ChecksumType: "FULL_OBJECT" });

    assert.deepEqual([wrong.code, wrong.status], ["BadDigest", 400]);
    assert.equal(done.ChecksumCRC64NVME, await crc64(whole));
  });

  it("combines CRC32 of parts into that of the whole object", async () => {
    const id = await start({ ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" });
    const parts: CompletedPart[] = [];
    for (const [index, body] of [first, second, tail].entries()) {
      parts.push(await send(id, index + 1, body, { ChecksumAlgorithm: "CRC32" }));
    }

    const done = await complete(id, parts);

    const expected = Buffer.alloc(4);
    expected.writeUInt32BE(crc32(whole));
    assert.equal(done.ChecksumCRC32, expected.toString("base64"));
  });

  it("sums the parts' SHA-256 for a composite checksum and rejects a completion without them", async () => {
    const id = await start({ ChecksumAlgorithm: "SHA256" });
    const sum = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
    const parts: CompletedPart[] = [];
    for (const [index, body] of [first, tail].entries()) {
      const part = await send(id, index + 1, body, { ChecksumAlgorithm: "SHA256" });
      parts.push({ ...part, ChecksumSHA256: sum(body).toString("base64") });
    }

    const bare = await refusal(
      complete(
        id,
        parts.map(({ ETag, PartNumber }) => ({ ETag, PartNumber })),
      ),
    );
    const wrong = await refusal(
      complete(
        id,
        parts.map((part) => ({ ...part, ChecksumSHA256: parts[0]?.ChecksumSHA256 })),
      ),
    );
    const mode = await refusal(complete(id, parts, { ChecksumType: "FULL_OBJECT" }));
    const done = await complete(id, parts);

    assert.equal(bare.code, "InvalidRequest");
    assert.match(bare.message, /must include the checksum for each part. It was missing for part 1/);
    assert.equal(wrong.code, "InvalidPart");
    assert.match(mode.message, /created using the COMPOSITE checksum mode/);
    assert.equal(done.ChecksumSHA256, `${sum(Buffer.concat([sum(first), sum(tail)])).toString("base64")}-2`);
    assert.equal(done.ChecksumType, "COMPOSITE");
  });

  it("rejects a part with another algorithm than the upload declared, in S3's words", async () => {
    const undeclared = await start();
    const declared = await start({ ChecksumAlgorithm: "CRC64NVME" });

    const unexpected = await refusal(send(undeclared, 1, tail, { ChecksumAlgorithm: "CRC32" }));
    const other = await refusal(send(declared, 1, tail, { ChecksumAlgorithm: "SHA256" }));
    const none = await refusal(send(declared, 1, tail));

    const words = (expected: string, actual: string): string =>
      `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${actual}`;
    assert.deepEqual([unexpected.code, unexpected.message], ["InvalidRequest", words("null", "crc32")]);
    assert.equal(other.message, words("crc64nvme", "sha256"));
    assert.equal(none.message, words("crc64nvme", "null"));
  });

  it("rejects pairs of algorithm and type that S3 does not offer", async () => {
    const composite = await refusal(start({ ChecksumAlgorithm: "CRC64NVME", ChecksumType: "COMPOSITE" }));
    const whole = await refusal(start({ ChecksumAlgorithm: "SHA1", ChecksumType: "FULL_OBJECT" }));
    const alone = await refusal(start({ ChecksumType: "FULL_OBJECT" }));

    assert.equal(
      composite.message,
      "The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm.",
    );
    assert.equal(whole.message, "The FULL_OBJECT checksum type cannot be used with the sha1 checksum algorithm.");
    assert.equal(alone.code, "InvalidRequest");
  });

  it("U27: rejects a part with one flipped byte, and one of another length, at an enforced URL", async () => {
    const id = await start({ ChecksumAlgorithm: "CRC64NVME" });
    const command = new UploadPartCommand({
      Bucket,
      Key,
      UploadId: id,
      PartNumber: 1,
      ContentLength: tail.length,
      ChecksumCRC64NVME: await crc64(tail),
    });
    const url = await getSignedUrl(client, command, {
      unhoistableHeaders: new Set(["x-amz-checksum-crc64nvme"]),
    });
    const headers = { "x-amz-checksum-crc64nvme": await crc64(tail) };
    const put = async (body: string, sent: Record<string, string> = headers) =>
      rawRefusal(await fetch(url, { method: "PUT", body, headers: sent }));

    assert.match(url, /SignedHeaders=content-length%3Bhost%3Bx-amz-checksum-crc64nvme/);
    assert.equal((await put("tbil")).code, "BadDigest");
    assert.equal((await put("tails")).code, "SignatureDoesNotMatch");
    const changed = { "x-amz-checksum-crc64nvme": await crc64(Buffer.from("tbil")) };
    assert.equal((await put("tbil", changed)).code, "SignatureDoesNotMatch");
    assert.equal((await put("tail")).status, 200);
  });

  it("U5: rejects real bytes at a part URL that carries the CRC32 of nothing", async () => {
    const id = await start({ ChecksumAlgorithm: "CRC32" });
    const command = new UploadPartCommand({ Bucket, Key, UploadId: id, PartNumber: 1 });
    const url = await getSignedUrl(cloud.client(), command);
    assert.match(url, /x-amz-checksum-crc32=AAAAAA/);

    const answer = await rawRefusal(await fetch(url, { method: "PUT", body: tail }));

    assert.deepEqual([answer.code, answer.status], ["BadDigest", 400]);
  });

  it("U7: rejects a completion whose announced size differs", async () => {
    const { id, parts } = await startWhole();

    const wrong = await refusal(complete(id, parts, { MpuObjectSize: whole.length + 1 }));
    await complete(id, parts, { MpuObjectSize: whole.length });

    assert.deepEqual([wrong.code, wrong.status], ["InvalidRequest", 400]);
    assert.match(wrong.message, /does not match what was computed: 10485764/);
  });

  it("U8: rejects a conditional completion when the key exists, and lets one of two win", async () => {
    const uploads = [await startWhole(), await startWhole()];

    const statuses = await Promise.all(
      uploads.map(({ id, parts }) => complete(id, parts, { IfNoneMatch: "*" }).then(() => 200, statusOf)),
    );

    assert.deepEqual(statuses.sort(), [200, 412]);
    assert.equal(cloud.s3.multipartUploads(Bucket).length, 1, "the loser may still be aborted");
  });

  it("U8: rejects a conditional write with 409 when a delete came between", async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: "gone", Body: "x" }));
    await client.send(new DeleteObjectCommand({ Bucket, Key: "gone" }));
    const url = await getSignedUrl(client, new PutObjectCommand({ Bucket, Key: "gone" }));
    const headers = { "content-length": 4, "if-none-match": "*", expect: "100-continue" };
    const answered = new Promise<number | undefined>((resolve, reject) => {
      const outgoing = request(url, { method: "PUT", headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      outgoing.once("error", reject);
      // S3 asks for the body once it has looked at the condition.
      outgoing.once("continue", () => {
        void client.send(new DeleteObjectCommand({ Bucket, Key: "gone" })).then(() => outgoing.end("late"));
      });
      outgoing.flushHeaders();
    });

    assert.equal(await answered, 409);
    const trace = await cloud.context.traces.waitFor((event) => event.status === 409);
    assert.equal(trace.errorCode, "ConditionalRequestConflict");
  });

  it("U9: aborts twice with success, removes the parts, and rejects what comes after", async () => {
    const { id, parts } = await startWhole();
    const abort = (UploadId: string) => client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));

    await abort(id);
    const again = await abort(id);

    assert.equal(again.$metadata.httpStatusCode, 204);
    assert.equal(cloud.s3.bodyFileCount(), 0);
    assert.equal((await refusal(send(id, 1, tail))).code, "NoSuchUpload");
    assert.equal((await refusal(complete(id, parts))).code, "NoSuchUpload");
    assert.deepEqual((await refusal(abort("never"))).status, 404);
  });

  it("rejects a second completion and an abort of a completed upload", async () => {
    const { id, parts } = await startWhole();
    await complete(id, parts);

    assert.equal((await refusal(complete(id, parts))).code, "NoSuchUpload");
    const abort = client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: id }));
    assert.equal((await refusal(abort)).code, "NoSuchUpload");
  });

  it("removes replaced and unlisted parts", async () => {
    const { id, parts } = await startWhole();
    await send(id, 1, Buffer.from("spare"));
    await send(id, 1, first);
    await send(id, 9, tail);

    await complete(id, parts.slice(0, 2));

    assert.equal(cloud.s3.bodyFileCount(), 2);
  });

  it("U10: lists parts in order and in pages", async () => {
    const id = await start({ ChecksumAlgorithm: "CRC64NVME" });
    for (const number of [3, 1, 2]) await send(id, number, tail, { ChecksumAlgorithm: "CRC64NVME" });

    const page = await client.send(new ListPartsCommand({ Bucket, Key, UploadId: id, MaxParts: 2 }));
    const rest = await client.send(
      new ListPartsCommand({ Bucket, Key, UploadId: id, PartNumberMarker: page.NextPartNumberMarker }),
    );

    assert.deepEqual(
      page.Parts?.map((part) => part.PartNumber),
      [1, 2],
    );
    assert.equal(page.IsTruncated, true);
    assert.deepEqual(
      rest.Parts?.map((part) => [part.PartNumber, part.Size]),
      [[3, 4]],
    );
    assert.equal(rest.IsTruncated, false);
    assert.equal(rest.Parts[0]?.ChecksumCRC64NVME, await crc64(tail));
  });

  it("lists unfinished uploads in pages", async () => {
    const ids = [await start(), await start(), await start({ Key: "zoo" })];

    const page = await client.send(new ListMultipartUploadsCommand({ Bucket, MaxUploads: 1 }));
    const rest = await client.send(
      new ListMultipartUploadsCommand({
        Bucket,
        KeyMarker: page.NextKeyMarker,
        UploadIdMarker: page.NextUploadIdMarker,
      }),
    );

    assert.deepEqual(
      page.Uploads?.map((upload) => upload.UploadId),
      [ids[0]],
    );
    assert.deepEqual(
      rest.Uploads?.map((upload) => upload.UploadId),
      [ids[1], ids[2]],
    );
  });

  it("copies a range of an object into a part and rejects a range beyond it", async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: "source", Body: "0123456789" }));
    const id = await start();
    const copy = (CopySourceRange: string) =>
      client.send(
        new UploadPartCopyCommand({
          Bucket,
          Key,
          UploadId: id,
          PartNumber: 1,
          CopySource: `${Bucket}/source`,
          CopySourceRange,
        }),
      );

    const part = await copy("bytes=2-4");
    const beyond = await refusal(copy("bytes=2-10"));
    await complete(id, [{ PartNumber: 1, ETag: part.CopyPartResult?.ETag }]);

    assert.equal(beyond.code, "InvalidArgument");
    const read = await client.send(new GetObjectCommand({ Bucket, Key }));
    assert.equal(await read.Body?.transformToString(), "234");
  });

  it("streams a large part without holding it in memory", async () => {
    const id = await start();
    const size = 128 * MIB;
    const command = new UploadPartCommand({ Bucket, Key, UploadId: id, PartNumber: 1 });
    const url = await getSignedUrl(client, command);
    const chunk = Buffer.alloc(MIB);
    let peak = 0;
    const before = process.memoryUsage().rss;
    const chunks = function* () {
      for (let sent = 0; sent < size; sent += chunk.length) {
        peak = Math.max(peak, process.memoryUsage().rss);
        yield chunk;
      }
    };
    const outgoing = request(url, { method: "PUT", headers: { "content-length": size } });
    const answered = new Promise<number | undefined>((resolve, reject) => {
      outgoing.once("error", reject);
      outgoing.once("response", (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
    });

    await pipeline(Readable.from(chunks()), outgoing);

    assert.equal(await answered, 200);
    assert.ok(peak - before < 64 * MIB, `grew by ${Math.round((peak - before) / MIB)} MiB`);
  });
});
