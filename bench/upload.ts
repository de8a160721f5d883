// `npm run bench -- upload [--size MIB] [--rounds N]`: the post's four rows on an emulated link, with ours and its peers in the same run.
import * as fs from "node:fs";
import * as path from "node:path";
import { launchChromium } from "../tests/support/chromium";
import { makeFile, MEBIBYTE, startTestStack, type TestStack } from "../tests/support/stack";
import { drawBars } from "../tools/chart";
import { openLink } from "./link";
import { formatTable, median, round } from "./statistics";
import { createRelayAgent, libStorage, ours, plainPut, uppy } from "./upload-clients";

/** The link of the post's author, as far as its figures tell (facts: 150 Mbit/s, 1.03 MB window, 150 ms direct, 90 ms to the edge). */
const LINK = { bitsPerSecond: 150e6, windowBytes: 1_030_000, directMs: 150, edgeMs: 90 };

interface Row {
  readonly name: string;
  readonly seconds: readonly number[];
  readonly note?: string;
}

/** What was measured. */
export interface UploadBenchmark {
  readonly sizeMebibytes: number;
  readonly rounds: number;
  readonly link: typeof LINK;
  /** Seconds that the link needs at its full rate. */
  readonly linkLimitSeconds: number;
  readonly rows: readonly {
    readonly name: string;
    readonly medianSeconds: number;
    readonly mbitPerSecond: number;
    readonly againstBaseline: number;
    readonly note?: string;
  }[];
}

type Way = readonly [name: string, run: (round: number) => Promise<number>];

/** Measures, prints, and draws docs/images/upload-bench.svg. */
export async function run(options: ReadonlyMap<string, number>): Promise<UploadBenchmark> {
  const size = options.get("size") ?? 64;
  const rounds = options.get("rounds") ?? 3;
  const stack = await startTestStack();
  const port = (origin: string): number => Number(new URL(origin).port);
  const gateway = port(stack.cloud.gatewayOrigin);
  const accelerate = port(stack.cloud.context.accelerateOrigin());
  const { bitsPerSecond, windowBytes } = LINK;
  const link = await openLink({
    bitsPerSecond,
    paths: [
      { targetPort: gateway, roundTripMs: LINK.directMs, windowBytes },
      { targetPort: accelerate, roundTripMs: LINK.edgeMs, windowBytes },
    ],
  });
  const [directPort = 0, edgePort = 0] = link.ports;
  const browser = await launchChromium();
  try {
    const ways = listWays(
      stack,
      new Map([
        [gateway, directPort],
        [accelerate, edgePort],
      ]),
      size,
    );
    ways.push(["Uppy 6, direct (in Chromium)", async () => (await uppy(stack, browser, directPort, size)) / 1000]);
    return report(await measure(ways, rounds), size, rounds);
  } finally {
    await browser.close();
    await link.close();
    await stack.stop();
  }
}

function listWays(stack: TestStack, ports: ReadonlyMap<number, number>, size: number): Way[] {
  const { bytes } = makeFile(size * MEBIBYTE, "bench.bin");
  const timed = async (action: () => Promise<void>): Promise<number> => {
    const start = performance.now();
    await action();
    return (performance.now() - start) / 1000;
  };
  const withAgent = async (action: (agent: ReturnType<typeof createRelayAgent>) => Promise<void>): Promise<number> => {
    const agent = createRelayAgent(ports);
    try {
      return await timed(() => action(agent));
    } finally {
      agent.destroy();
    }
  };
  const file = (round: number, name: string): ReturnType<typeof makeFile>["file"] =>
    Object.assign(new Blob([bytes]), { name: `${name}-${String(round)}.bin`, lastModified: 1 });
  const single = { partSize: size * MEBIBYTE, parallel: 1 };
  return [
    [
      "plain PUT, direct (baseline)",
      (round) => withAgent((agent) => plainPut(stack, agent, `bench/put-${String(round)}`, bytes)),
    ],
    [
      "one part, accelerated",
      (round) => withAgent((agent) => ours(stack, agent, file(round, "single"), { ...single, acceleration: "on" })),
    ],
    [
      "ours, six at a time, direct",
      (round) => withAgent((agent) => ours(stack, agent, file(round, "direct"), { acceleration: "off", parallel: 6 })),
    ],
    [
      "ours, six at a time, accelerated",
      (round) => withAgent((agent) => ours(stack, agent, file(round, "both"), { acceleration: "on", parallel: 6 })),
    ],
    ["ours, automatic", (round) => withAgent((agent) => ours(stack, agent, file(round, "auto"), {}))],
    [
      "lib-storage, direct",
      (round) => withAgent((agent) => libStorage(stack, agent, `bench/lib-${String(round)}`, bytes)),
    ],
  ];
}

/** Rounds are interleaved, so that a busy moment hits all ways alike. */
async function measure(ways: readonly Way[], rounds: number): Promise<Row[]> {
  const times = new Map<string, number[]>(ways.map(([name]) => [name, []]));
  const notes = new Map<string, string>();
  for (let index = 0; index < rounds; index++) {
    for (const [name, act] of ways) {
      if (notes.has(name)) continue;
      process.stderr.write(`round ${String(index + 1)} of ${String(rounds)}: ${name} … `);
      try {
        const seconds = await act(index);
        times.get(name)?.push(seconds);
        process.stderr.write(`${seconds.toFixed(2)} s\n`);
      } catch (error) {
        notes.set(name, `not measured: ${error instanceof Error ? error.message : String(error)}`);
        process.stderr.write(`${notes.get(name) ?? ""}\n`);
      }
    }
  }
  return ways.map(([name]) => {
    const note = notes.get(name);
    return { name, seconds: times.get(name) ?? [], ...(note === undefined ? {} : { note }) };
  });
}

function report(measured: readonly Row[], size: number, rounds: number): UploadBenchmark {
  const bits = size * MEBIBYTE * 8;
  const baseline = median(measured[0]?.seconds ?? []);
  const rows = measured.map(({ name, seconds, note }) => {
    const middle = median(seconds);
    return {
      name,
      medianSeconds: round(middle),
      mbitPerSecond: round(bits / middle / 1e6, 1),
      againstBaseline: round(middle / baseline),
      ...(note === undefined ? {} : { note }),
    };
  });
  const result = { sizeMebibytes: size, rounds, link: LINK, linkLimitSeconds: round(bits / LINK.bitsPerSecond), rows };
  const cells = rows.map((row) => [
    row.name,
    row.note ?? `${String(row.medianSeconds)} s`,
    `${String(row.mbitPerSecond)} Mbit/s`,
    `${String(row.againstBaseline)} ×`,
  ]);
  console.log(formatTable([["way", "median", "rate", "against baseline"], ...cells]));
  console.log(`the link alone needs ${String(result.linkLimitSeconds)} s`);
  const bars = rows
    .filter(({ note }) => note === undefined)
    .map(({ name, medianSeconds, againstBaseline }) => ({
      label: name,
      value: medianSeconds,
      note: `${String(medianSeconds)} s (${String(againstBaseline)} ×)`,
    }));
  const image = path.join(__dirname, "..", "docs", "images", "upload-bench.svg");
  fs.writeFileSync(
    image,
    drawBars(
      `${String(size)} MiB over an emulated link, ${rounds === 1 ? "one round" : `medians of ${String(rounds)}`}`,
      bars,
    ),
  );
  return result;
}
