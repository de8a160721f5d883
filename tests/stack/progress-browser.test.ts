// Proves the progress page for a person, in a real Chromium on the whole dev stack: sign in, place an order, watch it, close the tab half-way,
// open it again: nothing is missing. And a second tab, a failure, a cancellation, a lost connection.
import assert from "node:assert/strict";
import * as path from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { WebSocketService } from "../../local/cloud/apigatewayv2/service";
import { launchChromium } from "../support/chromium";
import { startTestStack, type TestStack } from "../support/stack";

describe("the progress page in Chromium", function () {
  this.timeout(120_000);
  let stack: TestStack;
  let browser: Browser;
  let context: BrowserContext;
  let pageUrl: string;

  before(async () => {
    [stack, browser] = await Promise.all([startTestStack(), launchChromium()]);
    const outputs = stack.cloud.localise(stack.evaluation.outputs);
    pageUrl = String(outputs.progressPage?.value);
    context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
    context.setDefaultTimeout(30_000);
  });
  after(async () => {
    await browser.close();
    await stack.stop();
  });

  /** A new tab, which knows of no sign-in; the sign-in pages do, from the second time on. */
  const openPage = async (): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(pageUrl);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    const place = page.getByRole("button", { name: "Place order" });
    const name = page.locator("input[name=username]");
    await place.or(name).waitFor();
    if (await name.isVisible()) {
      const [user] = stack.cloud.demoUsers();
      await name.fill(user?.username ?? "");
      await page.locator("input[type=password]").fill(user?.password ?? "");
      await page.locator("input[type=password]").press("Enter");
    }
    await place.waitFor();
    return page;
  };
  /** Places an order that takes so long per step. */
  const placeOrder = async (page: Page, durationMs: number, failAt = ""): Promise<void> => {
    await page.locator("input[name=speed]:checked").evaluate((radio, value) => {
      (radio as unknown as { value: string }).value = value;
    }, String(durationMs));
    await page.locator("#fail-at").selectOption(failAt);
    await page.getByRole("button", { name: "Place order" }).click();
  };
  const newest = (page: Page): ReturnType<Page["locator"]> => page.locator("#runs > li").first();
  const logOf = (page: Page): Promise<readonly string[]> => {
    return newest(page).locator(".log li span:last-child").allTextContents();
  };

  it("W23: a failed order says why, and goes on from the failed step; a second tab shows the same", async () => {
    const page = await openPage();
    await placeOrder(page, 0, "print-label");
    await newest(page).locator(".state.failed").waitFor();
    assert.equal(
      await newest(page).locator(".reason").innerText(),
      "PrinterOffline: the order asks print-label to fail",
    );

    const other = await openPage();
    await newest(other).locator(".state.failed").waitFor();
    assert.deepEqual(await logOf(other), await logOf(page));
    assert.ok(
      await newest(other)
        .getByRole("button", { name: /Try again from the failed step/ })
        .isVisible(),
    );
    await Promise.all([page.close(), other.close()]);
  });

  it("acceptance 1: an order is watched, the tab closed half-way and opened again: nothing is missing", async () => {
    const page = await openPage();
    await placeOrder(page, 700);
    await newest(page).locator(".state.running").waitFor();
    await newest(page).locator(".steps li.done").nth(1).waitFor();
    const shots = process.env.SCREENSHOTS;
    if (shots) {
      await newest(page).locator("summary").click();
      await page.screenshot({ path: path.join(shots, "progress-page.png") });
    }
    const seen = await logOf(page);
    await page.close();

    const again = await openPage();
    await newest(again).locator(".state.succeeded").waitFor();

    const log = await logOf(again);
    assert.deepEqual(log.slice(0, seen.length), seen);
    assert.equal(log.length, 6);
    assert.equal(await newest(again).locator(".steps li.done").count(), 4);
    assert.match(await newest(again).locator(".figure").innerText(), /^100/);
    await again.close();
  });

  it("W23: tells of a lost connection, catches up by itself, and cancels", async () => {
    const page = await openPage();
    await placeOrder(page, 30_000);
    await newest(page).locator(".state.running").waitFor();
    const sockets = stack.cloud.services.find(({ name }) => name === "apigatewayv2") as WebSocketService;
    await context.setOffline(true);
    for (const connection of sockets.connections()) connection.close(1001, "Going away");
    await page.locator("#connection", { hasText: /\S/ }).waitFor();
    await context.setOffline(false);
    await page.locator("#connection:empty").waitFor({ state: "attached" });

    await newest(page)
      .getByRole("button", { name: /^Cancel/ })
      .click();
    await newest(page).locator(".state.aborted").waitFor();
    await page.close();
  });
});
