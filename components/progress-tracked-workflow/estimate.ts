// What a workflow and its reports cost per month, by transport, with the sums written out. Pure.
import { ProgressTransport } from "./args";
import {
  isSequence,
  innerOf,
  languageOf,
  listOf,
  statesOf,
  type QueryLanguage,
  type SequenceObject,
  type StateObject,
} from "./weave/language";
import { readMarks, type MarkedStep } from "./weave/marks";

/**
 * Prices in US dollars.
 * Defaults: us-east-1, arm64, without free tier, as published in 2025 on the pricing pages of AWS Step Functions, AWS Lambda, Amazon
 * DynamoDB (on demand), Amazon EventBridge and Amazon API Gateway. They change: give your own for a decision.
 */
export interface WorkflowPrices {
  readonly perMillionTransitions: number;
  readonly perMillionInvocations: number;
  readonly perGigabyteSecond: number;
  readonly perMillionTableWrites: number;
  readonly perMillionTableReads: number;
  readonly perMillionEvents: number;
  readonly perMillionSocketMessages: number;
}

/** @see WorkflowPrices */
export const DEFAULT_WORKFLOW_PRICES: WorkflowPrices = {
  perMillionTransitions: 25,
  perMillionInvocations: 0.2,
  perGigabyteSecond: 0.0000133334,
  perMillionTableWrites: 0.625,
  perMillionTableReads: 0.125,
  perMillionEvents: 1,
  perMillionSocketMessages: 1,
};

/** A workflow and how much it is used. */
export interface WorkflowCostQuestion {
  /** The definition, with its marks. */
  readonly definition: unknown;
  readonly runsPerMonth: number;
  /** Connections that watch a run. @default 1 */
  readonly viewersPerRun?: number;
  /** Items of each Map. @default 10 */
  readonly itemsPerMap?: number;
  /** Milliseconds that the report function takes. @default 50 */
  readonly reportMilliseconds?: number;
  /** Memory of the report function in MB. @default 512 */
  readonly memorySize?: number;
  /** @default `DEFAULT_WORKFLOW_PRICES` */
  readonly prices?: WorkflowPrices;
}

/** Figures of one transport. */
export interface TransportCost {
  readonly transport: ProgressTransport;
  /** State transitions of one run on its longest way, reports included. */
  readonly transitionsPerRun: number;
  /** Those of them that the reports add. */
  readonly addedTransitionsPerRun: number;
  readonly transitionsPerMonth: number;
  /** US dollars per month for the reports alone. */
  readonly reportsUsdPerMonth: number;
  /** US dollars per month for all transitions and the reports; the tasks' own work is not in it. */
  readonly usdPerMonth: number;
  /** The sum in one line. */
  readonly arithmetic: string;
}

/** What a workflow costs by each transport. */
export interface WorkflowCostEstimate {
  readonly steps: number;
  /** Reports of one run on its longest way. */
  readonly reportsPerRun: number;
  /** Transitions of one run without this component. */
  readonly plainTransitionsPerRun: number;
  readonly transports: readonly TransportCost[];
}

/**
 * Estimates the longest way through a workflow: of a Choice the branch with most transitions, every loop once, no retries, no errors.
 * @throws Error with every problem of the definition and its marks.
 */
export function estimateWorkflowCost(question: WorkflowCostQuestion): WorkflowCostEstimate {
  const { definition, itemsPerMap = 10 } = question;
  const { steps, problems } = readMarks(definition);
  if (!isSequence(definition) || problems.length > 0) throw new Error(problems.join("\n"));
  const way = new Way(new Map(steps.map((step) => [step.step, step])), itemsPerMap).longest(definition, "JSONPath");
  return {
    steps: steps.length,
    reportsPerRun: way.reports,
    plainTransitionsPerRun: way.transitions,
    transports: Object.values(ProgressTransport).map((transport) => costOf(transport, way, question)),
  };
}

/** Counts along a way. */
interface Counts {
  readonly transitions: number;
  readonly reports: number;
  /** Reports with a detail. */
  readonly details: number;
  /** Transitions that any transport adds: ends, counters, starts and choices of items. */
  readonly added: number;
}

const NOTHING: Counts = { transitions: 0, reports: 0, details: 0, added: 0 };
const sum = (one: Counts, other: Counts): Counts => ({
  transitions: one.transitions + other.transitions,
  reports: one.reports + other.reports,
  details: one.details + other.details,
  added: one.added + other.added,
});
const times = (one: Counts, factor: number): Counts => ({
  transitions: one.transitions * factor,
  reports: one.reports * factor,
  details: one.details * factor,
  added: one.added * factor,
});

class Way {
  constructor(
    private readonly steps: ReadonlyMap<string, MarkedStep>,
    private readonly items: number,
  ) {}

  longest(sequence: SequenceObject, outer: QueryLanguage): Counts {
    const states = new Map(statesOf(sequence));
    const language = languageOf(sequence, outer);
    const visit = (name: string, passed: ReadonlySet<string>): Counts => {
      const state = states.get(name);
      if (!state || passed.has(name)) return NOTHING;
      const further = new Set([...passed, name]);
      const ways = targetsOf(state).map((target) => visit(target, further));
      const best = ways.reduce((most, way) => (way.transitions > most.transitions ? way : most), NOTHING);
      return sum(this.countState(name, state, language), best);
    };
    return visit(sequence.StartAt, new Set());
  }

  private countState(name: string, state: StateObject, outer: QueryLanguage): Counts {
    const language = languageOf(state, outer);
    const mark = "Progress" in state ? this.steps.get(name) : undefined;
    const own: Counts = {
      transitions: 1,
      reports: mark ? 1 : 0,
      details: mark?.detail === undefined ? 0 : 1,
      added: mark && typeof state.Next !== "string" ? 1 : 0,
    };
    const inner = innerOf(state).reduce((total, { sequence, perItem }) => {
      return sum(total, times(this.longest(sequence, language), perItem ? this.items : 1));
    }, NOTHING);
    const all = sum(own, inner);
    const maximum = mark?.maximumItemReports;
    if (maximum === undefined) return all;
    // A counter, with its guard for an expression; a start, a choice and an end per item.
    const counter = language === "JSONata" && !Array.isArray(state.Items) ? 2 : 1;
    return {
      ...all,
      reports: all.reports + Math.min(this.items, maximum),
      added: all.added + counter + 3 * this.items,
    };
  }
}

/** Where a state goes on to when nothing fails. */
function targetsOf(state: StateObject): readonly string[] {
  const choices = listOf(state.Choices).map((rule) => (rule as StateObject).Next);
  return [state.Next, state.Default, ...choices].filter((name): name is string => typeof name === "string");
}

/** Writes of one report: head, event. Reads: one query of subscribers, half a unit, taken as one. */
const WRITES = 2;
/** Items of a transaction, in which the function writes, count twice. */
const TRANSACTION_FACTOR = 2;
/** The Parallel, and within it count, store, find, push. */
const DIRECT_TRANSITIONS = 5;
/** For each viewer: post, done. */
const DIRECT_TRANSITIONS_PER_VIEWER = 2;

function costOf(transport: ProgressTransport, way: Counts, question: WorkflowCostQuestion): TransportCost {
  const { runsPerMonth, viewersPerRun = 1, reportMilliseconds = 50, memorySize = 512 } = question;
  const prices = question.prices ?? DEFAULT_WORKFLOW_PRICES;
  const direct = transport === ProgressTransport.Direct;
  const perReport = direct ? DIRECT_TRANSITIONS + DIRECT_TRANSITIONS_PER_VIEWER * viewersPerRun : 1;
  const added = way.reports * perReport + way.added + (direct ? way.details : 0);
  const transitionsPerRun = way.transitions + added;
  const reports = way.reports * runsPerMonth;
  const million = (count: number, price: number): number => (count / 1e6) * price;
  const writes = reports * WRITES * (direct ? 1 : TRANSACTION_FACTOR);
  const seconds = (reports * reportMilliseconds * memorySize) / 1000 / 1024;
  const parts = {
    transitions: million(added * runsPerMonth, prices.perMillionTransitions),
    "table writes": million(writes, prices.perMillionTableWrites),
    // The function reads the head row as well.
    "table reads": million(reports * (direct ? 1 : 2), prices.perMillionTableReads),
    pushes: million(reports * viewersPerRun, prices.perMillionSocketMessages),
    function: direct ? 0 : million(reports, prices.perMillionInvocations) + seconds * prices.perGigabyteSecond,
    events: transport === ProgressTransport.EventBridge ? million(reports, prices.perMillionEvents) : 0,
  };
  const reportsUsd = Object.values(parts).reduce((total, part) => total + part, 0);
  const plainUsd = million(way.transitions * runsPerMonth, prices.perMillionTransitions);
  const shown = Object.entries(parts)
    .filter(([, part]) => part > 0)
    .map(([what, part]) => `${what} $${part.toFixed(2)}`);
  return {
    transport,
    transitionsPerRun,
    addedTransitionsPerRun: added,
    transitionsPerMonth: transitionsPerRun * runsPerMonth,
    reportsUsdPerMonth: reportsUsd,
    usdPerMonth: plainUsd + reportsUsd,
    arithmetic:
      `${way.reports} reports × ${runsPerMonth} runs: ${shown.join(" + ")} = $${reportsUsd.toFixed(2)}; ` +
      `the workflow's own ${way.transitions} transitions $${plainUsd.toFixed(2)}`,
  };
}
