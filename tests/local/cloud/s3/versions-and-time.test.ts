// Proves versioning, the lifecycle rules on the virtual clock, notifications and injected faults of the local S3.
import assert from "node:assert/strict";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import { testAccountId } from "../../../support/cloud-context";
import { refusal, type S3Cloud, startS3Cloud } from "../../../support/s3-cloud";

const Bucket = "history";
const DAY = 86_400_000;

let cloud: S3Cloud;
let client: S3Client;

const put = (Key: string, Body = "x", more: object = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const remove = (Key: string, VersionId?: string) => client.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
const get = async (Key: string, VersionId?: string): Promise<string | undefined> =>
  (await client.send(new GetObjectCommand({ Bucket, Key, VersionId }))).Body?.transformToString();
const versioning = (status: string) =>
  cloud.declare("BucketVersioning", { bucket: Bucket, versioningConfiguration: { status } });

async function open(): Promise<void> {
  cloud = await startS3Cloud();
  client = cloud.client();
  await cloud.bucket(Bucket);
}

describe("S3 versioning", () => {
  beforeEach(open);
  afterEach(() => cloud.stop());

  it("keeps every version and hides them behind a delete marker", async () => {
    await versioning("Enabled");
    const one = await put("k", "one");
    const two = await put("k", "two");
    const marker = await remove("k");

    assert.equal(marker.DeleteMarker, true);
    assert.equal((await refusal(get("k"))).code, "NoSuchKey");
    assert.equal(await get("k", one.VersionId), "one");
    assert.equal(await get("k", two.VersionId), "two");
    const ofMarker = await refusal(get("k", marker.VersionId));
    assert.deepEqual([ofMarker.code, ofMarker.status], ["MethodNotAllowed", 405]);
    await remove("k", marker.VersionId);
    assert.equal(await get("k"), "two");
  });

  it("rejects the conditional deletion of a key that does not exist", async () => {
    const refused = await refusal(client.send(new DeleteObjectCommand({ Bucket, Key: "missing", IfMatch: "*" })));

    assert.deepEqual([refused.code, refused.status], ["NoSuchKey", 404]);
  });

  it("rejects version ids that are unknown or none", async () => {
    await versioning("Enabled");
    await put("k");

    assert.equal((await refusal(get("k", "0".repeat(32)))).code, "NoSuchVersion");
    assert.equal((await refusal(get("k", "what?"))).code, "InvalidArgument");
  });

  it("replaces the null version while suspended and keeps the others", async () => {
    await put("k", "before");
    await versioning("Enabled");
    const kept = await put("k", "kept");
    await versioning("Suspended");
    await put("k", "null 1");
    await put("k", "null 2");

    assert.equal(await get("k", "null"), "null 2");
    assert.equal(await get("k", kept.VersionId), "kept");
    assert.equal(cloud.s3.bodyFileCount(), 2);
  });

  it("lists versions and markers, newest first, in pages", async () => {
    await versioning("Enabled");
    await put("a", "1");
    await put("a", "2");
    await remove("a");
    await put("b", "1");

    const all = await client.send(new ListObjectVersionsCommand({ Bucket }));
    const page = await client.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 2 }));
    const rest = await client.send(
      new ListObjectVersionsCommand({
        Bucket,
        KeyMarker: page.NextKeyMarker,
        VersionIdMarker: page.NextVersionIdMarker,
      }),
    );

    assert.deepEqual(
      all.Versions?.map((item) => [item.Key, item.IsLatest]),
      [
        ["a", false],
        ["a", false],
        ["b", true],
      ],
    );
    assert.deepEqual(
      all.DeleteMarkers?.map((item) => [item.Key, item.IsLatest]),
      [["a", true]],
    );
    assert.deepEqual(
      rest.Versions?.map((item) => item.Key),
      ["a", "b"],
    );
    assert.equal(rest.DeleteMarkers, undefined);
  });
});

describe("S3 lifecycle", () => {
  beforeEach(open);
  afterEach(() => cloud.stop());

  const rules = (...list: PropertyMap[]) =>
    cloud.declare("BucketLifecycleConfiguration", {
      bucket: Bucket,
      rules: list.map((rule, index) => ({ id: `rule-${index}`, status: "Enabled", ...rule })),
    });
  /** Moves to just after the midnight that follows `days` whole days. */
  const passDays = (days: number): Promise<void> =>
    cloud.clock.advance(days * DAY + DAY - (cloud.clock.now() % DAY) + 1);

  it("U15: aborts unfinished uploads at the midnight after their last day, and leaves objects alone", async () => {
    await rules({ abortIncompleteMultipartUpload: { daysAfterInitiation: 1 }, filter: { prefix: "" } });
    await put("finished");
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ Bucket, Key: "open", ChecksumAlgorithm: "CRC32" }),
    );
    await client.send(new UploadPartCommand({ Bucket, Key: "open", UploadId, PartNumber: 1, Body: "x" }));

    await passDays(0);
    assert.equal(cloud.s3.multipartUploads(Bucket).length, 1);
    await passDays(0);

    assert.equal(cloud.s3.multipartUploads(Bucket).length, 0);
    assert.equal(cloud.s3.objectCount(Bucket), 1);
    assert.equal(cloud.s3.bodyFileCount(), 1);
  });

  it("expires objects that the filter covers", async () => {
    await rules({
      expiration: { days: 2 },
      filter: { and: { prefix: "tmp/", tags: { keep: "no" }, objectSizeGreaterThan: 1 } },
    });
    await put("tmp/yes", "xx", { Tagging: "keep=no" });
    await put("tmp/small", "x", { Tagging: "keep=no" });
    await put("tmp/untagged", "xx");
    await put("other", "xx", { Tagging: "keep=no" });

    await passDays(1);
    assert.equal(cloud.s3.objectCount(Bucket), 4);
    await passDays(0);

    assert.equal(cloud.s3.objectCount(Bucket), 3);
  });

  it("expires old versions and markers that hide nothing", async () => {
    await versioning("Enabled");
    await rules(
      { noncurrentVersionExpiration: { noncurrentDays: 1 } },
      { expiration: { expiredObjectDeleteMarker: true } },
    );
    await put("k", "1");
    await put("k", "2");
    await remove("k");

    await passDays(1);
    await passDays(0);

    const client2 = cloud.client();
    const left = await client2.send(new ListObjectVersionsCommand({ Bucket }));
    assert.deepEqual([left.Versions, left.DeleteMarkers], [undefined, undefined]);
    assert.equal(cloud.s3.bodyFileCount(), 0);
  });

  it("keeps as many newer old versions as the rule says", async () => {
    await versioning("Enabled");
    await rules({ noncurrentVersionExpiration: { noncurrentDays: 1, newerNoncurrentVersions: 1 } });
    for (const body of ["1", "2", "3"]) await put("k", body);

    await passDays(2);

    const left = await cloud.client().send(new ListObjectVersionsCommand({ Bucket }));
    assert.deepEqual(
      left.Versions?.map(({ IsLatest }) => IsLatest),
      [true, false],
    );
  });

  it("leaves disabled rules alone", async () => {
    await rules({ expiration: { days: 1 }, status: "Disabled" });
    await put("k");

    await passDays(3);

    assert.equal(cloud.s3.objectCount(Bucket), 1);
  });
});

describe("S3 notifications", () => {
  beforeEach(open);
  afterEach(() => cloud.stop());

  const functionArn = `arn:aws:lambda:eu-west-1:${testAccountId}:function:on-upload`;

  it("U20: tells EventBridge about writes, copies, completions, tags and deletes", async () => {
    await cloud.declare("BucketNotification", { bucket: Bucket, eventbridge: true });

    await put("a", "hello");
    await client.send(new CopyObjectCommand({ Bucket, Key: "b", CopySource: `${Bucket}/a` }));
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ Bucket, Key: "c", ChecksumAlgorithm: "CRC32" }),
    );
    const part = await client.send(new UploadPartCommand({ Bucket, Key: "c", UploadId, PartNumber: 1, Body: "x" }));
    const Parts = [{ PartNumber: 1, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 }];
    await client.send(new CompleteMultipartUploadCommand({ Bucket, Key: "c", UploadId, MultipartUpload: { Parts } }));
    await client.send(
      new PutObjectTaggingCommand({ Bucket, Key: "a", Tagging: { TagSet: [{ Key: "k", Value: "v" }] } }),
    );
    await remove("a");

    assert.deepEqual(
      cloud.events.map(({ detailType, detail }) => [detailType, detail.reason]),
      [
        ["Object Created", "PutObject"],
        ["Object Created", "CopyObject"],
        ["Object Created", "CompleteMultipartUpload"],
        ["Object Tags Added", undefined],
        ["Object Deleted", "DeleteObject"],
      ],
    );
    const [first] = cloud.events;
    assert.equal(first?.source, "aws.s3");
    assert.deepEqual(first.resources, [`arn:aws:s3:::${Bucket}`]);
    const { object, bucket } = first.detail as { object: Record<string, unknown>; bucket: unknown };
    assert.deepEqual(bucket, { name: Bucket });
    assert.deepEqual([object.key, object.size, object.etag], ["a", 5, "5d41402abc4b2a76b9719d911017c592"]);
    assert.equal(cloud.events.at(-1)?.detail["deletion-type"], "Permanently Deleted");
  });

  it("tells of deletions in a bucket that keeps versions: of the marker, then of the version", async () => {
    await versioning("Enabled");
    const { VersionId } = await put("a");
    await cloud.declare("BucketNotification", { bucket: Bucket, eventbridge: true });

    const marker = await remove("a");
    await remove("a", VersionId);

    assert.deepEqual(deletionsOf(cloud), [
      ["a", marker.VersionId, "d41d8cd98f00b204e9800998ecf8427e", "DeleteObject", "Delete Marker Created"],
      ["a", VersionId, undefined, "DeleteObject", "Permanently Deleted"],
    ]);
    assert.equal(cloud.events[0]?.detail.requester, testAccountId);
  });

  it("tells of what lifecycle rules delete, as s3.amazonaws.com and without an address", async () => {
    await versioning("Enabled");
    const { VersionId } = await put("a");
    await cloud.declare("BucketNotification", { bucket: Bucket, eventbridge: true });
    const rule = { id: "expire", status: "Enabled", filter: { prefix: "" }, expiration: { days: 1 } };
    const noncurrentVersionExpiration = { noncurrentDays: 1 };
    await cloud.declare("BucketLifecycleConfiguration", {
      bucket: Bucket,
      rules: [{ ...rule, noncurrentVersionExpiration }],
    });

    await cloud.clock.advance(5 * DAY);

    const told = deletionsOf(cloud);
    assert.deepEqual(
      told.map(([key, , ...rest]) => [key, ...rest]),
      [
        ["a", "d41d8cd98f00b204e9800998ecf8427e", "Lifecycle Expiration", "Delete Marker Created"],
        ["a", undefined, "Lifecycle Expiration", "Permanently Deleted"],
      ],
    );
    assert.equal(told[1]?.[1], VersionId);
    for (const { detail } of cloud.events) {
      assert.deepEqual([detail.requester, "source-ip-address" in detail], ["s3.amazonaws.com", false]);
    }
  });

  it("stays silent while EventBridge is off", async () => {
    await put("a");

    assert.equal(cloud.events.length, 0);
  });

  it("invokes functions whose filter and event fit, as s3.amazonaws.com", async () => {
    await cloud.declare("BucketNotification", {
      bucket: Bucket,
      lambdaFunctions: [
        {
          id: "images",
          lambdaFunctionArn: functionArn,
          events: ["s3:ObjectCreated:*"],
          filterPrefix: "in/",
          filterSuffix: ".png",
        },
      ],
    });

    await put("in/a b.png");
    await put("in/a.txt");
    await put("a.png");
    await remove("in/a b.png");

    assert.equal(cloud.invocations.length, 1);
    const [{ payload, principal }] = cloud.invocations as [(typeof cloud.invocations)[number]];
    const [record] = (
      payload as { Records: { eventName: string; s3: { object: { key: string }; configurationId: string } }[] }
    ).Records;
    assert.deepEqual(
      [record?.eventName, record?.s3.object.key, record?.s3.configurationId],
      ["ObjectCreated:Put", "in/a+b.png", "images"],
    );
    assert.deepEqual(
      [principal.service, principal.sourceArn, principal.sourceAccount],
      ["s3.amazonaws.com", `arn:aws:s3:::${Bucket}`, testAccountId],
    );
  });

  it("rejects a function that S3 may not invoke", async () => {
    cloud.forbiddenFunctions.add(functionArn);

    const refused = await refusal(
      cloud.declare("BucketNotification", {
        bucket: Bucket,
        lambdaFunctions: [{ lambdaFunctionArn: functionArn, events: ["s3:ObjectCreated:*"] }],
      }),
    );

    assert.equal(refused.message, "Unable to validate the following destination configurations");
  });
});

describe("S3 faults", () => {
  beforeEach(open);
  afterEach(() => cloud.stop());

  it("fails the call that the rule counts to, and no other", async () => {
    cloud.s3.injectFault({ operation: "PutObject", nth: 2, status: 503 });

    await put("a");
    const slow = await refusal(put("b"));
    await put("c");

    assert.deepEqual([slow.code, slow.status], ["SlowDown", 503]);
  });

  it("drops the connection before or after the call was processed", async () => {
    const end = cloud.s3.injectFault({ operation: "PutObject", drop: "before" });
    assert.equal((await refusal(put("a"))).status, undefined);
    assert.equal(cloud.s3.objectCount(Bucket), 0);
    end();
    cloud.s3.injectFault({ operation: "PutObject", drop: "after", times: 1 });

    assert.equal((await refusal(put("a"))).status, undefined);

    assert.equal(cloud.s3.objectCount(Bucket), 1);
    await put("a");
  });

  it("U24: puts an error document inside a 200 answer of completion, which the SDK takes for a failure", async () => {
    cloud.s3.injectFault({ operation: "CompleteMultipartUpload", errorInside200: true });
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: "c" }));
    const complete = new CompleteMultipartUploadCommand({ Bucket, Key: "c", UploadId, MultipartUpload: { Parts: [] } });

    assert.equal((await refusal(client.send(complete))).code, "InternalError");
  });

  it("delays on the injected clock, and draws from the given source", async () => {
    cloud.s3.injectFault({ operation: "HeadObject", keyPrefix: "slow/", delayMs: 5000, status: 500 });
    cloud.s3.injectFault({ operation: "GetObject", probability: 0.5, random: () => 0.49, status: 500 });
    const head = refusal(client.send(new HeadObjectCommand({ Bucket, Key: "slow/a" })));
    const settled = head.then((answer) => answer.status);
    let pending = true;
    void settled.then(() => (pending = false));
    await put("probe");
    assert.ok(pending);
    await cloud.clock.advance(5000);

    assert.equal(await settled, 500);
    assert.equal((await refusal(get("probe"))).status, 500);
  });
});

/** Key, version, ETag, reason and kind of every deletion that EventBridge was told of. */
function deletionsOf({ events }: S3Cloud): (readonly unknown[])[] {
  return events
    .filter(({ detailType }) => detailType === "Object Deleted")
    .map(({ detail }) => {
      const object = detail.object as Readonly<Record<string, unknown>>;
      return [object.key, object["version-id"], object.etag, detail.reason, detail["deletion-type"]];
    });
}
