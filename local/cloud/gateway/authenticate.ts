// From an arrived request to a caller that is believed, and to content that can be read.
import type { IncomingMessage } from "node:http";
import type { AccessControl } from "../core/access";
import { AwsError } from "../core/errors";
import { anonymous, type Principal } from "../core/principal";
import type { CallAuthentication, GatewayEndpoint } from "../core/service";
import { type ArrivedRequest, headerOf } from "./arrival";
import { type BodyPlan, planS3Body, readAll } from "./body";
import type { ContentSource } from "./call";
import { scopeText, sha256Hex, signingKey } from "./canonical";
import type { ChunkSigner } from "./chunked";
import { readClaim, type SignatureClaim } from "./claims";
import { checkScope, mayBeUnsigned } from "./route";
import { checkIdentity, checkSignature, s3PayloadHash, type VerifiedSignature } from "./verify";

/** Largest body of services other than S3, in bytes: twice Lambda's largest payload and then some. */
export const maxBufferedBodyBytes = 16 * 1024 * 1024;

/** Who calls, how that is known, and where the content is. */
export interface Authenticated {
  readonly service: string;
  readonly principal: Principal;
  readonly region: string;
  readonly auth: CallAuthentication;
  readonly content: ContentSource;
}

/** What authentication needs besides the request. */
export interface AuthenticationOptions {
  readonly access: AccessControl;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly endpoint: GatewayEndpoint;
  /** The service that the request seems meant for. */
  readonly service: string;
  /** Called before the first byte of the body is read. */
  readonly beforeReading: () => void;
}

/** Verifies a request. Throws the AwsError with which AWS refuses it. */
export async function authenticate(
  request: IncomingMessage,
  arrived: ArrivedRequest,
  options: AuthenticationOptions,
): Promise<Authenticated> {
  // Browsers send the preflight of a presigned URL with its whole query; a preflight is never signed.
  const isPreflight = arrived.method === "OPTIONS" && options.service === "s3";
  const claim = isPreflight ? undefined : readClaim(arrived);
  if (!claim) return unsigned(arrived, options);
  checkScope(arrived, claim, options.endpoint);
  const { access, now } = options;
  const verified = checkIdentity(arrived, claim, { find: (id) => access.find(id), now });
  const { service, region } = claim.scope;
  const auth: CallAuthentication = {
    type: claim.type,
    signatureAgeMs: now - claim.signedAt,
    signedHeaders: claim.signedHeaders,
  };
  const content =
    service === "s3"
      ? streamedContent(arrived, claim, verified, options)
      : await bufferedContent(request, arrived, claim, verified, options);
  return { service, region, principal: verified.principal, auth, content };
}

function unsigned(arrived: ArrivedRequest, { service, beforeReading }: AuthenticationOptions): Authenticated {
  if (!mayBeUnsigned(arrived, service)) {
    throw new AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
  }
  const plan: BodyPlan = service === "s3" ? planS3Body(arrived, headerOf(arrived, "x-amz-content-sha256")) : {};
  if (plan.chunked?.signed) throw new AwsError("AccessDenied", "Access Denied", 403);
  return { service, principal: anonymous, region: "", auth: { type: "NONE" }, content: { plan, beforeReading } };
}

function streamedContent(
  arrived: ArrivedRequest,
  claim: SignatureClaim,
  { credentials }: VerifiedSignature,
  { beforeReading }: AuthenticationOptions,
): ContentSource {
  const payloadHash = s3PayloadHash(arrived, claim);
  checkSignature(arrived, claim, credentials.secretAccessKey, payloadHash);
  const plan = planS3Body(arrived, payloadHash);
  if (!plan.chunked?.signed) return { plan, beforeReading };
  const signer: ChunkSigner = {
    key: signingKey(credentials.secretAccessKey, claim.scope),
    amzDate: claim.amzDate,
    scope: scopeText(claim.scope),
    seed: claim.signature,
  };
  return { plan, signer, beforeReading };
}

/** The other services hash what really arrived: a body that was altered is a signature that does not match. */
async function bufferedContent(
  request: IncomingMessage,
  arrived: ArrivedRequest,
  claim: SignatureClaim,
  { credentials }: VerifiedSignature,
  { beforeReading }: AuthenticationOptions,
): Promise<ContentSource> {
  beforeReading();
  const buffer = await readAll(request, maxBufferedBodyBytes);
  checkSignature(arrived, claim, credentials.secretAccessKey, sha256Hex(buffer));
  return { buffer };
}
