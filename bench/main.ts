// `npm run bench -- NAME [--option N …]`: measures side by side with peers; writes bench/results/NAME.json.
import * as fs from "node:fs";
import * as path from "node:path";
import * as bundles from "./bundles";
import * as evaluate from "./evaluate";
import * as progress from "./progress";
import * as queue from "./queue";
import * as queueFaults from "./queue-faults";
import * as sign from "./sign";
import * as start from "./start";
import * as upload from "./upload";

type Bench = (options: ReadonlyMap<string, number>) => Promise<object>;

const BENCHES: Readonly<Record<string, { readonly run: Bench; readonly options: readonly string[] }>> = {
  upload: { run: upload.run, options: ["size", "rounds"] },
  sign: { run: sign.run, options: [] },
  bundles: { run: bundles.run, options: [] },
  evaluate: { run: evaluate.run, options: [] },
  progress: { run: progress.run, options: ["runs", "connections"] },
  queue: { run: queue.run, options: ["messages", "rounds"] },
  "queue-faults": { run: queueFaults.run, options: ["messages", "seed"] },
  start: { run: start.run, options: ["rounds"] },
};

async function main([name = "", ...rest]: readonly string[]): Promise<number> {
  const bench = BENCHES[name];
  if (!bench) {
    console.error(`npm run bench: there is no bench "${name}"; there are: ${Object.keys(BENCHES).join(", ")}`);
    return 1;
  }
  const options = new Map<string, number>();
  for (let index = 0; index < rest.length; index += 2) {
    const option = rest[index]?.replace(/^--/, "") ?? "";
    const value = Number(rest[index + 1]);
    if (!bench.options.includes(option) || !Number.isInteger(value) || value < 1) {
      const known = bench.options.map((one) => `--${one} N`).join(", ") || "none";
      console.error(
        `npm run bench: ${name} does not know "${rest.slice(index, index + 2).join(" ")}"; its options: ${known}`,
      );
      return 1;
    }
    options.set(option, value);
  }
  const result = await bench.run(options);
  const folder = path.join(__dirname, "results");
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify(result, undefined, 2)}\n`);
  return 0;
}

void main(process.argv.slice(2)).then((code) => process.exit(code));
