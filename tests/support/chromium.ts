// A real Chromium, from the npm registry alone.
import sparticuz from "@sparticuz/chromium";
import { chromium, type Browser } from "playwright-core";

// No GPU, no calls home, and no background service that would talk to the network. The package's own arguments are left out: they
// switch off the same-origin policy, so that no test would notice a missing CORS rule.
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Launches a headless browser; close it. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = await sparticuz.executablePath();
  return chromium.launch({ executablePath, args: ARGUMENTS, headless: true });
}
