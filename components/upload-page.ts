// The upload page on a StaticSite: its files, its configuration, its Content-Security-Policy.
import * as pulumi from "@pulumi/pulumi";
import type { AcceleratedUploadBucket } from "./accelerated-upload-bucket";
import { loadPage } from "./shared/bundle";
import type { SignInUserPool } from "./sign-in-user-pool";
import type { StaticSite } from "./static-site";

/**
 * Publishes the upload page of this library: sign in, drop files, watch them arrive, compare the four ways to upload.
 * @param site Where the page goes; its URL must be among the bucket's `allowedOrigins` and the pool's callback URLs (with "/").
 * @param uploads Where the page uploads to.
 * @param users Who may sign in; the pool that `uploads` trusts.
 */
export function publishUploadPage(site: StaticSite, uploads: AcceleratedUploadBucket, users: SignInUserPool): void {
  const parts = pulumi.output({
    upload: uploads.clientConfiguration,
    signIn: users.clientConfiguration,
    pageUrl: pulumi.interpolate`${site.url}/`,
    origins: uploads.uploadOrigins,
  });
  for (const [path, content] of loadPage("upload")) {
    site.publish(
      path,
      path === "index.html" ? parts.apply((known) => insertContentSecurityPolicy(content, known)) : content,
    );
  }
  site.publish(
    "config.json",
    parts.apply(({ upload, signIn, pageUrl }) =>
      JSON.stringify({ upload, session: { ...signIn, redirectUri: pageUrl, logoutUri: pageUrl } }, null, 2),
    ),
  );
}

/** What the page may reach. */
interface Reach {
  readonly upload: { readonly apiUrl: string };
  readonly signIn: { readonly domainUrl: string };
  readonly origins: readonly string[];
}

/** Puts the policy into the page's head: exact hosts, no inline code, hashing in a worker made from a blob. */
export function insertContentSecurityPolicy(html: string, { upload, signIn, origins }: Reach): string {
  const connect = ["'self'", `${upload.apiUrl}/`, `${signIn.domainUrl}/`, ...origins.map((origin) => `${origin}/`)];
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "worker-src blob:",
    "form-action 'none'",
    `connect-src ${connect.join(" ")}`,
  ].join("; ");
  return html.replace("<head>", `<head>\n    <meta http-equiv="Content-Security-Policy" content="${policy}" />`);
}
