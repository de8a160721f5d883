// StaticSite: a private bucket behind CloudFront, for pages without a server.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { buildPolicy, denyInsecureTransport, type PolicyDocument } from "./shared/iam";
import { enforce, integerBetween } from "./shared/validation";

/** AWS managed cache policy "CachingOptimized". https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html */
const CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6";

/** Arguments of `StaticSite`. */
export interface StaticSiteArgs {
  /**
   * Object that answers "/".
   * @default `"index.html"`
   */
  readonly defaultRootObject?: string;
  /**
   * Answers unknown paths with the default root object and status 200, for pages that route by themselves.
   * @default `false`
   */
  readonly singlePageApplication?: boolean;
  /**
   * Seconds for which browsers insist on HTTPS (HSTS), 0 to 63072000.
   * @default `31536000`
   */
  readonly strictTransportSecuritySeconds?: number;
  /**
   * CloudFront price class: "PriceClass_100", "PriceClass_200" or "PriceClass_All".
   * @default `"PriceClass_100"`
   */
  readonly priceClass?: string;
  /**
   * Region of the bucket.
   * @default - Region of the provider
   */
  readonly region?: string;
  /**
   * Keeps the bucket when it still holds files while the site is destroyed.
   * @default `false`, since every file comes from the program
   */
  readonly deletionProtection?: boolean;
  /**
   * Tags of every resource.
   * @default - none
   */
  readonly tags?: Record<string, pulumi.Input<string>>;
}

interface StaticSiteSettings {
  readonly defaultRootObject: string;
  readonly singlePageApplication: boolean;
  readonly strictTransportSecuritySeconds: number;
  readonly priceClass: string;
  readonly region: string | undefined;
  readonly deletionProtection: boolean;
  readonly tags: Readonly<Record<string, pulumi.Input<string>>>;
}

/** Media types of the files that `publish` takes. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json; charset=utf-8",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
};

/** Applies defaults and enforces the rules. Pure. */
export function resolveStaticSiteSettings(name: string, args: StaticSiteArgs): StaticSiteSettings {
  const { defaultRootObject, priceClass } = args;
  enforce(name, [
    integerBetween("strictTransportSecuritySeconds", args.strictTransportSecuritySeconds, 0, 63_072_000),
    {
      property: "defaultRootObject",
      holds: defaultRootObject === undefined || /^[\w.-]+$/.test(defaultRootObject),
      rule: "be a file name without a slash",
      got: defaultRootObject,
      remedy: 'write "index.html" say',
    },
    {
      property: "priceClass",
      holds: priceClass === undefined || ["PriceClass_100", "PriceClass_200", "PriceClass_All"].includes(priceClass),
      rule: "be PriceClass_100, PriceClass_200 or PriceClass_All",
      got: priceClass,
      remedy: "pick one of these",
    },
  ]);
  return {
    defaultRootObject: defaultRootObject ?? "index.html",
    singlePageApplication: args.singlePageApplication ?? false,
    strictTransportSecuritySeconds: args.strictTransportSecuritySeconds ?? 31_536_000,
    priceClass: priceClass ?? "PriceClass_100",
    region: args.region,
    deletionProtection: args.deletionProtection ?? false,
    tags: args.tags ?? {},
  };
}

/** Lets this distribution, and nobody else, read the files; TLS only. */
export function buildSiteBucketPolicy(bucketArn: string, distributionArn: string): PolicyDocument {
  return buildPolicy([
    denyInsecureTransport("s3:*", [bucketArn, `${bucketArn}/*`]),
    {
      Sid: "AllowDistribution",
      Effect: "Allow",
      Principal: { Service: "cloudfront.amazonaws.com" },
      Action: "s3:GetObject",
      Resource: `${bucketArn}/*`,
      Condition: { StringEquals: { "AWS:SourceArn": distributionArn } },
    },
  ]);
}

/**
 * A static website: a private S3 bucket that only one CloudFront distribution can read, over HTTPS, with security headers.
 *
 * Creates an `aws.s3.Bucket` with public access block, ownership, encryption and policy, an `aws.cloudfront.OriginAccessControl`,
 * `aws.cloudfront.ResponseHeadersPolicy` and `aws.cloudfront.Distribution`.
 *
 * ```ts
 * const site = new StaticSite("docs");
 * site.publish("index.html", "<!doctype html><title>Docs</title>");
 * export const url = site.url;
 * ```
 *
 * Security: no public bucket; HTTPS only; HSTS, nosniff, no framing. With CloudFront's own certificate viewers may negotiate
 * TLS 1.0; bring an own domain for more. Cost: S3 storage and CloudFront requests and transfer; nothing while idle.
 */
export class StaticSite extends pulumi.ComponentResource {
  /** Type token of the component. */
  static readonly pulumiType = "serverless-patterns:index:StaticSite";

  /** Logical name of the site; prefix of the names of published files. */
  public readonly logicalName: string;
  /** The private bucket. */
  public readonly bucket: aws.s3.Bucket;
  /** Keeps the bucket private whatever its policy says. */
  public readonly publicAccessBlock: aws.s3.BucketPublicAccessBlock;
  /** Switches access control lists off. */
  public readonly ownershipControls: aws.s3.BucketOwnershipControls;
  /** Default encryption of the bucket. */
  public readonly encryption: aws.s3.BucketServerSideEncryptionConfiguration;
  /** Policy of the bucket. */
  public readonly bucketPolicy: aws.s3.BucketPolicy;
  /** How the distribution proves itself to the bucket. */
  public readonly originAccessControl: aws.cloudfront.OriginAccessControl;
  /** Security headers of every answer. */
  public readonly headersPolicy: aws.cloudfront.ResponseHeadersPolicy;
  /** The distribution. */
  public readonly distribution: aws.cloudfront.Distribution;
  /** "https://<distribution>.cloudfront.net", without a trailing slash. */
  public readonly url: pulumi.Output<string>;

  /**
   * @param name Logical name; prefix of every child's name.
   * @param args Arguments.
   * @param opts Options of the component resource.
   * @throws pulumi.InputPropertiesError when an argument breaks a rule.
   */
  constructor(name: string, args: StaticSiteArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolveStaticSiteSettings(name, args);
    super(StaticSite.pulumiType, name, {}, opts);
    this.logicalName = name;
    const regional = settings.region === undefined ? {} : { region: settings.region };
    this.bucket = new aws.s3.Bucket(
      `${name}-bucket`,
      { forceDestroy: !settings.deletionProtection, tags: settings.tags, ...regional },
      { parent: this },
    );
    const on = { bucket: this.bucket.bucket, ...regional };
    this.publicAccessBlock = new aws.s3.BucketPublicAccessBlock(
      `${name}-public-access-block`,
      { ...on, blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
      { parent: this },
    );
    this.ownershipControls = new aws.s3.BucketOwnershipControls(
      `${name}-ownership-controls`,
      { ...on, rule: { objectOwnership: "BucketOwnerEnforced" } },
      { parent: this },
    );
    this.encryption = new aws.s3.BucketServerSideEncryptionConfiguration(
      `${name}-encryption`,
      { ...on, rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
      { parent: this },
    );
    this.originAccessControl = new aws.cloudfront.OriginAccessControl(
      `${name}-origin-access-control`,
      { originAccessControlOriginType: "s3", signingBehavior: "always", signingProtocol: "sigv4" },
      { parent: this },
    );
    this.headersPolicy = createHeadersPolicy(name, settings, this);
    this.distribution = createDistribution(name, settings, this, this);
    this.bucketPolicy = createSitePolicy(name, settings, this.bucket, this.distribution, this);
    this.url = pulumi.interpolate`https://${this.distribution.domainName}`;
    this.registerOutputs({
      logicalName: this.logicalName,
      bucket: this.bucket,
      publicAccessBlock: this.publicAccessBlock,
      ownershipControls: this.ownershipControls,
      encryption: this.encryption,
      bucketPolicy: this.bucketPolicy,
      originAccessControl: this.originAccessControl,
      headersPolicy: this.headersPolicy,
      distribution: this.distribution,
      url: this.url,
    });
  }

  /**
   * Puts one text file on the site. Browsers and CloudFront ask again for it each time, so a new deployment is seen at once.
   * @param path Path below the site's root, "app.js" say; identity of the file.
   * @param content Text of the file.
   */
  publish(path: string, content: pulumi.Input<string>): aws.s3.BucketObjectv2 {
    const extension = path.slice(path.lastIndexOf(".") + 1);
    const contentType = MEDIA_TYPES[extension];
    enforce(this.logicalName, [
      {
        property: "path",
        holds: contentType !== undefined && /^[\w-]+(?:[./][\w-]+)*$/.test(path),
        rule: `be a relative path that ends with one of ${Object.keys(MEDIA_TYPES).join(", ")}`,
        got: path,
        remedy: "rename the file, or add it to the bucket yourself",
      },
    ]);
    return new aws.s3.BucketObjectv2(
      `${this.logicalName}-file-${path}`,
      {
        bucket: this.bucket.bucket,
        region: this.bucket.region,
        key: path,
        content,
        contentType: contentType ?? "",
        cacheControl: "no-cache",
      },
      { parent: this },
    );
  }
}

function createSitePolicy(
  name: string,
  { region }: StaticSiteSettings,
  bucket: aws.s3.Bucket,
  distribution: aws.cloudfront.Distribution,
  parent: pulumi.Resource,
): aws.s3.BucketPolicy {
  return new aws.s3.BucketPolicy(
    `${name}-bucket-policy`,
    {
      bucket: bucket.bucket,
      policy: pulumi
        .output({ bucketArn: bucket.arn, distributionArn: distribution.arn })
        .apply((known) => JSON.stringify(buildSiteBucketPolicy(known.bucketArn, known.distributionArn))),
      ...(region === undefined ? {} : { region }),
    },
    { parent },
  );
}

function createDistribution(
  name: string,
  settings: StaticSiteSettings,
  site: Pick<StaticSite, "bucket" | "originAccessControl" | "headersPolicy">,
  parent: pulumi.Resource,
): aws.cloudfront.Distribution {
  const { bucket, originAccessControl: access, headersPolicy: headers } = site;
  const originId = "site";
  return new aws.cloudfront.Distribution(
    `${name}-distribution`,
    {
      comment: name,
      enabled: true,
      httpVersion: "http2and3",
      isIpv6Enabled: true,
      priceClass: settings.priceClass,
      defaultRootObject: settings.defaultRootObject,
      origins: [{ originId, domainName: bucket.bucketRegionalDomainName, originAccessControlId: access.id }],
      defaultCacheBehavior: {
        targetOriginId: originId,
        viewerProtocolPolicy: "redirect-to-https",
        allowedMethods: ["GET", "HEAD"],
        cachedMethods: ["GET", "HEAD"],
        cachePolicyId: CACHING_OPTIMIZED,
        responseHeadersPolicyId: headers.id,
        compress: true,
      },
      ...(settings.singlePageApplication
        ? { customErrorResponses: [buildFallback(403, settings), buildFallback(404, settings)] }
        : {}),
      restrictions: { geoRestriction: { restrictionType: "none" } },
      viewerCertificate: { cloudfrontDefaultCertificate: true },
      tags: settings.tags,
    },
    { parent },
  );
}

/** S3 answers 403 for a missing file, as the distribution may not list the bucket. */
function buildFallback(
  errorCode: number,
  { defaultRootObject }: StaticSiteSettings,
): aws.types.input.cloudfront.DistributionCustomErrorResponse {
  return { errorCode, responseCode: 200, responsePagePath: `/${defaultRootObject}`, errorCachingMinTtl: 0 };
}

function createHeadersPolicy(
  name: string,
  { strictTransportSecuritySeconds }: StaticSiteSettings,
  parent: pulumi.Resource,
): aws.cloudfront.ResponseHeadersPolicy {
  return new aws.cloudfront.ResponseHeadersPolicy(
    `${name}-headers-policy`,
    {
      securityHeadersConfig: {
        strictTransportSecurity: { accessControlMaxAgeSec: strictTransportSecuritySeconds, override: true },
        contentTypeOptions: { override: true },
        frameOptions: { frameOption: "DENY", override: true },
        referrerPolicy: { referrerPolicy: "no-referrer", override: true },
        // What a page may connect to stands in the page itself; both policies apply.
        contentSecurityPolicy: {
          contentSecurityPolicy: "frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
          override: true,
        },
      },
    },
    { parent },
  );
}
