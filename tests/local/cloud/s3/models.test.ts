// Proves the resource types of S3: what their checks refuse, and the outputs that the AWS provider would return.
import assert from "node:assert/strict";
import { mkdtemp, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  GetBucketAccelerateConfigurationCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketLoggingCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import { problemsOf, testAccountId } from "../../../support/cloud-context";
import { refusal, type S3Cloud, s3Type, startS3Cloud } from "../../../support/s3-cloud";

describe("S3 resource types", () => {
  let cloud: S3Cloud;

  beforeEach(async () => {
    cloud = await startS3Cloud();
  });
  afterEach(() => cloud.stop());

  const problems = (type: string, inputs: PropertyMap): readonly string[] => problemsOf(cloud.s3, s3Type(type), inputs);
  const remove = async (type: string, id: string, outputs: PropertyMap): Promise<void> => {
    const model = cloud.s3.models.find((candidate) => candidate.type === s3Type(type));
    await model?.delete?.(id, outputs, {} as never);
  };

  it("returns the outputs of a bucket and maps its hosts", async () => {
    const { id, outputs } = await cloud.declare("Bucket", { bucket: "media", tags: { team: "a" } });

    assert.equal(id, "media");
    assert.deepEqual(outputs.tagsAll, { team: "a" });
    assert.equal(outputs.arn, "arn:aws:s3:::media");
    assert.equal(outputs.bucketDomainName, "media.s3.amazonaws.com");
    assert.equal(outputs.bucketRegionalDomainName, "media.s3.eu-west-1.amazonaws.com");
    assert.equal(outputs.hostedZoneId, "Z1BKCTXD74EZPE");
    assert.equal(outputs.region, "eu-west-1");
    const { hosts } = cloud.context;
    assert.equal(hosts.localise("https://media.s3.eu-west-1.amazonaws.com/a"), `${cloud.origin}/media/a`);
    assert.equal(hosts.localise("https://media.s3.dualstack.eu-west-1.amazonaws.com"), `${cloud.origin}/media`);
    assert.equal(hosts.localise("https://media.s3-accelerate.amazonaws.com"), `${cloud.accelerateOrigin}/media`);
    assert.equal(
      hosts.localise("https://media.s3-accelerate.dualstack.amazonaws.com"),
      `${cloud.accelerateOrigin}/media`,
    );
    assert.equal(cloud.s3.bucketOfDomain("media.s3.eu-west-1.amazonaws.com"), "media");
    assert.equal(cloud.s3.bucketOfDomain("other.s3.eu-west-1.amazonaws.com"), undefined);
  });

  it("U25: names account-regional buckets after account and Region, and rejects other names", async () => {
    const suffix = `-${testAccountId}-eu-west-1-an`;
    const named = await cloud.declare("Bucket", { bucketNamespace: "account-regional" });

    assert.equal(named.id, `thing-1234567${suffix}`);
    assert.deepEqual(problems("Bucket", { bucket: "media", bucketNamespace: "account-regional" }), [
      `bucket: must end in ${suffix} in the account-regional namespace, got media`,
    ]);
    assert.deepEqual(problems("Bucket", { bucket: `media${suffix}`, bucketNamespace: "account-regional" }), []);
  });

  it("rejects bucket names that S3 does not take", () => {
    for (const bucket of [
      "ab",
      "a".repeat(64),
      "Media",
      "a_b",
      "-ab",
      "a..b",
      "10.0.0.1",
      "xn--media",
      "media-s3alias",
    ]) {
      assert.ok(problems("Bucket", { bucket }).length > 0, bucket);
    }
    assert.deepEqual(problems("Bucket", { bucket: "a.b-c1" }), []);
  });

  it("rejects deprecated inline settings and names the resource to use", () => {
    assert.deepEqual(problems("Bucket", { corsRules: [], versioning: { enabled: true } }), [
      "corsRules: is deprecated inside the bucket; use the separate resource aws.s3.BucketCorsConfiguration",
      "versioning: is deprecated inside the bucket; use the separate resource aws.s3.BucketVersioning",
    ]);
  });

  it("rejects a name that is taken, and the deletion of a bucket that is not empty", async () => {
    const { outputs } = await cloud.declare("Bucket", { bucket: "media" });
    const taken = await refusal(cloud.declare("Bucket", { bucket: "media" }));
    await cloud.client().send(new PutObjectCommand({ Bucket: "media", Key: "a", Body: "x" }));
    const full = await refusal(remove("Bucket", "media", outputs));

    assert.equal(taken.code, "BucketAlreadyOwnedByYou");
    assert.deepEqual([full.code, full.message], ["BucketNotEmpty", "The bucket you tried to delete is not empty"]);
  });

  it("empties a bucket with forceDestroy, and forgets its hosts", async () => {
    const { outputs } = await cloud.declare("Bucket", { bucket: "media", forceDestroy: true });
    await cloud.client().send(new PutObjectCommand({ Bucket: "media", Key: "a", Body: "x" }));

    await remove("Bucket", "media", outputs);

    assert.equal(cloud.s3.bodyFileCount(), 0);
    assert.equal(cloud.context.hosts.all().size, 0);
  });

  it("leaves no file behind after stop", async () => {
    await cloud.bucket("media");
    await cloud.client().send(new PutObjectCommand({ Bucket: "media", Key: "a", Body: "x" }));

    await cloud.s3.stop?.();

    assert.deepEqual(await readdir(cloud.context.dataDirectory), []);
  });

  it("rejects settings of a bucket that does not exist", async () => {
    const missing = cloud.declare("BucketAccelerateConfiguration", { bucket: "none", status: "Enabled" });

    assert.equal((await refusal(missing)).code, "NoSuchBucket");
  });

  const refused: readonly (readonly [string, PropertyMap, RegExp])[] = [
    ["BucketAccelerateConfiguration", { bucket: "a.b", status: "Enabled" }, /not supported for buckets with periods/],
    ["BucketAccelerateConfiguration", { bucket: "media", status: "On" }, /status: must be one of Enabled, Suspended/],
    ["BucketVersioning", { bucket: "media", versioningConfiguration: { status: "on" } }, /must be one of/],
    ["BucketCorsConfiguration", { bucket: "media", corsRules: [] }, /must hold 1 to 100 rules/],
    [
      "BucketCorsConfiguration",
      { bucket: "media", corsRules: [{ allowedMethods: ["PATCH"], allowedOrigins: ["*"] }] },
      /got PATCH/,
    ],
    [
      "BucketCorsConfiguration",
      { bucket: "media", corsRules: [{ allowedMethods: ["GET"], allowedOrigins: ["https://*.*"] }] },
      /more than one wildcard/,
    ],
    [
      "BucketCorsConfiguration",
      { bucket: "media", corsRules: [{ allowedMethods: ["GET"], allowedOrigins: ["*"], exposeHeaders: ["*"] }] },
      /wildcard/,
    ],
    [
      "BucketLifecycleConfiguration",
      { bucket: "media", rules: [{ id: "a", status: "Enabled" }] },
      /at least one action/,
    ],
    [
      "BucketLifecycleConfiguration",
      {
        bucket: "media",
        rules: [
          {
            id: "a",
            status: "Enabled",
            abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
            filter: { tag: { key: "a", value: "b" } },
          },
        ],
      },
      /cannot be specified with tags/,
    ],
    [
      "BucketLifecycleConfiguration",
      { bucket: "media", rules: [{ id: "a", status: "Enabled", expiration: { date: "2026-01-01T10:00:00Z" } }] },
      /midnight/,
    ],
    ["BucketPolicy", { bucket: "media", policy: "{" }, /MalformedPolicy: Policies must be valid JSON/],
    ["BucketPolicy", { bucket: "media", policy: "{}" }, /Missing required field Statement/],
    ["BucketOwnershipControls", { bucket: "media", rule: { objectOwnership: "Mine" } }, /must be one of/],
    ["BucketNotification", { bucket: "media", queues: [{ queueArn: "q" }] }, /queues: is not simulated/],
    [
      "BucketServerSideEncryptionConfiguration",
      {
        bucket: "media",
        rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256", kmsMasterKeyId: "k" } }],
      },
      /goes with sseAlgorithm aws:kms only/,
    ],
    ["BucketObjectv2", { bucket: "media", content: "a", contentBase64: "YQ==" }, /conflicts with content/],
    ["BucketObjectv2", { bucket: "media", content: "a", acl: "private" }, /AccessControlListNotSupported/],
    ["BucketObjectv2", { bucket: "media", content: "a", objectLockMode: "GOVERNANCE" }, /is not simulated/],
    ["BucketMetric", { bucket: "media", name: "a b" }, /name: must be/],
  ];
  for (const [type, inputs, reason] of refused) {
    it(`rejects ${type} with ${JSON.stringify(inputs)}`, () => {
      assert.match(problems(type, inputs).join("; "), reason);
    });
  }

  for (const [what, statement, message] of [
    ["another bucket's resource", { Resource: "arn:aws:s3:::other/*" }, "Policy has invalid resource"],
    ["an action of another service", { Action: "sqs:SendMessage" }, "Policy has invalid action"],
    ["a principal that is none", { Principal: { AWS: "somebody" } }, "Invalid principal in policy"],
    ["no principal", { Principal: undefined }, "Missing required field Principal"],
    ["an unknown member", { Prinicpal: "*" }, "Unknown field Prinicpal"],
  ] as const) {
    it(`rejects a bucket policy with ${what} as MalformedPolicy`, () => {
      const base = { Effect: "Deny", Principal: "*", Action: "s3:*", Resource: "arn:aws:s3:::media/*" };
      const policy = JSON.stringify({ Version: "2012-10-17", Statement: [{ ...base, ...statement }] });

      assert.deepEqual(problems("BucketPolicy", { bucket: "media", policy }), [`policy: MalformedPolicy: ${message}`]);
    });
  }

  it("rejects two notifications that overlap", () => {
    const target = {
      lambdaFunctionArn: `arn:aws:lambda:eu-west-1:${testAccountId}:function:f`,
      events: ["s3:ObjectCreated:*"],
    };
    const overlapping = [target, { ...target, events: ["s3:ObjectCreated:Put"], filterPrefix: "in/" }];

    assert.match(
      problems("BucketNotification", { bucket: "media", lambdaFunctions: overlapping }).join(),
      /ambiguously/,
    );
    const apart = [
      { ...target, filterPrefix: "a/" },
      { ...target, filterPrefix: "b/" },
    ];
    assert.deepEqual(problems("BucketNotification", { bucket: "media", lambdaFunctions: apart }), []);
  });

  it("U19: answers reads of every setting that was declared", async () => {
    const Bucket = "media";
    const policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Deny",
          Principal: "*",
          Action: "s3:*",
          Resource: ["arn:aws:s3:::media", "arn:aws:s3:::media/*"],
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ],
    });
    await cloud.declare("Bucket", { bucket: Bucket, tags: { team: "a" } });
    await cloud.bucket("logs");
    const declareAll: [string, PropertyMap][] = [
      ["BucketVersioning", { versioningConfiguration: { status: "Enabled" } }],
      ["BucketAccelerateConfiguration", { status: "Enabled" }],
      ["BucketOwnershipControls", { rule: { objectOwnership: "BucketOwnerEnforced" } }],
      ["BucketPublicAccessBlock", { blockPublicAcls: true, blockPublicPolicy: true }],
      ["BucketCorsConfiguration", { corsRules: [{ allowedMethods: ["GET"], allowedOrigins: ["http://app.test"] }] }],
      ["BucketPolicy", { policy }],
      ["BucketNotification", { eventbridge: true }],
      ["BucketLogging", { targetBucket: "logs", targetPrefix: "media/" }],
      [
        "BucketLifecycleConfiguration",
        { rules: [{ id: "abort", status: "Enabled", abortIncompleteMultipartUpload: { daysAfterInitiation: 1 } }] },
      ],
      [
        "BucketServerSideEncryptionConfiguration",
        { rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
      ],
      ["BucketMetric", { name: "all" }],
    ];
    for (const [type, inputs] of declareAll) await cloud.declare(type, { bucket: Bucket, ...inputs });
    const client = cloud.client();

    assert.equal((await client.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint, "eu-west-1");
    assert.equal((await client.send(new GetBucketVersioningCommand({ Bucket }))).Status, "Enabled");
    assert.equal((await client.send(new GetBucketAccelerateConfigurationCommand({ Bucket }))).Status, "Enabled");
    const ownership = await client.send(new GetBucketOwnershipControlsCommand({ Bucket }));
    assert.equal(ownership.OwnershipControls?.Rules?.[0]?.ObjectOwnership, "BucketOwnerEnforced");
    const block = await client.send(new GetPublicAccessBlockCommand({ Bucket }));
    assert.deepEqual(block.PublicAccessBlockConfiguration, {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: false,
      RestrictPublicBuckets: false,
    });
    const cors = await client.send(new GetBucketCorsCommand({ Bucket }));
    assert.deepEqual(cors.CORSRules?.[0]?.AllowedOrigins, ["http://app.test"]);
    assert.equal((await client.send(new GetBucketPolicyCommand({ Bucket }))).Policy, policy);
    assert.equal((await client.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus?.IsPublic, false);
    const notification = await client.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
    assert.deepEqual(notification.EventBridgeConfiguration, {});
    assert.equal((await client.send(new GetBucketLoggingCommand({ Bucket }))).LoggingEnabled?.TargetBucket, "logs");
    const lifecycle = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    assert.equal(lifecycle.Rules?.[0]?.AbortIncompleteMultipartUpload?.DaysAfterInitiation, 1);
    const encryption = await client.send(new GetBucketEncryptionCommand({ Bucket }));
    const rule = encryption.ServerSideEncryptionConfiguration?.Rules?.[0];
    assert.equal(rule?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm, "AES256");
    assert.deepEqual((await client.send(new GetBucketTaggingCommand({ Bucket }))).TagSet, [
      { Key: "team", Value: "a" },
    ]);
  });

  it("rejects reads of settings that nobody declared", async () => {
    await cloud.bucket("media");
    const client = cloud.client();

    const cors = await refusal(client.send(new GetBucketCorsCommand({ Bucket: "media" })));
    const policy = await refusal(client.send(new GetBucketPolicyCommand({ Bucket: "media" })));

    assert.deepEqual([cors.code, cors.status], ["NoSuchCORSConfiguration", 404]);
    assert.deepEqual([policy.code, policy.status], ["NoSuchBucketPolicy", 404]);
  });

  it("puts objects from text, base64 and files", async () => {
    await cloud.bucket("media");
    const file = join(await mkdtemp(join(cloud.context.dataDirectory, "assets-")), "a.txt");
    await writeFile(file, "from a file");
    const read = async (Key: string) => {
      const answer = await cloud.client().send(new GetObjectCommand({ Bucket: "media", Key }));
      return [await answer.Body?.transformToString(), answer.ContentType];
    };

    const text = await cloud.declare("BucketObjectv2", {
      bucket: "media",
      key: "t",
      content: "hello",
      contentType: "text/plain",
    });
    await cloud.declare("BucketObject", { bucket: "media", key: "b", contentBase64: "aGk=" });
    await cloud.declare("BucketObjectv2", { bucket: "media", key: "f", source: { kind: "asset", path: file } });

    assert.deepEqual(await read("t"), ["hello", "text/plain"]);
    assert.deepEqual(await read("b"), ["hi", "application/octet-stream"]);
    assert.deepEqual((await read("f"))[0], "from a file");
    assert.equal(text.outputs.etag, "5d41402abc4b2a76b9719d911017c592");
    await remove("BucketObjectv2", text.id, text.outputs);
    assert.equal(cloud.s3.objectCount("media"), 2);
  });
});
