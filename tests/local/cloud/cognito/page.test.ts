// Proves with a real Chromium that a person can sign in on the hosted page: by keyboard, on a phone's width, in light and dark, with
// an error that is announced. It does not prove what screen readers say.
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { launchChromium } from "../../../support/chromium";
import { authorizeUrl, callbackUrl, startUserPool } from "../../../support/user-pool";
import type { UserPoolFixture } from "../../../support/user-pool";

/** Lowest contrast of any text on the page against what is behind it, as WCAG computes it; runs in the page. */
const lowestContrast = `(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const alpha = (text) => Number(text.match(/[\\d.]+/g)[3] ?? 1);
  const luminance = (color) => {
    const [r, g, b] = color.map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let node = element; node; node = node.parentElement) {
      const color = getComputedStyle(node).backgroundColor;
      if (alpha(color) > 0) return rgb(color);
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll("h1, p, label, button, small, code")];
  return Math.min(...texts.map((element) => {
    const [a, b] = [luminance(rgb(getComputedStyle(element).color)), luminance(behind(element))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }));
})()`;

describe("the sign-in page in a browser", function () {
  this.timeout(60_000);
  let fixture: UserPoolFixture;
  let browser: Browser;
  before(async () => {
    fixture = await startUserPool();
    browser = await launchChromium();
  });
  after(async () => {
    await browser.close();
    await fixture.stop();
  });

  async function open(colorScheme: "light" | "dark"): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage({ viewport: { width: 390, height: 700 }, colorScheme });
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    await page.goto(authorizeUrl(fixture));
    return { page, complaints };
  }

  it("takes user name and password from the keyboard and goes back to the application", async () => {
    const { page, complaints } = await open("light");

    await page.locator("#username:focus").waitFor();
    await page.keyboard.type(fixture.demo.username);
    await page.keyboard.press("Tab");
    await page.keyboard.type(fixture.demo.password);
    const arrival = page.waitForRequest((request) => request.url().startsWith(callbackUrl));
    await page.keyboard.press("Enter");

    assert.equal(new URL((await arrival).url()).searchParams.get("state"), "state-1");
    assert.deepEqual(complaints, []);
    await page.close();
  });

  for (const scheme of ["light", "dark"] as const) {
    it(`fits a phone and is readable in ${scheme}, with and without an error`, async () => {
      const { page } = await open(scheme);
      const check = async (): Promise<void> => {
        assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390);
        assert.ok(Number(await page.evaluate(lowestContrast)) >= 4.5);
      };

      await check();
      await page.fill("#username", "nobody@example.com");
      await page.fill("#password", "Wrong-password-1");
      await page.click("button");

      const alert = page.getByRole("alert");
      assert.equal(await alert.textContent(), "Incorrect username or password.");
      assert.equal(await page.getAttribute("#username", "aria-describedby"), await alert.getAttribute("id"));
      assert.equal(await page.inputValue("#username"), "nobody@example.com");
      assert.equal(await page.inputValue("#password"), "");
      await check();
      await page.close();
    });
  }
});
