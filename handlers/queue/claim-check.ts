// Bodies that travel by reference: the message names the object, the bucket holds the body.
import {
  domainOf,
  readCredentials,
  readEndpointOverride,
  readRegion,
  type Environment,
} from "../shared/aws-environment";
import { AwsRestClient } from "../shared/aws-rest";
import { AwsCallError } from "../shared/errors";
import { encodeRfc3986 } from "../shared/sigv4";
import { CLAIM_CHECK_PREFIX, type ClaimCheck } from "./contract";
import { NonRetryableError } from "./errors";

/** A bucket of bodies. */
export interface BodyStore {
  readonly bucket: string;
  get(key: string, signal?: AbortSignal): Promise<string>;
  put(key: string, body: string): Promise<void>;
}

/** The bucket on Amazon S3, with path style at an endpoint that the environment sets. */
export function createBodyStore(bucket: string, environment: Environment, now: () => number): BodyStore {
  const region = readRegion(environment);
  const override = readEndpointOverride(environment, "S3");
  const origin = override ? `${override}/${bucket}` : `https://${bucket}.s3.${region}.${domainOf(region)}`;
  const client = new AwsRestClient({
    service: "s3",
    region,
    now,
    // Read at each call: in a container they are replaced as they expire.
    get credentials() {
      return readCredentials(environment);
    },
  });
  const urlOf = (key: string): URL => new URL(`${origin}/${key.split("/").map(encodeRfc3986).join("/")}`);
  return {
    bucket,
    get: (key, signal) => client.call({ method: "GET", url: urlOf(key), ...(signal ? { signal } : {}) }),
    put: async (key, body) => {
      const headers = { "content-type": "application/octet-stream" };
      await client.call({ method: "PUT", url: urlOf(key), headers, body });
    },
  };
}

/**
 * Text of a body: the message's own, or what its claim check names. Whoever may send a message must not choose what the function
 * reads, so other buckets and keys outside the prefix are rejected.
 */
export async function resolveBody(text: string, store: BodyStore | undefined, signal?: AbortSignal): Promise<string> {
  const reference = store && readClaimCheck(text);
  if (!store || !reference) return text;
  const { bucket, key } = reference.claimCheck;
  if (bucket !== store.bucket || !isAllowedKey(key)) {
    throw new NonRetryableError("the claim check names a bucket or key that this consumer does not read");
  }
  try {
    return await store.get(key, signal);
  } catch (error) {
    // Sent after the object was written, and S3 reads its writes: it has been deleted, and will not come back. S3 says so only to who may
    // list the bucket; others get AccessDenied, and their message fails until it is in the dead-letter queue.
    if (error instanceof AwsCallError && error.code === "NoSuchKey") {
      throw new NonRetryableError("the body of the claim check is gone", { cause: error });
    }
    throw error;
  }
}

/** The claim check that a text holds. */
export function readClaimCheck(text: string): ClaimCheck | undefined {
  if (!text.startsWith("{") || !text.includes('"claimCheck"')) return undefined;
  try {
    const { claimCheck } = JSON.parse(text) as { readonly claimCheck?: Partial<ClaimCheck["claimCheck"]> };
    const { bucket, key, bytes } = claimCheck ?? {};
    if (typeof bucket !== "string" || typeof key !== "string" || typeof bytes !== "number") return undefined;
    return { claimCheck: { bucket, key, bytes } };
  } catch {
    return undefined;
  }
}

function isAllowedKey(key: string): boolean {
  // URL parsing would resolve dot segments and leave the prefix.
  return (
    key.startsWith(CLAIM_CHECK_PREFIX) && !key.split("/").some((part) => part === "." || part === ".." || part === "")
  );
}
