// Proves which inputs of CloudFront resources are refused, and the parts of the edge that are plain functions.
import assert from "node:assert/strict";
import { matchesPath } from "../../../../local/cloud/cloudfront/definition";
import { applyResponseHeaders } from "../../../../local/cloud/cloudfront/response-headers";
import type { CorsRules } from "../../../../local/cloud/cloudfront/response-headers";
import { createCloudFrontService } from "../../../../local/cloud/cloudfront/service";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import { createTestContext, problemsOf } from "../../../support/cloud-context";

const distribution = "aws:cloudfront/distribution:Distribution";
const behavior = {
  targetOriginId: "site",
  viewerProtocolPolicy: "redirect-to-https",
  allowedMethods: ["GET", "HEAD"],
  cachedMethods: ["GET", "HEAD"],
  cachePolicyId: "658327ea-f89d-4fab-a63d-7e88639e58f6",
};
const site = { originId: "site", domainName: "site.s3.eu-west-1.amazonaws.com" };
const valid: PropertyMap = {
  enabled: true,
  origins: [site],
  defaultCacheBehavior: behavior,
  restrictions: { geoRestriction: { restrictionType: "none" } },
  viewerCertificate: { cloudfrontDefaultCertificate: true },
};
const certificate = "arn:aws:acm:us-east-1:123456789012:certificate/x";

describe("inputs of CloudFront resources", () => {
  const service = createCloudFrontService(createTestContext());
  const withBehavior = (changes: PropertyMap): PropertyMap => ({
    ...valid,
    defaultCacheBehavior: { ...behavior, ...changes },
  });
  const withOrigin = (changes: PropertyMap): PropertyMap => ({ ...valid, origins: [{ ...site, ...changes }] });
  const cases: readonly (readonly [string, string, PropertyMap, RegExp])[] = [
    [
      "a root object with a slash",
      distribution,
      { ...valid, defaultRootObject: "/index.html" },
      /^defaultRootObject: must not begin/,
    ],
    [
      "a target that is no origin",
      distribution,
      withBehavior({ targetOriginId: "x" }),
      /targetOriginId: must be the originId/,
    ],
    [
      "any other set of methods",
      distribution,
      withBehavior({ allowedMethods: ["GET", "HEAD", "POST"] }),
      /allowedMethods: must be/,
    ],
    [
      "cached methods that are not allowed",
      distribution,
      withBehavior({ cachedMethods: ["GET", "HEAD", "OPTIONS"] }),
      /cachedMethods: /,
    ],
    [
      "neither policy nor forwarded values",
      distribution,
      withBehavior({ cachePolicyId: "" }),
      /exactly one of cachePolicyId/,
    ],
    [
      "functions at the edge",
      distribution,
      withBehavior({ functionAssociations: [{ eventType: "viewer-request" }] }),
      /not simulated/,
    ],
    ["signed URLs", distribution, withBehavior({ trustedKeyGroups: ["k"] }), /trustedKeyGroups: is not simulated/],
    ["web ACLs", distribution, { ...valid, webAclId: "arn" }, /^webAclId: is not simulated/],
    ["two origins with one id", distribution, { ...valid, origins: [site, site] }, /originId: must be unique/],
    [
      "URLs as origin",
      distribution,
      withOrigin({ domainName: "https://x.example/", customOriginConfig: {} }),
      /domainName: must be a host name/,
    ],
    ["origin paths that end with a slash", distribution, withOrigin({ originPath: "/x/" }), /originPath: must be/],
    [
      "origin access identities",
      distribution,
      withOrigin({ s3OriginConfig: { originAccessIdentity: "x" } }),
      /use originAccessControlId/,
    ],
    [
      "other hosts without a custom origin",
      distribution,
      withOrigin({ domainName: "api.example.com" }),
      /customOriginConfig: is required/,
    ],
    [
      "error codes that cannot be replaced",
      distribution,
      { ...valid, customErrorResponses: [{ errorCode: 401 }] },
      /errorCode: must be one/,
    ],
    [
      "an error page without a status",
      distribution,
      { ...valid, customErrorResponses: [{ errorCode: 404, responsePagePath: "/x" }] },
      /go together/,
    ],
    [
      "aliases without a certificate",
      distribution,
      { ...valid, aliases: ["www.example.com"] },
      /^aliases: needs a certificate/,
    ],
    [
      "certificates of another Region",
      distribution,
      { ...valid, viewerCertificate: { acmCertificateArn: certificate.replace("us-east-1", "eu-west-1") } },
      /must be a certificate in us-east-1/,
    ],
    [
      "an access control of another protocol",
      "aws:cloudfront/originAccessControl:OriginAccessControl",
      { originAccessControlOriginType: "s3", signingBehavior: "always", signingProtocol: "sigv2" },
      /^signingProtocol: must be one of sigv4/,
    ],
    [
      "credentials for any origin",
      "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
      { corsConfig: { accessControlAllowCredentials: true, accessControlAllowOrigins: { items: ["*"] } } },
      /must name origins/,
    ],
    ["CloudFront functions", "aws:cloudfront/function:Function", { code: "x" }, /not simulated/],
  ];
  for (const [what, type, inputs, expected] of cases) {
    it(`rejects ${what}`, () => {
      const problems = problemsOf(service, type, inputs);

      assert.equal(problems.length, 1, problems.join("; "));
      assert.match(problems[0] ?? "", expected);
    });
  }

  it("reports all problems at once", () => {
    const problems = problemsOf(service, distribution, {});

    assert.deepEqual(
      problems.map((problem) => problem.split(":")[0]),
      ["origins", "defaultCacheBehavior", "enabled", "restrictions", "viewerCertificate"],
    );
  });

  it("accepts the neighbours of what it refuses", () => {
    const aliased = { aliases: ["www.example.com"], viewerCertificate: { acmCertificateArn: certificate } };
    const errors = [{ errorCode: 404, responsePagePath: "/404.html", responseCode: 404 }];

    assert.deepEqual(problemsOf(service, distribution, { ...valid, ...aliased, customErrorResponses: errors }), []);
  });
});

describe("path patterns", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["/api/*", "/api/a/b", true],
    ["/api/*", "/api", false],
    ["api/*", "/api/a", true],
    ["*.jpg", "/a/b.jpg", true],
    ["*.jpg", "/a/b.JPG", false],
    ["/a?c", "/abc", true],
    ["/a?c", "/ac", false],
    ["/a.c", "/abc", false],
    ["*", "/", true],
  ];
  for (const [pattern, path, fits] of cases) {
    it(`${pattern} ${fits ? "fits" : "does not fit"} ${path}`, () => assert.equal(matchesPath(pattern, path), fits));
  }
});

describe("CORS of response headers policies", () => {
  const cors: CorsRules = {
    origins: ["https://*.example.com"],
    methods: ["ALL"],
    headers: [],
    exposed: ["etag"],
    credentials: true,
    maxAge: 600,
    override: true,
  };
  const apply = (origin: string | undefined, changes: Partial<CorsRules> = {}) =>
    applyResponseHeaders(
      { added: [], removed: [], cors: { ...cors, ...changes } },
      { "access-control-allow-origin": "old" },
      origin,
    );

  it("names the origin that fits, with credentials", () => {
    const headers = apply("https://www.example.com");

    assert.equal(headers["access-control-allow-origin"], "https://www.example.com");
    assert.equal(headers["access-control-allow-credentials"], "true");
    assert.equal(headers.vary, "Origin");
  });

  it("rejects other origins, and keeps the origin's own headers unless told to override", () => {
    assert.equal(apply("https://evil.example")["access-control-allow-origin"], undefined);
    assert.equal(apply("https://example.com")["access-control-allow-origin"], undefined);
    assert.equal(apply("https://www.example.com", { override: false })["access-control-allow-origin"], "old");
    assert.equal(apply(undefined)["access-control-allow-origin"], "old");
  });
});
