// Embedded metric format: metrics inside log lines, which CloudWatch Logs extracts.
import { isJsonObject, type JsonObject, numberOf, objectsOf, textOf } from "../core/json-api";
import type { MetricDatum } from "../core/service";

const MAX_DIMENSIONS = 30;
const MAX_METRICS = 100;

/** The metrics of a log line; none when it is not in embedded metric format. @param now used when it names no time. */
export function embeddedMetrics(message: string, now: number): readonly MetricDatum[] {
  if (!message.includes('"_aws"')) return [];
  const document = parse(message);
  const metadata = document?._aws;
  if (!document || !isJsonObject(metadata)) return [];
  const at = numberOf(metadata, "Timestamp") ?? now;
  return objectsOf(metadata, "CloudWatchMetrics").flatMap((directive) => readDirective(document, directive, at));
}

function parse(message: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(message);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function readDirective(document: JsonObject, directive: JsonObject, at: number): readonly MetricDatum[] {
  const namespace = textOf(directive, "Namespace");
  const sets = Array.isArray(directive.Dimensions) ? (directive.Dimensions as readonly unknown[]) : [[]];
  if (!namespace) return [];
  return objectsOf(directive, "Metrics")
    .slice(0, MAX_METRICS)
    .flatMap((definition) => {
      const name = textOf(definition, "Name");
      if (!name) return [];
      const unit = textOf(definition, "Unit") ?? "None";
      return sets.flatMap((set) => {
        const dimensions = readDimensions(document, set);
        if (!dimensions) return [];
        return numbers(document[name]).map((value) => ({ namespace, name, dimensions, value, unit, at }));
      });
    });
}

/** Dimension values of a set; undefined when one has no value, for then CloudWatch drops the set. */
function readDimensions(document: JsonObject, set: unknown): Readonly<Record<string, string>> | undefined {
  if (!Array.isArray(set) || set.length > MAX_DIMENSIONS) return undefined;
  const entries = set.map((name) => [String(name), document[String(name)]] as const);
  if (entries.some(([, value]) => typeof value !== "string" && typeof value !== "number")) return undefined;
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

function numbers(value: unknown): readonly number[] {
  return (Array.isArray(value) ? value : [value]).filter((item): item is number => Number.isFinite(item));
}
