// Conditional requests: If-Match and its kin, on reads, copies and writes.
import { AwsError } from "../core/errors";
import { conditionalConflict, noSuchKey, preconditionFailed } from "./errors";
import type { S3Request } from "./request";
import { currentObject, type Bucket, type ObjectVersion } from "./state";

/** Outcome of a conditional read. */
export type ReadCondition = "send" | "not-modified";

/** Names of the four headers, which copies prefix. */
const READ_HEADERS = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"] as const;

/** Applies the conditions of a read. @throws AwsError PreconditionFailed (412). */
export function checkRead(request: S3Request, object: ObjectVersion): ReadCondition {
  const [match, noneMatch, modified, unmodified] = READ_HEADERS.map((name) => request.headers[name]);
  if (match !== undefined) {
    if (!listsEtag(match, object.etag)) throw preconditionFailed("If-Match");
  } else if (isBefore(unmodified, object.lastModified)) {
    throw preconditionFailed("If-Unmodified-Since");
  }
  if (noneMatch !== undefined) return listsEtag(noneMatch, object.etag) ? "not-modified" : "send";
  return modified !== undefined && !isBefore(modified, object.lastModified) ? "not-modified" : "send";
}

/** Applies the conditions that a copy sets on its source: every failure is a 412. */
export function checkCopySource(request: S3Request, source: ObjectVersion): void {
  const header = (name: string): string | undefined => request.headers[`x-amz-copy-source-${name}`];
  const [match, noneMatch, modified, unmodified] = READ_HEADERS.map(header);
  if (match !== undefined && !listsEtag(match, source.etag)) throw preconditionFailed("x-amz-copy-source-If-Match");
  if (noneMatch !== undefined && listsEtag(noneMatch, source.etag)) {
    throw preconditionFailed("x-amz-copy-source-If-None-Match");
  }
  if (match === undefined && isBefore(unmodified, source.lastModified)) {
    throw preconditionFailed("x-amz-copy-source-If-Unmodified-Since");
  }
  if (noneMatch === undefined && modified !== undefined && !isBefore(modified, source.lastModified)) {
    throw preconditionFailed("x-amz-copy-source-If-Modified-Since");
  }
}

function listsEtag(header: string, etag: string): boolean {
  return header.split(",").some((item) => item.trim() === "*" || bare(item) === bare(etag));
}

/** An ETag without quotes. */
export function bare(etag: string): string {
  return etag
    .trim()
    .replace(/^(W\/)?"/, "")
    .replace(/"$/, "");
}

/** Whether the header's time lies before the object's; times count in whole seconds. Unreadable dates are ignored, as RFC 9110 says. */
function isBefore(header: string | undefined, lastModified: number): boolean {
  if (header === undefined) return false;
  const time = Date.parse(header);
  return !Number.isNaN(time) && time < Math.floor(lastModified / 1000) * 1000;
}

/** Condition of a write, read when the request starts and checked again when it commits. */
export class WriteCondition {
  private readonly ifMatch: string | undefined;
  private readonly ifNoneMatch: string | undefined;
  private readonly deletionsAtStart: number;

  constructor(
    request: S3Request,
    private readonly bucket: Bucket,
    private readonly key: string,
  ) {
    this.ifMatch = request.headers["if-match"];
    this.ifNoneMatch = request.headers["if-none-match"];
    this.deletionsAtStart = this.deletions();
    if (this.ifNoneMatch !== undefined && this.ifNoneMatch.trim() !== "*") throw notImplemented("If-None-Match");
    if (this.ifNoneMatch !== undefined && this.ifMatch !== undefined) throw notImplemented("If-Match");
  }

  /** @throws AwsError PreconditionFailed (412), ConditionalRequestConflict (409), NoSuchKey (404). */
  check(): void {
    const current = currentObject(this.bucket, this.key);
    if (this.ifNoneMatch !== undefined) {
      if (current) throw preconditionFailed("If-None-Match");
      if (this.deletions() !== this.deletionsAtStart) throw conditionalConflict("If-None-Match", this.key);
    }
    if (this.ifMatch !== undefined) {
      if (!current) throw noSuchKey(this.key);
      if (!listsEtag(this.ifMatch, current.etag)) throw preconditionFailed("If-Match");
    }
  }

  private deletions(): number {
    return this.bucket.deletions.get(this.key) ?? 0;
  }
}

function notImplemented(header: string): AwsError {
  return new AwsError("NotImplemented", "A header you provided implies functionality that is not implemented", 501, {
    Header: header,
  });
}
