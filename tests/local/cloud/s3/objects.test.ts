// Proves single-object calls of the local S3 through the real SDK and gateway: writes, reads, ranges, conditions, checksums, copies,
// deletes, tags and lists, with S3's refusals. Does not prove that Amazon S3 agrees; expectations come from its documentation.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { rawRefusal, refusal, type S3Cloud, startS3Cloud, statusOf } from "../../../support/s3-cloud";

const Bucket = "objects";
const sha256 = (text: string): string => createHash("sha256").update(text).digest("base64");
const md5 = (text: string): string => createHash("md5").update(text).digest("base64");

describe("S3 objects", () => {
  let cloud: S3Cloud;
  let client: S3Client;

  beforeEach(async () => {
    cloud = await startS3Cloud();
    client = cloud.client();
    await cloud.bucket(Bucket);
  });
  afterEach(() => cloud.stop());

  const put = (Key: string, Body = "hello", more: object = {}) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
  const get = async (Key: string, more: object = {}) => {
    const answer = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
    return { ...answer, text: await answer.Body?.transformToString() };
  };

  it("returns what was put, with its headers, metadata and MD5 as ETag", async () => {
    const written = await put("a/b c+ü&<.txt", "hello", { ContentType: "text/plain", Metadata: { who: "me" } });

    const read = await get("a/b c+ü&<.txt");

    assert.equal(read.text, "hello");
    assert.equal(read.ContentType, "text/plain");
    assert.deepEqual(read.Metadata, { who: "me" });
    assert.equal(read.ETag, `"${createHash("md5").update("hello").digest("hex")}"`);
    assert.equal(read.ServerSideEncryption, "AES256");
    assert.equal(written.ChecksumType, "FULL_OBJECT");
  });

  it("stores the default CRC64NVME when the caller sends no checksum", async () => {
    const whenRequired = cloud.client();
    whenRequired.config.requestChecksumCalculation = () => Promise.resolve("WHEN_REQUIRED");
    await whenRequired.send(new PutObjectCommand({ Bucket, Key: "plain", Body: "123456789" }));

    const head = await client.send(new HeadObjectCommand({ Bucket, Key: "plain", ChecksumMode: "ENABLED" }));

    assert.equal(head.ChecksumCRC64NVME, "rosUhgp5mIg=");
    assert.equal(head.ChecksumType, "FULL_OBJECT");
  });

  for (const [algorithm, value] of [
    ["CRC32", "y/Q5Jg=="],
    ["CRC32C", "4waSgw=="],
    ["CRC64NVME", "rosUhgp5mIg="],
    ["SHA1", createHash("sha1").update("123456789").digest("base64")],
    ["SHA256", sha256("123456789")],
  ] as const) {
    it(`verifies and returns ${algorithm}, and rejects another value with BadDigest`, async () => {
      await put("sum", "123456789", { ChecksumAlgorithm: algorithm });
      const head = await client.send(new HeadObjectCommand({ Bucket, Key: "sum", ChecksumMode: "ENABLED" }));
      const wrong = await refusal(put("sum", "12345678!", { [`Checksum${algorithm}`]: value }));

      assert.equal(head[`Checksum${algorithm}`], value);
      assert.deepEqual([wrong.code, wrong.status], ["BadDigest", 400]);
      assert.equal(wrong.message, `The ${algorithm} you specified did not match the calculated checksum.`);
      assert.equal((await get("sum")).text, "123456789");
    });
  }

  it("rejects a Content-MD5 that does not match, and one that is none", async () => {
    const wrong = await refusal(put("a", "x", { ContentMD5: md5("y") }));
    const malformed = await refusal(put("a", "x", { ContentMD5: "abc" }));

    assert.deepEqual([wrong.code, wrong.status], ["BadDigest", 400]);
    assert.equal(malformed.code, "InvalidDigest");
    assert.equal(cloud.s3.bodyFileCount(), 0);
  });

  it("rejects a checksum header of the wrong shape, and two checksums at once", async () => {
    const shape = await refusal(put("a", "x", { ChecksumCRC32: "abc" }));
    const two = await refusal(put("a", "x", { ChecksumCRC32: "y/Q5Jg==", ChecksumSHA256: sha256("x") }));

    assert.equal(shape.message, "Value for x-amz-checksum-crc32 header is invalid.");
    assert.match(two.message, /^Expecting a single x-amz-checksum- header/);
  });

  it("U5: rejects real bytes at a URL that carries the CRC32 of nothing", async () => {
    const url = await getSignedUrl(client, new PutObjectCommand({ Bucket, Key: "trap" }));
    assert.match(url, /x-amz-checksum-crc32=AAAAAA/);

    const answer = await rawRefusal(await fetch(url, { method: "PUT", body: "real bytes" }));

    assert.deepEqual([answer.code, answer.status], ["BadDigest", 400]);
  });

  it("serves ranges and rejects those outside the object", async () => {
    await put("r", "hello");

    const middle = await get("r", { Range: "bytes=1-3" });
    const tail = await get("r", { Range: "bytes=-2" });
    const rest = await get("r", { Range: "bytes=3-" });
    const beyond = await refusal(get("r", { Range: "bytes=5-9" }));

    assert.deepEqual([middle.text, middle.ContentRange, middle.$metadata.httpStatusCode], ["ell", "bytes 1-3/5", 206]);
    assert.deepEqual([tail.text, rest.text], ["lo", "lo"]);
    assert.deepEqual([beyond.code, beyond.status], ["InvalidRange", 416]);
  });

  it("applies If-Match, If-None-Match and the dates to reads", async () => {
    const { ETag } = await put("c", "hello");
    const hour = 3_600_000;
    const before = new Date(cloud.clock.now() - hour);
    const after = new Date(cloud.clock.now() + hour);

    assert.equal((await get("c", { IfMatch: ETag })).text, "hello");
    assert.equal((await refusal(get("c", { IfMatch: '"0"' }))).status, 412);
    assert.equal((await refusal(get("c", { IfNoneMatch: ETag }))).status, 304);
    assert.equal((await refusal(get("c", { IfModifiedSince: after }))).status, 304);
    assert.equal((await refusal(get("c", { IfUnmodifiedSince: before }))).status, 412);
    assert.equal((await get("c", { IfModifiedSince: before })).text, "hello");
  });

  it("U35: overrides response headers for signed reads", async () => {
    await put("o", "hello");

    const read = await get("o", { ResponseContentDisposition: 'attachment; filename="x.txt"' });

    assert.equal(read.ContentDisposition, 'attachment; filename="x.txt"');
  });

  it("rejects reads of a missing key with NoSuchKey, and with AccessDenied for callers who may not list", async () => {
    const reader = cloud.client({
      credentials: await cloud.role({ Effect: "Allow", Action: "s3:GetObject", Resource: `arn:aws:s3:::${Bucket}/*` }),
    });

    const known = await refusal(get("nope"));
    const head = await refusal(client.send(new HeadObjectCommand({ Bucket, Key: "nope" })));
    const hidden = await refusal(reader.send(new GetObjectCommand({ Bucket, Key: "nope" })));

    assert.deepEqual([known.code, known.status], ["NoSuchKey", 404]);
    assert.deepEqual([head.code, head.status], ["NotFound", 404]);
    assert.deepEqual([hidden.code, hidden.status], ["AccessDenied", 403]);
  });

  it("rejects calls to a bucket that does not exist, or belongs to another than expected", async () => {
    const missing = await refusal(client.send(new GetObjectCommand({ Bucket: "no-such-bucket", Key: "a" })));
    const owner = await refusal(put("a", "x", { ExpectedBucketOwner: "999999999999" }));

    assert.deepEqual([missing.code, missing.status], ["NoSuchBucket", 404]);
    assert.deepEqual([owner.code, owner.status], ["AccessDenied", 403]);
  });

  it("U8: rejects If-None-Match on a key that exists, and any value but *", async () => {
    await put("once");

    const exists = await refusal(put("once", "again", { IfNoneMatch: "*" }));
    const odd = await refusal(put("twice", "x", { IfNoneMatch: '"abc"' }));

    assert.deepEqual([exists.code, exists.status], ["PreconditionFailed", 412]);
    assert.deepEqual([odd.code, odd.status], ["NotImplemented", 501]);
    assert.equal((await get("once")).text, "hello");
  });

  it("U8: lets exactly one of many concurrent conditional writers win", async () => {
    const writers = Array.from({ length: 8 }, (_, index) =>
      put("race", `writer ${index}`, { IfNoneMatch: "*" }).then(() => 200, statusOf),
    );

    const statuses = await Promise.all(writers);

    assert.equal(statuses.filter((status) => status === 200).length, 1);
    assert.equal(statuses.filter((status) => status === 412).length, 7);
    assert.equal(cloud.s3.bodyFileCount(), 1);
  });

  it("applies If-Match to writes", async () => {
    const { ETag } = await put("m", "one");

    await put("m", "two", { IfMatch: ETag });
    const stale = await refusal(put("m", "three", { IfMatch: ETag }));
    const missing = await refusal(put("none", "x", { IfMatch: ETag }));

    assert.deepEqual([stale.code, stale.status], ["PreconditionFailed", 412]);
    assert.deepEqual([missing.code, missing.status], ["NoSuchKey", 404]);
  });

  it("rejects keys above 1024 bytes and metadata above 2 KB", async () => {
    const key = await refusal(put("ü".repeat(513)));
    const metadata = await refusal(put("a", "x", { Metadata: { note: "x".repeat(2045) } }));
    await put("b", "x", { Metadata: { note: "x".repeat(2044) } });

    assert.deepEqual([key.code, key.status], ["KeyTooLongError", 400]);
    assert.deepEqual([metadata.code, metadata.status], ["MetadataTooLarge", 400]);
  });

  it("rejects ACLs while the bucket owner is enforced", async () => {
    const acl = await refusal(put("a", "x", { ACL: "public-read" }));

    assert.deepEqual([acl.code, acl.status], ["AccessControlListNotSupported", 400]);
    await put("a", "x", { ACL: "bucket-owner-full-control" });
  });

  it("copies headers, tags and content, and rejects a copy onto itself that changes nothing", async () => {
    await put("from", "hello", { ContentType: "text/plain", Tagging: "a=1" });

    const copy = await client.send(new CopyObjectCommand({ Bucket, Key: "to", CopySource: `${Bucket}/from` }));
    const same = await refusal(
      client.send(new CopyObjectCommand({ Bucket, Key: "from", CopySource: `${Bucket}/from` })),
    );

    const read = await get("to");
    assert.deepEqual([read.text, read.ContentType, read.TagCount], ["hello", "text/plain", 1]);
    assert.equal(copy.CopyObjectResult?.ETag, read.ETag);
    assert.equal(same.code, "InvalidRequest");
    assert.equal(cloud.s3.bodyFileCount(), 1, "a copy shares the file of its source");
    await client.send(new DeleteObjectCommand({ Bucket, Key: "from" }));
    assert.equal((await get("to")).text, "hello");
  });

  it("rejects a conditional copy whose source differs", async () => {
    await put("from");
    const copy = new CopyObjectCommand({
      Bucket,
      Key: "to",
      CopySource: `${Bucket}/from`,
      CopySourceIfMatch: '"other"',
    });

    assert.equal((await refusal(client.send(copy))).status, 412);
  });

  it("deletes, also what is not there, and removes the file", async () => {
    await put("d");

    await client.send(new DeleteObjectCommand({ Bucket, Key: "d" }));
    const again = await client.send(new DeleteObjectCommand({ Bucket, Key: "d" }));

    assert.equal(again.$metadata.httpStatusCode, 204);
    assert.equal(cloud.s3.objectCount(Bucket), 0);
    assert.equal(cloud.s3.bodyFileCount(), 0);
  });

  it("deletes many at once and reports each refusal by itself", async () => {
    await put("own/1");
    await put("other/1");
    const limited = cloud.client({
      credentials: await cloud.role({
        Effect: "Allow",
        Action: "s3:DeleteObject",
        Resource: `arn:aws:s3:::${Bucket}/own/*`,
      }),
    });
    const Objects = [{ Key: "own/1" }, { Key: "other/1" }];

    const result = await limited.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));

    assert.deepEqual(
      result.Deleted?.map((item) => item.Key),
      ["own/1"],
    );
    assert.deepEqual(
      result.Errors?.map((item) => [item.Key, item.Code]),
      [["other/1", "AccessDenied"]],
    );
  });

  it("keeps tags and rejects bad ones", async () => {
    await put("t", "x", { Tagging: "a=1&b=%20two" });
    const tags = async () => (await client.send(new GetObjectTaggingCommand({ Bucket, Key: "t" }))).TagSet;
    const tag = (TagSet: { Key: string; Value: string }[]) =>
      client.send(new PutObjectTaggingCommand({ Bucket, Key: "t", Tagging: { TagSet } }));

    assert.deepEqual(await tags(), [
      { Key: "a", Value: "1" },
      { Key: "b", Value: " two" },
    ]);
    await tag([{ Key: "scan", Value: "clean" }]);
    assert.deepEqual(await tags(), [{ Key: "scan", Value: "clean" }]);
    const doubled = await refusal(
      tag([
        { Key: "a", Value: "1" },
        { Key: "a", Value: "2" },
      ]),
    );
    assert.equal(doubled.code, "InvalidTag");
    const many = Array.from({ length: 11 }, (_, index) => ({ Key: `k${index}`, Value: "v" }));
    assert.equal((await refusal(tag(many))).message, "Object tags cannot be greater than 10");
    await client.send(new DeleteObjectTaggingCommand({ Bucket, Key: "t" }));
    assert.deepEqual(await tags(), []);
    assert.equal((await get("t")).text, "x", "tagging leaves the body alone");
  });

  it("lists in UTF-8 order, in pages, grouped by delimiter", async () => {
    for (const key of ["b/1", "b/2", "a", "\u{1F600}", "\uFF5E", "c"]) await put(key, "x");

    const all = await client.send(new ListObjectsV2Command({ Bucket }));
    const grouped = await client.send(new ListObjectsV2Command({ Bucket, Delimiter: "/" }));
    const pages: string[][] = [];
    for (let token: string | undefined, more = true; more; more = token !== undefined) {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket, Delimiter: "/", MaxKeys: 2, ContinuationToken: token }),
      );
      pages.push([
        ...(page.Contents ?? []).map((item) => item.Key ?? ""),
        ...(page.CommonPrefixes ?? []).map((item) => item.Prefix ?? ""),
      ]);
      token = page.NextContinuationToken;
    }

    assert.deepEqual(
      all.Contents?.map((item) => item.Key),
      ["a", "b/1", "b/2", "c", "\uFF5E", "\u{1F600}"],
    );
    assert.deepEqual(grouped.CommonPrefixes, [{ Prefix: "b/" }]);
    assert.deepEqual(pages, [["a", "b/"], ["c", "\uFF5E"], ["\u{1F600}"]]);
    assert.equal(
      (await refusal(client.send(new ListObjectsV2Command({ Bucket, ContinuationToken: "?" })))).code,
      "InvalidArgument",
    );
  });

  it("lists the buckets of the caller's account", async () => {
    const { Buckets } = await client.send(new ListBucketsCommand({}));

    assert.deepEqual(
      Buckets?.map((bucket) => bucket.Name),
      [Bucket],
    );
  });

  it("rejects a body without a length", async () => {
    const whenRequired = cloud.client();
    whenRequired.config.requestChecksumCalculation = () => Promise.resolve("WHEN_REQUIRED");
    const putUrl = await getSignedUrl(whenRequired, new PutObjectCommand({ Bucket, Key: "x" }));
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("abc"));
        controller.close();
      },
    });
    const answer = await rawRefusal(await fetch(putUrl, { method: "PUT", body, duplex: "half" }));

    assert.deepEqual([answer.code, answer.status], ["MissingContentLength", 411]);
  });
});
