// Proves what publishing the pages puts on a site: files, configuration, a policy with exact addresses. That they work is proven in Chromium.
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { SignInUserPool, StaticSite } from "../../components";
import { progressPageUrl, publishProgressPage } from "../../components/progress-page";
import { loadPage } from "../../components/shared/bundle";
import { evaluateProgram } from "../support/engine-run";

const SETTINGS = { ticketUrl: "https://api.example/v1/tickets", socketUrl: "wss://sockets.example/live" };

describe("The progress page", () => {
  it("W29: goes below the site's root with its configuration, and may reach exactly tickets, sockets and sign-in", async () => {
    const { errors, byName, output } = await evaluateProgram(() => {
      const site = new StaticSite("site");
      const url = progressPageUrl(site);
      const users = new SignInUserPool("users", { domainPrefix: "orders", callbackUrls: [url] });
      publishProgressPage(site, pulumi.output(SETTINGS), users);
      return { url, signIn: users.clientConfiguration };
    });

    assert.deepEqual(errors, []);
    const file = (name: string): string => String(byName(`site-file-progress/${name}`).inputs.content);
    const signIn = output("signIn") as { domainUrl: string };
    const url = String(output("url"));
    assert.match(url, /^https:\/\/[^/]+\/progress\/index\.html$/);
    assert.deepEqual(JSON.parse(file("config.json")), {
      progress: SETTINGS,
      session: { ...signIn, redirectUri: url, logoutUri: url },
    });
    const [, policy = ""] = /Content-Security-Policy" content="([^"]+)"/.exec(file("index.html")) ?? [];
    assert.deepEqual(policy.split("; "), [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      "form-action 'none'",
      `connect-src 'self' ${signIn.domainUrl}/ ${SETTINGS.ticketUrl} ${SETTINGS.socketUrl}`,
    ]);
    assert.equal(file("app.js"), loadPage("progress").get("app.js"));
  });

  for (const name of ["upload", "progress"]) {
    it(`carries the styles of all pages in one file: ${name}`, () => {
      const files = loadPage(name);

      assert.deepEqual([...files.keys()].sort(), ["app.css", "app.js", "index.html"]);
      assert.match(files.get("app.css") ?? "", /color-scheme:light dark/);
      assert.doesNotMatch(files.get("app.css") ?? "", /@import/);
    });
  }
});
