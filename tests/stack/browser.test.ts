// Proves the page for a person, in a real Chromium on the whole stack: sign in, upload, reload half-way and go on, pause, offline, cancel, a
// tampered URL, the comparison, the console. Bytes are compared with what S3 holds.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { ListUploadsResponse, UploadDescription } from "../../handlers/upload/contract";
import type { Listener } from "../../local/cloud/core/service";
import { startConsole } from "../../local/console";
import { launchChromium } from "../support/chromium";
import { makeFile, MEBIBYTE, startTestStack, type TestStack } from "../support/stack";

describe("the pages in Chromium", function () {
  this.timeout(240_000);
  let stack: TestStack;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let folder: string;
  let webConsole: Listener;

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "upload-page-"));
    [stack, browser] = await Promise.all([startTestStack(), launchChromium()]);
    const { cloud, evaluation } = stack;
    webConsole = await startConsole({ cloud, evaluation, project: "serverless-patterns", stack: "dev" });
  });
  after(async () => {
    await browser.close();
    await webConsole.close();
    await stack.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    page = await context.newPage();
    page.setDefaultTimeout(60_000);
  });
  afterEach(() => context.close());

  const signIn = async (on = page): Promise<void> => {
    const [user] = stack.cloud.demoUsers();
    await on.goto(stack.pageUrl);
    await on.getByRole("button", { name: "Sign in", exact: true }).click();
    await on.locator("input[name=username]").fill(user?.username ?? "");
    await on.locator("input[type=password]").fill(user?.password ?? "");
    await on.locator("input[type=password]").press("Enter");
    await on.getByRole("button", { name: "Choose files" }).waitFor();
  };
  const fileOnDisk = (name: string, mebibytes: number): { file: string; bytes: Buffer } => {
    const { bytes } = makeFile(mebibytes * MEBIBYTE, name);
    const file = path.join(folder, name);
    fs.writeFileSync(file, bytes);
    return { file, bytes };
  };
  const finished = async (name: string): Promise<UploadDescription | undefined> => {
    const token = await stack.token();
    const { body } = await stack.call("GET", "/uploads?state=completed&limit=100", { token });
    return (body as ListUploadsResponse).uploads.find(({ fileName }) => fileName === name);
  };
  const parts = (): number =>
    stack.cloud.traces.recent().filter(({ operation, status }) => operation === "UploadPart" && status === 200).length;
  /** Resolves when so many more parts have arrived. */
  const partsArrive = async (count: number): Promise<void> => {
    const target = parts() + count;
    let end = (): void => undefined;
    await new Promise<void>((resolve) => {
      end = stack.cloud.traces.subscribe(() => {
        if (parts() >= target) resolve();
      });
    });
    end();
  };
  const slowParts = (delayMs: number): (() => void) => stack.s3.injectFault({ operation: "UploadPart", delayMs });
  const expectFinished = async (name: string, bytes: Buffer): Promise<void> => {
    await page.locator("#finished").getByText(name).first().waitFor();
    const upload = (await finished(name)) ?? assert.fail(`${name} is not finished`);
    assert.ok((await stack.read(upload)).equals(bytes), "the object differs from the file");
    assert.deepEqual(stack.s3.multipartUploads(stack.bucketName), []);
  };

  it("U10: uploads 200 MB, is reloaded half-way, goes on without sending finished parts again; bytes identical", async () => {
    const { file, bytes } = fileOnDisk("film.bin", 200);
    await signIn();
    await page.locator("#part-size").selectOption("8");
    const sentBefore = parts();
    const fast = slowParts(120);
    const half = partsArrive(12);
    await page.locator("#files").setInputFiles(file);
    await half;
    await page.reload();
    fast();

    const choosing = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Continue film.bin: choose the file" }).click();
    await (await choosing).setFiles(file);

    await expectFinished("film.bin", bytes);
    // 25 parts; those under way at the reload may have arrived unseen by the page.
    assert.ok(parts() - sentBefore <= 25 + 6, `${String(parts() - sentBefore)} parts were sent`);
  });

  it("U11: pauses and resumes from the keyboard", async () => {
    const { file, bytes } = fileOnDisk("pause.bin", 40);
    await signIn();
    await page.locator("#part-size").selectOption("5");
    const fast = slowParts(100);
    const some = partsArrive(3);
    await page.locator("#files").setInputFiles(file);
    await some;

    await page.getByRole("button", { name: "Pause pause.bin" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Resume pause.bin" }).waitFor();
    const atRest = parts();
    fast();
    await page.getByRole("button", { name: "Resume pause.bin" }).focus();
    await page.keyboard.press("Enter");

    await expectFinished("pause.bin", bytes);
    assert.ok(parts() > atRest);
  });

  it("U11: waits while the browser is offline, and goes on by itself", async () => {
    const { file, bytes } = fileOnDisk("offline.bin", 40);
    await signIn();
    await page.locator("#part-size").selectOption("5");
    const fast = slowParts(80);
    const some = partsArrive(2);
    await page.locator("#files").setInputFiles(file);
    await some;

    await context.setOffline(true);
    await page
      .getByText(/offline|waits for the network|no network/i)
      .first()
      .waitFor();
    fast();
    await context.setOffline(false);

    await expectFinished("offline.bin", bytes);
  });

  it("U11: cancel leaves nothing behind", async () => {
    const { file } = fileOnDisk("cancel.bin", 40);
    await signIn();
    await page.locator("#part-size").selectOption("5");
    const fast = slowParts(100);
    const some = partsArrive(2);
    await page.locator("#files").setInputFiles(file);
    await some;

    await page.getByRole("button", { name: "Cancel cancel.bin" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("Nothing is being sent.").waitFor();
    fast();

    assert.deepEqual(stack.s3.multipartUploads(stack.bucketName), []);
    assert.equal(await finished("cancel.bin"), undefined);
  });

  it("U12: a tampered part URL is refused, signed again, and the upload arrives", async () => {
    const { file, bytes } = fileOnDisk("tampered.bin", 20);
    await signIn();
    let tampered = 0;
    await page.route(
      (url) => url.searchParams.has("X-Amz-Signature"),
      async (route) => {
        const url = route.request().url();
        if (route.request().method() !== "PUT" || tampered++ > 0) return route.continue();
        return route.continue({
          url: url.replace(/X-Amz-Signature=./, (start) =>
            start.endsWith("0") ? "X-Amz-Signature=1" : "X-Amz-Signature=0",
          ),
        });
      },
    );
    const refusals = await stack.tracesDuring(async () => {
      await page.locator("#files").setInputFiles(file);
      await expectFinished("tampered.bin", bytes);
    });

    assert.ok(refusals.some(({ errorCode }) => errorCode === "SignatureDoesNotMatch"));
  });

  it("U23: compares the four ways and shows medians against the baseline", async () => {
    await signIn();
    await page.locator("#compare-rounds").selectOption("1");
    await page.locator("#compare-start").click();
    await page.getByText(/^Done: 4 runs/).waitFor();

    const rows = await page.locator("#compare-table tbody tr").allInnerTexts();
    assert.equal(rows.length, 4);
    assert.match(rows[0] ?? "", /baseline/);
    for (const row of rows) assert.match(row, /\d/);
    await page.locator("#compare-bars rect").first().waitFor();
  });

  it("refuses a wrong password without saying whether the user exists, and shows no workspace to guests", async () => {
    await page.goto(stack.pageUrl);
    await page.getByText("Sign in to upload").waitFor();
    assert.ok(!(await page.getByRole("button", { name: "Choose files" }).isVisible()));
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    const answers: string[] = [];
    for (const name of [stack.cloud.demoUsers()[0]?.username ?? "", "nobody@example.com"]) {
      await page.locator("input[name=username]").fill(name);
      await page.locator("input[type=password]").fill("wrong-Password-1");
      await page.locator("input[type=password]").press("Enter");
      answers.push(await page.getByRole("alert").innerText());
    }

    assert.equal(answers[0], answers[1]);
  });

  for (const width of [1280, 390]) {
    it(`fits ${String(width)} px: upload page and console, in light and dark`, async () => {
      await page.setViewportSize({ width, height: 900 });
      await signIn();
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        for (const url of [stack.pageUrl, webConsole.origin]) {
          await page.goto(url);
          await page
            .locator(url === stack.pageUrl ? "#finished li" : "#calls li time")
            .first()
            .waitFor();
          const overflow = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth");
          assert.ok((overflow as number) <= 0, `${url} is ${String(overflow)} px too wide`);
          const shots = process.env.SCREENSHOTS;
          const name = `${url === stack.pageUrl ? "upload-page" : "console"}-${String(width)}-${colorScheme}.png`;
          if (shots) await page.screenshot({ path: path.join(shots, name), fullPage: true });
        }
      }
    });
  }

  it("the console draws the stack and follows calls with their IAM decisions", async () => {
    await page.goto(webConsole.origin);
    await page.getByRole("button", { name: "Function uploads-sign-function" }).waitFor();

    const answer = await stack.call("GET", "/uploads", { token: await stack.token() });
    assert.equal(answer.status, 200);

    const call = page.locator("#calls summary", { hasText: "dynamodb Query" }).first();
    await call.click();
    // Later calls may have come above it, folded.
    await page.getByText("allowed dynamodb:Query").filter({ visible: true }).first().waitFor();
    await page.getByRole("button", { name: "Bucket uploads-bucket" }).press("Enter");
    await page.getByText("uploads-cors (BucketCorsConfiguration)").waitFor();
    await page.locator("#logs code").first().waitFor();
  });
});
