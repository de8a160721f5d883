// Uploads from one web page, by users of an existing Cognito user pool, to a bucket that accepts videos only.
import * as pulumi from "@pulumi/pulumi";
import { AcceleratedUploadBucket } from "../components";

const config = new pulumi.Config();

const videos = new AcceleratedUploadBucket("videos", {
  allowedOrigins: [config.require("pageOrigin")],
  userPoolArn: config.require("userPoolArn"),
  allowedContentTypes: ["video/*"],
  maximumFileBytes: 200 * 1024 ** 3,
});

/** Put it into the page's configuration; it holds no secret. */
export const clientConfiguration = videos.clientConfiguration;
/** Where finished videos are. */
export const bucketName = videos.bucketName;
