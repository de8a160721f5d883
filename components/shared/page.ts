// Puts a page of this library on a StaticSite: its files, its configuration, its Content-Security-Policy.
import * as pulumi from "@pulumi/pulumi";
import type { SignInUserPool } from "../sign-in-user-pool";
import type { StaticSite } from "../static-site";
import { loadPage } from "./bundle";

/** A page to publish. */
export interface Page {
  /** Folder below `clients/pages/`. */
  readonly name: string;
  /** Folder of the site, "progress/" say; "" is the root. */
  readonly folder: string;
  /** Address of the page; a callback and sign-out address of the pool. */
  readonly url: pulumi.Output<string>;
  /** Who may sign in. */
  readonly users: SignInUserPool;
  /** What `config.json` says besides the session. */
  readonly configuration: pulumi.Input<Readonly<Record<string, unknown>>>;
  /** Addresses that the page calls besides the sign-in pages; those that end with "/" stand for all below. */
  readonly connect: pulumi.Input<readonly string[]>;
  /** Further directives of the policy. @default - none */
  readonly directives?: readonly string[];
}

/** Publishes it. */
export function publishPage(site: StaticSite, page: Page): void {
  const { name, folder, url, users, configuration, connect, directives = [] } = page;
  const parts = pulumi.output({ configuration, connect, url, signIn: users.clientConfiguration });
  for (const [path, content] of loadPage(name)) {
    site.publish(
      `${folder}${path}`,
      path === "index.html"
        ? parts.apply((known) =>
            insertContentSecurityPolicy(content, [`${known.signIn.domainUrl}/`, ...known.connect], directives),
          )
        : content,
    );
  }
  site.publish(
    `${folder}config.json`,
    parts.apply((known) => {
      const session = { ...known.signIn, redirectUri: known.url, logoutUri: known.url };
      return JSON.stringify({ ...known.configuration, session }, null, 2);
    }),
  );
}

/** Puts the policy into the page's head: exact hosts, no inline code. */
export function insertContentSecurityPolicy(
  html: string,
  connect: readonly string[],
  directives: readonly string[] = [],
): string {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "form-action 'none'",
    ...directives,
    `connect-src 'self' ${connect.join(" ")}`,
  ].join("; ");
  return html.replace("<head>", `<head>\n    <meta http-equiv="Content-Security-Policy" content="${policy}" />`);
}
