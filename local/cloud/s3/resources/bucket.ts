// aws.s3.Bucket: name, namespace, tags. Its other settings are resources of their own.
import { AwsError } from "../../core/errors";
import { InputReader, regionOf, tagOutputs } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import { findBucket, type S3Environment } from "../environment";
import { emptyBucket } from "../objects";
import { bucketArn, currentObject, newBucket, type Bucket } from "../state";
import { defer } from "./setting";

const MAXIMUM_NAME_LENGTH = 63;
const PREFIX_SUFFIX_LENGTH = 26;
/** Deprecated settings inside the bucket, and the resource that replaces each. */
const DEPRECATED: Readonly<Record<string, string>> = {
  accelerationStatus: "BucketAccelerateConfiguration",
  acl: "BucketOwnershipControls",
  corsRules: "BucketCorsConfiguration",
  grants: "BucketOwnershipControls",
  lifecycleRules: "BucketLifecycleConfiguration",
  logging: "BucketLogging",
  objectLockConfiguration: "BucketObjectLockConfiguration",
  policy: "BucketPolicy",
  replicationConfiguration: "BucketReplicationConfig",
  requestPayer: "BucketRequestPaymentConfiguration",
  serverSideEncryptionConfiguration: "BucketServerSideEncryptionConfiguration",
  versioning: "BucketVersioning",
  website: "BucketWebsiteConfiguration",
};
/** Hosted zones of S3 website endpoints. https://docs.aws.amazon.com/general/latest/gr/s3.html */
const HOSTED_ZONES: Readonly<Record<string, string>> = {
  "us-east-1": "Z3AQBSTGFYJSTF",
  "us-east-2": "Z2O1EMRO9K5GLX",
  "us-west-1": "Z2F56UZL2M1ACD",
  "us-west-2": "Z3BJ6K6RIION7M",
  "eu-west-1": "Z1BKCTXD74EZPE",
  "eu-west-2": "Z3GKZC51ZF0DB4",
  "eu-west-3": "Z3R1K369G5AVDG",
  "eu-central-1": "Z21DNDUVLTQW6Q",
  "eu-north-1": "Z3BAZG2TWCNX0D",
  "ap-northeast-1": "Z2M4EHUR26P7ZW",
  "ap-southeast-1": "Z3O0J2DXBE1FTB",
  "ap-southeast-2": "Z1WCIGYICN2BYD",
};

/** Model of `aws.s3.Bucket`. */
export function bucketModel(environment: S3Environment): ResourceModel {
  return {
    type: "aws:s3/bucket:Bucket",
    fidelity: "realised",
    summary:
      "A bucket whose bodies are files on this machine; settings are resources of their own, inline ones are refused.",
    check,
    create: (inputs, context) => defer(() => create(environment, inputs, context)),
    update: (id, inputs, old, context) =>
      defer(() => {
        const bucket = findBucket(environment, id);
        const wanted = typeof inputs.bucket === "string" ? inputs.bucket : bucket.name;
        if (wanted !== bucket.name || regionOf(inputs, context) !== bucket.region) {
          throw new AwsError(
            "InvalidRequest",
            `${bucket.name}: name and Region of a bucket cannot change; restart the run`,
          );
        }
        return describe(bucket, inputs, context, old);
      }),
    delete: (id) => defer(() => remove(environment, id)),
  };
}

function check(inputs: PropertyMap, context: ResourceContext) {
  const reader = new InputReader(inputs);
  for (const [property, resource] of Object.entries(DEPRECATED)) {
    if (!reader.has(property)) continue;
    reader.refuse(property, `is deprecated inside the bucket; use the separate resource aws.s3.${resource}`);
  }
  if (reader.flag("objectLockEnabled")) reader.refuse("objectLockEnabled", "is not simulated by the local run");
  reader.flag("forceDestroy");
  reader.textMap("tags");
  reader.text("region");
  const suffix = namespaceSuffix(reader, inputs, context);
  const name = reader.text("bucket");
  if (name !== undefined) checkName(reader, name, suffix);
  const prefix = reader.text("bucketPrefix");
  if (prefix !== undefined && name !== undefined) reader.refuse("bucketPrefix", "conflicts with bucket; give only one");
  if (prefix !== undefined && prefix.length + PREFIX_SUFFIX_LENGTH + suffix.length > MAXIMUM_NAME_LENGTH) {
    reader.refuse(
      "bucketPrefix",
      `must be at most ${MAXIMUM_NAME_LENGTH - PREFIX_SUFFIX_LENGTH - suffix.length} characters`,
    );
  }
  reader.allowOnly(
    ...["bucket", "bucketNamespace", "bucketPrefix", "forceDestroy", "objectLockEnabled", "region", "tags"],
    ...Object.keys(DEPRECATED),
  );
  return reader.problems;
}

/** Account-regional names end in account and Region, so that nobody else can take them. */
function namespaceSuffix(reader: InputReader, inputs: PropertyMap, context: ResourceContext): string {
  const namespace = reader.choice("bucketNamespace", ["account-regional", "global"]);
  return namespace === "account-regional" ? `-${context.accountId}-${regionOf(inputs, context)}-an` : "";
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
function checkName(reader: InputReader, name: string, suffix: string): void {
  const refuse = (rule: string): void => reader.refuse("bucket", `${rule}, got ${name}`);
  if (name.length < 3 || name.length > MAXIMUM_NAME_LENGTH) refuse("must be 3 to 63 characters long");
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)) {
    refuse("must hold only lower-case letters, digits, periods and hyphens, and begin and end with a letter or digit");
  }
  if (name.includes("..")) refuse("must not hold two periods in a row");
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) refuse("must not look like an IP address");
  if (/^(xn--|sthree-|amzn-s3-demo-)/.test(name)) refuse("must not begin with xn--, sthree- or amzn-s3-demo-");
  if (/(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/.test(name)) refuse("must not end in a suffix that AWS reserves");
  if (suffix !== "" && !name.endsWith(suffix)) refuse(`must end in ${suffix} in the account-regional namespace`);
  if (suffix === "" && name.endsWith("-an")) refuse('must not end in -an outside bucketNamespace "account-regional"');
}

function create(environment: S3Environment, inputs: PropertyMap, context: ResourceContext): RealisedResource {
  const name = chooseName(environment, inputs, context);
  if (environment.buckets.has(name)) throw alreadyExists(environment, name, context);
  const bucket = newBucket({
    name,
    accountId: context.accountId,
    region: regionOf(inputs, context),
    createdAt: environment.context.clock.now(),
  });
  environment.buckets.set(name, bucket);
  addHosts(environment, bucket);
  return describe(bucket, inputs, context, {});
}

function chooseName(environment: S3Environment, inputs: PropertyMap, context: ResourceContext): string {
  const reader = new InputReader(inputs);
  const name = reader.text("bucket");
  if (name !== undefined) return name;
  const suffix = namespaceSuffix(reader, inputs, context);
  const prefix = reader.text("bucketPrefix");
  if (prefix !== undefined) return prefix + environment.context.uniqueId(PREFIX_SUFFIX_LENGTH) + suffix;
  return context.autoname(MAXIMUM_NAME_LENGTH - suffix.length).toLowerCase() + suffix;
}

function alreadyExists(environment: S3Environment, name: string, context: ResourceContext): AwsError {
  if (findBucket(environment, name).accountId !== context.accountId) {
    return new AwsError(
      "BucketAlreadyExists",
      "The requested bucket name is not available. The bucket namespace is shared by all users of the system. " +
        "Please select a different name and try again.",
      409,
      { BucketName: name },
    );
  }
  return new AwsError(
    "BucketAlreadyOwnedByYou",
    "Your previous request to create the named bucket succeeded and you already own it.",
    409,
    { BucketName: name },
  );
}

function describe(bucket: Bucket, inputs: PropertyMap, context: ResourceContext, old: PropertyMap): RealisedResource {
  const reader = new InputReader(inputs);
  bucket.forceDestroy = reader.flag("forceDestroy") ?? false;
  const tags = tagOutputs(inputs, context);
  bucket.tags = new InputReader(tags).textMap("tagsAll");
  const { name, region } = bucket;
  return {
    id: name,
    outputs: {
      ...old,
      ...inputs,
      id: name,
      arn: bucketArn(name),
      bucket: name,
      bucketDomainName: `${name}.s3.amazonaws.com`,
      bucketNamespace: reader.text("bucketNamespace") ?? "global",
      bucketPrefix: reader.text("bucketPrefix") ?? "",
      bucketRegion: region,
      bucketRegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
      forceDestroy: bucket.forceDestroy,
      hostedZoneId: HOSTED_ZONES[region] ?? "",
      objectLockEnabled: false,
      region,
      requestPayer: "BucketOwner",
      ...tags,
    },
  };
}

function remove(environment: S3Environment, name: string): void {
  const bucket = environment.buckets.get(name);
  if (!bucket) return;
  if (bucket.objects.size > 0 && !bucket.forceDestroy) {
    const visible = [...bucket.objects.keys()].some((key) => currentObject(bucket, key));
    throw new AwsError(
      "BucketNotEmpty",
      visible
        ? "The bucket you tried to delete is not empty"
        : "The bucket you tried to delete is not empty. You must delete all versions in the bucket.",
      409,
      { BucketName: name },
    );
  }
  emptyBucket(environment, bucket);
  environment.buckets.delete(name);
  for (const host of hostsOf(environment, bucket)) environment.context.hosts.remove(host.awsUrl);
}

function addHosts(environment: S3Environment, bucket: Bucket): void {
  for (const { awsUrl, localUrl } of hostsOf(environment, bucket)) environment.context.hosts.add(awsUrl, localUrl);
}

/** Hosts are virtual on AWS and paths here: an IP address has no subdomains. */
function hostsOf(environment: S3Environment, { name, region }: Bucket) {
  const { context } = environment;
  const direct = [`s3.${region}`, `s3.dualstack.${region}`, "s3"];
  const accelerated = ["s3-accelerate", "s3-accelerate.dualstack"];
  const entry = (host: string, origin: string) => ({
    awsUrl: `https://${name}.${host}.amazonaws.com`,
    localUrl: `${origin}/${name}`,
  });
  return [
    ...direct.map((host) => entry(host, context.gatewayOrigin())),
    ...accelerated.map((host) => entry(host, context.accelerateOrigin())),
  ];
}
