// Proves which resources AcceleratedUploadBucket declares, and which argument changes which input. Runs on the engine with AWS-shaped
// outputs; it does not prove that AWS accepts them.
import assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { AcceleratedUploadBucket } from "../../../components";
import type { AcceleratedUploadBucketArgs } from "../../../components";
import { UPLOAD_HANDLERS } from "../../../handlers/upload/contract";
import { evaluateProgram, type ProgramEvaluation, type ProgramOptions } from "../../support/engine-run";
import { publicFieldsOf, reachableFrom } from "../../support/public-children";
import { MINIMAL_ARGS, USER_POOL_ARN } from "../../support/upload-component";

const HANDLERS = ["abort", "complete", "describe", "list", "release", "sign", "start", "sweep"];

async function evaluate(
  args: Partial<AcceleratedUploadBucketArgs> = {},
  options: ProgramOptions = {},
): Promise<ProgramEvaluation> {
  const evaluation = await evaluateProgram(() => {
    const uploads = new AcceleratedUploadBucket("media", { ...MINIMAL_ARGS, ...args });
    return { clientConfiguration: uploads.clientConfiguration, uploadOrigins: uploads.uploadOrigins };
  }, options);
  assert.deepEqual(
    evaluation.errors.map(({ message }) => message),
    [],
  );
  return evaluation;
}

function parsed(value: unknown): unknown {
  assert.equal(typeof value, "string");
  return JSON.parse(value as string);
}

describe("AcceleratedUploadBucket: resources", () => {
  it("creates exactly these children from minimal arguments", async () => {
    const { table } = await evaluate();

    const names = table().map(([type, name, parent]) => `${parent} > ${name} (${type.split(":")[2] ?? ""})`);
    const ofHandler = (role: string, type: string): string[] =>
      HANDLERS.map((handler) => `media > media-${handler}-${role} (${type})`);
    assert.deepEqual(
      names.sort(),
      [
        "test-dev > media (AcceleratedUploadBucket)",
        "media > media-bucket (Bucket)",
        "media > media-public-access-block (BucketPublicAccessBlock)",
        "media > media-ownership-controls (BucketOwnershipControls)",
        "media > media-versioning (BucketVersioning)",
        "media > media-encryption (BucketServerSideEncryptionConfiguration)",
        "media > media-acceleration (BucketAccelerateConfiguration)",
        "media > media-lifecycle (BucketLifecycleConfiguration)",
        "media > media-cors (BucketCorsConfiguration)",
        "media > media-notification (BucketNotification)",
        "media > media-bucket-policy (BucketPolicy)",
        "media > media-table (Table)",
        ...ofHandler("log-group", "LogGroup"),
        ...ofHandler("role", "Role"),
        ...ofHandler("policy", "RolePolicy"),
        ...ofHandler("function", "Function"),
        ...ofHandler("permission", "Permission"),
        "media > media-sweep-rule (EventRule)",
        "media > media-sweep-target (EventTarget)",
        "media > media-release-rule (EventRule)",
        "media > media-release-target (EventTarget)",
        "media > media-api (RestApi)",
        "media > media-deployment (Deployment)",
        "media > media-stage (Stage)",
        "media > media-method-settings (MethodSettings)",
        "media > media-access-log-group (LogGroup)",
        ...["stale-uploads", "client-errors", "server-errors", "bytes", "unswept-uploads", "sweep-errors"].map(
          (what) => `media > media-${what}-alarm (MetricAlarm)`,
        ),
        "media > media-dashboard (Dashboard)",
      ].sort(),
    );
  });

  it("U19: keeps the bucket private, versioned, owner-enforced and encrypted", async () => {
    const { byName } = await evaluate();

    const { blockPublicAcls, blockPublicPolicy, ignorePublicAcls, restrictPublicBuckets } =
      byName("media-public-access-block").inputs;
    assert.deepEqual(
      [blockPublicAcls, blockPublicPolicy, ignorePublicAcls, restrictPublicBuckets],
      [true, true, true, true],
    );
    assert.deepEqual(byName("media-ownership-controls").inputs.rule, { objectOwnership: "BucketOwnerEnforced" });
    assert.deepEqual(byName("media-versioning").inputs.versioningConfiguration, { status: "Enabled" });
    assert.deepEqual(byName("media-encryption").inputs.rules, [
      { applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } },
    ]);
    assert.equal(byName("media-bucket").inputs.forceDestroy, false);
    assert.equal(byName("media-table").inputs.deletionProtectionEnabled, true);
  });

  it("U19: encrypts with a customer key and bucket key when one is given", async () => {
    const kmsKeyArn = "arn:aws:kms:eu-west-1:111111111111:key/1";
    const { byName } = await evaluate({ kmsKeyArn });

    assert.deepEqual(byName("media-encryption").inputs.rules, [
      {
        applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: kmsKeyArn },
        bucketKeyEnabled: true,
      },
    ]);
    const rules = parsed(environmentOf(await evaluate({ kmsKeyArn }), "start").UPLOAD_RULES) as Record<string, unknown>;
    assert.deepEqual([rules.serverSideEncryption, rules.kmsKeyArn], ["aws:kms", kmsKeyArn]);
  });

  it("U15: aborts unfinished uploads after a day and never deletes finished ones unasked", async () => {
    const abortRule = (days: number): object => ({
      id: "abort-unfinished-uploads",
      status: "Enabled",
      filter: { prefix: "" },
      abortIncompleteMultipartUpload: { daysAfterInitiation: days },
    });

    assert.deepEqual((await evaluate()).byName("media-lifecycle").inputs.rules, [abortRule(1)]);
    const asked = await evaluate({ abandonAfterDays: 3, expireObjectsAfterDays: 90 });
    assert.deepEqual(asked.byName("media-lifecycle").inputs.rules, [
      abortRule(3),
      {
        id: "expire-objects",
        status: "Enabled",
        filter: { prefix: "uploads/" },
        expiration: { days: 90 },
        noncurrentVersionExpiration: { noncurrentDays: 1 },
      },
      {
        id: "remove-delete-markers",
        status: "Enabled",
        filter: { prefix: "uploads/" },
        expiration: { expiredObjectDeleteMarker: true },
      },
    ]);
  });

  it("U16: lists exactly the configured origins and exposes ETag and the checksum", async () => {
    const { byName } = await evaluate({ allowedOrigins: ["https://a.example.com", "https://b.example.com"] });

    assert.deepEqual(byName("media-cors").inputs.corsRules, [
      {
        id: "browser-uploads",
        allowedOrigins: ["https://a.example.com", "https://b.example.com"],
        allowedMethods: ["PUT"],
        allowedHeaders: ["content-type", "x-amz-checksum-crc64nvme"],
        exposeHeaders: ["ETag", "x-amz-checksum-crc64nvme"],
        maxAgeSeconds: 3600,
      },
    ]);
  });

  it("U16: answers every origin with * when it is acknowledged, beside others too", async () => {
    const { byName } = await evaluate({ allowedOrigins: ["*", "https://a.example.com"], acknowledgeAnyOrigin: true });

    const body = byName("media-api").inputs.body as string;
    assert.match(body, /"method\.response\.header\.Access-Control-Allow-Origin":"'\*'"/);
    assert.match(body, /"gatewayresponse\.header\.Access-Control-Allow-Origin":"'\*'"/);
  });

  it("U1: every route asks for an ID token of the pool, and preflights for nothing", async () => {
    const { byName } = await evaluate();

    const document = parsed(byName("media-api").inputs.body) as OpenApi;
    const scheme = document.components.securitySchemes.caller;
    assert.deepEqual(scheme, {
      type: "apiKey",
      name: "Authorization",
      in: "header",
      "x-amazon-apigateway-authtype": "cognito_user_pools",
      "x-amazon-apigateway-authorizer": { type: "cognito_user_pools", providerARNs: [USER_POOL_ARN] },
    });
    const methods = methodsOf(document);
    assert.equal(methods.length, 10);
    for (const [verb, method] of methods) {
      assert.deepEqual(method.security, verb === "options" ? undefined : [{ caller: [] }]);
      assert.equal(method["x-amazon-apigateway-integration"].type, verb === "options" ? "mock" : "aws_proxy");
    }
  });

  it("U1: asks for SigV4 in mode iam", async () => {
    const evaluation = await evaluateProgram(() => {
      new AcceleratedUploadBucket("media", { allowedOrigins: MINIMAL_ARGS.allowedOrigins, authorizationMode: "iam" });
    });

    const document = parsed(evaluation.byName("media-api").inputs.body) as OpenApi;
    assert.equal(document.components.securitySchemes.caller?.["x-amazon-apigateway-authtype"], "awsSigv4");
  });

  it("U1: adds the source ranges as a resource policy beside the authorizer", async () => {
    const { byName } = await evaluate({ allowedSourceCidrs: ["192.0.2.0/24"] });

    const document = parsed(byName("media-api").inputs.body) as OpenApi;
    assert.deepEqual(document["x-amazon-apigateway-policy"], {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "AllowInvoke",
          Effect: "Allow",
          Principal: "*",
          Action: "execute-api:Invoke",
          Resource: "execute-api:/*",
        },
        {
          Sid: "DenyOtherAddresses",
          Effect: "Deny",
          Principal: "*",
          Action: "execute-api:Invoke",
          Resource: "execute-api:/*",
          Condition: { NotIpAddress: { "aws:SourceIp": ["192.0.2.0/24"] } },
        },
      ],
    });
    assert.ok(methodsOf(document).every(([verb, method]) => verb === "options" || method.security?.length === 1));
  });

  it("U21: throttles the whole stage without API keys and attaches a web ACL by one setting", async () => {
    const webAclArn = "arn:aws:wafv2:eu-west-1:111111111111:regional/webacl/a/b";
    const { byName } = await evaluate({ webAclArn, throttling: { rateLimit: 7, burstLimit: 9 } });

    const { methodPath, settings } = byName("media-method-settings").inputs;
    assert.equal(methodPath, "*/*");
    assert.deepEqual(settings, { throttlingRateLimit: 7, throttlingBurstLimit: 9, metricsEnabled: true });
    const stageArn = byName("media-stage").outputs.arn;
    const association = byName("media-web-acl-association").inputs;
    assert.deepEqual([association.webAclArn, association.resourceArn], [webAclArn, stageArn]);
  });

  it("U22: raises alarms on stale uploads, 4xx, 5xx and bytes, told to a given topic, and no message when they end", async () => {
    const topicArn = "arn:aws:sns:eu-west-1:111111111111:operations";
    const { byType, byName } = await evaluate({ alarms: { topicArn, bytesPerHourThreshold: 5 } });

    const alarms = byType("aws:cloudwatch/metricAlarm:MetricAlarm");
    assert.deepEqual(
      Object.fromEntries(alarms.map(({ name, inputs }) => [name, [inputs.metricName, inputs.threshold]])),
      {
        "media-stale-uploads-alarm": ["AbandonedUploads", 10],
        "media-client-errors-alarm": ["4XXError", 0.2],
        "media-server-errors-alarm": ["5XXError", 1],
        "media-bytes-alarm": ["BytesCompleted", 5],
        "media-unswept-uploads-alarm": ["StaleUploads", 1],
        "media-sweep-errors-alarm": ["Errors", 1],
      },
    );
    for (const { inputs } of alarms) {
      assert.deepEqual([inputs.alarmActions, inputs.okActions], [[topicArn], undefined]);
    }
    const { widgets } = parsed(byName("media-dashboard").inputs.dashboardBody) as { widgets: unknown[] };
    assert.equal(widgets.length, 6);
  });

  it("U22: leaves alarms and dashboard out when they are switched off", async () => {
    const { byType } = await evaluate({ alarms: { enabled: false } });

    assert.deepEqual(byType("aws:cloudwatch/metricAlarm:MetricAlarm"), []);
    assert.deepEqual(byType("aws:cloudwatch/dashboard:Dashboard"), []);
  });

  it("U25: reserves the bucket's name to account and Region", async () => {
    const { byName } = await evaluate({ bucketNamespace: "account-regional", bucketName: "media" });

    const { bucket, bucketNamespace } = byName("media-bucket").inputs;
    assert.deepEqual([bucket, bucketNamespace], ["media-111111111111-eu-west-1-an", "account-regional"]);
  });

  it("U25: rejects a provider's Region without acceleration at preview, and accepts it without acceleration", async () => {
    const inBeijing = (acceleration: boolean): Promise<ProgramEvaluation> =>
      evaluateProgram(
        () => {
          new AcceleratedUploadBucket("media", { ...MINIMAL_ARGS, acceleration });
        },
        { preview: true, config: { "aws:region": "cn-north-1" } },
      );

    const { errors } = await inBeijing(true);
    assert.match(errors[0]?.message ?? "", /acceleration must be false in a Region without S3 Transfer Acceleration/);
    const without = await inBeijing(false);
    assert.deepEqual(without.errors, []);
    assert.deepEqual(without.byType("aws:s3/bucketAccelerateConfiguration:BucketAccelerateConfiguration"), []);
  });

  it("U34: yields the client's configuration and the origins of part URLs", async () => {
    const { output, byName } = await evaluate();

    const bucketName = byName("media-bucket").outputs.bucket as string;
    assert.deepEqual(output("clientConfiguration"), {
      apiUrl: byName("media-stage").outputs.invokeUrl,
      region: "eu-west-1",
      bucketName,
      authorization: "cognito",
      acceleration: true,
      maximumFileBytes: 50 * 1024 ** 3,
      allowedContentTypes: [
        "application/gzip",
        "application/json",
        "application/octet-stream",
        "application/pdf",
        "application/zip",
        "audio/*",
        "image/avif",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "text/csv",
        "text/plain",
        "video/*",
      ],
      signWindow: 100,
    });
    assert.deepEqual(output("uploadOrigins"), [
      `https://${bucketName}.s3.dualstack.eu-west-1.amazonaws.com`,
      `https://${bucketName}.s3-accelerate.dualstack.amazonaws.com`,
    ]);
  });

  it("U20: scans finished objects with GuardDuty when asked to", async () => {
    const { byName } = await evaluate({ malwareProtection: {} });

    const plan = byName("media-malware-protection-plan").inputs;
    assert.deepEqual(plan.actions, [{ taggings: [{ status: "ENABLED" }] }]);
    assert.deepEqual(plan.protectedResource, {
      s3Bucket: { bucketName: byName("media-bucket").outputs.bucket, objectPrefixes: ["uploads/"] },
    });
  });

  it("U20: leaves events of the bucket to EventBridge", async () => {
    assert.equal((await evaluate()).byName("media-notification").inputs.eventbridge, true);
  });

  it("tells the releaser of deleted objects below the prefix, and of nothing else", async () => {
    const { byName } = await evaluate({ keyPrefix: "in/", eventBusName: "media-bus" });

    const { eventPattern, eventBusName, scheduleExpression } = byName("media-release-rule").inputs;
    assert.deepEqual(parsed(eventPattern), {
      source: ["aws.s3"],
      "detail-type": ["Object Deleted"],
      detail: { bucket: { name: [byName("media-bucket").outputs.bucket] }, object: { key: [{ prefix: "in/" }] } },
    });
    // S3 tells the default bus, whichever bus the component's own events go to.
    assert.deepEqual([eventBusName, scheduleExpression], [undefined, undefined]);
    const { arn, rule } = byName("media-release-target").inputs;
    assert.deepEqual(
      [arn, rule],
      [byName("media-release-function").outputs.arn, byName("media-release-rule").outputs.name],
    );
  });

  it("redeploys the API when the document changes, and only then", async () => {
    const hash = async (args: Partial<AcceleratedUploadBucketArgs>): Promise<unknown> =>
      (await evaluate(args)).byName("media-deployment").inputs.triggers;

    assert.deepEqual(await hash({}), await hash({ urlExpirySeconds: 600 }));
    assert.notDeepEqual(await hash({}), await hash({ allowedSourceCidrs: ["192.0.2.0/24"] }));
  });

  it("A8: gives every log group a retention and every taggable resource the caller's tags", async () => {
    const { resources, byType } = await evaluate({ tags: { team: "media" }, logRetentionDays: 14 });

    for (const group of byType("aws:cloudwatch/logGroup:LogGroup")) assert.equal(group.inputs.retentionInDays, 14);
    const taggable = /:(Bucket|Table|LogGroup|Role|Function|EventRule|RestApi|Stage|MetricAlarm)$/;
    const untagged = resources.filter(
      ({ type, inputs }) => taggable.test(type) && JSON.stringify(inputs.tags) !== '{"team":"media"}',
    );
    assert.deepEqual(
      untagged.map(({ name }) => name),
      [],
    );
  });

  it("places every regional resource in the given Region", async () => {
    const { resources } = await evaluate({ region: "us-west-2" });

    const elsewhere = resources.filter(
      ({ custom, type, inputs }) => custom && !/^(pulumi:|aws:iam\/)/.test(type) && inputs.region !== "us-west-2",
    );
    assert.deepEqual(
      elsewhere.map(({ name }) => name),
      [],
    );
  });

  it("A2: lets API Gateway and EventBridge run a function only from its own route and rule", async () => {
    const { byType, byName } = await evaluate();

    const api = byName("media-api").outputs.executionArn as string;
    assert.deepEqual(
      Object.fromEntries(
        byType("aws:lambda/permission:Permission").map(({ name, inputs }) => [
          name,
          [inputs.principal, inputs.sourceArn],
        ]),
      ),
      {
        "media-start-permission": ["apigateway.amazonaws.com", `${api}/v1/POST/uploads`],
        "media-sign-permission": ["apigateway.amazonaws.com", `${api}/v1/POST/uploads/*/parts`],
        "media-describe-permission": ["apigateway.amazonaws.com", `${api}/v1/GET/uploads/*`],
        "media-complete-permission": ["apigateway.amazonaws.com", `${api}/v1/POST/uploads/*/complete`],
        "media-abort-permission": ["apigateway.amazonaws.com", `${api}/v1/DELETE/uploads/*`],
        "media-list-permission": ["apigateway.amazonaws.com", `${api}/v1/GET/uploads`],
        "media-sweep-permission": ["events.amazonaws.com", byName("media-sweep-rule").outputs.arn],
        "media-release-permission": ["events.amazonaws.com", byName("media-release-rule").outputs.arn],
      },
    );
  });

  it("keeps two instances apart", async () => {
    const evaluation = await evaluateProgram(() => {
      new AcceleratedUploadBucket("one", MINIMAL_ARGS);
      new AcceleratedUploadBucket("two", MINIMAL_ARGS);
    });

    assert.deepEqual(evaluation.errors, []);
    const names = evaluation.table().map(([type, name]) => `${type} ${name}`);
    assert.equal(new Set(names).size, names.length);
  });

  it("previews with unknown origins, pool and key", async () => {
    const evaluation = await evaluateProgram(
      () => {
        const unknown = new aws.kms.Key("key").arn;
        new AcceleratedUploadBucket("media", {
          allowedOrigins: [pulumi.interpolate`https://${unknown}`],
          userPoolArn: unknown,
          kmsKeyArn: unknown,
        });
      },
      { preview: true },
    );

    assert.deepEqual(evaluation.errors, []);
    assert.equal(evaluation.byType("aws:lambda/function:Function").length, 8);
  });

  it("gives each function the time that its contract names", async () => {
    const { byName } = await evaluate();

    for (const [handler, { timeoutSeconds }] of Object.entries(UPLOAD_HANDLERS)) {
      assert.equal(byName(`media-${handler}-function`).inputs.timeout, timeoutSeconds, handler);
    }
  });

  it("A6: lets transforms change any child", async () => {
    const evaluation = await evaluateProgram(() => {
      new AcceleratedUploadBucket("media", MINIMAL_ARGS, {
        transforms: [
          ({ type, props, opts }) =>
            type === "aws:lambda/function:Function" ? { props: { ...props, memorySize: 1769 }, opts } : undefined,
        ],
      });
    });

    assert.deepEqual(evaluation.errors, []);
    for (const { inputs } of evaluation.byType("aws:lambda/function:Function")) assert.equal(inputs.memorySize, 1769);
  });

  it("A6: gives its optional children as public fields too, and registers exactly its public fields as outputs", async () => {
    let reachable: ReadonlySet<string> = new Set();
    let fields: readonly string[] = [];
    const { byName, resources, errors } = await evaluateProgram(() => {
      const component = new AcceleratedUploadBucket("media", {
        ...MINIMAL_ARGS,
        webAclArn: "arn:aws:wafv2:eu-west-1:111111111111:regional/webacl/uploads/1",
        malwareProtection: {},
      });
      reachable = reachableFrom(component);
      fields = publicFieldsOf(component);
    });

    assert.deepEqual(errors, []);
    for (const { urn, parent } of resources) if (parent === byName("media").urn) assert.ok(reachable.has(urn), urn);
    for (const name of ["webAclAssociation", "malwareProtectionPlan"]) assert.ok(fields.includes(name), name);
    assert.deepEqual(Object.keys(byName("media").registeredOutputs ?? {}).sort(), fields);
  });
});

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiMethod>>>>;
  readonly components: { readonly securitySchemes: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
  readonly "x-amazon-apigateway-policy"?: unknown;
}

interface OpenApiMethod {
  readonly security?: readonly unknown[];
  readonly "x-amazon-apigateway-integration": { readonly type: string };
}

function methodsOf({ paths }: OpenApi): (readonly [string, OpenApiMethod])[] {
  return Object.values(paths).flatMap((methods) => Object.entries(methods));
}

function environmentOf({ byName }: ProgramEvaluation, handler: string): Readonly<Record<string, unknown>> {
  const environment = byName(`media-${handler}-function`).inputs.environment as {
    variables: Record<string, unknown>;
  };
  return environment.variables;
}
