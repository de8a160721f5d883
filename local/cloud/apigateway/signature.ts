// Signature Version 4 of a request to an API, verified with the gateway's own functions.
import type { IncomingMessage } from "node:http";
import { AwsError } from "../core/errors";
import type { Principal } from "../core/principal";
import type { CloudContext } from "../core/service";
import { readArrival } from "../gateway/arrival";
import { sha256Hex } from "../gateway/canonical";
import { readClaim } from "../gateway/claims";
import { checkIdentity, checkSignature } from "../gateway/verify";
import { GatewayError, type GatewayErrorType } from "./gateway-responses";

/** A caller that is believed. */
export interface SignedCaller {
  readonly principal: Principal;
  readonly accessKeyId: string;
}

/** What a signature covers, and the Region that it must name. */
export interface SignedRequest {
  readonly message: IncomingMessage;
  readonly body: Buffer;
  readonly api: { readonly region: string };
}

/** Verifies a request's signature. @throws GatewayError (403). */
export type SignatureCheck = (request: SignedRequest) => SignedCaller;

const SERVICE = "execute-api";

/** The check with the keys and the clock of one cloud. */
export function createSignatureCheck(context: CloudContext): SignatureCheck {
  return (request) => {
    try {
      return verify(context, request);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      throw new GatewayError(typeOf(error), error.message);
    }
  };
}

function verify(context: CloudContext, request: SignedRequest): SignedCaller {
  const arrived = readArrival(request.message);
  const claim = readClaim(arrived);
  if (!claim) throw new GatewayError("MISSING_AUTHENTICATION_TOKEN");
  if (claim.scope.service !== SERVICE) {
    throw new GatewayError("INVALID_SIGNATURE", `Credential should be scoped to correct service: '${SERVICE}'.`);
  }
  if (claim.scope.region !== request.api.region) {
    throw new GatewayError(
      "INVALID_SIGNATURE",
      `Credential should be scoped to a valid region, not '${claim.scope.region}'.`,
    );
  }
  const find = context.access.find.bind(context.access);
  const { principal, credentials } = checkIdentity(arrived, claim, { find, now: context.clock.now() });
  checkSignature(arrived, claim, credentials.secretAccessKey, sha256Hex(request.body));
  return { principal, accessKeyId: credentials.accessKeyId };
}

function typeOf(error: AwsError): GatewayErrorType {
  if (error.code === "ExpiredToken" || error.code === "ExpiredTokenException") return "EXPIRED_TOKEN";
  if (error.code.startsWith("MissingAuthenticationToken")) return "MISSING_AUTHENTICATION_TOKEN";
  return "INVALID_SIGNATURE";
}
