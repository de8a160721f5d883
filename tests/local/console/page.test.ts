// Proves in Chromium that the page shows dashboards, alarms, queues and workflows, follows their changes, runs no markup of widgets, and fits.
import assert from "node:assert/strict";
import * as path from "node:path";
import type { Browser, Page } from "playwright-core";
import { launchChromium } from "../../support/chromium";
import { type ConsoleProgram, startConsoleProgram } from "../../support/console-program";
import { startWorkflowProgram, type WorkflowProgram } from "../../support/workflow-program";

describe("the console's page", () => {
  let browser: Browser;
  let program: ConsoleProgram;
  let orders: WorkflowProgram;
  let page: Page;
  const problems: string[] = [];
  before(async function () {
    this.timeout(60_000);
    [browser, program, orders] = await Promise.all([launchChromium(), startConsoleProgram(), startWorkflowProgram()]);
    page = await browser.newPage({ viewport: { width: 1280, height: 900 }, timezoneId: "UTC", locale: "en-GB" });
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(String(error)));
  });
  after(async () => {
    await browser.close();
    await Promise.all([program.stop(), orders.stop()]);
  });
  const open = async (section: string): Promise<void> => {
    await page.goto(`${program.listener.origin}/#${section}`);
  };

  it("Q27: draws each widget of a declared dashboard, and says what is not simulated", async () => {
    await open("dashboards");
    const chart = page.getByRole("img", { name: /^Messages\. Done: now .*Throttled: now/ });
    await chart.waitFor();

    assert.equal(await chart.locator("path.line").count(), 3, "one line, and one that is broken where data miss");
    assert.equal(await chart.locator("line.annotation").count(), 1);
    assert.equal(await page.locator("path.area").count(), 2);
    assert.equal((await page.locator("#dashboard .chart rect.bar").count()) > 3, true);
    await page.getByText("Not simulated by the local run: widgets of type log").waitFor();
    await page.getByRole("heading", { name: "Work" }).waitFor();
    // The markup of a text widget stays text.
    await page.getByText("<img src=x onerror=alert(1)>").waitFor();
    assert.equal(await page.locator("#dashboard img").count(), 0);
  });

  it("Q27: shows values under the pointer, as a table, and over another span of time", async () => {
    await open("dashboards");
    const widget = page.getByRole("region", { name: "Messages" });
    await widget.locator(".chart-drawing").hover();
    await widget.locator(".legend-time").waitFor();
    assert.equal(await widget.locator("line.cursor").count(), 1);
    await widget.getByRole("button", { name: "Table" }).click();
    await widget.getByRole("columnheader", { name: "Done (Sum)" }).waitFor();
    const quarter = await widget.locator("tbody tr").count();
    await page.locator("#dashboard-range").selectOption("60");
    await page.waitForFunction(`document.querySelectorAll(".widget-table tbody tr").length > ${String(quarter)}`);
  });

  it("Q27: follows new data while it is open", async () => {
    await open("dashboards");
    const now = page.getByRole("region", { name: "Now", exact: true });
    await now.waitFor();
    await program.clock.advance(1000);
    program.put("Done", 77_000);
    await program.clock.advance(1000);
    await now.getByText("77k").waitFor();
  });

  it("counts alarms in ALARM in the header and lists them with reason, threshold and changes", async () => {
    await open("overview");
    await page.getByRole("link", { name: "1 in alarm" }).click();
    const alarm = page.locator("#alarms li", { hasText: "too-many-errors" });
    await alarm.getByText("Errors, Sum of 1 min ≥ 5 in 2 of 3 periods").waitFor();
    assert.equal(await alarm.locator("svg .threshold").count(), 1);
    await alarm.getByText("Changes").press("Enter");
    await alarm.getByText(/OK → In alarm/).waitFor();
  });

  it("shows queues with dead letters, mapping and moves, as they are now", async () => {
    await open("queues");
    const card = page.locator("#queues > li").first();
    await card.getByText("1,234").waitFor();
    await card.getByText("3 of 5 at once").waitFor();
    await page.locator("#move-tasks").getByText("3 of 10, at most 10 a second").waitFor();
    program.queue.enabled = false;
    await card.getByText("Paused").waitFor();
    program.queue.enabled = true;
  });

  it("labels the edge of a mapping with its concurrency, and lights it with each batch", async () => {
    await open("overview");
    await page.locator(".edge-label", { hasText: "3 of 5" }).waitFor();
    program.cloud.traces.record({
      id: "batch-1",
      at: program.clock.now(),
      durationMs: 5,
      caller: "mapping",
      service: "lambda",
      operation: "Invoke",
      resource: program.functionArn,
      status: 200,
      decisions: [],
      detail: { mapping: program.mappingUuid },
    });
    await page.locator(".edge.hot").waitFor({ state: "attached" });
    await page.locator(".node.hot", { hasText: "work-function" }).waitFor();
  });

  it("reaches every section by keyboard", async () => {
    await open("overview");
    await page.locator("#sections").getByRole("link", { name: "Queues" }).press("Enter");
    await page.getByRole("heading", { name: "Message moves" }).waitFor();
    assert.equal(await page.locator('#sections [aria-current="page"]').innerText(), "Queues");
    assert.ok(!(await page.locator("#topology").isVisible()));
  });

  const state = (name: string) => page.locator("#workflow .step", { has: page.locator("title", { hasText: name }) });

  it("colours the graph of a workflow while it runs, and says the same in words", async () => {
    orders.work = ({ does }) => {
      if (does === "charge") throw Object.assign(new Error("declined"), { name: "CardDeclined" });
      return {};
    };
    await page.goto(`${orders.listener.origin}/#workflows`);
    await page.getByRole("img", { name: "Graph of orders" }).waitFor();
    assert.equal(await page.locator("#workflow .step.woven").count(), 3);
    await orders.connect("alice");
    await orders.start({ amount: 1, items: [1, 2, 3, 4, 5] }, "order-1");
    await orders.advance(15);
    await page.locator('#workflow .step[data-status="running"]', { hasText: "2 of 5" }).waitFor();
    await page.locator('#workflow .step[data-status="caught"]', { hasText: "Charge card" }).waitFor();
    assert.equal(await state("Wait for approval").getAttribute("data-status"), "");
    await page.getByText("States as a table").press("Enter");
    const words = page.locator("#workflow-states tr", { hasText: "Charge card" });
    await words.getByText("caught, CardDeclined").waitFor();
    await page.locator("#connections tr", { hasText: "alice" }).getByText("viewers/dev").waitFor();
    await takeShot("running");

    await orders.advance(60);
    await page.getByRole("status").getByText("order-1: succeeded").waitFor();
    assert.equal(await page.locator('#workflow .step[data-status="running"]').count(), 0);
  });

  it("shows the execution that is chosen by keyboard, its data and its history, and keeps what is unfolded", async () => {
    orders.work = () => {
      throw Object.assign(new Error("none"), { name: "OutOfStock" });
    };
    await orders.start({ amount: 500, items: [], ticket: "nobody sees it" }, "order-2");
    await page.goto(`${orders.listener.origin}/#workflows`);
    await page.getByRole("status").getByText("order-2: failed, Refused").waitFor();
    await page.locator("#execution-input", { hasText: '"ticket": "[hidden]"' }).waitFor();
    await page.locator("#execution-output", { hasText: "nothing left" }).waitFor();
    const event = page.locator("#history tr", { hasText: "TaskFailed" });
    await event.getByText("Details").press("Enter");
    await event.getByText("OutOfStock").waitFor();
    await takeShot("failed");

    await page.getByRole("button", { name: "order-1" }).press("Enter");
    await page.locator('#executions tr[aria-current="true"]', { hasText: "order-1" }).waitFor();
    await page.locator("#history tr", { hasText: "MapIterationStarted" }).first().waitFor();
    const reports = page.locator("#history tr.report");
    assert.ok((await reports.count()) > 0 && !(await reports.first().isVisible()));
    await page.getByLabel("with progress reports").check();
    await reports.first().waitFor();
    await orders.start({ amount: 1, items: [] }, "order-3");
    await page.getByRole("button", { name: "order-3" }).waitFor();
    assert.equal(await page.locator('#executions tr[aria-current="true"] button').innerText(), "order-1");
  });

  const takeShot = async (name: string): Promise<void> => {
    const shots = process.env.SCREENSHOTS;
    if (!shots) return;
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      for (const colorScheme of ["dark", "light"] as const) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({
          path: path.join(shots, `workflow-${name}-${String(width)}-${colorScheme}.png`),
          fullPage: true,
        });
      }
    }
  };

  for (const width of [1280, 390]) {
    it(`fits ${String(width)} px in light and dark`, async () => {
      await page.setViewportSize({ width, height: 900 });
      for (const section of ["overview", "dashboards", "alarms", "queues", "workflows"]) {
        const { origin } = (section === "workflows" ? orders : program).listener;
        await page.goto(`${origin}/#${section}`);
        await page.locator(`[data-sections~="${section}"]`).first().waitFor();
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme });
          const overflow = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth");
          assert.ok((overflow as number) <= 0, `${section} is ${String(overflow)} px too wide`);
          const shots = process.env.SCREENSHOTS;
          if (!shots) continue;
          await page.locator("#connection[data-state=live]").waitFor();
          await page.waitForTimeout(1200);
          const name = `console-${section}-${String(width)}-${colorScheme}.png`;
          await page.screenshot({ path: path.join(shots, name), fullPage: true });
        }
      }
    });
  }

  it("leaves no error in the browser's console", () => {
    assert.deepEqual(problems, []);
  });
});
