// What the circuit breaker is told: settings by the environment, alarm changes by EventBridge.
import type { Environment } from "../shared/aws-environment";
import type { CircuitEvent, CircuitSettings } from "./breaker-state";
import { BREAKER_ENVIRONMENT } from "./contract";

/** Settings of the breaker's function. */
export interface BreakerSettings extends CircuitSettings {
  readonly mappingId: string;
  readonly stateTable: string;
  readonly queueName: string;
  readonly alarmArn: string;
}

/** Reads the settings. Throws an Error that names every variable that is missing or no number. */
export function readBreakerSettings(environment: Environment): BreakerSettings {
  const { maximumConcurrency, paused, ...required } = BREAKER_ENVIRONMENT;
  const missing = Object.values(required).filter((name) => !environment[name]);
  if (missing.length > 0) throw new Error(`Environment variables are not set: ${missing.join(", ")}`);
  const text = (name: string): string => environment[name] ?? "";
  const number = (name: string): number => {
    const value = Number(text(name));
    if (!Number.isFinite(value) || value < 0) throw new Error(`${name} must be a number from 0`);
    return value;
  };
  return {
    mappingId: text(required.mappingId),
    stateTable: text(required.stateTable),
    queueName: text(required.queueName),
    alarmArn: text(required.alarmArn),
    cooldownMs: number(required.cooldownSeconds) * 1000,
    probeMs: number(required.probeSeconds) * 1000,
    paused: text(paused) === "true",
    ...(text(maximumConcurrency) === "" ? {} : { maximumConcurrency: number(maximumConcurrency) }),
  };
}

/**
 * Reads a "CloudWatch Alarm State Change" event; everything else is a tick.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
 */
export function readAlarmEvent(event: unknown): CircuitEvent {
  const { detail, time } = (event ?? {}) as {
    readonly time?: string;
    readonly detail?: { readonly state?: { readonly value?: string; readonly timestamp?: string } };
  };
  const value = detail?.state?.value;
  if (value === undefined) return { kind: "tick" };
  // "2026-01-01T00:00:00.000+0000": without the colon that Date asks for.
  const at = Date.parse((detail?.state?.timestamp ?? time ?? "").replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
  return { kind: "alarm", inAlarm: value === "ALARM", changedAt: Number.isNaN(at) ? 0 : at };
}
