// Proves what StaticSite declares: children, policy, headers, rules.
import assert from "node:assert/strict";
import { StaticSite } from "../../components";
import { buildSiteBucketPolicy, resolveStaticSiteSettings } from "../../components/static-site";
import { evaluateProgram } from "../support/engine-run";

describe("StaticSite", () => {
  it("creates exactly these children", async () => {
    const { errors, table } = await evaluateProgram(() => {
      new StaticSite("docs").publish("index.html", "<p>Hello");
    });

    assert.deepEqual(errors, []);
    assert.deepEqual(
      table()
        .map(([, name, parent]) => `${parent} > ${name}`)
        .sort(),
      [
        "test-dev > docs",
        "docs > docs-bucket",
        "docs > docs-bucket-policy",
        "docs > docs-distribution",
        "docs > docs-encryption",
        "docs > docs-file-index.html",
        "docs > docs-headers-policy",
        "docs > docs-origin-access-control",
        "docs > docs-ownership-controls",
        "docs > docs-public-access-block",
      ].sort(),
    );
  });

  it("A2: lets only its own distribution read the bucket, over TLS", () => {
    assert.deepEqual(buildSiteBucketPolicy("arn:aws:s3:::b", "arn:aws:cloudfront::1:distribution/D"), {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "DenyInsecureTransport",
          Effect: "Deny",
          Principal: "*",
          Action: "s3:*",
          Resource: ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
        {
          Sid: "AllowDistribution",
          Effect: "Allow",
          Principal: { Service: "cloudfront.amazonaws.com" },
          Action: "s3:GetObject",
          Resource: "arn:aws:s3:::b/*",
          Condition: { StringEquals: { "AWS:SourceArn": "arn:aws:cloudfront::1:distribution/D" } },
        },
      ],
    });
  });

  it("redirects to HTTPS, signs at the origin and sends security headers", async () => {
    const { byName, output } = await evaluateProgram(() => ({ url: new StaticSite("docs").url }));

    const behavior = byName("docs-distribution").inputs.defaultCacheBehavior as Record<string, unknown>;
    assert.equal(behavior.viewerProtocolPolicy, "redirect-to-https");
    const access = byName("docs-origin-access-control").inputs;
    assert.deepEqual([access.signingBehavior, access.signingProtocol], ["always", "sigv4"]);
    assert.deepEqual(Object.keys(byName("docs-headers-policy").inputs.securityHeadersConfig as object).sort(), [
      "contentSecurityPolicy",
      "contentTypeOptions",
      "frameOptions",
      "referrerPolicy",
      "strictTransportSecurity",
    ]);
    assert.equal(output("url"), `https://${String(byName("docs-distribution").outputs.domainName)}`);
  });

  it("answers unknown paths with the page when it routes by itself", async () => {
    const { byName } = await evaluateProgram(() => {
      new StaticSite("docs", { singlePageApplication: true });
    });

    const responses = byName("docs-distribution").inputs.customErrorResponses as { errorCode: number }[];
    assert.deepEqual(
      responses.map(({ errorCode }) => errorCode),
      [403, 404],
    );
  });

  it("rejects wrong arguments with argument, rule and remedy", () => {
    assert.throws(
      () =>
        resolveStaticSiteSettings("docs", {
          defaultRootObject: "a/b",
          priceClass: "cheap",
          strictTransportSecuritySeconds: -1,
        }),
      /strictTransportSecuritySeconds must be[^]*defaultRootObject must be a file name without a slash[^]*priceClass must be/,
    );
    assert.doesNotThrow(() => resolveStaticSiteSettings("docs", { defaultRootObject: "a.html" }));
  });

  it("rejects a file that it has no media type for", async () => {
    const { errors } = await evaluateProgram(() => {
      new StaticSite("docs").publish("virus.exe", "");
    });

    assert.match(errors[0]?.message ?? "", /docs: path must be a relative path that ends with one of css, html/);
  });
});
