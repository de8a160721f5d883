// Proves the progress page for a person, in a real Chromium against a stand-in of the server over real HTTP and WebSockets, under the
// Content-Security-Policy that it is published with: orders, steps, failures, several runs, reload, second tab, reconnection, and what
// assistive technology is told. On the whole stack it is proven by the stack's browser tests.

import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import path from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { loadPage } from "../../../../components/shared/bundle";
import { insertContentSecurityPolicy } from "../../../../components/shared/page";
import { launchChromium } from "../../../support/chromium";
import { type FakeServer, startFakeServer } from "../../../support/progress-fake";

const MEDIA_TYPES: Readonly<Record<string, string>> = { html: "text/html", css: "text/css", js: "text/javascript" };
const CLIENT_ID = "page";

/** What has the focus, and whether that can be seen; in the page. */
const FOCUSED = `(() => {
  const element = document.activeElement;
  if (element === document.body) return { name: "", outline: "" };
  const text = element.ariaLabel ?? element.labels?.[0]?.textContent ?? element.textContent;
  return { name: text.trim() || element.id, outline: getComputedStyle(element).outlineStyle };
})()`;

/** Texts with less than 4.5:1 against what is behind them; in the page. */
const WEAK_CONTRAST = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const read = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = read(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.matches(":disabled, .visually-hidden")) continue;
    const [one, other] = [read(getComputedStyle(element).color), behind(element)].map(luminance);
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) weak.push(element.textContent + ": " + ratio.toFixed(2));
  }
  return weak;
})()`;

const SHOTS = process.env.PROGRESS_PAGE_SHOTS;

describe("the progress page in Chromium", function () {
  this.timeout(60_000);
  let server: FakeServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  const files = loadPage("progress");
  const problems: string[] = [];

  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser.close());
  beforeEach(async () => {
    server = await startFakeServer(serve);
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    // Somebody who has signed in before.
    await context.addInitScript('sessionStorage.setItem("session:refresh", "token")');
    page = await open();
    problems.length = 0;
  });
  afterEach(async () => {
    await context.close();
    await server.stop();
    assert.deepEqual(problems, []);
  });

  /** The site, and the sign-in service's token endpoint. */
  function serve({ url = "/" }: IncomingMessage, response: ServerResponse): void {
    const { origin, ticketUrl, fake } = server;
    const name = url.replace(/^\/progress\//, "");
    if (url === "/oauth2/token") {
      // Always the same: the stand-in knows people by their tokens.
      const claims = { sub: "1", aud: CLIENT_ID, email: "ada@example.com", iat: 0, exp: 3600 };
      const token = `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;
      response.end(JSON.stringify({ id_token: token }));
      return;
    }
    if (name === "config.json") {
      const address = `${origin}/progress/index.html`;
      const session = { domainUrl: origin, clientId: CLIENT_ID, redirectUri: address, logoutUri: address };
      response.end(JSON.stringify({ progress: { ticketUrl, socketUrl: fake.socketUrl }, session }));
      return;
    }
    const text = files.get(name);
    if (text === undefined) return void response.writeHead(404).end();
    response.setHeader("content-type", MEDIA_TYPES[name.split(".").at(-1) ?? ""] ?? "text/plain");
    const connect = [ticketUrl, fake.socketUrl, `${origin}/`];
    response.end(name === "index.html" ? insertContentSecurityPolicy(text, connect) : text);
  }

  async function open(): Promise<Page> {
    const opened = await context.newPage();
    opened.setDefaultTimeout(10_000);
    opened.on("pageerror", (error) => problems.push(String(error)));
    opened.on("console", (message) => {
      if (/Content Security Policy|TypeError/.test(message.text())) problems.push(message.text());
    });
    await opened.goto(`${server.origin}/progress/index.html`);
    return opened;
  }

  const card = (id: string, on = page) => on.getByRole("listitem", { name: `Order ${id}`, exact: true });
  const owner = (): string => server.fake.runs.values().next().value?.owner ?? assert.fail("nothing was started");
  const shoot = async (name: string, on = page): Promise<void> => {
    if (SHOTS === undefined) return;
    for (const colorScheme of ["light", "dark"] as const) {
      for (const width of [1280, 390]) {
        await on.emulateMedia({ colorScheme });
        await on.setViewportSize({ width, height: 900 });
        const file = path.join(SHOTS, `progress-${name}-${String(width)}-${colorScheme}.png`);
        await on.screenshot({ path: file, fullPage: true });
      }
    }
    await on.setViewportSize({ width: 1280, height: 900 });
  };
  /** Places an order with the form; returns the short name of its run. */
  const place = async (): Promise<{ id: string; short: string }> => {
    const before = new Set(server.fake.runs.keys());
    await page.getByRole("button", { name: "Place order" }).click();
    await page.getByRole("button", { name: "Place order", disabled: false }).waitFor();
    const id = [...server.fake.runs.keys()].find((known) => !before.has(known)) ?? assert.fail("nothing was started");
    await card(id.slice(0, 8)).getByText("Running", { exact: true }).waitFor();
    return { id, short: id.slice(0, 8) };
  };

  it("W23: places an order as the form says, shows bar, steps, durations and log, and ends with 100 percent", async () => {
    await page.getByLabel("Product").selectOption("Mug");
    await page.getByLabel("Quantity").fill("3");
    await page.getByRole("button", { name: "Add an item" }).click();
    await page.getByLabel("Slow").check();
    await page.getByLabel("Fails at").selectOption("Payment");
    const { id, short } = await place();
    const run = card(short);
    server.fake.finishStep(id, 0);
    await run
      .getByRole("progressbar", { name: `Progress of Order ${short}` })
      .and(page.locator("[value='19']"))
      .waitFor();
    const atStep = await run.getByRole("list", { name: "Steps" }).ariaSnapshot();
    await shoot("running");
    for (const index of [1, 2, 3]) server.fake.finishStep(id, index);
    server.fake.emit(id, { kind: "succeeded" });
    await run.locator(".state").getByText("Done", { exact: true }).waitFor();
    await run.getByText("Log, 6 entries").click();

    const { durationMs, failAt, items } = server.fake.find(id).input as Record<string, unknown>;
    assert.deepEqual([durationMs, failAt], [8000, "charge-payment"]);
    assert.deepEqual(items, [
      { sku: "MUG-2", quantity: 3, unitPriceCents: 1200 },
      { sku: "MUG-2", quantity: 1, unitPriceCents: 1200 },
    ]);
    assert.match(atStep, /Items reserved \(done\) \d/);
    assert.match(atStep, /Payment taken \(running\) \d+ s/);
    assert.match(atStep, /Label printed \(waiting\)/);
    assert.equal(await run.getByRole("progressbar").getAttribute("value"), "100");
    const log = await run
      .getByRole("list", { name: `Log of Order ${short}` })
      .locator("li")
      .allInnerTexts();
    assert.deepEqual(
      log.map((line) => line.split("\n").at(-1)),
      ["Started", "Items reserved", "Payment taken", "Label printed", "Handed to the carrier", "Done"],
    );
    assert.ok((await page.locator("#announcer").innerText()).includes(`Order ${short}: Done, 100 percent`));
  });

  it("W26: says how much time is left in plain words, less as it goes by, and does not announce it", async () => {
    const { id: first, short: before } = await place();
    server.fake.emit(first, { kind: "succeeded" });
    server.fake.expected = { runs: 1, totalSeconds: 125, secondsAfter: { "Check inventory": 11.2 } };
    const { id, short } = await place();
    await card(short).getByText("about 2 min left", { exact: true }).waitFor();
    await shoot("remaining");
    server.fake.finishStep(id, 0);
    await card(short).getByText("about 10 s left", { exact: true }).waitFor();
    await card(short).getByText("a few seconds left", { exact: true }).waitFor();
    const announced = await page.locator("[aria-live]").allInnerTexts();
    server.fake.emit(id, { kind: "succeeded" });
    await card(short).getByText("Done", { exact: true }).first().waitFor();

    for (const name of [before, short]) assert.equal(await card(name).locator(".remaining").innerText(), "");
    assert.doesNotMatch(announced.join(" "), / left/);
  });

  it("W23: shows why a run failed and in which step, and tries again from there", async () => {
    const { id, short } = await place();
    server.fake.finishStep(id, 0);
    server.fake.emit(id, { kind: "failed", error: { name: "PaymentDeclined", cause: "the order asks for it <b>" } });
    const run = card(short);
    await run.getByText("PaymentDeclined: the order asks for it <b>").first().waitFor();
    const steps = await run.getByRole("list", { name: "Steps" }).ariaSnapshot();
    await shoot("failed");
    await run.getByRole("button", { name: "Try again from the failed step" }).focus();
    await page.keyboard.press("Enter");
    await run.getByText("Running", { exact: true }).waitFor();
    const again = await run.getByRole("list", { name: "Steps" }).ariaSnapshot();

    assert.match(steps, /Items reserved \(done\).*Payment taken failed.*Label printed \(waiting\)/s);
    assert.match(again, /Items reserved \(done\).*Payment taken \(running\)/s);
    assert.equal(await run.locator(".reason").isVisible(), false);
  });

  it("W23: shows several runs, newest first, and cancels the one that is meant", async () => {
    const first = await place();
    const second = await place();
    const names = await page.getByRole("heading", { level: 3 }).allInnerTexts();
    await page.getByRole("button", { name: `Cancel Order ${first.short}` }).click();

    await card(first.short).getByText("Cancelled", { exact: true }).waitFor();

    assert.deepEqual(names, [`Order ${second.short}`, `Order ${first.short}`]);
    assert.equal(server.fake.find(second.id).run.state, "running");
  });

  it("W27 W28: shows the same after a reload and in a second tab, started elsewhere or ended long ago", async () => {
    const { id, short } = await place();
    server.fake.finishStep(id, 0);
    server.fake.addRun(owner(), "elsewhere");
    server.fake.emit("elsewhere", { kind: "timed-out", error: { name: "States.Timeout", cause: "" } });
    server.fake.addRun("somebody else", "foreign");
    await page.reload();
    const other = await open();
    await card("elsewher", other).getByText("Timed out", { exact: true }).waitFor();
    server.fake.finishStep(id, 1);

    const texts = [];
    for (const tab of [page, other]) {
      await card(short, tab).getByText("49 %").first().waitFor();
      await card("elsewher", tab).getByText("States.Timeout").first().waitFor();
      texts.push(await tab.getByRole("list", { name: "Steps" }).last().ariaSnapshot());
      assert.equal(await tab.getByRole("heading", { level: 3 }).count(), 2);
    }

    assert.equal(texts[0], texts[1]);
  });

  it("W6 W23: tells about a lost connection, and misses nothing once it is back", async () => {
    const { id, short } = await place();
    const banner = page.locator("#connection");
    server.accepts = false;
    for (const connection of server.fake.connections) connection.close();
    await banner.getByText("Connection lost. Reconnecting").waitFor();
    await shoot("reconnecting");
    for (const index of [0, 1, 2]) server.fake.finishStep(id, index);
    server.accepts = true;
    await page.evaluate('window.dispatchEvent(new Event("online"))');

    await card(short).getByText("59 %").first().waitFor();
    await card(short).getByText("Log, 4 entries").waitFor();

    assert.equal(await banner.innerText(), "");
    assert.deepEqual([await banner.getAttribute("role"), await banner.getAttribute("aria-live")], ["status", "polite"]);
  });

  it("W24: says so when there are too many orders, and then orders only once with the same key", async () => {
    server.fake.refuse = ({ action }) => (action === "start" ? "TooManyRequests" : undefined);
    await page.getByRole("button", { name: "Place order" }).click();
    await page.getByRole("alert").getByText("Too many orders within a minute").waitFor();
    server.fake.refuse = () => undefined;

    await place();

    const keys = server.fake.received.flatMap((message) => ("idempotencyKey" in message ? message.idempotencyKey : []));
    assert.equal(keys.length, 2);
    assert.equal(keys[0], keys[1]);
  });

  it("asks to sign in again when the session has ended", async () => {
    await place();
    server.fake.ticketStatus = 401;
    for (const connection of server.fake.connections) connection.close();

    await page.locator("#connection").getByRole("button", { name: "Sign in again" }).waitFor();
  });

  it("invites those who are not signed in, and shows nothing else", async () => {
    await context.clearCookies();
    const fresh = await browser.newContext();
    const visitor = await fresh.newPage();
    await visitor.goto(`${server.origin}/progress/index.html`);
    await visitor.getByRole("button", { name: "Sign in to order" }).waitFor();

    assert.equal(await visitor.locator("#workspace").isVisible(), false);
    await fresh.close();
  });

  describe("accessibility", () => {
    const open3 = async (): Promise<void> => {
      const { id } = await place();
      server.fake.finishStep(id, 0);
      server.fake.emit(id, { kind: "failed", error: { name: "OutOfStock", cause: "nothing is left" } });
      server.fake.addRun(owner(), "done");
      server.fake.emit("done", { kind: "succeeded" });
      server.fake.addRun(owner(), "stopped");
      server.fake.emit("stopped", { kind: "aborted", error: { name: "Cancelled", cause: "" } });
      server.fake.addRun(owner(), "going");
      await page.reload();
      await card("going").getByText("Running", { exact: true }).waitFor();
      await card("done").getByText("Log, 2 entries").click();
      await card(id.slice(0, 8)).getByText("OutOfStock: nothing is left").first().waitFor();
    };

    it("W23: gives every control a name, every order a progress bar with text, one main heading and no level left out", async () => {
      await open3();

      const tree = await page.locator("body").ariaSnapshot();
      const bars = await page.evaluate<string[][]>(
        '[...document.querySelectorAll("progress")].map((bar) => [bar.ariaLabel, bar.getAttribute("aria-valuetext")])',
      );
      const levels = [...tree.matchAll(/- heading .*\[level=(\d)\]/g)].map(([, level]) => Number(level));

      for (const role of ["button", "textbox", "spinbutton", "combobox", "radio", "progressbar"]) {
        assert.doesNotMatch(tree, new RegExp(`- ${role}(:| \\[|$)`, "m"), `a ${role} without a name`);
      }
      assert.equal(bars.length, 4);
      for (const [label, text] of bars) assert.match(`${label}: ${text}`, /^Progress of Order .*: \d+ percent, /);
      assert.equal(levels.filter((level) => level === 1).length, 1);
      assert.ok(
        levels.every((level, index) => level <= (levels[index - 1] ?? 0) + 1),
        String(levels),
      );
      await shoot("states");
    });

    it("W23: reaches everything with the keyboard, with a visible focus, and keeps the focus through updates", async () => {
      await open3();
      const reached: string[] = [];
      await page.locator("h1").click();
      for (let count = 0; count < 60; count++) {
        await page.keyboard.press("Tab");
        const { name, outline } = await page.evaluate<{ name: string; outline: string }>(FOCUSED);
        if (name === "") break;
        reached.push(name);
        assert.notEqual(outline, "none", `${name} shows no focus`);
      }
      await page.getByRole("button", { name: "Cancel Order going" }).focus();
      server.fake.finishStep("going", 0);
      await card("going").getByText("19 %").first().waitFor();

      for (const part of [
        /^Product$/,
        /^Quantity$/,
        /^Add an item$/,
        /^Place order$/,
        /^Cancel Order going$/,
        /^Log, 2/,
      ]) {
        assert.ok(
          reached.some((name) => part.test(name)),
          `${String(part)} is not reached: ${reached.join(" | ")}`,
        );
      }
      assert.equal(await page.evaluate("document.activeElement.ariaLabel"), "Cancel Order going");
    });

    for (const colorScheme of ["light", "dark"] as const) {
      for (const width of [390, 1280]) {
        it(`W23: is readable in ${colorScheme} at ${String(width)} pixels: contrast, nothing cut off, no sideways scrolling`, async () => {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize({ width, height: 800 });
          await open3();

          const weak = await page.evaluate(WEAK_CONTRAST);
          const overflow = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth");
          const heights = await page.evaluate<number[]>(
            '[...document.querySelectorAll("button, summary, select")].flatMap((one) => one.offsetHeight || [])',
          );

          assert.deepEqual(weak, []);
          assert.equal(overflow, 0);
          assert.ok(Math.min(...heights) >= 24, String(heights));
        });
      }
    }

    it("W23: stands still for those who ask for less motion", async () => {
      await page.emulateMedia({ reducedMotion: "reduce" });
      await place();

      const moving = await page.evaluate("document.getAnimations().length");

      assert.equal(moving, 0);
    });
  });
});
