// Cuts a file into parts that Amazon S3 accepts.
import { S3_LIMITS } from "./contract";

/** How a file is cut: every part but the last has `partSize` bytes. */
export interface PartPlan {
  readonly partSize: number;
  /** At least 1; an empty file is one empty part. */
  readonly partCount: number;
}

/**
 * Plans the parts of a file. The part size is the wished one, raised to the minimum and to what keeps the count at 10,000,
 * and never above 5 GiB.
 * @param size bytes, 0 to S3_LIMITS.maximumObjectBytes; RangeError otherwise.
 * @param wishedPartSize bytes.
 * @param minimumPartSize bytes; S3's own minimum applies in any case.
 */
export function planParts(size: number, wishedPartSize: number, minimumPartSize: number): PartPlan {
  if (!Number.isSafeInteger(size) || size < 0 || size > S3_LIMITS.maximumObjectBytes) {
    throw new RangeError(`size must be an integer from 0 to ${S3_LIMITS.maximumObjectBytes}, got ${size}`);
  }
  const smallest = Math.max(S3_LIMITS.minimumPartBytes, minimumPartSize, Math.ceil(size / S3_LIMITS.maximumParts));
  const partSize = Math.min(Math.max(wishedPartSize, smallest), S3_LIMITS.maximumPartBytes);
  return { partSize, partCount: Math.max(1, Math.ceil(size / partSize)) };
}

/** Bytes of one part of a planned file. `partNumber` counts from 1. */
export function sizeOfPart({ partSize, partCount }: PartPlan, size: number, partNumber: number): number {
  return partNumber < partCount ? partSize : size - (partCount - 1) * partSize;
}
