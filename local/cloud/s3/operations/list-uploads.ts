// ListParts and ListMultipartUploads.
import { authorizeBucket, authorizeObject } from "../access";
import { checksumElement } from "../checksums";
import { compareKeys } from "../objects";
import { integerParameter, isoTime, xmlResponse } from "../request";
import type { Bucket, MultipartUpload } from "../state";
import { xmlDocument } from "../xml";
import { isAfter, nameEncoder, takePage } from "./listing";
import type { BucketOperation } from "./shared";
import { findUpload } from "./upload-parts";

const PAGE_LIMIT = 1000;

export const listParts: BucketOperation = (request, bucket) => {
  authorizeObject(request, bucket, "s3:ListMultipartUploadParts", request.key);
  const upload = findUpload(request, bucket);
  const maximum = Math.min(integerParameter(request, "max-parts", PAGE_LIMIT), PAGE_LIMIT);
  const marker = integerParameter(request, "part-number-marker", 0);
  const rest = [...upload.parts.values()]
    .filter((part) => part.partNumber > marker)
    .sort((left, right) => left.partNumber - right.partNumber);
  const page = rest.slice(0, maximum);
  const declared = upload.declaredAlgorithm;
  return xmlResponse(
    xmlDocument("ListPartsResult", {
      Bucket: bucket.name,
      Key: nameEncoder(request)(request.key),
      UploadId: upload.uploadId,
      Initiator: { ID: upload.initiator, DisplayName: upload.initiator },
      Owner: { ID: bucket.accountId },
      StorageClass: upload.storageClass,
      PartNumberMarker: marker,
      NextPartNumberMarker: page.at(-1)?.partNumber ?? 0,
      MaxParts: maximum,
      IsTruncated: rest.length > page.length,
      ChecksumAlgorithm: declared,
      ChecksumType: declared ? upload.checksumType : undefined,
      Part: page.map((part) => ({
        PartNumber: part.partNumber,
        LastModified: isoTime(part.lastModified),
        ETag: part.etag,
        Size: part.size,
        ...(declared ? { [checksumElement(declared)]: part.checksum } : {}),
      })),
    }),
  );
};

export const listMultipartUploads: BucketOperation = (request, bucket) => {
  const prefix = request.query.get("prefix") ?? "";
  authorizeBucket(request, bucket, "s3:ListBucketMultipartUploads", { keys: prefix ? { "s3:prefix": prefix } : {} });
  const delimiter = request.query.get("delimiter") ?? "";
  const maximum = Math.min(integerParameter(request, "max-uploads", PAGE_LIMIT), PAGE_LIMIT);
  const keyMarker = request.query.get("key-marker") ?? "";
  const uploadMarker = keyMarker === "" ? "" : (request.query.get("upload-id-marker") ?? "");
  const page = takePage(uploadsAfter(bucket, keyMarker, uploadMarker, delimiter), { prefix, delimiter, maximum });
  const encode = nameEncoder(request);
  return xmlResponse(
    xmlDocument("ListMultipartUploadsResult", {
      Bucket: bucket.name,
      KeyMarker: encode(keyMarker),
      UploadIdMarker: uploadMarker,
      NextKeyMarker: page.truncated ? encode(page.lastName) : undefined,
      NextUploadIdMarker: page.truncated ? page.last?.uploadId : undefined,
      Prefix: encode(prefix),
      Delimiter: delimiter === "" ? undefined : encode(delimiter),
      MaxUploads: maximum,
      IsTruncated: page.truncated,
      Upload: page.items.map((upload) => ({
        Key: encode(upload.key),
        UploadId: upload.uploadId,
        Initiator: { ID: upload.initiator, DisplayName: upload.initiator },
        Owner: { ID: bucket.accountId },
        StorageClass: upload.storageClass,
        Initiated: isoTime(upload.initiated),
        ChecksumAlgorithm: upload.declaredAlgorithm,
        ChecksumType: upload.declaredAlgorithm ? upload.checksumType : undefined,
      })),
      CommonPrefixes: page.prefixes.map((name) => ({ Prefix: encode(name) })),
    }),
  );
};

/** Uploads by key, of one key by age; after the marker. */
function* uploadsAfter(
  bucket: Bucket,
  keyMarker: string,
  uploadMarker: string,
  delimiter: string,
): Generator<readonly [string, MultipartUpload]> {
  const uploads = [...bucket.uploads.values()].sort((left, right) => compareKeys(left.key, right.key));
  let reached = false;
  for (const upload of uploads) {
    const resumed = uploadMarker !== "" && upload.key === keyMarker;
    if (resumed ? reached : isAfter(upload.key, keyMarker, delimiter)) yield [upload.key, upload];
    if (upload.uploadId === uploadMarker) reached = true;
  }
}
