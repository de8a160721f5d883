// The log of a run: what happened becomes the next entry, or nothing when it is known already. Pure.
import {
  MAXIMUM_CAUSE_CHARACTERS,
  MAXIMUM_DETAIL_BYTES,
  PROGRESS_PROTOCOL_VERSION,
  WHOLE,
  type FINAL_KINDS,
  type ProgressEvent,
  type ProgressReport,
} from "./contract";
import { percentOf, type RunRecord } from "./run";

/** Kind of the end of a run. */
export type FinalKind = (typeof FINAL_KINDS)[number];

/** Something that happened in a run. */
export type Happening =
  | { readonly type: "report"; readonly report: ProgressReport }
  | { readonly type: "redriven"; readonly at: string; readonly redrives: number }
  | {
      readonly type: "final";
      readonly kind: FinalKind;
      readonly at: string;
      /** Redrives before this end. */
      readonly redrives: number;
      readonly error?: { readonly name: string; readonly cause: string };
    };

/** A step of the log: the run after it, and the event to store and push. */
export interface Entry {
  readonly run: RunRecord;
  /** By which a repetition is recognised. */
  readonly key: string;
  readonly event: ProgressEvent;
  /** JSON text of a detail that is too large to travel. */
  readonly storedDetail?: string;
}

/** Longest label, in characters. */
const MAXIMUM_LABEL_CHARACTERS = 256;
/** Longest name of an error, in characters: that of Step Functions. */
const MAXIMUM_ERROR_NAME_CHARACTERS = 256;

/** The first entry of a new run. */
export function startLog(run: RunRecord): ProgressEvent {
  return buildEvent(run, { kind: "started", at: run.startedAt });
}

/** The next entry; undefined when the happening is in the log or out of date. */
export function appendToLog(run: RunRecord, happening: Happening): Entry | undefined {
  if (happening.type === "report") return appendReport(run, happening.report);
  return happening.type === "final" ? appendFinal(run, happening) : appendRedriven(run, happening);
}

function appendReport(run: RunRecord, report: ProgressReport): Entry | undefined {
  const { key, share, kind, at, step } = report;
  // Nothing follows an end but a redrive: a report that was overtaken by the end is dropped.
  if (run.completed.has(key) || run.state !== "running") return undefined;
  const next = advance(run, key, { done: Math.min(WHOLE, run.done + share) });
  const label = report.label.slice(0, MAXIMUM_LABEL_CHARACTERS);
  const text = report.detail === undefined ? undefined : JSON.stringify(report.detail);
  const detailBytes = Buffer.byteLength(text ?? "");
  if (text === undefined) {
    const left = report.detailBytes === undefined ? {} : { detailBytes: report.detailBytes };
    return { run: next, key, event: buildEvent(next, { kind, at, step, label, ...left }) };
  }
  if (detailBytes <= MAXIMUM_DETAIL_BYTES) {
    return { run: next, key, event: buildEvent(next, { kind, at, step, label, detail: report.detail }) };
  }
  return { run: next, key, event: buildEvent(next, { kind, at, step, label, detailBytes }), storedDetail: text };
}

function appendRedriven(run: RunRecord, { at, redrives }: Happening & { type: "redriven" }): Entry | undefined {
  if (redrives <= run.redrives || run.state === "succeeded") return undefined;
  const key = `redriven#${redrives}`;
  const next = advance(run, key, { state: "running", endedAt: undefined, redrives });
  return { run: next, key, event: buildEvent(next, { kind: "redriven", at }) };
}

function appendFinal(run: RunRecord, final: Happening & { type: "final" }): Entry | undefined {
  const { kind, at, redrives, error } = final;
  // An end before the redrive that is in the log, or the end that is in the log.
  if (redrives < run.redrives || run.state !== "running") return undefined;
  const key = `final#${kind}#${redrives}`;
  const next = advance(run, key, { state: kind, endedAt: at, redrives });
  if (!error) return { run: next, key, event: buildEvent(next, { kind, at }) };
  const cut = {
    name: error.name.slice(0, MAXIMUM_ERROR_NAME_CHARACTERS),
    cause: error.cause.slice(0, MAXIMUM_CAUSE_CHARACTERS),
  };
  return { run: next, key, event: buildEvent(next, { kind, at, error: cut }) };
}

function advance(run: RunRecord, key: string, changes: Partial<RunRecord>): RunRecord {
  return { ...run, ...changes, sequence: run.sequence + 1, completed: new Set([...run.completed, key]) };
}

type EventFacts = Pick<ProgressEvent, "kind" | "at" | "step" | "label" | "error" | "detail" | "detailBytes">;

/** The order of the members is part of the contract: all transports store and send the same bytes. */
function buildEvent(run: RunRecord, { at, kind, step, label, error, detail, detailBytes }: EventFacts): ProgressEvent {
  return {
    version: PROGRESS_PROTOCOL_VERSION,
    type: "progress",
    executionId: run.executionId,
    sequence: run.sequence,
    at,
    kind,
    percent: percentOf(run),
    ...(step === undefined ? {} : { step }),
    ...(label === undefined ? {} : { label }),
    ...(error === undefined ? {} : { error }),
    ...(detail === undefined ? {} : { detail }),
    ...(detailBytes === undefined ? {} : { detailBytes }),
  };
}
