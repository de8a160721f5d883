// Checksums of requests: which one the caller names, where its value is, and whether it fits.
import type { AwsError } from "../core/errors";
import { AwsError as Refusal } from "../core/errors";
import { badDigest, invalidRequest, notSimulated } from "./errors";
import type { DigestName, Digests } from "./hashes";
import type { S3Request } from "./request";

/** Algorithms that are computed here. S3 knows five more, which are refused as not simulated. */
export const CHECKSUM_ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const;
/** Name of an algorithm as S3 spells it. */
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];
/** Whether a multipart object's checksum is the sum of its bytes, or the sum of its parts' sums. */
export type ChecksumType = "COMPOSITE" | "FULL_OBJECT";

const OTHER_ALGORITHMS = ["MD5", "SHA512", "XXHASH64", "XXHASH3", "XXHASH128"];
const DIGEST_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};
const NOT_VALUES = ["algorithm", "type", "mode"];

/** What a request says about the sums of its body. */
export interface ExpectedChecksum {
  readonly algorithm: ChecksumAlgorithm | undefined;
  /** Base64 from a header (or hoisted into the query of a presigned URL). */
  readonly value: string | undefined;
  /** Name of the trailing header that will carry the value. */
  readonly trailer: string | undefined;
  /** Base64 of `Content-MD5`. */
  readonly contentMd5: string | undefined;
}

/** Header that carries a checksum of that algorithm. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** Element of an XML document that carries a checksum of that algorithm: ChecksumCRC32 say. */
export function checksumElement(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm}`;
}

/** Parses an algorithm's name. @throws AwsError InvalidRequest for unknown ones, NotSimulated for those left out here. */
export function parseAlgorithm(name: string): ChecksumAlgorithm {
  const upper = name.toUpperCase();
  const known = CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === upper);
  if (known) return known;
  if (OTHER_ALGORITHMS.includes(upper)) throw notSimulated(`the checksum algorithm ${upper} of S3`);
  throw invalidRequest(
    "Checksum algorithm provided is unsupported. Please try again with any of the valid types: " +
      `[${CHECKSUM_ALGORITHMS.join(", ")}]`,
  );
}

/** Reads the checksum headers of a request with a body. */
export function readExpectedChecksum(request: S3Request): ExpectedChecksum {
  const headers = Object.keys(request.headers).filter(
    (name) => name.startsWith("x-amz-checksum-") && !NOT_VALUES.includes(name.slice("x-amz-checksum-".length)),
  );
  const trailer = request.headers["x-amz-trailer"]?.trim().toLowerCase();
  const trailers = trailer?.startsWith("x-amz-checksum-") ? [trailer] : [];
  if (headers.length + trailers.length > 1) {
    throw invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
  }
  const carrier = headers[0] ?? trailers[0];
  const algorithm = carrier ? parseAlgorithm(carrier.slice("x-amz-checksum-".length)) : undefined;
  checkSdkAlgorithm(request, algorithm);
  const value = headers[0] ? request.headers[headers[0]] : undefined;
  if (value !== undefined && algorithm) checkShape(algorithm, value);
  return { algorithm, value, trailer: trailers[0], contentMd5: readContentMd5(request) };
}

function checkSdkAlgorithm(request: S3Request, algorithm: ChecksumAlgorithm | undefined): void {
  const named = request.headers["x-amz-sdk-checksum-algorithm"];
  if (named === undefined) return;
  if (parseAlgorithm(named) === algorithm) return;
  throw invalidRequest(
    algorithm
      ? "Value for x-amz-sdk-checksum-algorithm header is invalid."
      : "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
  );
}

/** Refuses what is not base64 of the right length. Composite values end in "-<parts>" where `composite` allows it. */
export function checkShape(algorithm: ChecksumAlgorithm, value: string, composite = false): void {
  const base64 = composite ? value.replace(/-\d+$/, "") : value;
  const bytes = Buffer.from(base64, "base64");
  if (bytes.length !== DIGEST_BYTES[algorithm] || bytes.toString("base64") !== base64) {
    throw invalidRequest(`Value for ${checksumHeader(algorithm)} header is invalid.`);
  }
}

function readContentMd5(request: S3Request): string | undefined {
  const value = request.headers["content-md5"];
  if (value === undefined) return undefined;
  if (Buffer.from(value, "base64").length !== 16) {
    throw new Refusal("InvalidDigest", "The Content-MD5 you specified was invalid.", 400, { "Content-MD5": value });
  }
  return value;
}

/** Sums that a body needs: MD5 for the ETag, and the checksum. */
export function digestNames(algorithm: ChecksumAlgorithm): readonly DigestName[] {
  return ["MD5", algorithm];
}

/** Compares what arrived with what was announced. Call it after the body has ended. @throws AwsError BadDigest. */
export function verifyChecksum(
  expected: ExpectedChecksum,
  digests: Digests,
  trailers: Readonly<Record<string, string>>,
): void {
  const md5 = digests.get("MD5");
  if (expected.contentMd5 !== undefined && md5?.toString("base64") !== expected.contentMd5)
    throw wrongMd5(expected.contentMd5, md5);
  if (!expected.algorithm) return;
  const value = expected.trailer ? trailers[expected.trailer] : expected.value;
  if (value === undefined) {
    throw new Refusal(
      "MalformedTrailerError",
      "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    );
  }
  checkShape(expected.algorithm, value);
  if (digests.get(expected.algorithm)?.toString("base64") !== value) throw badDigest(expected.algorithm);
}

function wrongMd5(expected: string, md5: Buffer | undefined): AwsError {
  return new Refusal("BadDigest", "The Content-MD5 you specified did not match what we received.", 400, {
    ExpectedDigest: expected,
    CalculatedDigest: md5?.toString("base64"),
  });
}

/** Refusal of a part whose algorithm is not the upload's, in S3's words. */
export function checksumTypeMismatch(
  expected: ChecksumAlgorithm | undefined,
  actual: ChecksumAlgorithm | undefined,
): AwsError {
  return invalidRequest(
    `Checksum Type mismatch occurred, expected checksum Type: ${expected?.toLowerCase() ?? "null"}, ` +
      `actual checksum Type: ${actual?.toLowerCase() ?? "null"}`,
  );
}

/** Type of an upload's checksum. @throws AwsError InvalidRequest for pairs that S3 does not offer. */
export function resolveChecksumType(
  algorithm: ChecksumAlgorithm | undefined,
  wanted: string | undefined,
): ChecksumType {
  if (wanted !== undefined && wanted !== "COMPOSITE" && wanted !== "FULL_OBJECT") {
    throw invalidRequest("Value for x-amz-checksum-type header is invalid.");
  }
  if (!algorithm) {
    if (wanted === undefined) return "FULL_OBJECT";
    throw invalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
  }
  const only = algorithm === "CRC64NVME" ? "FULL_OBJECT" : algorithm.startsWith("SHA") ? "COMPOSITE" : undefined;
  if (only && wanted && wanted !== only) {
    throw invalidRequest(
      `The ${wanted} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  }
  return wanted ?? only ?? "COMPOSITE";
}
