// aws.s3.BucketObjectv2 and aws.s3.BucketObject: objects that the program itself puts.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { type AwsError } from "../../core/errors";
import { InputReader, regionOf, tagOutputs } from "../../core/input-reader";
import type {
  Asset,
  PropertyMap,
  PropertyValue,
  RealisedResource,
  ResourceContext,
  ResourceModel,
} from "../../core/resource-model";
import { CHECKSUM_ALGORITHMS, digestNames, type ChecksumAlgorithm } from "../checksums";
import { bare } from "../conditions";
import { encryptionHeaders, keyArn } from "../encryption";
import { findBucket, type S3Environment } from "../environment";
import { entityTooLarge } from "../errors";
import { commitObject, deleteCurrent, etagOf, removeVersion } from "../objects";
import { MAXIMUM_PART_BYTES } from "../operations/shared";
import { bucketArn, type Bucket, type Encryption, type ObjectHeaders } from "../state";
import { defer } from "./setting";

const HEADER_PROPERTIES: Readonly<Record<string, string>> = {
  cacheControl: "cache-control",
  contentDisposition: "content-disposition",
  contentEncoding: "content-encoding",
  contentLanguage: "content-language",
  contentType: "content-type",
};
const KNOWN = [
  ...Object.keys(HEADER_PROPERTIES),
  ...["bucket", "bucketKeyEnabled", "checksumAlgorithm", "content", "contentBase64", "etag", "forceDestroy", "key"],
  ...["kmsKeyId", "metadata", "region", "serverSideEncryption", "source", "sourceHash", "storageClass", "tags", "acl"],
];

/** Models of the two object types, which differ in name only. */
export function objectModels(environment: S3Environment): readonly ResourceModel[] {
  return ["aws:s3/bucketObjectv2:BucketObjectv2", "aws:s3/bucketObject:BucketObject"].map((type) => ({
    type,
    fidelity: "realised" as const,
    summary: "Puts content or a file into the bucket; object lock and website redirects are refused.",
    check,
    create: (inputs, context) => put(environment, inputs, context),
    update: (_id, inputs, old, context) =>
      defer(async () => {
        if (old.key !== inputs.key || old.bucket !== inputs.bucket) remove(environment, old);
        return put(environment, inputs, context);
      }),
    delete: (_id, outputs) => defer(() => remove(environment, outputs)),
  }));
}

function check(inputs: PropertyMap) {
  const reader = new InputReader(inputs);
  reader.requiredText("bucket");
  const key = reader.text("key");
  if (key !== undefined && Buffer.byteLength(key) > 1024) reader.refuse("key", "must be at most 1024 bytes of UTF-8");
  const bodies = ["content", "contentBase64", "source"].filter((name) => reader.has(name));
  if (bodies.length > 1) reader.refuse(bodies[1] ?? "", `conflicts with ${bodies[0] ?? ""}; give only one`);
  if (reader.has("source") && !isAsset(inputs.source)) {
    reader.refuse("source", "must be a file or text asset; archives as objects are not simulated by the local run");
  }
  if (reader.has("acl"))
    reader.refuse("acl", "is not accepted: AccessControlListNotSupported, the bucket does not allow ACLs");
  reader.choice("checksumAlgorithm", CHECKSUM_ALGORITHMS);
  reader.choice("serverSideEncryption", ["AES256", "aws:kms"]);
  reader.choice("storageClass", ["STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "REDUCED_REDUNDANCY"]);
  if (Object.keys(reader.textMap("tags")).length > 10) reader.refuse("tags", "must be at most 10");
  reader.textMap("metadata");
  reader.allowOnly(...KNOWN);
  return reader.problems;
}

async function put(
  environment: S3Environment,
  inputs: PropertyMap,
  context: ResourceContext,
): Promise<RealisedResource> {
  const reader = new InputReader(inputs);
  const bucket = findBucket(environment, reader.text("bucket") ?? "");
  const key = reader.text("key") ?? context.name;
  const body = await openBody(reader, inputs.source);
  const algorithm = (reader.text("checksumAlgorithm") ?? "CRC64NVME") as ChecksumAlgorithm;
  const tooLarge = (): AwsError => entityTooLarge(MAXIMUM_PART_BYTES + 1, MAXIMUM_PART_BYTES);
  const received = await environment.bodies.receive(body, digestNames(algorithm), tooLarge, MAXIMUM_PART_BYTES);
  const encryption = readEncryption(reader, bucket);
  const tags = tagOutputs(inputs, context);
  const object = commitObject(environment, bucket, {
    key,
    size: received.size,
    etag: etagOf(environment, received.digests.get("MD5") ?? Buffer.alloc(0), encryption),
    segments: received.segments,
    headers: readHeaders(reader),
    storageClass: reader.text("storageClass") ?? "STANDARD",
    encryption,
    checksum: {
      algorithm,
      value: (received.digests.get(algorithm) ?? Buffer.alloc(0)).toString("base64"),
      type: "FULL_OBJECT",
    },
    tags: new Map(Object.entries(new InputReader(tags).textMap("tagsAll"))),
  });
  const requestId = environment.context.uniqueId(16).toUpperCase();
  environment.notifier.notify(bucket, "ObjectCreated:Put", object, { requestId, requester: bucket.accountId });
  return {
    id: key,
    outputs: {
      ...inputs,
      ...tags,
      arn: `${bucketArn(bucket.name)}/${key}`,
      bucketKeyEnabled: encryption.bucketKeyEnabled ?? false,
      ...checksumOutputs(algorithm, object.checksum?.value ?? ""),
      contentType: object.headers["content-type"],
      etag: bare(object.etag),
      key,
      kmsKeyId: encryptionHeaders(encryption)["x-amz-server-side-encryption-aws-kms-key-id"] ?? "",
      region: regionOf(inputs, context),
      serverSideEncryption: encryption.algorithm,
      storageClass: object.storageClass,
      versionId: bucket.versioning === "Off" ? "" : object.versionId,
    },
  };
}

function checksumOutputs(algorithm: ChecksumAlgorithm, value: string): PropertyMap {
  const names: Readonly<Record<ChecksumAlgorithm, string>> = {
    CRC32: "checksumCrc32",
    CRC32C: "checksumCrc32c",
    CRC64NVME: "checksumCrc64nvme",
    SHA1: "checksumSha1",
    SHA256: "checksumSha256",
  };
  return Object.fromEntries(CHECKSUM_ALGORITHMS.map((name) => [names[name], name === algorithm ? value : ""]));
}

async function openBody(reader: InputReader, source: PropertyValue): Promise<Readable> {
  const base64 = reader.text("contentBase64");
  if (base64 !== undefined) return Readable.from([Buffer.from(base64, "base64")]);
  if (isAsset(source) && source.path !== undefined) {
    if (!(await stat(source.path)).isFile()) throw new Error(`${source.path} is not a file`);
    return createReadStream(source.path);
  }
  const text = isAsset(source) ? (source.text ?? "") : (reader.text("content") ?? "");
  return Readable.from([Buffer.from(text)]);
}

function isAsset(value: PropertyValue): value is Asset {
  return value !== null && typeof value === "object" && "kind" in value && value.kind === "asset";
}

function readHeaders(reader: InputReader): ObjectHeaders {
  const headers: Record<string, string> = { "content-type": "application/octet-stream" };
  for (const [property, header] of Object.entries(HEADER_PROPERTIES)) {
    const value = reader.text(property);
    if (value !== undefined) headers[header] = value;
  }
  for (const [name, value] of Object.entries(reader.textMap("metadata"))) headers[`x-amz-meta-${name}`] = value;
  return headers;
}

function readEncryption(reader: InputReader, bucket: Bucket): Encryption {
  const algorithm = reader.text("serverSideEncryption");
  const keyId = reader.text("kmsKeyId");
  if (algorithm === undefined && keyId === undefined) return bucket.encryption;
  if (algorithm === "AES256") return { algorithm };
  return {
    algorithm: "aws:kms",
    kmsKeyId: keyArn(keyId, bucket),
    bucketKeyEnabled: reader.flag("bucketKeyEnabled") ?? bucket.encryption.bucketKeyEnabled ?? false,
  };
}

function remove(environment: S3Environment, outputs: PropertyMap): void {
  const [name, key] = [outputs.bucket, outputs.key];
  const bucket = typeof name === "string" ? environment.buckets.get(name) : undefined;
  if (!bucket || typeof key !== "string") return;
  if (outputs.forceDestroy !== true) {
    deleteCurrent(environment, bucket, key);
    return;
  }
  for (const version of bucket.objects.get(key) ?? []) removeVersion(environment, bucket, key, version.versionId);
}
