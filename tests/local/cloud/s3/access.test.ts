// Proves who may do what at the local S3: roles, bucket policies and their condition keys, public access, KMS permissions, CORS,
// Transfer Acceleration, and that calls which are not simulated are refused by name.
import assert from "node:assert/strict";
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketCorsCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  type S3Client,
  SelectObjectContentCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { PolicyStatement } from "../../../../local/cloud/core/access";
import { testAccountId } from "../../../support/cloud-context";
import { rawRefusal, refusal, type S3Cloud, startS3Cloud } from "../../../support/s3-cloud";

const Bucket = "guarded";
const arn = `arn:aws:s3:::${Bucket}`;
const allow = (Action: string | string[], Resource: string | string[]): PolicyStatement => ({
  Effect: "Allow",
  Action,
  Resource,
});

describe("S3 access", () => {
  let cloud: S3Cloud;
  let root: S3Client;

  beforeEach(async () => {
    cloud = await startS3Cloud();
    root = cloud.client();
    root.config.requestChecksumCalculation = () => Promise.resolve("WHEN_REQUIRED");
    await cloud.bucket(Bucket);
  });
  afterEach(() => cloud.stop());

  const as = async (...statements: PolicyStatement[]): Promise<S3Client> =>
    cloud.client({ credentials: await cloud.role(...statements) });
  const put = (client: S3Client, Key = "a", more: object = {}) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body: "x", ...more }));
  const policy = (...statements: PolicyStatement[]) =>
    cloud.declare("BucketPolicy", {
      bucket: Bucket,
      policy: JSON.stringify({ Version: "2012-10-17", Statement: statements }),
    });

  it("U17: rejects what a role does not allow, action by action", async () => {
    const writer = await as(allow("s3:PutObject", `${arn}/own/*`));

    await put(writer, "own/a");
    const id = await writer.send(new CreateMultipartUploadCommand({ Bucket, Key: "own/b" }));
    assert.ok(id.UploadId);
    const calls = [
      () => put(writer, "other/a"),
      () => put(writer, "own/a", { Tagging: "a=1" }),
      () => writer.send(new GetObjectCommand({ Bucket, Key: "own/a" })),
      () => writer.send(new ListObjectsV2Command({ Bucket })),
      () => writer.send(new GetObjectTaggingCommand({ Bucket, Key: "own/a" })),
      () => writer.send(new CopyObjectCommand({ Bucket, Key: "own/c", CopySource: `${Bucket}/own/a` })),
      () => writer.send(new ListBucketsCommand({})),
    ];
    for (const call of calls) assert.equal((await refusal(call())).status, 403);
    assert.equal((await refusal(writer.send(new HeadBucketCommand({ Bucket })))).status, 403);
  });

  it("evaluates s3:prefix and s3:max-keys of a list", async () => {
    const lister = await as({
      ...allow("s3:ListBucket", arn),
      Condition: { StringLike: { "s3:prefix": "own/*" }, NumericLessThanEquals: { "s3:max-keys": 10 } },
    });
    const list = (Prefix: string, MaxKeys: number) =>
      lister.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys }));

    await list("own/a", 10);
    assert.equal((await refusal(list("other/", 10))).status, 403);
    assert.equal((await refusal(list("own/a", 11))).status, 403);
  });

  it("U20: evaluates the tags that an object has", async () => {
    await put(root, "clean", { Tagging: "scan=clean" });
    await put(root, "fresh");
    const reader = await as({
      ...allow("s3:GetObject", `${arn}/*`),
      Condition: { StringEquals: { "s3:ExistingObjectTag/scan": "clean" } },
    });

    await reader.send(new GetObjectCommand({ Bucket, Key: "clean" }));
    assert.equal((await refusal(reader.send(new GetObjectCommand({ Bucket, Key: "fresh" })))).status, 403);
  });

  it("evaluates s3:if-none-match and the encryption header", async () => {
    const writer = await as({
      ...allow("s3:PutObject", `${arn}/*`),
      Condition: {
        StringEquals: { "s3:x-amz-server-side-encryption": "AES256" },
        Null: { "s3:if-none-match": "false" },
      },
    });

    await put(writer, "a", { IfNoneMatch: "*", ServerSideEncryption: "AES256" });
    assert.equal((await refusal(put(writer, "b", { ServerSideEncryption: "AES256" }))).status, 403);
    assert.equal((await refusal(put(writer, "c", { IfNoneMatch: "*" }))).status, 403);
  });

  it("U14: rejects a signature older than the bucket policy admits", async () => {
    await policy({
      Sid: "OldSignatures",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: [arn, `${arn}/*`],
      Condition: { NumericGreaterThan: { "s3:signatureAge": 120_000 } },
    });
    const url = await getSignedUrl(root, new PutObjectCommand({ Bucket, Key: "a" }), { expiresIn: 3600 });
    const writer = await as(allow("s3:PutObject", `${arn}/*`));
    const roleUrl = await getSignedUrl(writer, new PutObjectCommand({ Bucket, Key: "a" }), { expiresIn: 3600 });

    assert.equal((await fetch(url, { method: "PUT", body: "x" })).status, 200);
    await cloud.clock.advance(121_000);
    for (const old of [url, roleUrl]) {
      const answer = await rawRefusal(await fetch(old, { method: "PUT", body: "x" }));
      assert.deepEqual([answer.code, answer.status], ["AccessDenied", 403]);
    }
  });

  it("U31: rejects an expired URL, and lets the page read the refusal", async () => {
    await cloud.declare("BucketCorsConfiguration", {
      bucket: Bucket,
      corsRules: [{ allowedOrigins: ["http://app.test"], allowedMethods: ["PUT"] }],
    });
    const url = await getSignedUrl(root, new PutObjectCommand({ Bucket, Key: "a" }), { expiresIn: 60 });

    await cloud.clock.advance(61_000);
    const answer = await fetch(url, { method: "PUT", body: "x", headers: { origin: "http://app.test" } });

    assert.equal(answer.status, 403);
    assert.equal(answer.headers.get("access-control-allow-origin"), "http://app.test");
    assert.equal((await rawRefusal(answer)).message, "Request has expired");
  });

  it("rejects anonymous callers without a public policy, and policies that would be public", async () => {
    await put(root, "a");
    const open: PolicyStatement = { ...allow("s3:GetObject", `${arn}/*`), Principal: "*" };

    assert.equal((await fetch(`${cloud.origin}/${Bucket}/a`)).status, 403);
    const refused = await refusal(policy(open));
    assert.equal(refused.code, "AccessDenied");
    await cloud.declare("BucketPublicAccessBlock", { bucket: Bucket, blockPublicPolicy: false });
    await policy(open);
    assert.equal(await (await fetch(`${cloud.origin}/${Bucket}/a`)).text(), "x");
    await cloud.declare("BucketPublicAccessBlock", { bucket: Bucket, restrictPublicBuckets: true });
    assert.equal((await fetch(`${cloud.origin}/${Bucket}/a`)).status, 403);
    await put(root, "a");
  });

  it("takes a policy that pins everybody to one distribution", async () => {
    await policy({
      Effect: "Allow",
      Principal: { Service: "cloudfront.amazonaws.com" },
      Action: "s3:GetObject",
      Resource: `${arn}/*`,
      Condition: { StringEquals: { "AWS:SourceArn": `arn:aws:cloudfront::${testAccountId}:distribution/E1` } },
    });
  });

  it("asks for the KMS key of the bucket's default encryption", async () => {
    const key = `arn:aws:kms:eu-west-1:${testAccountId}:key/11111111-2222-3333-4444-555555555555`;
    await cloud.declare("BucketServerSideEncryptionConfiguration", {
      bucket: Bucket,
      rules: [
        {
          bucketKeyEnabled: true,
          applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: key },
        },
      ],
    });
    const without = await as(allow(["s3:PutObject", "s3:GetObject"], `${arn}/*`));
    const writer = await as(allow("s3:PutObject", `${arn}/*`), allow("kms:GenerateDataKey", key));

    assert.equal((await refusal(put(without))).status, 403);
    const written = await put(writer);
    assert.deepEqual(
      [written.ServerSideEncryption, written.SSEKMSKeyId, written.BucketKeyEnabled],
      ["aws:kms", key, true],
    );
    assert.notEqual(written.ETag, '"9dd4e461268c8034f5c8564e155c67a6"', "under SSE-KMS the ETag is no MD5");
    assert.equal((await refusal(without.send(new GetObjectCommand({ Bucket, Key: "a" })))).status, 403);
    const { UploadId } = await writer.send(new CreateMultipartUploadCommand({ Bucket, Key: "m" }));
    const part = writer.send(new UploadPartCommand({ Bucket, Key: "m", UploadId, PartNumber: 1, Body: "x" }));
    assert.equal((await refusal(part)).status, 403, "parts need kms:Decrypt");
  });

  it("rejects a signature for another Region", async () => {
    const other = cloud.client();
    other.config.region = () => Promise.resolve("us-east-1");

    const refused = await refusal(put(other));

    assert.equal(refused.code, "AuthorizationHeaderMalformed");
    assert.match(refused.message, /the region 'us-east-1' is wrong; expecting 'eu-west-1'/);
  });

  it("U31: serves the accelerated endpoint for buckets that enabled it, and rejects others", async () => {
    const accelerated = cloud.client({ accelerate: true });

    const unconfigured = await refusal(put(accelerated));
    await cloud.declare("BucketAccelerateConfiguration", { bucket: Bucket, status: "Suspended" });
    const disabled = await refusal(put(accelerated));
    await cloud.declare("BucketAccelerateConfiguration", { bucket: Bucket, status: "Enabled" });
    await put(accelerated);

    assert.deepEqual(
      [unconfigured.code, unconfigured.status, unconfigured.message],
      ["InvalidRequest", 400, "S3 Transfer Acceleration is not configured on this bucket"],
    );
    assert.equal(disabled.message, "S3 Transfer Acceleration is disabled on this bucket");
    for (const call of [
      () => accelerated.send(new ListBucketsCommand({})),
      () => accelerated.send(new CreateBucketCommand({ Bucket: "other" })),
      () => accelerated.send(new DeleteBucketCommand({ Bucket })),
    ]) {
      assert.equal((await refusal(call())).code, "InvalidRequest");
    }
  });

  it("rejects calls that are not simulated, by name, and changes nothing", async () => {
    await put(root, "a");
    const select = new SelectObjectContentCommand({
      Bucket,
      Key: "a",
      Expression: "SELECT 1",
      ExpressionType: "SQL",
      InputSerialization: {},
      OutputSerialization: {},
    });
    const rules = [{ AllowedMethods: ["GET"], AllowedOrigins: ["http://app.test"] }];
    const calls: [() => Promise<unknown>, RegExp][] = [
      [() => root.send(new CreateBucketCommand({ Bucket: "other" })), /CreateBucket/],
      [() => root.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: rules } })), /PutBucketCors/],
      [() => root.send(new PutObjectAclCommand({ Bucket, Key: "a", ACL: "private" })), /PutObjectAcl/],
      [() => root.send(select), /SelectContent/],
    ];

    for (const [call, name] of calls) {
      const refused = await refusal(call());
      assert.deepEqual([refused.code, refused.status], ["NotSimulated", 501]);
      assert.match(refused.message, name);
    }
    const read = await root.send(new GetObjectCommand({ Bucket, Key: "a" }));
    assert.equal(await read.Body?.transformToString(), "x");
  });
});

describe("S3 CORS", () => {
  let cloud: S3Cloud;
  const url = (): string => `${cloud.origin}/${Bucket}/a?partNumber=1&uploadId=x`;
  const preflight = (origin: string, method = "PUT", headers?: string): Promise<Response> =>
    fetch(url(), {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": method,
        ...(headers ? { "access-control-request-headers": headers } : {}),
      },
    });

  before(async () => {
    cloud = await startS3Cloud();
    await cloud.bucket("plain");
    await cloud.bucket(Bucket, {
      BucketCorsConfiguration: {
        corsRules: [
          {
            allowedOrigins: ["http://app.test", "https://*.example.com"],
            allowedMethods: ["PUT", "GET"],
            allowedHeaders: ["content-type", "x-amz-*"],
            exposeHeaders: ["ETag", "x-amz-checksum-crc64nvme"],
            maxAgeSeconds: 300,
          },
        ],
      },
    });
  });
  after(() => cloud.stop());

  it("U16: answers a preflight of a listed origin", async () => {
    const answer = await preflight("http://app.test", "PUT", "content-type,x-amz-checksum-crc64nvme");

    assert.equal(answer.status, 200);
    assert.deepEqual(
      ["allow-origin", "allow-methods", "allow-headers", "expose-headers", "max-age", "allow-credentials"].map((name) =>
        answer.headers.get(`access-control-${name}`),
      ),
      [
        "http://app.test",
        "PUT, GET",
        "content-type, x-amz-checksum-crc64nvme",
        "ETag, x-amz-checksum-crc64nvme",
        "300",
        "true",
      ],
    );
    assert.match(answer.headers.get("vary") ?? "", /Origin/);
    assert.equal((await preflight("https://a.example.com")).status, 200);
  });

  it("U16: rejects another origin, method or header with S3's wording", async () => {
    for (const answer of [
      await preflight("http://evil.test"),
      await preflight("https://example.com"),
      await preflight("http://app.test", "DELETE"),
      await preflight("http://app.test", "PUT", "authorization"),
    ]) {
      const refused = await rawRefusal(answer);
      assert.deepEqual([refused.code, refused.status], ["AccessForbidden", 403]);
      assert.match(refused.message, /^CORSResponse: This CORS request is not allowed\./);
      assert.equal(answer.headers.get("access-control-allow-origin"), null);
    }
  });

  it("rejects preflights of a bucket without rules, and those that say too little", async () => {
    const options = (path: string, headers: Record<string, string>) =>
      fetch(`${cloud.origin}/${path}`, { method: "OPTIONS", headers }).then(rawRefusal);

    const none = await options("plain/a", { origin: "http://app.test", "access-control-request-method": "PUT" });
    const silent = await options(`${Bucket}/a`, {});

    assert.deepEqual(
      [none.code, none.message],
      ["AccessForbidden", "CORSResponse: CORS is not enabled for this bucket."],
    );
    assert.deepEqual([silent.status, silent.message], [400, "Insufficient information. Origin request header needed."]);
  });

  it("adds the headers to actual answers of listed origins only", async () => {
    const put = async (bucket: string, origin: string): Promise<string | null> => {
      const signed = await getSignedUrl(cloud.client(), new GetObjectCommand({ Bucket: bucket, Key: "none" }));
      return (await fetch(signed, { headers: { origin } })).headers.get("access-control-allow-origin");
    };

    assert.equal(await put(Bucket, "http://app.test"), "http://app.test");
    assert.equal(await put(Bucket, "http://evil.test"), null);
    assert.equal(await put("plain", "http://app.test"), null);
  });
});
