// The progress page on a StaticSite.
import * as pulumi from "@pulumi/pulumi";
import { publishPage } from "./shared/page";
import type { SignInUserPool } from "./sign-in-user-pool";
import type { StaticSite } from "./static-site";

/** What the page needs to know of a workflow: its `clientSettings`. */
export interface ProgressPageWorkflow {
  /** `POST /tickets`. */
  readonly ticketUrl: string;
  /** "wss://…/<stage>". */
  readonly socketUrl: string;
}

/** Folder of the page on its site. CloudFront has a default object for the root only, so the address names the file. */
const FOLDER = "progress/";

/**
 * Address of the progress page on a site: one of the pool's callback URLs.
 * @param site Where `publishProgressPage` puts the page.
 */
export function progressPageUrl(site: StaticSite): pulumi.Output<string> {
  return pulumi.interpolate`${site.url}/${FOLDER}index.html`;
}

/**
 * Publishes the progress page of this library: sign in, place an order, watch it go. It can share a site with the upload page.
 * @param site Where the page goes; its URL must be among the workflow's `allowedOrigins`, and `progressPageUrl(site)` among the pool's
 *   callback URLs.
 * @param workflow `clientSettings` of the workflow whose runs the page starts and shows; its input is an order of the example workflow.
 * @param users Who may sign in; the pool that the workflow's tickets are issued for.
 */
export function publishProgressPage(
  site: StaticSite,
  workflow: pulumi.Output<ProgressPageWorkflow>,
  users: SignInUserPool,
): void {
  publishPage(site, {
    name: "progress",
    folder: FOLDER,
    url: progressPageUrl(site),
    users,
    configuration: workflow.apply(({ ticketUrl, socketUrl }) => ({ progress: { ticketUrl, socketUrl } })),
    connect: workflow.apply(({ ticketUrl, socketUrl }) => [ticketUrl, socketUrl]),
  });
}
