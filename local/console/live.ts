// What the page asks for once a second: the number of alarms in ALARM, and the data of the section that is shown.
import type { Cloud } from "../cloud";
import { countAlarms, describeAlarms } from "./alarms";
import { describeDashboards } from "./dashboards";
import { describeMappings, describeMoveTasks, describeQueues } from "./queues";
import type { LiveState } from "./web/state";
import { describeWorkflows, type WorkflowQuestion } from "./workflows/workflows";

/** What a page may ask for besides its section. */
interface Question extends WorkflowQuestion {
  readonly minutes: number;
}

type Part = (cloud: Cloud, question: Question) => Partial<LiveState>;

const PARTS: ReadonlyMap<string, Part> = new Map<string, Part>([
  ["overview", (cloud) => ({ mappings: describeMappings(cloud) })],
  ["dashboards", (cloud, { minutes }) => ({ dashboards: describeDashboards(cloud, minutes) })],
  ["alarms", (cloud) => ({ alarms: describeAlarms(cloud) })],
  ["queues", (cloud) => ({ queues: describeQueues(cloud), moveTasks: describeMoveTasks(cloud) })],
  ["workflows", (cloud, question) => ({ workflows: describeWorkflows(cloud, question) })],
  ["calls", () => ({})],
  ["logs", () => ({})],
]);
const DEFAULT_MINUTES = "15";
const MAX_MINUTES = 1440;

/** @returns undefined for a question that the page would not ask. */
export function describeLive(cloud: Cloud, asked: URLSearchParams): LiveState | undefined {
  const part = PARTS.get(asked.get("section") ?? "overview");
  const minutes = Number(asked.get("minutes") ?? DEFAULT_MINUTES);
  const after = Number(asked.get("after") ?? 0);
  if (!part || !Number.isInteger(minutes) || minutes < 1 || minutes > MAX_MINUTES) return undefined;
  if (!Number.isSafeInteger(after) || after < 0) return undefined;
  const text = (name: string): string => asked.get(name) ?? "";
  const question = { minutes, after, machine: text("machine"), execution: text("execution"), seen: text("seen") };
  return { now: cloud.context.clock.now(), inAlarm: countAlarms(cloud), ...part(cloud, question) };
}
