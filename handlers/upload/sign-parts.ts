// Signs URLs for parts. Needs nothing but the ownership row, so it is the fastest of the handlers. Any part can be signed again.
import { InvalidRequestError } from "../shared/errors";
import { toIso, type Now } from "../shared/clock";
import type { Caller } from "../shared/identity";
import type { Credentials } from "../shared/sigv4";
import { CHECKSUM_HEADER, type SignPartsRequest, type SignPartsResponse } from "./contract";
import { findOwn, requireStarted } from "./own-upload";
import { sizeOfPart } from "./planner";
import type { UploadStore } from "./ports";
import { PartSigner, type PartEndpoint, type PartEndpoints } from "./presign";
import type { UploadSettings } from "./settings";

/** What signing needs. */
export interface SignDependencies {
  readonly settings: Pick<UploadSettings, "rules" | "region">;
  readonly store: UploadStore;
  readonly endpoints: PartEndpoints;
  readonly credentials: () => Credentials;
  readonly now: Now;
}

/** Signs the requested parts of an open upload of the caller. */
export async function signParts(
  { settings, store, endpoints, credentials, now }: SignDependencies,
  caller: Caller,
  uploadId: string | undefined,
  { parts }: SignPartsRequest,
): Promise<SignPartsResponse> {
  const upload = requireStarted(await findOwn(store, caller, uploadId), ["open"]);
  const beyond = parts.find(({ partNumber }) => partNumber > upload.partCount);
  if (beyond) throw new InvalidRequestError(`partNumber must be at most ${upload.partCount}, got ${beyond.partNumber}`);
  const expiresSeconds = settings.rules.urlExpirySeconds;
  const signedAt = now();
  const createSigner = (endpoint: PartEndpoint): PartSigner =>
    new PartSigner({
      endpoint,
      key: upload.key,
      s3UploadId: upload.s3UploadId,
      region: settings.region,
      credentials: credentials(),
      now: signedAt,
      expiresSeconds,
    });
  const direct = createSigner(endpoints.direct);
  const accelerated = endpoints.accelerated && createSigner(endpoints.accelerated);
  return {
    parts: parts.map(({ partNumber, checksum }) => {
      const part = { partNumber, checksum, size: sizeOfPart(upload, upload.size, partNumber) };
      return {
        partNumber,
        size: part.size,
        url: direct.sign(part),
        ...(accelerated ? { acceleratedUrl: accelerated.sign(part) } : {}),
        headers: { [CHECKSUM_HEADER]: checksum },
      };
    }),
    // SigV4 counts whole seconds.
    expiresAt: toIso(Math.floor(signedAt / 1000) * 1000 + expiresSeconds * 1000),
  };
}
