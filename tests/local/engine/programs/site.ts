// A program with components, providers, secrets, assets, functions and outputs: evaluated in all ways by the tests.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

interface SiteArgs {
  readonly domain: string;
}

class Site extends pulumi.ComponentResource {
  readonly bucket: aws.s3.Bucket;

  constructor(name: string, { domain }: SiteArgs, opts?: pulumi.ComponentResourceOptions) {
    super("site:index:Site", name, { domain }, opts);
    this.bucket = new aws.s3.Bucket(`${name}-bucket`, { tags: { domain } }, { parent: this, protect: true });
    new aws.s3.BucketPolicy(
      `${name}-policy`,
      { bucket: this.bucket.id, policy: this.bucket.arn.apply((arn) => JSON.stringify({ Resource: `${arn}/*` })) },
      { parent: this },
    );
    this.registerOutputs({ bucketArn: this.bucket.arn });
  }
}

const config = new pulumi.Config();
const other = new aws.Provider("other", {
  region: "us-east-1",
  assumeRoles: [{ roleArn: "arn:aws:iam::222222222222:role/deploy" }],
  defaultTags: { tags: { team: "core" } },
});
const site = new Site("site", { domain: config.require("domain") });
const far = new Site("far", { domain: "far.test" }, { providers: { aws: other } });
const role = new aws.iam.Role("role", { assumeRolePolicy: "{}" });
new aws.lambda.Function(
  "fn",
  {
    role: role.arn,
    runtime: "nodejs22.x",
    handler: "index.handler",
    code: new pulumi.asset.AssetArchive({ "index.js": new pulumi.asset.StringAsset("exports.handler = 1;") }),
    environment: { variables: { BUCKET: site.bucket.bucket, TOKEN: config.requireSecret("token") } },
  },
  { dependsOn: [site] },
);

export const bucketArn = site.bucket.arn;
export const farArn = far.bucket.arn;
export const account = aws.getCallerIdentityOutput().accountId;
export const token = config.requireSecret("token");
