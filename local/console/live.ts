// What the page asks for once a second: the number of alarms in ALARM, and the data of the section that is shown.
import type { Cloud } from "../cloud";
import { countAlarms, describeAlarms } from "./alarms";
import { describeDashboards } from "./dashboards";
import { describeMappings, describeMoveTasks, describeQueues } from "./queues";
import type { LiveState } from "./web/state";

type Part = (cloud: Cloud, minutes: number) => Partial<LiveState>;

const PARTS: ReadonlyMap<string, Part> = new Map<string, Part>([
  ["overview", (cloud) => ({ mappings: describeMappings(cloud) })],
  ["dashboards", (cloud, minutes) => ({ dashboards: describeDashboards(cloud, minutes) })],
  ["alarms", (cloud) => ({ alarms: describeAlarms(cloud) })],
  ["queues", (cloud) => ({ queues: describeQueues(cloud), moveTasks: describeMoveTasks(cloud) })],
  ["calls", () => ({})],
  ["logs", () => ({})],
]);
const DEFAULT_MINUTES = "15";
const MAX_MINUTES = 1440;

/** @returns undefined for a question that the page would not ask. */
export function describeLive(cloud: Cloud, question: URLSearchParams): LiveState | undefined {
  const part = PARTS.get(question.get("section") ?? "overview");
  const minutes = Number(question.get("minutes") ?? DEFAULT_MINUTES);
  if (!part || !Number.isInteger(minutes) || minutes < 1 || minutes > MAX_MINUTES) return undefined;
  return { now: cloud.context.clock.now(), inAlarm: countAlarms(cloud), ...part(cloud, minutes) };
}
