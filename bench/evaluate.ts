// How long the engine takes to evaluate programs of growing size in this process, the SDK already loaded.
// Run: node -r tsx/cjs bench/evaluate.ts
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { assertSucceeded, evaluate } from "../local/engine";
import type { ResourceProvider } from "../local/engine";
import { median, round } from "./statistics";

/** Medians in milliseconds. */
export interface EvaluateBenchmark {
  readonly unit: "ms";
  readonly runs: number;
  readonly medians: readonly { readonly resources: number; readonly total: number; readonly perResource: number }[];
  /** Milliseconds per further resource, between the smallest and the largest program. */
  readonly slope: number;
}

const SIZES = [10, 100, 500, 1_000];
const RUNS = 5;

const provider: ResourceProvider = {
  create: ({ name }) => ({ id: name, outputs: { arn: `arn:aws:s3:::${name}` } }),
  invoke: () => ({}),
};

/** Components of ten resources each: eight of them depend on their bucket, as real ones do. */
class Group extends pulumi.ComponentResource {
  constructor(name: string) {
    super("bench:index:Group", name);
    const bucket = new aws.s3.Bucket(`${name}-bucket`, { tags: { group: name } }, { parent: this });
    for (let child = 0; child < 8; child++) {
      const content = bucket.arn.apply((arn) => JSON.stringify({ Resource: `${arn}/*` }));
      new aws.s3.BucketObjectv2(`${name}-${child}`, { bucket: bucket.id, key: `${child}`, content }, { parent: this });
    }
    this.registerOutputs({ arn: bucket.arn });
  }
}

async function measure(resources: number): Promise<number> {
  const program = (): void => {
    for (let group = 0; group < resources / 10; group++) new Group(`group-${group}`);
  };
  const start = performance.now();
  assertSucceeded(await evaluate({ project: "bench", stack: "dev", provider, program }));
  return performance.now() - start;
}

/** Measures and prints. */
export async function run(): Promise<EvaluateBenchmark> {
  await measure(100);
  const medians = [];
  for (const resources of SIZES) {
    const times: number[] = [];
    for (let attempt = 0; attempt < RUNS; attempt++) times.push(await measure(resources));
    const total = median(times);
    medians.push({ resources, total: round(total), perResource: round(total / resources) });
  }
  const [first, last] = [medians[0], medians.at(-1)];
  const slope = first && last ? round((last.total - first.total) / (last.resources - first.resources)) : NaN;
  const result: EvaluateBenchmark = { unit: "ms", runs: RUNS, medians, slope };
  console.log(JSON.stringify(result, null, 2));
  return result;
}

if (require.main === module) void run();
