// AcceleratedUploadBucket: large files from a browser straight into S3, in parallel parts, signed one by one.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { findPlacement, type Placement } from "../shared/placement";
import type { AcceleratedUploadBucketArgs, UploadClientSettings } from "./args";
import { createFunctions, createReleaseTrigger, createSweepSchedule, type UploadFunctions } from "./functions";
import { createApi } from "./gateway";
import { createMalwareProtection, type UploadMalwareProtection } from "./malware-protection";
import { createMonitoring } from "./monitoring";
import { buildBucketPolicy, dnsSuffix } from "./policies";
import { resolveAcceleratedUploadBucketSettings, type AcceleratedUploadBucketSettings } from "./settings";
import { checkOrigins, createStorage } from "./storage";

/**
 * A private S3 bucket that browsers and programs upload large files to: in parallel parts, resumable, over S3 Transfer
 * Acceleration, with every part's length and checksum enforced by the signature of its URL.
 *
 * Creates an `aws.s3.Bucket` with its satellites (public access block, ownership, versioning, encryption, acceleration,
 * lifecycle, CORS, policy, notification), an `aws.dynamodb.Table` of uploads, eight `aws.lambda.Function`s with a role, policy
 * and log group each, an `aws.apigateway.RestApi` with deployment, stage, throttle and access log, a schedule for the sweeper, a
 * rule on deleted objects, six alarms and a dashboard.
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
  /** Keeps the bucket private whatever its policy says. */
  public readonly publicAccessBlock: aws.s3.BucketPublicAccessBlock;
  /** Switches access control lists off. */
  public readonly ownershipControls: aws.s3.BucketOwnershipControls;
  /** Versioning of the bucket. */
  public readonly versioning: aws.s3.BucketVersioning;
  /** Default encryption of the bucket. */
  public readonly encryption: aws.s3.BucketServerSideEncryptionConfiguration;
  /** Transfer Acceleration; left out when it is off. */
  public readonly acceleration?: aws.s3.BucketAccelerateConfiguration;
  /** Lifecycle rules of the bucket. */
  public readonly lifecycle: aws.s3.BucketLifecycleConfiguration;
  /** Pages that may upload. */
  public readonly cors: aws.s3.BucketCorsConfiguration;
  /** Sends the bucket's events to EventBridge. */
  public readonly notification: aws.s3.BucketNotification;
  /** Policy of the bucket. */
  public readonly bucketPolicy: aws.s3.BucketPolicy;
  /** Uploads, their owners, quotas and request ids. */
  public readonly table: aws.dynamodb.Table;
  /** The upload API. */
  public readonly api: aws.apigateway.RestApi;
  /** The API's only stage. */
  public readonly stage: aws.apigateway.Stage;
  /** What the stage shows of the API. */
  public readonly deployment: aws.apigateway.Deployment;
  /** Throttle and metrics of the stage. */
  public readonly methodSettings: aws.apigateway.MethodSettings;
  /** Access log of the stage. */
  public readonly accessLogGroup: aws.cloudwatch.LogGroup;
  /** Joins the stage and `webAclArn`; left out without one. */
  public readonly webAclAssociation?: aws.wafv2.WebAclAssociation;
  /** Functions by handler: start, sign, describe, complete, abort, list, sweep, release. */
  public readonly functions: Record<string, aws.lambda.Function>;
  /** Roles of the functions, by handler. */
  public readonly roles: Record<string, aws.iam.Role>;
  /** Policies of the roles, by handler. */
  public readonly rolePolicies: Record<string, aws.iam.RolePolicy>;
  /** Log groups of the functions, by handler. */
  public readonly logGroups: Record<string, aws.cloudwatch.LogGroup>;
  /** Who may run the functions: the API each of its routes, the schedule the sweeper, the bucket's events the releaser. */
  public readonly permissions: aws.lambda.Permission[];
  /** Schedule of the sweeper. */
  public readonly sweepRule: aws.cloudwatch.EventRule;
  /** Joins the schedule and the sweeper. */
  public readonly sweepTarget: aws.cloudwatch.EventTarget;
  /** Picks deleted objects out of the bucket's events. */
  public readonly releaseRule: aws.cloudwatch.EventRule;
  /** Joins these events and the function that gives bytes back. */
  public readonly releaseTarget: aws.cloudwatch.EventTarget;
  /** Role of the malware scanner; left out when it is off. */
  public readonly scannerRole?: aws.iam.Role;
  /** Policy of the scanner's role; left out when it is off. */
  public readonly scannerPolicy?: aws.iam.RolePolicy;
  /** Plan of the malware scanner; left out when it is off. */
  public readonly malwareProtectionPlan?: aws.guardduty.MalwareProtectionPlan;
  /** Alarms; empty when they are off. */
  public readonly alarms: aws.cloudwatch.MetricAlarm[];
  /** The dashboard; left out when alarms are off. */
  public readonly dashboard?: aws.cloudwatch.Dashboard;
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

    const placement = findPlacement(settings.region, this);
    const origins = checkOrigins(name, settings);
    const storage = createStorage(name, settings, placement, this);
    const functions = createFunctions(name, settings, storage, origins, placement, this);
    const scanner = createMalwareProtection(name, settings, storage.bucket, placement, this);
    const bucketPolicy = createBucketPolicy(name, settings, storage.bucket, functions, scanner, this);
    const schedule = createSweepSchedule(name, settings, functions, this);
    const release = createReleaseTrigger(name, settings, storage.bucket.bucket, functions, this);
    const api = createApi(name, settings, functions, origins, placement, this);
    const monitoring = createMonitoring(name, settings, { storage, functions, api, placement }, this);

    this.bucket = storage.bucket;
    this.publicAccessBlock = storage.publicAccessBlock;
    this.ownershipControls = storage.ownershipControls;
    this.versioning = storage.versioning;
    this.encryption = storage.encryption;
    if (storage.acceleration) this.acceleration = storage.acceleration;
    this.lifecycle = storage.lifecycle;
    this.cors = storage.cors;
    this.notification = storage.notification;
    this.bucketPolicy = bucketPolicy;
    this.table = storage.table;
    this.api = api.api;
    this.stage = api.stage;
    this.deployment = api.deployment;
    this.methodSettings = api.methodSettings;
    this.accessLogGroup = api.accessLogGroup;
    if (api.webAclAssociation) this.webAclAssociation = api.webAclAssociation;
    this.functions = pick(functions, (item) => item.function);
    this.roles = pick(functions, (item) => item.role);
    this.rolePolicies = pick(functions, (item) => item.policy);
    this.logGroups = pick(functions, (item) => item.logGroup);
    this.permissions = [...api.permissions, schedule.permission, release.permission];
    this.sweepRule = schedule.rule;
    this.sweepTarget = schedule.target;
    this.releaseRule = release.rule;
    this.releaseTarget = release.target;
    if (scanner) {
      this.scannerRole = scanner.role;
      this.scannerPolicy = scanner.policy;
      this.malwareProtectionPlan = scanner.plan;
    }
    this.alarms = [...(monitoring?.alarms ?? [])];
    if (monitoring) this.dashboard = monitoring.dashboard;
    this.bucketArn = storage.bucket.arn;
    this.bucketName = storage.bucket.bucket;
    this.apiUrl = api.stage.invokeUrl;
    this.uploadOrigins = listUploadOrigins(settings, this.bucketName, placement);
    this.clientConfiguration = describeClient(settings, this.apiUrl, this.bucketName, placement);
    this.registerOutputs({
      bucket: this.bucket,
      publicAccessBlock: this.publicAccessBlock,
      ownershipControls: this.ownershipControls,
      versioning: this.versioning,
      encryption: this.encryption,
      acceleration: this.acceleration,
      lifecycle: this.lifecycle,
      cors: this.cors,
      notification: this.notification,
      bucketPolicy: this.bucketPolicy,
      table: this.table,
      api: this.api,
      stage: this.stage,
      deployment: this.deployment,
      methodSettings: this.methodSettings,
      accessLogGroup: this.accessLogGroup,
      webAclAssociation: this.webAclAssociation,
      functions: this.functions,
      roles: this.roles,
      rolePolicies: this.rolePolicies,
      logGroups: this.logGroups,
      permissions: this.permissions,
      sweepRule: this.sweepRule,
      sweepTarget: this.sweepTarget,
      releaseRule: this.releaseRule,
      releaseTarget: this.releaseTarget,
      scannerRole: this.scannerRole,
      scannerPolicy: this.scannerPolicy,
      malwareProtectionPlan: this.malwareProtectionPlan,
      alarms: this.alarms,
      dashboard: this.dashboard,
      bucketArn: this.bucketArn,
      bucketName: this.bucketName,
      apiUrl: this.apiUrl,
      uploadOrigins: this.uploadOrigins,
      clientConfiguration: this.clientConfiguration,
    });
  }
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
      `https://${known.bucketName}.s3${stack}.${known.region}.${dnsSuffix(known.region)}`,
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
