// The smallest arguments with which AcceleratedUploadBucket works, for its tests.
import type { AcceleratedUploadBucketArgs } from "../../components";

/** A pool of the fake account. */
export const USER_POOL_ARN = "arn:aws:cognito-idp:eu-west-1:111111111111:userpool/eu-west-1_abc";

/** Minimal arguments. */
export const MINIMAL_ARGS: AcceleratedUploadBucketArgs & { readonly userPoolArn: string } = {
  allowedOrigins: ["https://app.example.com"],
  userPoolArn: USER_POOL_ARN,
};
