// What a bucket tells others: EventBridge events and asynchronous invocations of functions.
import { servicePrincipal } from "../core/principal";
import type { CloudContext } from "../core/service";
import { bare } from "./conditions";
import { bucketArn, type Bucket, type ObjectVersion } from "./state";

/** What happened: the name in function notifications, without "s3:". */
export type S3EventName =
  | "ObjectCreated:Put"
  | "ObjectCreated:Copy"
  | "ObjectCreated:CompleteMultipartUpload"
  | "ObjectRemoved:Delete"
  | "ObjectRemoved:DeleteMarkerCreated"
  | "ObjectTagging:Put"
  | "ObjectTagging:Delete"
  | "LifecycleExpiration:Delete"
  | "LifecycleExpiration:DeleteMarkerCreated";

/** Who did it. */
export interface EventOrigin {
  readonly requestId: string;
  /** Account id of the caller, or the name of an AWS service. */
  readonly requester: string;
  readonly sourceIp?: string;
}

interface BridgeFacts {
  readonly detailType: string;
  readonly reason?: string;
  readonly deletionType?: string;
}

const BRIDGE: Readonly<Record<S3EventName, BridgeFacts>> = {
  "ObjectCreated:Put": { detailType: "Object Created", reason: "PutObject" },
  "ObjectCreated:Copy": { detailType: "Object Created", reason: "CopyObject" },
  "ObjectCreated:CompleteMultipartUpload": { detailType: "Object Created", reason: "CompleteMultipartUpload" },
  "ObjectRemoved:Delete": {
    detailType: "Object Deleted",
    reason: "DeleteObject",
    deletionType: "Permanently Deleted",
  },
  "ObjectRemoved:DeleteMarkerCreated": {
    detailType: "Object Deleted",
    reason: "DeleteObject",
    deletionType: "Delete Marker Created",
  },
  "ObjectTagging:Put": { detailType: "Object Tags Added" },
  "ObjectTagging:Delete": { detailType: "Object Tags Deleted" },
  "LifecycleExpiration:Delete": {
    detailType: "Object Deleted",
    reason: "Lifecycle Expiration",
    deletionType: "Permanently Deleted",
  },
  "LifecycleExpiration:DeleteMarkerCreated": {
    detailType: "Object Deleted",
    reason: "Lifecycle Expiration",
    deletionType: "Delete Marker Created",
  },
};

/** A delete marker's, as S3 documents it: MD5 of nothing. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html */
const ETAG_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e";

/** Sends the notifications that buckets ask for. */
export class Notifier {
  private sequence = 0;

  constructor(private readonly context: CloudContext) {}

  /** Tells everybody who asked to be told. */
  notify(bucket: Bucket, name: S3EventName, object: ObjectVersion, origin: EventOrigin): void {
    const sequencer = this.nextSequencer();
    if (bucket.eventBridge) this.publish(bucket, name, object, origin, sequencer);
    for (const target of bucket.functionNotifications) {
      if (!target.events.some((pattern) => coversEvent(pattern, name))) continue;
      if (!object.key.startsWith(target.prefix) || !object.key.endsWith(target.suffix)) continue;
      const payload = Buffer.from(JSON.stringify(this.record(bucket, name, object, origin, sequencer, target.id)));
      this.context.functions.invokeAsync(target.functionArn, payload, s3Principal(bucket));
    }
  }

  private publish(
    bucket: Bucket,
    name: S3EventName,
    object: ObjectVersion,
    origin: EventOrigin,
    sequencer: string,
  ): void {
    const { detailType, reason, deletionType } = BRIDGE[name];
    const versionId = bucket.versioning === "Off" ? undefined : object.versionId;
    const facts = detailType === "Object Created" ? { size: object.size, etag: bare(object.etag) } : {};
    const emptiness = deletionType === "Delete Marker Created" ? { etag: ETAG_OF_NOTHING } : {};
    const tagged = name.startsWith("ObjectTagging") ? { etag: bare(object.etag) } : { sequencer };
    this.context.events.publish({
      source: "aws.s3",
      detailType,
      resources: [bucketArn(bucket.name)],
      accountId: bucket.accountId,
      region: bucket.region,
      detail: {
        version: "0",
        bucket: { name: bucket.name },
        object: {
          key: object.key,
          ...facts,
          ...emptiness,
          ...(versionId === undefined ? {} : { "version-id": versionId }),
          ...tagged,
        },
        "request-id": origin.requestId,
        requester: origin.requester,
        ...(origin.sourceIp ? { "source-ip-address": origin.sourceIp } : {}),
        ...(reason ? { reason } : {}),
        ...(deletionType ? { "deletion-type": deletionType } : {}),
      },
    });
  }

  private record(
    bucket: Bucket,
    name: S3EventName,
    object: ObjectVersion,
    origin: EventOrigin,
    sequencer: string,
    configurationId: string,
  ): unknown {
    const created = name.startsWith("ObjectCreated") ? { size: object.size, eTag: bare(object.etag) } : {};
    return {
      Records: [
        {
          eventVersion: "2.1",
          eventSource: "aws:s3",
          awsRegion: bucket.region,
          eventTime: new Date(this.context.clock.now()).toISOString(),
          eventName: name,
          userIdentity: { principalId: `AWS:${origin.requester}` },
          requestParameters: { sourceIPAddress: origin.sourceIp ?? "s3.amazonaws.com" },
          responseElements: { "x-amz-request-id": origin.requestId, "x-amz-id-2": origin.requestId },
          s3: {
            s3SchemaVersion: "1.0",
            configurationId,
            bucket: {
              name: bucket.name,
              ownerIdentity: { principalId: bucket.accountId },
              arn: bucketArn(bucket.name),
            },
            object: {
              key: encodeURIComponent(object.key).replaceAll("%20", "+").replaceAll("%2F", "/"),
              ...created,
              ...(bucket.versioning === "Off" ? {} : { versionId: object.versionId }),
              sequencer,
            },
          },
        },
      ],
    };
  }

  private nextSequencer(): string {
    return (
      this.context.clock.now().toString(16).padStart(12, "0").toUpperCase() +
      (++this.sequence).toString(16).padStart(6, "0").toUpperCase()
    );
  }
}

/** The principal under which S3 invokes a function for a bucket. */
export function s3Principal(bucket: Pick<Bucket, "name" | "accountId">) {
  return servicePrincipal("s3.amazonaws.com", bucketArn(bucket.name), bucket.accountId);
}

/** Whether "s3:ObjectCreated:*" covers "ObjectCreated:Put". */
export function coversEvent(pattern: string, name: S3EventName): boolean {
  const bareName = pattern.replace(/^s3:/, "");
  return bareName.endsWith(":*") ? name.startsWith(bareName.slice(0, -1)) : bareName === name;
}
