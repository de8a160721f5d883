// Proves each rule over AcceleratedUploadBucket's arguments: its whole message, that nothing is registered, and a neighbour that passes.
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { AcceleratedUploadBucket } from "../../../components";
import type { AcceleratedUploadBucketArgs } from "../../../components";
import { resolveAcceleratedUploadBucketSettings } from "../../../components/accelerated-upload-bucket/settings";
import { evaluateProgram } from "../../support/engine-run";
import { MINIMAL_ARGS } from "../../support/upload-component";

interface RuleCase {
  readonly wrong: Partial<AcceleratedUploadBucketArgs>;
  readonly message: string;
  readonly right: Partial<AcceleratedUploadBucketArgs>;
}

const CASES: readonly RuleCase[] = [
  {
    wrong: { partSizeMebibytes: 1 },
    message:
      "photos: partSizeMebibytes must be a whole number between 5 and 5120, got 1; use a whole number of at least 5 (limits of S3)",
    right: { partSizeMebibytes: 5 },
  },
  {
    wrong: { partSizeMebibytes: 5121 },
    message:
      "photos: partSizeMebibytes must be a whole number between 5 and 5120, got 5121; use at most 5120 (limits of S3)",
    right: { partSizeMebibytes: 5120 },
  },
  {
    wrong: { urlExpirySeconds: 119 },
    message:
      "photos: urlExpirySeconds must be a whole number between 120 and 43200, got 119; use a whole number of at least 120 (a URL dies with the role's credentials)",
    right: { urlExpirySeconds: 120 },
  },
  {
    wrong: { signWindow: 101 },
    message: "photos: signWindow must be a whole number between 1 and 100, got 101; use at most 100",
    right: { signWindow: 100 },
  },
  {
    wrong: { abandonAfterDays: 0 },
    message:
      "photos: abandonAfterDays must be a whole number between 1 and 365, got 0; use a whole number of at least 1",
    right: { abandonAfterDays: 1 },
  },
  {
    wrong: { maximumFileBytes: 60_000_000_000_000 },
    message:
      "photos: maximumFileBytes must be a whole number between 1 and 53687091200000, got 60000000000000; use at most 53687091200000 (S3 stores at most 48.8 TiB)",
    right: { maximumFileBytes: 53_687_091_200_000, maximumBytesPerUser: 53_687_091_200_000 },
  },
  {
    wrong: { maximumFileBytes: 2000, maximumBytesPerUser: 1999 },
    message: "photos: maximumBytesPerUser must be no smaller than maximumFileBytes, got 1999; use at least 2000",
    right: { maximumFileBytes: 2000, maximumBytesPerUser: 2000 },
  },
  {
    wrong: { bucketName: "my.photos" },
    message:
      'photos: bucketName must hold no period, got "my.photos"; S3 Transfer Acceleration and TLS need a DNS-compliant name; use hyphens',
    right: { bucketName: "my-photos" },
  },
  {
    wrong: { bucketName: "My_Photos" },
    message:
      'photos: bucketName must be 3 to 63 lower-case letters, digits and hyphens, without a hyphen at either end, got "My_Photos"; leave it out, and Pulumi makes a name',
    right: { bucketName: "my-photos" },
  },
  {
    wrong: { bucketNamespace: "account-regional" },
    message:
      'photos: bucketName must be given with bucketNamespace "account-regional", got nothing; Pulumi makes no name there; put the stack\'s name into it',
    right: { bucketNamespace: "account-regional", bucketName: "photos-dev" },
  },
  {
    wrong: { keyPrefix: "/up" },
    message:
      'photos: keyPrefix must be letters, digits, "_", "-", in parts that each end with "/", got "/up"; write "uploads/" say',
    right: { keyPrefix: "up/" },
  },
  {
    wrong: { region: "us-gov-west-1" },
    message:
      'photos: region must have S3 Transfer Acceleration, got "us-gov-west-1"; AWS does not offer it there; set acceleration: false, or pick another Region',
    right: { region: "us-gov-west-1", acceleration: false },
  },
  {
    wrong: { authorizationMode: "none" as "iam" },
    message: 'photos: authorizationMode must be one of "cognito", "iam", got "none"; pick one of these values',
    right: { authorizationMode: "cognito" },
  },
  {
    wrong: { authorizationMode: "iam" },
    message:
      'photos: userPoolArn must be left out with authorizationMode "iam", got "a user pool"; an API accepts one kind of identity; make two components for two kinds',
    right: { authorizationMode: "cognito" },
  },
  {
    wrong: { allowedSourceCidrs: ["192.0.2.0/33"] },
    message:
      'photos: allowedSourceCidrs must be one or more CIDR ranges, got ["192.0.2.0/33"]; write "192.0.2.0/24" say, or leave it out to admit any address',
    right: { allowedSourceCidrs: ["192.0.2.0/32", "2001:db8::/32"] },
  },
  {
    wrong: { allowedContentTypes: ["*/*"] },
    message:
      'photos: allowedContentTypes must be one or more media types in lower case, "image/png" or "image/*", got ["*/*"]; list what may be uploaded; there is no way to allow everything',
    right: { allowedContentTypes: ["image/*"] },
  },
  {
    wrong: { allowedExtensions: ["PNG"] },
    message: 'photos: allowedExtensions must be extensions in lower case with their dot, got ["PNG"]; write ".mp4" say',
    right: { allowedExtensions: [".png"] },
  },
  {
    wrong: { tenantClaim: "a b" },
    message: 'photos: tenantClaim must be the name of a claim, got "a b"; write "custom:tenant" say',
    right: { tenantClaim: "custom:team" },
  },
  {
    wrong: { logRetentionDays: 31 },
    message:
      "photos: logRetentionDays must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653, got 31; CloudWatch Logs knows no other retention",
    right: { logRetentionDays: 30 },
  },
  {
    wrong: { throttling: { rateLimit: 0 } },
    message:
      "photos: throttling.rateLimit must be a whole number between 1 and 10000, got 0; use a whole number of at least 1",
    right: { throttling: { rateLimit: 1 } },
  },
  {
    wrong: { alarms: { clientErrorRate: 20 } },
    message: "photos: alarms.clientErrorRate must be above 0 and at most 1, got 20; write 0.2 for a fifth of all calls",
    right: { alarms: { clientErrorRate: 1 } },
  },
];

describe("AcceleratedUploadBucket: rules", () => {
  for (const { wrong, message, right } of CASES) {
    it(`rejects ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => resolveAcceleratedUploadBucketSettings("photos", { ...MINIMAL_ARGS, ...wrong }), {
        name: "Error",
        message,
      });
      assert.doesNotThrow(() => resolveAcceleratedUploadBucketSettings("photos", { ...MINIMAL_ARGS, ...right }));
    });
  }

  it("U13: rejects a component name with a period when the bucket's name comes from it", () => {
    assert.throws(
      () => resolveAcceleratedUploadBucketSettings("my.photos", MINIMAL_ARGS),
      /bucketName must hold no period/,
    );
  });

  it("rejects mode cognito without a user pool", () => {
    assert.throws(
      () => resolveAcceleratedUploadBucketSettings("photos", { allowedOrigins: MINIMAL_ARGS.allowedOrigins }),
      /userPoolArn must be given with authorizationMode "cognito", got nothing; pass the ARN of a user pool/,
    );
  });

  it("reports all problems at once and registers nothing", async () => {
    const { errors, resources } = await evaluateProgram(() => {
      new AcceleratedUploadBucket("photos", { ...MINIMAL_ARGS, signWindow: 0, abandonAfterDays: 400 });
    });

    const message = errors.map((error) => error.message).join("\n");
    assert.match(message, /signWindow must be/);
    assert.match(message, /abandonAfterDays must be/);
    assert.deepEqual(
      resources.filter(({ type }) => type.startsWith("serverless-patterns:")),
      [],
    );
  });

  it("U16: rejects the origin * unless it is acknowledged", async () => {
    const evaluate = (acknowledgeAnyOrigin: boolean): ReturnType<typeof evaluateProgram> =>
      evaluateProgram(() => {
        new AcceleratedUploadBucket("photos", { ...MINIMAL_ARGS, allowedOrigins: ["*"], acknowledgeAnyOrigin });
      });

    const refused = await evaluate(false);
    assert.match(
      refused.errors[0]?.message ?? "",
      /photos: allowedOrigins must not hold "\*", got \["\*"\]; list the origins, or set acknowledgeAnyOrigin: true/,
    );
    assert.deepEqual(refused.byType("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration"), []);
    assert.deepEqual((await evaluate(true)).errors, []);
  });

  for (const origin of [
    "https://app.example.com/",
    "http://app.example.com",
    "app.example.com",
    "https://*.example.com/x",
  ]) {
    it(`U16: rejects "${origin}" as an origin, also when it is an Output`, async () => {
      const { errors, byType } = await evaluateProgram(() => {
        new AcceleratedUploadBucket("photos", { ...MINIMAL_ARGS, allowedOrigins: pulumi.output([origin]) });
      });

      assert.match(errors[0]?.message ?? "", /allowedOrigins must be origins: https, host, optional port/);
      assert.deepEqual(byType("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration"), []);
    });
  }

  it("U16: rejects an empty list of origins", async () => {
    const { errors } = await evaluateProgram(() => {
      new AcceleratedUploadBucket("photos", { ...MINIMAL_ARGS, allowedOrigins: [] });
    });

    assert.match(errors[0]?.message ?? "", /allowedOrigins must name at least one origin, got \[\]/);
  });
});
