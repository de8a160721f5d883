// Which service a request is meant for. AWS tells by the host name; on one origin the request itself has to say.
import { AwsError } from "../core/errors";
import type { GatewayEndpoint } from "../core/service";
import { type ArrivedRequest, headerOf } from "./arrival";
import type { SignatureClaim } from "./claims";

/** Prefixes of x-amz-target, by which the JSON protocols name service and operation. */
const targets: Readonly<Record<string, string>> = {
  AmazonSQS: "sqs",
  AWSCognitoIdentityProviderService: "cognito-idp",
  AWSEvents: "events",
  AWSStepFunctions: "states",
  DynamoDB_20120810: "dynamodb",
  GraniteServiceVersion20100801: "monitoring",
  Logs_20140328: "logs",
};

/** Service and operation of x-amz-target. */
export function targetOf(request: ArrivedRequest): { service?: string; operation: string } | undefined {
  const target = headerOf(request, "x-amz-target");
  if (target === undefined) return undefined;
  const [prefix = "", operation = ""] = target.split(".", 2);
  const service = targets[prefix];
  return { operation, ...(service !== undefined && { service }) };
}

/** The service named by the signature, well-formed or not; for unsigned requests by the protocol. S3 when nothing else fits. */
export function serviceOf(request: ArrivedRequest): string {
  const authorization = headerOf(request, "authorization") ?? "";
  const scope =
    /Credential=[^,]*\/([a-z0-9-]+)\/aws4_request/.exec(authorization) ??
    /(?:^|&)X-Amz-Credential=[^&]*(?:%2F|\/)([a-z0-9-]+)(?:%2F|\/)aws4_request/i.exec(request.rawQuery);
  if (scope?.[1] !== undefined) return scope[1];
  const target = targetOf(request);
  if (target) return target.service ?? "unknown";
  const isForm = /^application\/x-www-form-urlencoded/i.test(headerOf(request, "content-type") ?? "");
  return isForm ? "sts" : "s3";
}

/** Operations of Cognito user pools that AWS answers without a signature: their tokens or passwords prove who calls. */
const unsignedCognito = new Set(
  `AssociateSoftwareToken ChangePassword CompleteWebAuthnRegistration ConfirmDevice ConfirmForgotPassword ConfirmSignUp DeleteUser
  DeleteUserAttributes DeleteWebAuthnCredential ForgetDevice ForgotPassword GetDevice GetTokensFromRefreshToken GetUser
  GetUserAttributeVerificationCode GetUserAuthFactors GlobalSignOut InitiateAuth ListDevices ListWebAuthnCredentials
  ResendConfirmationCode RespondToAuthChallenge RevokeToken SetUserMFAPreference SetUserSettings SignUp StartWebAuthnRegistration
  UpdateDeviceStatus UpdateUserAttributes VerifySoftwareToken VerifyUserAttribute`.split(/\s+/),
);

/** Whether AWS takes an unsigned request: for S3 always, whose policies then decide. */
export function mayBeUnsigned(request: ArrivedRequest, service: string): boolean {
  return service === "s3" || (service === "cognito-idp" && unsignedCognito.has(targetOf(request)?.operation ?? ""));
}

/** Refuses a signature made for another service than the one that is called. */
export function checkScope(request: ArrivedRequest, claim: SignatureClaim, endpoint: GatewayEndpoint): void {
  const { service } = claim.scope;
  if (endpoint === "accelerate" && service !== "s3") {
    throw new AwsError(
      "AuthorizationHeaderMalformed",
      `The authorization header is malformed; incorrect service "${service}". This endpoint belongs to "s3".`,
    );
  }
  const expected = targetOf(request)?.service;
  if (expected !== undefined && expected !== service) {
    throw new AwsError("SignatureDoesNotMatch", `Credential should be scoped to correct service: '${expected}'.`, 403);
  }
}
