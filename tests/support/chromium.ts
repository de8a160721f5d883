// A real Chromium, from the npm registry alone.
import sparticuz from "@sparticuz/chromium";
import { chromium, type Browser } from "playwright-core";

// No GPU, no calls home, and no background service that would talk to the network.
const OWN_ARGUMENTS = [
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
  // Its defaults include --single-process, under which a closed page can take the browser with it.
  const inherited = sparticuz.args.filter((argument) => !/^--(single-process|no-zygote|headless)/.test(argument));
  return chromium.launch({ executablePath, args: [...inherited, ...OWN_ARGUMENTS], headless: true });
}
