// Proves the data plane of distributions over real HTTP: behaviours, origin access control against a bucket policy that is really
// evaluated, error pages, methods, compression, header policies. Nothing is proven about caching: there is none.
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import { startTestCloud } from "../../../support/running-cloud";
import type { DeclaredResource, RunningCloud } from "../../../support/running-cloud";

const cachingOptimized = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const cachingDisabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const allViewerExceptHost = "b689b0a8-53d0-40ab-baf2-68738e2966ac";
const allViewer = "216adef6-5c7f-47e4-b989-5492eafa07d3";

const behavior = {
  targetOriginId: "site",
  viewerProtocolPolicy: "redirect-to-https",
  allowedMethods: ["GET", "HEAD"],
  cachedMethods: ["GET", "HEAD"],
  cachePolicyId: cachingOptimized,
  compress: true,
};
const common = {
  enabled: true,
  restrictions: { geoRestriction: { restrictionType: "none" } },
  viewerCertificate: { cloudfrontDefaultCertificate: true },
};

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** fetch decompresses and hides hop-by-hop headers; this does not. */
function get(url: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method: options.method ?? "GET", headers: options.headers ?? {}, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
        });
      },
    );
    outgoing.on("error", reject).end();
  });
}

describe("a distribution in front of a private bucket", () => {
  let running: RunningCloud;
  let bucket: DeclaredResource;
  let control: DeclaredResource;
  let headersPolicy: DeclaredResource;

  before(async () => {
    running = await startTestCloud();
    const { cloud, declare } = running;
    bucket = await declare("aws:s3/bucket:Bucket", { bucket: "site-bucket" }, "site");
    const s3 = new S3Client({
      endpoint: cloud.gatewayOrigin,
      region: cloud.region,
      credentials: cloud.rootCredentials(),
      forcePathStyle: true,
    });
    const files = { "index.html": `<h1>home</h1>${" ".repeat(2000)}`, "docs/a b.txt": "spaces", "small.txt": "tiny" };
    for (const [Key, Body] of Object.entries(files)) {
      const ContentType = Key.endsWith("html") ? "text/html" : "text/plain";
      await s3.send(new PutObjectCommand({ Bucket: "site-bucket", Key, Body, ContentType }));
    }
    s3.destroy();
    control = await declare("aws:cloudfront/originAccessControl:OriginAccessControl", {
      originAccessControlOriginType: "s3",
      signingBehavior: "always",
      signingProtocol: "sigv4",
    });
    headersPolicy = await declare("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy", {
      securityHeadersConfig: {
        contentSecurityPolicy: { contentSecurityPolicy: "default-src 'self'", override: true },
        contentTypeOptions: { override: true },
        frameOptions: { frameOption: "DENY", override: true },
        strictTransportSecurity: { accessControlMaxAgeSec: 63072000, includeSubdomains: true, override: true },
      },
      customHeadersConfig: { items: [{ header: "X-Team", value: "media", override: false }] },
      removeHeadersConfig: { items: [{ header: "ETag" }] },
    });
  });
  after(() => running.cloud.stop());

  async function distribute(changes: PropertyMap = {}): Promise<{ origin: string; arn: string; outputs: PropertyMap }> {
    const origin = {
      originId: "site",
      domainName: "site-bucket.s3.eu-west-1.amazonaws.com",
      originAccessControlId: control.id,
    };
    const { outputs } = await running.declare("aws:cloudfront/distribution:Distribution", {
      ...common,
      origins: [origin],
      defaultCacheBehavior: behavior,
      defaultRootObject: "index.html",
      ...changes,
    });
    const url = running.cloud.localise(`https://${String(outputs.domainName)}`);
    return { origin: url, arn: String(outputs.arn), outputs };
  }

  async function admit(distributionArn: string): Promise<void> {
    const policy = {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Service: "cloudfront.amazonaws.com" },
          Action: "s3:GetObject",
          Resource: "arn:aws:s3:::site-bucket/*",
          Condition: { StringEquals: { "AWS:SourceArn": distributionArn } },
        },
      ],
    };
    await running.declare("aws:s3/bucketPolicy:BucketPolicy", { bucket: bucket.id, policy: JSON.stringify(policy) });
  }

  it("returns AWS's own names", async () => {
    const { outputs } = await distribute();

    assert.match(String(outputs.domainName), /^d[a-z0-9]{13}\.cloudfront\.net$/);
    assert.match(String(outputs.arn), /^arn:aws:cloudfront::000000000000:distribution\/E[A-Z0-9]{13}$/);
    assert.equal(outputs.hostedZoneId, "Z2FDTNDATAQYW2");
    assert.equal(outputs.status, "Deployed");
  });

  it("reads the bucket as the bucket's policy allows: this distribution, and no other", async () => {
    const [mine, other] = [await distribute(), await distribute()];
    await admit(mine.arn);

    const allowed = await get(`${mine.origin}/`);
    const refused = await get(`${other.origin}/`);

    assert.equal(allowed.status, 200);
    assert.match(allowed.body.toString(), /home/);
    assert.equal(allowed.headers["content-type"], "text/html");
    assert.equal(refused.status, 403);
    assert.match(refused.body.toString(), /AccessDenied/);
    const decisions = running.cloud.traces.recent().flatMap((trace) => (trace.service === "s3" ? trace.decisions : []));
    assert.ok(decisions.some(({ allowed: yes, action }) => yes && action === "s3:GetObject"));
  });

  it("rejects reading without an origin access control that signs", async () => {
    const unsigned = { originId: "site", domainName: "site-bucket.s3.eu-west-1.amazonaws.com" };
    const { origin, arn } = await distribute({ origins: [unsigned] });
    await admit(arn);

    assert.equal((await get(`${origin}/index.html`)).status, 403);
  });

  it("keeps escaped paths, answers HEAD without a body and ranges with 206", async () => {
    const { origin, arn } = await distribute();
    await admit(arn);

    assert.equal((await get(`${origin}/docs/a%20b.txt`)).body.toString(), "spaces");
    const head = await get(`${origin}/small.txt`, { method: "HEAD" });
    assert.deepEqual([head.status, head.headers["content-length"], head.body.length], [200, "4", 0]);
    const range = await get(`${origin}/small.txt`, { headers: { range: "bytes=1-2" } });
    assert.deepEqual([range.status, range.body.toString()], [206, "in"]);
  });

  it("rejects methods that the behaviour does not allow, before the origin is asked", async () => {
    const { origin } = await distribute();

    const answer = await get(`${origin}/index.html`, { method: "PUT" });

    assert.equal(answer.status, 403);
    assert.match(answer.body.toString(), /not configured to allow the HTTP request method/);
  });

  it("shows the custom error page with the custom status", async () => {
    const spa = [{ errorCode: 403, responseCode: 200, responsePagePath: "/index.html" }];
    const { origin, arn } = await distribute({ customErrorResponses: spa });
    await admit(arn);

    const answer = await get(`${origin}/deep/link`);

    assert.equal(answer.status, 200);
    assert.match(answer.body.toString(), /home/);
  });

  it("keeps the original error when the error page is missing", async () => {
    const lost = [{ errorCode: 403, responseCode: 200, responsePagePath: "/nowhere.html" }];
    const { origin, arn } = await distribute({ customErrorResponses: lost });
    await admit(arn);

    assert.equal((await get(`${origin}/deep/link`)).status, 403);
  });

  it("compresses text of 1,000 bytes and more when viewer, behaviour and cache policy allow it", async () => {
    const on = await distribute();
    await admit(on.arn);
    const headers = { "accept-encoding": "gzip" };

    const compressed = await get(`${on.origin}/index.html`, { headers });
    assert.equal(compressed.headers["content-encoding"], "gzip");
    assert.match(gunzipSync(compressed.body).toString(), /home/);
    assert.match(String(compressed.headers.etag), /^W\//);
    assert.equal((await get(`${on.origin}/small.txt`, { headers })).headers["content-encoding"], undefined);
    assert.equal((await get(`${on.origin}/index.html`)).headers["content-encoding"], undefined);
    const off = await distribute({ defaultCacheBehavior: { ...behavior, cachePolicyId: cachingDisabled } });
    await admit(off.arn);
    assert.equal((await get(`${off.origin}/index.html`, { headers })).headers["content-encoding"], undefined);
  });

  it("adds, keeps and removes headers as the response headers policy says, on errors too", async () => {
    const { origin, arn } = await distribute({
      defaultCacheBehavior: { ...behavior, responseHeadersPolicyId: headersPolicy.id },
    });
    await admit(arn);

    for (const answer of [await get(`${origin}/`), await get(`${origin}/`, { method: "POST" })]) {
      assert.equal(answer.headers["content-security-policy"], "default-src 'self'");
      assert.equal(answer.headers["x-content-type-options"], "nosniff");
      assert.equal(answer.headers["x-frame-options"], "DENY");
      assert.equal(answer.headers["strict-transport-security"], "max-age=63072000; includeSubDomains");
      assert.equal(answer.headers["x-team"], "media");
      assert.equal(answer.headers.etag, undefined);
    }
  });

  it("rejects references to policies that do not exist", async () => {
    const missing = { ...behavior, responseHeadersPolicyId: "00000000-0000-0000-0000-000000000000" };

    await assert.rejects(distribute({ defaultCacheBehavior: missing }), /response headers policy does not exist/);
  });
});

describe("a distribution in front of other origins", () => {
  let running: RunningCloud;
  let seen: IncomingMessage | undefined;
  before(async () => {
    running = await startTestCloud();
    const { context } = running.cloud;
    const api = await context.listen((incoming, response) => {
      seen = incoming;
      response.writeHead(200, { "content-type": "text/plain" }).end(`api ${incoming.url}`);
    });
    context.hosts.add("https://abc123.execute-api.eu-west-1.amazonaws.com/dev", `${api.origin}/dev`);
  });
  after(() => running.cloud.stop());

  async function distribute(
    changes: PropertyMap,
    domainName = "abc123.execute-api.eu-west-1.amazonaws.com",
  ): Promise<string> {
    const custom = {
      httpPort: 80,
      httpsPort: 443,
      originProtocolPolicy: "https-only",
      originSslProtocols: ["TLSv1.2"],
    };
    const { outputs } = await running.declare("aws:cloudfront/distribution:Distribution", {
      ...common,
      origins: [
        {
          originId: "site",
          domainName,
          originPath: "/dev",
          customOriginConfig: custom,
          customHeaders: [{ name: "X-Secret", value: "s" }],
        },
      ],
      defaultCacheBehavior: { ...behavior, cachePolicyId: cachingDisabled },
      ...changes,
    });
    return running.cloud.localise(`https://${String(outputs.domainName)}`);
  }

  it("forwards nothing but what the policies name", async () => {
    const origin = await distribute({});

    const answer = await get(`${origin}/items?x=1`, {
      headers: { cookie: "a=1", "x-custom": "1", authorization: "Bearer t" },
    });

    assert.equal(answer.body.toString(), "api /dev/items");
    const headers: IncomingMessage["headers"] = seen?.headers ?? {};
    assert.equal(headers.host, "abc123.execute-api.eu-west-1.amazonaws.com");
    assert.equal(headers["user-agent"], "Amazon CloudFront");
    assert.equal(headers["x-secret"], "s");
    for (const name of ["cookie", "x-custom", "authorization"]) assert.equal(headers[name], undefined, name);
  });

  it("forwards all of the viewer's but the host with AllViewerExceptHostHeader", async () => {
    const wide = { ...behavior, cachePolicyId: cachingDisabled, originRequestPolicyId: allViewerExceptHost };
    const origin = await distribute({ defaultCacheBehavior: wide });

    const headers = { cookie: "a=1; b=2", "x-custom": "1", authorization: "Bearer t" };
    const answer = await get(`${origin}/items?x=1&y=%20`, { headers });

    assert.equal(answer.body.toString(), "api /dev/items?x=1&y=+");
    assert.equal(seen?.headers.cookie, "a=1; b=2");
    assert.equal(seen?.headers["x-custom"], "1");
    assert.equal(seen?.headers.authorization, "Bearer t");
    assert.equal(seen?.headers.host, "abc123.execute-api.eu-west-1.amazonaws.com");
  });

  it("rejects, as API Gateway does, requests that carry the viewer's host", async () => {
    const withHost = { ...behavior, cachePolicyId: cachingDisabled, originRequestPolicyId: allViewer };
    const origin = await distribute({ defaultCacheBehavior: withHost });

    const answer = await get(`${origin}/items`);

    assert.deepEqual([answer.status, answer.body.toString()], [403, `{"message":"Forbidden"}`]);
  });

  it("chooses the first behaviour whose path pattern fits", async () => {
    const all = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
    const origin = await distribute({
      orderedCacheBehaviors: [
        { ...behavior, cachePolicyId: cachingDisabled, pathPattern: "/api/*", allowedMethods: all },
      ],
    });

    assert.equal((await get(`${origin}/api/items`, { method: "DELETE" })).status, 200);
    assert.equal((await get(`${origin}/API/items`, { method: "DELETE" })).status, 403);
    assert.equal((await get(`${origin}/other`, { method: "DELETE" })).status, 403);
  });

  it("fails with 502 when the origin is not part of the run", async () => {
    const origin = await distribute({}, "www.example.com");

    const answer = await get(`${origin}/`);

    assert.equal(answer.status, 502);
    assert.match(answer.body.toString(), /www\.example\.com\) is not part of this local run/);
  });
});
