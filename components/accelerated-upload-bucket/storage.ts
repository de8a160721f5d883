// Bucket and table of AcceleratedUploadBucket.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { CHECKSUM_HEADER, UPLOAD_TABLE } from "../../handlers/upload/contract";
import { buildEncryptionRule } from "../shared/bucket-encryption";
import { originRules } from "../shared/origins";
import type { Placement } from "../shared/placement";
import { enforce, enforceLater } from "../shared/validation";
import { createKeyedTable } from "../shared/table";
import { REGIONS_WITHOUT_ACCELERATION, type AcceleratedUploadBucketSettings } from "./settings";

/** The bucket and everything that is set on it, except its policy. */
export interface UploadStorage {
  readonly bucket: aws.s3.Bucket;
  readonly publicAccessBlock: aws.s3.BucketPublicAccessBlock;
  readonly ownershipControls: aws.s3.BucketOwnershipControls;
  readonly versioning: aws.s3.BucketVersioning;
  readonly encryption: aws.s3.BucketServerSideEncryptionConfiguration;
  readonly acceleration: aws.s3.BucketAccelerateConfiguration | undefined;
  readonly lifecycle: aws.s3.BucketLifecycleConfiguration;
  readonly cors: aws.s3.BucketCorsConfiguration;
  readonly notification: aws.s3.BucketNotification;
  readonly table: aws.dynamodb.Table;
}

/** Creates bucket, satellites and table. */
export function createStorage(
  name: string,
  settings: AcceleratedUploadBucketSettings,
  placement: Placement,
  parent: pulumi.Resource,
): UploadStorage {
  const { tags } = settings;
  const regional = settings.region === undefined ? {} : { region: settings.region };
  const bucket = new aws.s3.Bucket(
    `${name}-bucket`,
    {
      ...buildBucketName(name, settings, placement),
      forceDestroy: !settings.deletionProtection,
      tags,
      ...regional,
    },
    { parent },
  );
  const on = { bucket: bucket.bucket, ...regional };
  const publicAccessBlock = new aws.s3.BucketPublicAccessBlock(
    `${name}-public-access-block`,
    { ...on, blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
    { parent },
  );
  const versioning = new aws.s3.BucketVersioning(
    `${name}-versioning`,
    { ...on, versioningConfiguration: { status: "Enabled" } },
    { parent },
  );
  return {
    bucket,
    publicAccessBlock,
    versioning,
    ownershipControls: new aws.s3.BucketOwnershipControls(
      `${name}-ownership-controls`,
      { ...on, rule: { objectOwnership: "BucketOwnerEnforced" } },
      { parent },
    ),
    encryption: new aws.s3.BucketServerSideEncryptionConfiguration(
      `${name}-encryption`,
      { ...on, rules: [buildEncryptionRule(settings.kmsKeyArn)] },
      { parent },
    ),
    acceleration: settings.rules.acceleration
      ? new aws.s3.BucketAccelerateConfiguration(
          `${name}-acceleration`,
          // The check of the Region sits in the chain of the status: in an unsupported Region nothing is sent to AWS.
          { ...on, status: placement.region.apply((region) => checkAcceleration(name, region)) },
          { parent },
        )
      : undefined,
    lifecycle: new aws.s3.BucketLifecycleConfiguration(
      `${name}-lifecycle`,
      { ...on, rules: buildLifecycleRules(settings) },
      { parent, dependsOn: [versioning] },
    ),
    cors: new aws.s3.BucketCorsConfiguration(
      `${name}-cors`,
      { ...on, corsRules: [buildCorsRule(checkOrigins(name, settings))] },
      { parent },
    ),
    notification: new aws.s3.BucketNotification(`${name}-notification`, { ...on, eventbridge: true }, { parent }),
    table: createTable(name, settings, parent),
  };
}

/** The origins, checked: exact, and "*" only when acknowledged. */
export function checkOrigins(name: string, settings: AcceleratedUploadBucketSettings): pulumi.Output<string[]> {
  return enforceLater(name, settings.allowedOrigins, (origins) =>
    originRules(origins, {
      use: "upload",
      anyOrigin: {
        accepted: settings.acknowledgeAnyOrigin,
        remedy: "list the origins, or set acknowledgeAnyOrigin: true",
      },
    }),
  );
}

function checkAcceleration(name: string, region: string): string {
  enforce(name, [
    {
      property: "acceleration",
      holds: !REGIONS_WITHOUT_ACCELERATION.includes(region),
      rule: "be false in a Region without S3 Transfer Acceleration",
      got: region,
      remedy: "set acceleration: false, or pick another Region",
    },
  ]);
  return "Enabled";
}

function buildBucketName(
  name: string,
  { bucketName, bucketNamespace }: AcceleratedUploadBucketSettings,
  { accountId, region }: Placement,
): { bucket?: pulumi.Input<string>; bucketNamespace?: string } {
  if (bucketNamespace === "global") return bucketName === undefined ? {} : { bucket: bucketName };
  return { bucket: pulumi.interpolate`${bucketName ?? name}-${accountId}-${region}-an`, bucketNamespace };
}

function buildLifecycleRules({
  abandonAfterDays,
  expireObjectsAfterDays,
  keyPrefix,
}: AcceleratedUploadBucketSettings): aws.types.input.s3.BucketLifecycleConfigurationRule[] {
  return [
    {
      id: "abort-unfinished-uploads",
      status: "Enabled",
      filter: { prefix: "" },
      // S3 rounds up to the next midnight, so the sweeper comes first and tells about it; this rule is the net below it.
      abortIncompleteMultipartUpload: { daysAfterInitiation: abandonAfterDays },
    },
    ...(expireObjectsAfterDays === undefined
      ? []
      : [
          {
            id: "expire-objects",
            status: "Enabled",
            filter: { prefix: keyPrefix },
            expiration: { days: expireObjectsAfterDays },
            // The bucket keeps versions: without these two nothing would ever be gone.
            noncurrentVersionExpiration: { noncurrentDays: 1 },
          },
          {
            id: "remove-delete-markers",
            status: "Enabled",
            filter: { prefix: keyPrefix },
            expiration: { expiredObjectDeleteMarker: true },
          },
        ]),
  ];
}

function buildCorsRule(allowedOrigins: pulumi.Input<string[]>): aws.types.input.s3.BucketCorsConfigurationCorsRule {
  return {
    id: "browser-uploads",
    allowedOrigins,
    allowedMethods: ["PUT"],
    allowedHeaders: ["content-type", CHECKSUM_HEADER],
    exposeHeaders: ["ETag", CHECKSUM_HEADER],
    maxAgeSeconds: 3600,
  };
}

function createTable(
  name: string,
  settings: AcceleratedUploadBucketSettings,
  parent: pulumi.Resource,
): aws.dynamodb.Table {
  const { deletionProtection, tags, region } = settings;
  const layout = { ...UPLOAD_TABLE, index: UPLOAD_TABLE.dueIndex };
  return createKeyedTable(`${name}-table`, layout, { deletionProtection, tags, region }, parent);
}
