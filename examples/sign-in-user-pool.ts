// Sign-in for a single page.
import * as pulumi from "@pulumi/pulumi";
import { SignInUserPool } from "../components";

const users = new SignInUserPool("users", {
  domainPrefix: `acme-media-${pulumi.getStack()}`,
  callbackUrls: ["https://app.example.com/"],
});

/** Put it into the page's configuration; it holds no secret. */
export const clientConfiguration = users.clientConfiguration;
