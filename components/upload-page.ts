// The upload page on a StaticSite.
import * as pulumi from "@pulumi/pulumi";
import type { AcceleratedUploadBucket } from "./accelerated-upload-bucket";
import { publishPage } from "./shared/page";
import type { SignInUserPool } from "./sign-in-user-pool";
import type { StaticSite } from "./static-site";

/**
 * Publishes the upload page of this library: sign in, drop files, watch them arrive, compare the four ways to upload.
 * @param site Where the page goes; its URL must be among the bucket's `allowedOrigins` and the pool's callback URLs (with "/").
 * @param uploads Where the page uploads to.
 * @param users Who may sign in; the pool that `uploads` trusts.
 */
export function publishUploadPage(site: StaticSite, uploads: AcceleratedUploadBucket, users: SignInUserPool): void {
  const parts = pulumi.output({ upload: uploads.clientConfiguration, origins: uploads.uploadOrigins });
  publishPage(site, {
    name: "upload",
    folder: "",
    url: pulumi.interpolate`${site.url}/`,
    users,
    configuration: { upload: uploads.clientConfiguration },
    connect: parts.apply(({ upload, origins }) => [`${upload.apiUrl}/`, ...origins.map((origin) => `${origin}/`)]),
    // Hashing in a worker made from a blob.
    directives: ["worker-src blob:"],
  });
}
