// AcceleratedUploadBucket: large files from a browser straight into S3, in parallel parts, signed one by one.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { AcceleratedUploadBucketArgs, UploadClientSettings } from "./args";
import { createFunctions, createSweepSchedule, type UploadFunctions } from "./functions";
import { createApi } from "./gateway";
import { createMalwareProtection, type UploadMalwareProtection } from "./malware-protection";
import { createMonitoring } from "./monitoring";
import { buildBucketPolicy } from "./policies";
import { resolveAcceleratedUploadBucketSettings, type AcceleratedUploadBucketSettings } from "./settings";
import { checkOrigins, createStorage, type Placement } from "./storage";

/**
 * A private S3 bucket that browsers and programs upload large files to: in parallel parts, resumable, over S3 Transfer
 * Acceleration, with every part's length and checksum enforced by the signature of its URL.
 *
 * Creates an `aws.s3.Bucket` with its satellites (public access block, ownership, versioning, encryption, acceleration,
 * lifecycle, CORS, policy, notification), an `aws.dynamodb.Table` of uploads, seven `aws.lambda.Function`s with a role, policy
 * and log group each, an `aws.apigateway.RestApi` with deployment, stage, throttle and access log, a schedule for the sweeper,
 * six alarms and a dashboard.
 *
 * ```ts
 * const uploads = new AcceleratedUploadBucket("media", {
 *   allowedOrigins: ["https://app.example.com"],
 *   userPoolArn: userPool.arn,
 * });
 * export const clientConfiguration = uploads.clientConfiguration;
 * ```
 *
 * Security: no route answers without a verified identity; keys are made by the server; each function may do only its own S3 and
 * table actions, on the upload prefix; TLS only; nothing is public. Limits: those of S3 multipart uploads, and the quotas given.
 * Cost: S3 requests and storage, Transfer Acceleration per GB where it is used, API calls, and short function runs; nothing
 * runs while nobody uploads, but for the sweeper every 15 minutes and the alarms.
 */
export class AcceleratedUploadBucket extends pulumi.ComponentResource {
  /** Type token of the component. */
  static readonly pulumiType = "serverless-patterns:index:AcceleratedUploadBucket";

  /** The bucket. */
  public readonly bucket: aws.s3.Bucket;
  /** Uploads, their owners, quotas and request ids. */
  public readonly table: aws.dynamodb.Table;
  /** The upload API. */
  public readonly api: aws.apigateway.RestApi;
  /** The API's only stage. */
  public readonly stage: aws.apigateway.Stage;
  /** Functions by handler: start, sign, describe, complete, abort, list, sweep. */
  public readonly functions: Record<string, aws.lambda.Function>;
  /** Roles of the functions, by handler. */
  public readonly roles: Record<string, aws.iam.Role>;
  /** Alarms; empty when they are off. */
  public readonly alarms: aws.cloudwatch.MetricAlarm[];
  /** ARN of the bucket. */
  public readonly bucketArn: pulumi.Output<string>;
  /** Physical name of the bucket. */
  public readonly bucketName: pulumi.Output<string>;
  /** Base URL of the upload API, with its stage, without a trailing slash. */
  public readonly apiUrl: pulumi.Output<string>;
  /** Origins that part URLs point to, for the `connect-src` of a page's Content-Security-Policy. */
  public readonly uploadOrigins: pulumi.Output<string[]>;
  /** What a browser needs to know to upload. */
  public readonly clientConfiguration: pulumi.Output<UploadClientSettings>;

  /**
   * @param name Logical name; prefix of every child's name.
   * @param args Arguments; all problems are reported at once, before anything is registered.
   * @param opts Options of the component resource.
   * @throws pulumi.InputPropertiesError when an argument breaks a rule.
   */
  constructor(name: string, args: AcceleratedUploadBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolveAcceleratedUploadBucketSettings(name, args);
    super(AcceleratedUploadBucket.pulumiType, name, {}, opts);

    const placement = findPlacement(settings, this);
    const origins = checkOrigins(name, settings);
    const storage = createStorage(name, settings, placement, this);
    const functions = createFunctions(name, settings, storage, origins, placement, this);
    const scanner = createMalwareProtection(name, settings, storage.bucket, placement, this);
    createBucketPolicy(name, settings, storage.bucket, functions, scanner, this);
    createSweepSchedule(name, settings, functions, this);
    const api = createApi(name, settings, functions, origins, placement, this);
    const monitoring = createMonitoring(name, settings, { storage, functions, api, placement }, this);

    this.bucket = storage.bucket;
    this.table = storage.table;
    this.api = api.api;
    this.stage = api.stage;
    this.functions = pick(functions, (item) => item.function);
    this.roles = pick(functions, (item) => item.role);
    this.alarms = [...(monitoring?.alarms ?? [])];
    this.bucketArn = storage.bucket.arn;
    this.bucketName = storage.bucket.bucket;
    this.apiUrl = api.stage.invokeUrl;
    this.uploadOrigins = listUploadOrigins(settings, this.bucketName, placement);
    this.clientConfiguration = describeClient(settings, this.apiUrl, this.bucketName, placement);
    this.registerOutputs({
      bucket: this.bucket,
      table: this.table,
      api: this.api,
      stage: this.stage,
      functions: this.functions,
      roles: this.roles,
      alarms: this.alarms,
      bucketArn: this.bucketArn,
      bucketName: this.bucketName,
      apiUrl: this.apiUrl,
      uploadOrigins: this.uploadOrigins,
      clientConfiguration: this.clientConfiguration,
    });
  }
}

function findPlacement({ region }: AcceleratedUploadBucketSettings, parent: pulumi.Resource): Placement {
  return {
    accountId: aws.getCallerIdentityOutput({}, { parent }).accountId,
    region: region === undefined ? aws.getRegionOutput({}, { parent }).region : pulumi.output(region),
    partition: aws.getPartitionOutput({}, { parent }).partition,
  };
}

function createBucketPolicy(
  name: string,
  settings: AcceleratedUploadBucketSettings,
  bucket: aws.s3.Bucket,
  functions: UploadFunctions,
  scanner: UploadMalwareProtection | undefined,
  parent: pulumi.Resource,
): aws.s3.BucketPolicy {
  const { keyPrefix, rules } = settings;
  const scan = scanner
    ? {
        scannerRoleArn: scanner.role.arn,
        // They ask for metadata (HeadObject), which S3 counts as reading.
        exemptRoleArns: [functions.complete.role.arn, functions.sweep.role.arn],
      }
    : undefined;
  return new aws.s3.BucketPolicy(
    `${name}-bucket-policy`,
    {
      bucket: bucket.bucket,
      policy: pulumi
        .output({ bucketArn: bucket.arn, scan })
        .apply((known) =>
          JSON.stringify(buildBucketPolicy({ ...known, keyPrefix, urlExpirySeconds: rules.urlExpirySeconds })),
        ),
      ...(settings.region === undefined ? {} : { region: settings.region }),
    },
    { parent },
  );
}

function listUploadOrigins(
  { rules }: AcceleratedUploadBucketSettings,
  bucketName: pulumi.Output<string>,
  { region }: Placement,
): pulumi.Output<string[]> {
  const stack = rules.dualStack ? ".dualstack" : "";
  return pulumi
    .output({ bucketName, region })
    .apply((known) => [
      `https://${known.bucketName}.s3${stack}.${known.region}.amazonaws.com`,
      ...(rules.acceleration ? [`https://${known.bucketName}.s3-accelerate${stack}.amazonaws.com`] : []),
    ]);
}

function describeClient(
  { authorizationMode, rules }: AcceleratedUploadBucketSettings,
  apiUrl: pulumi.Output<string>,
  bucketName: pulumi.Output<string>,
  { region }: Placement,
): pulumi.Output<UploadClientSettings> {
  return pulumi.output({
    apiUrl,
    region,
    bucketName,
    authorization: authorizationMode,
    acceleration: rules.acceleration,
    maximumFileBytes: rules.maximumFileBytes,
    allowedContentTypes: [...rules.allowedContentTypes],
    signWindow: rules.signWindow,
  });
}

function pick<T>(
  functions: UploadFunctions,
  of: (item: UploadFunctions[keyof UploadFunctions]) => T,
): Record<string, T> {
  return Object.fromEntries(Object.entries(functions).map(([handlerName, item]) => [handlerName, of(item)]));
}
