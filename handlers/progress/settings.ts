// The component's settings, read from the environment once per execution environment.
import { readRegion, type Environment } from "../shared/aws-environment";
import { PROGRESS_ENVIRONMENT, type ProgressStep } from "./contract";

/** What the component tells its handlers. */
export interface ProgressSettings {
  readonly region: string;
  readonly tableName: string;
  readonly stateMachineArn: string;
  /** ARN to start executions of. */
  readonly startArn: string;
  readonly steps: readonly ProgressStep[];
  readonly connectionsUrl: string;
  readonly socketUrl: string;
  readonly allowedOrigins: readonly string[];
  readonly retentionSeconds: number;
  /** Starts and redrives per user and minute. */
  readonly startsPerMinute: number;
  /** Longest time that an end waits for missing reports. */
  readonly reportGraceSeconds: number;
  readonly workflowName: string;
}

/** Reads the settings. Throws an Error that names every variable that is missing or malformed. */
export function readSettings(environment: Environment): ProgressSettings {
  const { reportGraceSeconds, ...names } = PROGRESS_ENVIRONMENT;
  const missing = Object.values(names).filter((name) => !environment[name]);
  if (missing.length > 0) throw new Error(`Environment variables are not set: ${missing.join(", ")}`);
  const read = (name: string): string => environment[name] ?? "";
  return {
    region: readRegion(environment),
    tableName: read(names.table),
    stateMachineArn: read(names.stateMachineArn),
    startArn: read(names.startArn),
    steps: parseList(names.steps, read(names.steps)) as readonly ProgressStep[],
    connectionsUrl: read(names.connectionsUrl),
    socketUrl: read(names.socketUrl),
    allowedOrigins: parseList(names.allowedOrigins, read(names.allowedOrigins)) as readonly string[],
    retentionSeconds: parseCount(names.retentionSeconds, read(names.retentionSeconds)),
    startsPerMinute: parseCount(names.startsPerMinute, read(names.startsPerMinute)),
    reportGraceSeconds: parseCount(reportGraceSeconds, read(reportGraceSeconds) || "0", 0),
    workflowName: read(names.workflowName),
  };
}

function parseList(name: string, text: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`Environment variable ${name} does not hold JSON`, { cause });
  }
  if (!Array.isArray(value)) throw new Error(`Environment variable ${name} does not hold a JSON list`);
  return value;
}

function parseCount(name: string, text: string, least = 1): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) {
    throw new Error(`Environment variable ${name} is no whole number from ${least}`);
  }
  return value;
}
