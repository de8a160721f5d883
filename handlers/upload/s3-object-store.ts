// The object store on Amazon S3. Every call names the expected owner of the bucket.
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListPartsCommand,
  S3Client,
  type ListPartsCommandOutput,
} from "@aws-sdk/client-s3";
import { readEndpointOverride, type Environment } from "../shared/aws-environment";
import { TryAgainError } from "../shared/errors";
import type { CompletedPart, FinishedPart } from "./contract";
import { buildContentDisposition } from "./object-key";
import type { Completion, ObjectStore } from "./ports";
import { classifyS3Failure } from "./s3-failure";
import type { UploadSettings } from "./settings";
import type { StoredObject, UploadRecord } from "./upload";

/** Metadata by which an object is known as what a certain upload has become. */
const UPLOAD_ID_METADATA = "upload-id";

/** A client that adds no checksums of its own and uses path style at an endpoint that the environment sets. */
export function createS3Client(settings: UploadSettings, environment: Environment): S3Client {
  return new S3Client({
    region: settings.region,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    forcePathStyle: readEndpointOverride(environment, "S3") !== undefined,
  });
}

/** See ObjectStore. */
export class S3ObjectStore implements ObjectStore {
  constructor(
    private readonly client: S3Client,
    private readonly settings: UploadSettings,
  ) {}

  async create(record: UploadRecord): Promise<string> {
    const { serverSideEncryption, kmsKeyArn } = this.settings.rules;
    const kms = serverSideEncryption === "aws:kms";
    const command = new CreateMultipartUploadCommand({
      ...this.address(record),
      ChecksumAlgorithm: "CRC64NVME",
      ChecksumType: "FULL_OBJECT",
      ContentType: record.contentType,
      ContentDisposition: buildContentDisposition(record.fileName),
      Metadata: { tenant: record.tenant, user: record.user, [UPLOAD_ID_METADATA]: record.uploadId },
      ServerSideEncryption: serverSideEncryption,
      ...(kms ? { BucketKeyEnabled: true } : {}),
      ...(kms && kmsKeyArn !== undefined ? { SSEKMSKeyId: kmsKeyArn } : {}),
    });
    const { UploadId } = await orTryAgain(this.client.send(command));
    if (UploadId === undefined) throw new Error("S3 answered CreateMultipartUpload without an upload id");
    return UploadId;
  }

  async listParts(record: UploadRecord): Promise<readonly FinishedPart[] | undefined> {
    const parts: FinishedPart[] = [];
    let marker: string | undefined;
    do {
      const page = await this.listPage(record, marker);
      if (!page) return undefined;
      parts.push(...(page.Parts ?? []).map(toFinishedPart));
      marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
    } while (marker !== undefined);
    return parts;
  }

  async complete(record: UploadRecord, parts: readonly CompletedPart[], checksum: string): Promise<Completion> {
    const command = new CompleteMultipartUploadCommand({
      ...this.address(record),
      UploadId: record.s3UploadId,
      MultipartUpload: {
        Parts: parts.map((part) => ({
          PartNumber: part.partNumber,
          ETag: part.eTag,
          ChecksumCRC64NVME: part.checksum,
        })),
      },
      ChecksumCRC64NVME: checksum,
      ChecksumType: "FULL_OBJECT",
      MpuObjectSize: record.size,
      ...(this.settings.rules.allowOverwrite ? {} : { IfNoneMatch: "*" }),
    });
    try {
      const { VersionId, ChecksumCRC64NVME } = await this.client.send(command);
      return { kind: "stored", ...toStoredObject(VersionId, ChecksumCRC64NVME) };
    } catch (error) {
      const failure = classifyS3Failure(error);
      if (failure === "busy") throw new TryAgainError({ cause: error });
      if (failure === "other" || failure === "missing") throw error;
      return { kind: failure };
    }
  }

  async abort(record: UploadRecord): Promise<"aborted" | "gone"> {
    const command = new AbortMultipartUploadCommand({ ...this.address(record), UploadId: record.s3UploadId });
    return orWhen(["gone"], "gone" as const, async (): Promise<"aborted"> => {
      await this.client.send(command);
      return "aborted";
    });
  }

  async findObject(record: UploadRecord): Promise<StoredObject | undefined> {
    const command = new HeadObjectCommand({ ...this.address(record), ChecksumMode: "ENABLED" });
    const head = await orWhen(["missing"], undefined, () => this.client.send(command));
    if (head?.Metadata?.[UPLOAD_ID_METADATA] !== record.uploadId) return undefined;
    return toStoredObject(head.VersionId, head.ChecksumCRC64NVME);
  }

  private listPage(record: UploadRecord, marker: string | undefined): Promise<ListPartsCommandOutput | undefined> {
    const command = new ListPartsCommand({
      ...this.address(record),
      UploadId: record.s3UploadId,
      ...(marker === undefined ? {} : { PartNumberMarker: marker }),
    });
    return orWhen(["gone"], undefined, () => this.client.send(command));
  }

  private address({ key }: UploadRecord): { Bucket: string; Key: string; ExpectedBucketOwner: string } {
    return { Bucket: this.settings.bucketName, Key: key, ExpectedBucketOwner: this.settings.bucketOwner };
  }
}

function toFinishedPart(part: NonNullable<ListPartsCommandOutput["Parts"]>[number]): FinishedPart {
  const { PartNumber = 0, Size = 0, ETag = "", ChecksumCRC64NVME = "" } = part;
  return { partNumber: PartNumber, size: Size, eTag: ETag, checksum: ChecksumCRC64NVME };
}

function toStoredObject(versionId: string | undefined, checksum: string | undefined): StoredObject {
  return { ...(versionId === undefined ? {} : { versionId }), ...(checksum === undefined ? {} : { checksum }) };
}

async function orTryAgain<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw classifyS3Failure(error) === "busy" ? new TryAgainError({ cause: error }) : error;
  }
}

/** The answer, or `substitute` when the call fails in one of the given ways. */
async function orWhen<T, S>(
  failures: readonly ReturnType<typeof classifyS3Failure>[],
  substitute: S,
  call: () => Promise<T>,
): Promise<T | S> {
  try {
    return await orTryAgain(call());
  } catch (error) {
    if (failures.includes(classifyS3Failure(error))) return substitute;
    throw error;
  }
}
