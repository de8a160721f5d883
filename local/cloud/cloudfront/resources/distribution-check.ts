// What CloudFront refuses in a distribution, and what the local run does not simulate.
import type { InputProblem } from "../../core/errors";
import { InputReader } from "../../core/input-reader";
import type { PropertyMap } from "../../core/resource-model";

const notSimulated =
  "is not simulated by the local run; leave it out in stack dev, or add it in local/cloud/cloudfront";
const methodSets = [
  ["GET", "HEAD"],
  ["GET", "HEAD", "OPTIONS"],
  ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
];
const errorCodes = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];
const viewerProtocols = ["allow-all", "https-only", "redirect-to-https"];
const unsupportedOfBehavior = [
  "functionAssociations",
  "lambdaFunctionAssociations",
  "trustedKeyGroups",
  "trustedSigners",
  "fieldLevelEncryptionId",
];

/** Checks the inputs of a distribution. All problems at once. */
export function checkDistribution(inputs: PropertyMap): readonly InputProblem[] {
  const reader = new InputReader(inputs);
  for (const name of ["origins", "defaultCacheBehavior", "enabled", "restrictions", "viewerCertificate"]) {
    if (!reader.has(name)) reader.refuse(name, "is required");
  }
  for (const name of [
    "originGroups",
    "webAclId",
    "continuousDeploymentPolicyId",
    "viewerMtlsConfig",
    "connectionFunctionAssociation",
  ]) {
    if (isGiven(inputs[name])) reader.refuse(name, notSimulated);
  }
  if (reader.text("defaultRootObject")?.startsWith("/")) {
    reader.refuse("defaultRootObject", "must not begin with a slash; write index.html, not /index.html");
  }
  const originIds = checkOrigins(reader);
  const fallback = reader.nested("defaultCacheBehavior");
  if (fallback) checkBehavior(fallback, originIds);
  for (const behavior of reader.list("orderedCacheBehaviors")) {
    behavior.requiredText("pathPattern");
    behavior.matching(
      "pathPattern",
      /^[A-Za-z0-9_\-.*$/~"'@:+&?]{1,255}$/,
      "1 to 255 letters, digits or any of _-.*$/~\"'@:+&?",
    );
    checkBehavior(behavior, originIds);
  }
  checkErrors(reader);
  checkCertificate(reader);
  return reader.problems;
}

function checkOrigins(reader: InputReader): ReadonlySet<string> {
  const ids = new Set<string>();
  const origins = reader.list("origins");
  if (reader.has("origins") && origins.length === 0) reader.refuse("origins", "needs at least one origin");
  for (const origin of origins) {
    const id = origin.requiredText("originId") ?? "";
    if (ids.has(id)) origin.refuse("originId", `must be unique in the distribution, got ${id} twice`);
    ids.add(id);
    const domain = origin.requiredText("domainName") ?? "";
    if (/^https?:|[/:]/.test(domain))
      origin.refuse("domainName", `must be a host name without scheme, port or path, got ${domain}`);
    origin.matching(
      "originPath",
      /^$|^\/.*[^/]$/,
      "empty, or a path that begins with a slash and does not end with one",
    );
    if (origin.has("vpcOriginConfig")) origin.refuse("vpcOriginConfig", notSimulated);
    if (origin.nested("s3OriginConfig")?.text("originAccessIdentity")) {
      origin.refuse(
        "s3OriginConfig.originAccessIdentity",
        "origin access identities are not simulated; use originAccessControlId",
      );
    }
    const custom = origin.nested("customOriginConfig");
    custom?.choice("originProtocolPolicy", ["http-only", "https-only", "match-viewer"]);
    if (custom && origin.has("s3OriginConfig"))
      origin.refuse("s3OriginConfig", "excludes customOriginConfig; set one of them");
    if (!custom && domain !== "" && !/\.s3[.-].*amazonaws\.com$/.test(domain)) {
      origin.refuse("customOriginConfig", `is required: ${domain} is not the host name of an S3 bucket`);
    }
  }
  return ids;
}

function checkBehavior(behavior: InputReader, originIds: ReadonlySet<string>): void {
  const target = behavior.requiredText("targetOriginId");
  if (target !== undefined && !originIds.has(target)) {
    behavior.refuse("targetOriginId", `must be the originId of one of origins, got ${target}`);
  }
  behavior.requiredText("viewerProtocolPolicy");
  behavior.choice("viewerProtocolPolicy", viewerProtocols);
  const allowed = behavior.texts("allowedMethods");
  if (!methodSets.some((set) => sameMembers(set, allowed))) {
    behavior.refuse(
      "allowedMethods",
      `must be ${methodSets.map((set) => set.join(", ")).join("; or ")}, got ${allowed.join(", ")}`,
    );
  }
  const cached = behavior.texts("cachedMethods");
  if (
    !methodSets.slice(0, 2).some((set) => sameMembers(set, cached)) ||
    !cached.every((method) => allowed.includes(method))
  ) {
    behavior.refuse("cachedMethods", `must be GET, HEAD or GET, HEAD, OPTIONS, and allowed, got ${cached.join(", ")}`);
  }
  if (isGiven(behavior.text("cachePolicyId")) === behavior.has("forwardedValues")) {
    behavior.refuse("cachePolicyId", "exactly one of cachePolicyId and forwardedValues must be given");
  }
  if (behavior.text("originRequestPolicyId") && !behavior.text("cachePolicyId")) {
    behavior.refuse("originRequestPolicyId", "needs cachePolicyId");
  }
  for (const name of unsupportedOfBehavior) {
    const given =
      name === "fieldLevelEncryptionId" ? behavior.text(name) : behavior.has(name) && isGiven(listOf(behavior, name));
    if (given) behavior.refuse(name, notSimulated);
  }
}

function listOf(reader: InputReader, name: string): readonly unknown[] {
  return name.startsWith("trusted") ? reader.texts(name) : reader.list(name);
}

function checkErrors(reader: InputReader): void {
  for (const error of reader.list("customErrorResponses")) {
    const code = error.number("errorCode");
    if (code === undefined || !errorCodes.includes(code)) {
      error.refuse("errorCode", `must be one of ${errorCodes.join(", ")}, got ${String(code)}`);
    }
    const page = error.text("responsePagePath") ?? "";
    const responseCode = error.number("responseCode") ?? 0;
    if (page !== "" && !page.startsWith("/")) error.refuse("responsePagePath", `must begin with a slash, got ${page}`);
    if ((page === "") !== (responseCode === 0))
      error.refuse("responseCode", "responseCode and responsePagePath go together");
  }
}

function checkCertificate(reader: InputReader): void {
  const certificate = reader.nested("viewerCertificate");
  const arn = certificate?.text("acmCertificateArn");
  if (arn && arn.split(":")[3] !== "us-east-1") {
    reader.refuse(
      "viewerCertificate.acmCertificateArn",
      "must be a certificate in us-east-1, whatever the Region of the stack",
    );
  }
  const own = Boolean(arn) || Boolean(certificate?.text("iamCertificateId"));
  const byDefault = certificate?.flag("cloudfrontDefaultCertificate") ?? false;
  if (certificate && own === byDefault) {
    reader.refuse("viewerCertificate", "needs either cloudfrontDefaultCertificate: true or a certificate of its own");
  }
  if (reader.texts("aliases").length > 0 && !own) {
    reader.refuse("aliases", "needs a certificate that covers them in viewerCertificate.acmCertificateArn");
  }
}

function sameMembers(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}

function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null && value !== "";
}
