import { createServer } from "node:http";
import { readFileSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { buildSync } from "esbuild";
import chromium from "@sparticuz/chromium";
import { chromium as playwright } from "playwright-core";
import { createFastClock, UploadFake } from "./upload-fake";

const root = "/work/main/clients/pages/upload";
async function main(): Promise<void> {
  const clock = createFastClock(1);
  const fake = await UploadFake.start({ clock, acceleration: true, minimumPartBytes: 1024 ** 2 });
  const js = buildSync({
    entryPoints: [`${root}/app.ts`],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "es2022",
  }).outputFiles[0]!.text;
  console.log("app.js bytes", js.length);
  const nonces = new Map<string, string>();
  let origin = "";
  const server = createServer((req, res) => {
    const url = new URL(req.url!, origin);
    res.setHeader(
      "content-security-policy",
      `default-src 'self'; connect-src 'self' ${fake.origin}; worker-src blob:; img-src data:`,
    );
    const send = (type: string, body: string): void => void res.writeHead(200, { "content-type": type }).end(body);
    if (url.pathname === "/") return send("text/html", readFileSync(`${root}/index.html`, "utf8"));
    if (url.pathname === "/app.js") return send("text/javascript", js);
    if (url.pathname === "/app.css") return send("text/css", readFileSync(`${root}/app.css`, "utf8"));
    if (url.pathname === "/config.json")
      return send(
        "application/json",
        JSON.stringify({
          upload: { ...fake.configuration, allowedContentTypes: ["video/*"] },
          session: { domainUrl: origin, clientId: "c1", redirectUri: `${origin}/`, logoutUri: `${origin}/` },
        }),
      );
    if (url.pathname === "/oauth2/authorize") {
      const code = randomBytes(4).toString("hex");
      nonces.set(code, url.searchParams.get("nonce")!);
      return void res
        .writeHead(302, { location: `${origin}/?code=${code}&state=${url.searchParams.get("state")}` })
        .end();
    }
    if (url.pathname === "/oauth2/token") {
      let body = "";
      req
        .on("data", (d) => (body += d))
        .on("end", () => {
          const form = new URLSearchParams(body);
          const payload = {
            aud: "c1",
            sub: "u1",
            email: "maria.exemplaria@example.com",
            iat: 1,
            exp: 3601,
            nonce: nonces.get(form.get("code") ?? ""),
          };
          send(
            "application/json",
            JSON.stringify({
              id_token: `x.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.y`,
              refresh_token: "r1",
              expires_in: 3600,
            }),
          );
        });
      return;
    }
    res.writeHead(404).end();
  });
  await new Promise<void>((r) => server.listen(0, "127.0.0.1", r));
  origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  fake.token = "";
  // accept any bearer
  try {
    for (const [scheme, width] of [
      ["dark", 1280],
      ["light", 390],
    ] as const) {
      console.log(scheme, width, performance.now());
      const browser = await playwright.launch({
        executablePath: await chromium.executablePath(),
        args: chromium.args,
        headless: true,
      });
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme });
      const page = await context.newPage();
      page.on("console", (m) => console.log("console", m.type(), m.text()));
      page.on("pageerror", (e) => console.log("pageerror", e.message));
      await page.goto(origin);
      await page.waitForSelector("#welcome:not([hidden])");
      const shot = (name: string): Promise<Buffer> =>
        page.screenshot({ path: `/tmp/pagecheck/${name}-${scheme}-${width}.png`, fullPage: true });
      await shot("welcome");
      await page.click("#welcome-sign-in");
      await page.waitForSelector("#workspace:not([hidden])");
      const file = (name: string, mib: number) => ({
        name,
        mimeType: "video/mp4",
        buffer: Buffer.from(randomBytes(mib << 20)),
      });
      // unfinished one
      await fetch(`${fake.configuration.apiUrl}/uploads`, {
        method: "POST",
        headers: { authorization: `Bearer ${fake.token}` },
        body: JSON.stringify({
          fileName: "holiday-2025.mp4",
          size: 734003200,
          contentType: "video/mp4",
          requestId: randomBytes(9).toString("hex"),
          partSize: 16 << 20,
          resume: true,
        }),
      });
      let n = 0;
      fake.onPart = async () => {
        n++;
        await new Promise((r) => setTimeout(r, 450 + (n % 4) * 160));
      };
      await page.setInputFiles("#files", [
        file("interview-with-a-rather-long-file-name-final-v2.mp4", 20),
        file("drone.mp4", 12),
        file("talk.mp4", 12),
      ]);
      await page.waitForTimeout(1200);
      await page.click('button[aria-label="Pause drone.mp4"]');
      await page.waitForTimeout(500);
      await shot("sending");
      await page.click('button[aria-label="Resume drone.mp4"]');
      fake.onPart = () => undefined;
      await page.waitForFunction(() => document.querySelectorAll("#transfers li").length === 0, undefined, {
        timeout: 30000,
      });
      fake.onPart = async ({ route, partNumber }) => {
        await new Promise((r) => setTimeout(r, route === "direct" ? 120 : 60));
        void partNumber;
      };
      await page.selectOption("#compare-size", "16");
      await page.selectOption("#compare-rounds", "3");
      await page.click("#compare-start");
      await page.waitForFunction(
        () => /^Done|^Stopped/.test(document.querySelector("#compare-status")!.textContent!),
        undefined,
        { timeout: 60000 },
      );
      console.log(await page.textContent("#compare-status"));
      await page.waitForTimeout(500);
      console.log("overflow", await page.evaluate(() => document.documentElement.scrollWidth > innerWidth));
      await shot("compare");
      fake.uploads.clear();
      await browser.close();
    }
    console.log("objects ok");
  } finally {
    server.close();
    await fake.stop();
  }
  writeFileSync("/tmp/pagecheck/done", "1");
}
void main().catch((e) => {
  console.error(e);
  process.exit(1);
});
