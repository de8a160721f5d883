// Tags of objects.
import { authorizeObject } from "../access";
import { readTagDocument } from "../metadata";
import { methodNotAllowed } from "../errors";
import { xmlResponse, type S3Request } from "../request";
import type { Bucket, ObjectVersion } from "../state";
import { parseXml, xmlDocument } from "../xml";
import { lookUp, missingObject, originOf, versionHeader, type BucketOperation } from "./shared";

const MAXIMUM_DOCUMENT_BYTES = 64 * 1024;

export const getObjectTagging: BucketOperation = (request, bucket) => {
  const object = find(request, bucket, "Get", new Map());
  const tags = [...object.tags].map(([Key, Value]) => ({ Key, Value }));
  return xmlResponse(xmlDocument("Tagging", { TagSet: { Tag: tags } }), versionHeader(bucket, object));
};

export const putObjectTagging: BucketOperation = async (request, bucket, environment) => {
  const body = await request.call.readBody(MAXIMUM_DOCUMENT_BYTES);
  const tags = readTagDocument(parseXml(body.toString("utf8"), "Tagging"));
  const object = find(request, bucket, "Put", tags);
  object.tags = tags;
  environment.notifier.notify(bucket, "ObjectTagging:Put", object, originOf(request));
  return { status: 200, headers: versionHeader(bucket, object) };
};

export const deleteObjectTagging: BucketOperation = (request, bucket, environment) => {
  const object = find(request, bucket, "Delete", new Map());
  object.tags = new Map();
  environment.notifier.notify(bucket, "ObjectTagging:Delete", object, originOf(request));
  return { status: 204, headers: versionHeader(bucket, object) };
};

function find(
  request: S3Request,
  bucket: Bucket,
  verb: "Get" | "Put" | "Delete",
  requestTags: ReadonlyMap<string, string>,
): ObjectVersion {
  const object = lookUp(request, bucket);
  const kind = request.query.has("versionId") ? "ObjectVersionTagging" : "ObjectTagging";
  authorizeObject(request, bucket, `s3:${verb}${kind}`, request.key, { existing: object, requestTags });
  if (!object) throw missingObject(request, bucket);
  if (object.deleteMarker) throw methodNotAllowed(request.call.method);
  return object;
}
