// `npm run bench -- progress [--runs N] [--connections N]`: how soon a viewer hears of a step by each transport, what a report adds to its run,
// how many viewers one run bears on this machine, and what a thousand runs cost by AWS's prices.
import { ProgressTransport, trackProgress } from "../components";
import {
  DEFAULT_WORKFLOW_PRICES,
  estimateWorkflowCost,
  type WorkflowPrices,
} from "../components/progress-tracked-workflow/estimate";
import { loadHandler } from "../components/shared/bundle";
import type { ProgressEvent } from "../handlers/progress/contract";
import {
  followMany,
  followRun,
  GATES,
  type ProgressStack,
  startProgressStack,
  type TestWorkflow,
  type Viewer,
} from "../tests/support/progress-stack";
import { formatTable, percentile, round } from "./statistics";

/** Milliseconds. */
export interface Spread {
  readonly p50: number;
  readonly p99: number;
}

/** Figures of one transport. */
export interface TransportFigures {
  readonly transport: ProgressTransport;
  readonly reports: number;
  /** From the end of the marked state, by the history, to the message at the client. */
  readonly latencyMilliseconds: Spread;
  /** From entering to leaving the state that reports. */
  readonly addedMilliseconds: Spread;
  readonly transitionsPerReport: number;
  /** US dollars for the reports of 1,000 runs of four steps with one viewer. */
  readonly usdPerThousandRuns: number;
  readonly arithmetic: string;
}

/** One run with many viewers. */
export interface ViewerFigures {
  readonly transport: ProgressTransport;
  readonly connections: number;
  readonly connectionsPerSecond: number;
  readonly messages: number;
  /** Pushes per second while a report is being pushed. */
  readonly messagesPerSecond: number;
  /** From the end of the marked state to the last of all viewers. */
  readonly lastViewerMilliseconds: Spread;
}

/** What was measured. */
export interface ProgressBenchmark {
  readonly runs: number;
  readonly transports: readonly TransportFigures[];
  readonly viewers: ViewerFigures;
  /** Minified bundle of the report function with its SDK client. */
  readonly reportBundleBytes: number;
  readonly prices: WorkflowPrices;
}

const WARM_UP = 3;
const STEPS = ["Reserve", "Pack", "Label", "Invoice", "Ship"];
const USER = "bench@example.com";

/** Measures and prints. */
export async function run(options: ReadonlyMap<string, number>): Promise<ProgressBenchmark> {
  const runs = options.get("runs") ?? 40;
  const connections = options.get("connections") ?? 1000;
  const stack = await startProgressStack({ startsPerMinute: 1000, rateLimit: 5000 });
  try {
    const transports: TransportFigures[] = [];
    for (const transport of Object.values(ProgressTransport)) {
      transports.push(await measureTransport(stack, stack.workflow(transport), runs));
    }
    const viewers = await measureViewers(stack, stack.workflow(ProgressTransport.Function), connections);
    const result = {
      ...{ runs, transports, viewers },
      reportBundleBytes: Buffer.byteLength(loadHandler("progress/report")),
      prices: DEFAULT_WORKFLOW_PRICES,
    };
    print(result);
    return result;
  } finally {
    await stack.stop();
  }
}

async function measureTransport(stack: ProgressStack, workflow: TestWorkflow, runs: number): Promise<TransportFigures> {
  const viewer = stack.viewer(workflow, USER);
  const latencies: number[] = [];
  const added: number[] = [];
  for (let index = -WARM_UP; index < runs; index++) {
    process.stderr.write(`\r${workflow.transport}: run ${String(index + 1)} of ${String(runs)}  `);
    const input = { items: [] };
    const { executionId } = await viewer.client.start(input, { idempotencyKey: `run-${String(index)}` });
    await followRun(viewer, executionId).ended;
    if (index < 0) continue;
    const moments = readHistory(stack, workflow, executionId);
    for (const { step, at } of arrivals(viewer, executionId)) {
      const left = moments.left.get(step);
      if (left !== undefined) latencies.push(at - left);
    }
    added.push(...moments.reporting);
  }
  process.stderr.write("\n");
  viewer.client.close();
  const { usd, arithmetic, transitions } = estimateCost(workflow.transport);
  return {
    transport: workflow.transport,
    reports: added.length,
    latencyMilliseconds: spread(latencies),
    addedMilliseconds: spread(added),
    transitionsPerReport: transitions,
    usdPerThousandRuns: usd,
    arithmetic,
  };
}

/** When each marked state was left, and how long each report took. */
function readHistory(
  stack: ProgressStack,
  workflow: TestWorkflow,
  executionId: string,
): { readonly left: ReadonlyMap<string, number>; readonly reporting: readonly number[] } {
  const left = new Map<string, number>();
  const entered = new Map<string, number>();
  const reporting: number[] = [];
  for (const { type, details, at } of stack.execution(workflow, executionId).history.events) {
    const name = typeof details.name === "string" ? details.name : "";
    if (type.endsWith("StateEntered")) entered.set(name, at);
    if (!type.endsWith("StateExited")) continue;
    if (STEPS.includes(name)) left.set(name, at);
    if (STEPS.some((step) => name === `${step} (progress)`)) reporting.push(at - (entered.get(name) ?? NaN));
  }
  return { left, reporting };
}

/** Steps of a run as they came to a viewer. */
function arrivals(viewer: Viewer, executionId: string): readonly { readonly step: string; readonly at: number }[] {
  return viewer.texts.flatMap((text, index) => {
    if (!text.startsWith('{"version":1,"type":"progress"')) return [];
    const event = JSON.parse(text) as ProgressEvent;
    if (event.executionId !== executionId || event.kind !== "step") return [];
    return [{ step: event.step ?? "", at: viewer.times[index] ?? NaN }];
  });
}

async function measureViewers(
  stack: ProgressStack,
  workflow: TestWorkflow,
  connections: number,
): Promise<ViewerFigures> {
  const gates = stack.gates();
  const starter = stack.viewer(workflow, USER);
  const { executionId } = await starter.client.start({ items: [], gates }, { idempotencyKey: "many" });
  const viewers: Viewer[] = [];
  const create = (): Viewer => {
    const viewer = stack.viewer(workflow, USER);
    viewers.push(viewer);
    process.stderr.write(`\rconnection ${String(viewers.length)} of ${String(connections)}  `);
    return viewer;
  };
  const began = performance.now();
  const followed = await followMany(create, executionId, connections);
  const connectSeconds = (performance.now() - began) / 1000;
  process.stderr.write("\n");
  for (const gate of GATES) stack.open(gates, gate);
  await Promise.all(followed.map(({ ended }) => ended));
  const logs = new Set(followed.map(({ events }) => JSON.stringify(events)));
  if (logs.size !== 1) throw new Error(`the viewers ended with ${logs.size} different logs`);
  const { left } = readHistory(stack, workflow, executionId);
  const byStep = new Map<string, number[]>(STEPS.map((step) => [step, []]));
  for (const viewer of viewers) {
    for (const { step, at } of arrivals(viewer, executionId)) byStep.get(step)?.push(at);
  }
  const pushed = [...byStep].filter(([, times]) => times.length > 0);
  const messages = pushed.reduce((sum, [, times]) => sum + times.length, 0);
  const seconds = pushed.reduce((sum, [, times]) => sum + (Math.max(...times) - Math.min(...times)) / 1000, 0);
  return {
    transport: workflow.transport,
    connections,
    connectionsPerSecond: round(connections / connectSeconds, 1),
    messages,
    messagesPerSecond: Math.round(messages / seconds),
    lastViewerMilliseconds: spread(pushed.map(([step, times]) => Math.max(...times) - (left.get(step) ?? NaN))),
  };
}

/** The order of the docs: four steps in a row. */
function estimateCost(transport: ProgressTransport): {
  readonly usd: number;
  readonly arithmetic: string;
  readonly transitions: number;
} {
  const names = ["Reserve", "Charge", "Label", "Ship"];
  const states = names.map((name, index) => {
    const next = names[index + 1];
    const state = { Type: "Task", Resource: "arn:aws:states:::lambda:invoke", Arguments: { FunctionName: name } };
    return [name, trackProgress({ ...state, ...(next === undefined ? { End: true } : { Next: next }) })] as const;
  });
  const definition = { QueryLanguage: "JSONata", StartAt: "Reserve", States: Object.fromEntries(states) };
  const estimate = estimateWorkflowCost({ definition, runsPerMonth: 1000 });
  const cost = estimate.transports.find((one) => one.transport === transport);
  if (!cost) throw new Error(`no estimate for ${transport}`);
  // One transition leads to the end, whatever the transport.
  const transitions = (cost.addedTransitionsPerRun - 1) / estimate.reportsPerRun;
  return { usd: round(cost.reportsUsdPerMonth, 4), arithmetic: cost.arithmetic, transitions };
}

function spread(values: readonly number[]): Spread {
  return { p50: round(percentile(values, 50), 1), p99: round(percentile(values, 99), 1) };
}

function print({ transports, viewers, reportBundleBytes }: ProgressBenchmark): void {
  const show = ({ p50, p99 }: Spread): string => `${String(p50)} / ${String(p99)} ms`;
  const rows = transports.map((one) => [
    one.transport,
    show(one.latencyMilliseconds),
    show(one.addedMilliseconds),
    String(one.transitionsPerReport),
    `$${one.usdPerThousandRuns.toFixed(3)}`,
  ]);
  const head = ["transport", "to the viewer, p50 / p99", "added per report", "transitions per report", "1,000 runs"];
  console.log(formatTable([head, ...rows]));
  for (const { transport, arithmetic } of transports) console.log(`${transport}: ${arithmetic}`);
  console.log(
    `${String(viewers.connections)} connections on one run (${viewers.transport}): ` +
      `${String(viewers.connectionsPerSecond)} connections/s, ${String(viewers.messagesPerSecond)} messages/s, ` +
      `last viewer after ${show(viewers.lastViewerMilliseconds)}`,
  );
  console.log(`report function: ${String(round(reportBundleBytes / 1000, 1))} kB`);
}
