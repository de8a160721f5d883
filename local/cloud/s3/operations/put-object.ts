// PutObject.
import { authorizeKey, authorizeObject } from "../access";
import { digestNames, readExpectedChecksum, verifyChecksum } from "../checksums";
import { WriteCondition } from "../conditions";
import { resolveEncryption } from "../encryption";
import { entityTooLarge, incompleteBody } from "../errors";
import { readObjectHeaders, readStorageClass, readTagHeader, refuseUnsupportedHeaders } from "../metadata";
import { commitObject, etagOf } from "../objects";
import { declaredLength } from "../request";
import { currentObject } from "../state";
import { checksumHeaders, MAXIMUM_PART_BYTES, originOf, writeHeaders, type BucketOperation } from "./shared";

export const putObject: BucketOperation = async (request, bucket, environment) => {
  const { call, key } = request;
  const tags = readTagHeader(request);
  const existing = currentObject(bucket, key);
  authorizeObject(request, bucket, "s3:PutObject", key, { existing, requestTags: tags });
  if (tags.size > 0) authorizeObject(request, bucket, "s3:PutObjectTagging", key, { existing, requestTags: tags });
  refuseUnsupportedHeaders(request, bucket);
  const encryption = resolveEncryption(request, bucket);
  authorizeKey(request, bucket, "kms:GenerateDataKey", encryption, key);
  const headers = readObjectHeaders(request);
  const storageClass = readStorageClass(request);
  const expected = readExpectedChecksum(request);
  const length = declaredLength(request);
  if (length > MAXIMUM_PART_BYTES) throw entityTooLarge(length, MAXIMUM_PART_BYTES);
  const condition = new WriteCondition(request, bucket, key);
  condition.check();

  const algorithm = expected.algorithm ?? "CRC64NVME";
  const received = await environment.bodies.receive(call.body, digestNames(algorithm), incompleteBody, length);
  try {
    if (received.size !== length) throw incompleteBody();
    verifyChecksum(expected, received.digests, call.trailers());
    // Again, in the same turn as the commit: of two concurrent conditional writers exactly one wins.
    condition.check();
  } catch (error) {
    environment.bodies.release(received.segments);
    throw error;
  }
  const digest = (name: "MD5" | typeof algorithm): Buffer => received.digests.get(name) ?? Buffer.alloc(0);
  const object = commitObject(environment, bucket, {
    key,
    size: received.size,
    etag: etagOf(environment, digest("MD5"), encryption),
    segments: received.segments,
    headers,
    storageClass,
    encryption,
    checksum: { algorithm, value: digest(algorithm).toString("base64"), type: "FULL_OBJECT" },
    tags,
  });
  call.describe({ detail: { bytes: received.size } });
  environment.notifier.notify(bucket, "ObjectCreated:Put", object, originOf(request));
  return { status: 200, headers: { ...writeHeaders(bucket, object), ...checksumHeaders(object) } };
};
