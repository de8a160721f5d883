// Signed URLs by which a browser sends parts straight to S3. Host, length and checksum are signed headers: other bytes are refused.
// An URL also dies with the credentials that signed it. Lambda renews a role's credentials long before they end, but gives no date,
// so URLs must be short-lived (`urlExpirySeconds`, minutes); a client whose URL is refused asks for a new one.
import { domainOf, readEndpointOverride, type Environment } from "../shared/aws-environment";
import { encodeRfc3986, UrlSigner, type Credentials } from "../shared/sigv4";
import { ACCELERATE_ENDPOINT_VARIABLE, CHECKSUM_HEADER } from "./contract";

/** Where parts are sent. */
export interface PartEndpoint {
  /** "https:" or "http:". */
  readonly protocol: string;
  readonly host: string;
  /** What precedes the key: "/" at a bucket's own host, "/bucket/" in path style. */
  readonly pathPrefix: string;
}

/** The hosts of a bucket. */
export interface PartEndpoints {
  readonly direct: PartEndpoint;
  /** Transfer Acceleration, where the bucket has it. */
  readonly accelerated?: PartEndpoint;
}

/** A bucket and how it may be reached. */
export interface BucketHosts {
  readonly bucketName: string;
  readonly region: string;
  readonly acceleration: boolean;
  readonly dualStack: boolean;
}

/** The endpoints of a bucket: AWS's own hosts, or the ones that the environment sets. */
export function resolvePartEndpoints(hosts: BucketHosts, environment: Environment): PartEndpoints {
  const direct = readEndpointOverride(environment, "S3");
  const accelerated = environment[ACCELERATE_ENDPOINT_VARIABLE];
  const { bucketName, region, dualStack } = hosts;
  const domain = domainOf(region);
  return {
    direct: direct
      ? toPathStyle(direct, bucketName)
      : toVirtualHost(`${bucketName}.s3${dualStack ? ".dualstack" : ""}.${region}.${domain}`),
    ...(hosts.acceleration && {
      accelerated: accelerated
        ? toPathStyle(accelerated, bucketName)
        : toVirtualHost(`${bucketName}.s3-accelerate${dualStack ? ".dualstack" : ""}.${domain}`),
    }),
  };
}

/** Which upload, and how its URLs are signed. */
export interface PartSignerSettings {
  readonly endpoint: PartEndpoint;
  readonly key: string;
  readonly s3UploadId: string;
  readonly region: string;
  readonly credentials: Credentials;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly expiresSeconds: number;
}

/** A part whose bytes are known. */
export interface PartToUpload {
  readonly partNumber: number;
  /** Bytes. */
  readonly size: number;
  /** CRC-64/NVME, base64. */
  readonly checksum: string;
}

/** Signs the parts of one upload at one endpoint. */
export class PartSigner {
  readonly #signer: UrlSigner;
  readonly #uploadId: string;

  constructor({ endpoint, key, s3UploadId, region, credentials, now, expiresSeconds }: PartSignerSettings) {
    const base = {
      method: "PUT",
      protocol: endpoint.protocol,
      host: endpoint.host,
      path: endpoint.pathPrefix + key.split("/").map(encodeRfc3986).join("/"),
      expiresSeconds,
      signedHeaders: ["content-length", CHECKSUM_HEADER],
      at: now,
      region,
      service: "s3",
    };
    this.#signer = new UrlSigner(base, credentials);
    this.#uploadId = encodeRfc3986(s3UploadId);
  }

  /** The URL to PUT exactly these bytes to, with the checksum header. */
  sign({ partNumber, size, checksum }: PartToUpload): string {
    // x-id only names the operation in access logs; the SDK sends it too.
    const query = `partNumber=${partNumber}&uploadId=${this.#uploadId}&x-id=UploadPart`;
    return this.#signer.sign(query, { "content-length": String(size), [CHECKSUM_HEADER]: checksum });
  }
}

function toVirtualHost(host: string): PartEndpoint {
  return { protocol: "https:", host, pathPrefix: "/" };
}

function toPathStyle(endpoint: string, bucketName: string): PartEndpoint {
  const { protocol, host, pathname } = new URL(endpoint);
  return { protocol, host, pathPrefix: `${pathname.replace(/\/+$/, "")}/${bucketName}/` };
}
