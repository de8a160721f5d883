// The lines that Lambda itself writes, in the text and in the JSON format.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
import type { FunctionDefinition } from "./definition";

/** How an invocation ended. */
export type InvocationStatus = "success" | "error" | "timeout";

/** What the REPORT line tells. Times in milliseconds, memory in mebibytes. */
export interface InvocationReport {
  readonly requestId: string;
  readonly durationMs: number;
  readonly initDurationMs?: number;
  readonly maxMemoryMebibytes: number;
  readonly status: InvocationStatus;
  readonly errorType?: string;
}

/** A line with the level that decides whether it is kept. */
export interface SystemLine {
  readonly level: "DEBUG" | "INFO" | "WARN";
  readonly text: string;
}

const LEVELS = ["DEBUG", "INFO", "WARN"];

/** The system lines of one function. */
export class SystemLog {
  constructor(
    private readonly definition: FunctionDefinition,
    private readonly now: () => number,
  ) {}

  /** Whether the function's system log level keeps such a line. In the text format all lines are kept. */
  keeps(line: SystemLine): boolean {
    const { format, systemLevel = "INFO" } = this.definition.logging;
    return format === "Text" || LEVELS.indexOf(line.level) >= LEVELS.indexOf(systemLevel);
  }

  initStart(): SystemLine {
    const { name, region, runtime, version } = this.definition;
    const runtimeVersion = runtime.replace(/^nodejs(\d+)\.x$/, "nodejs:$1.v1");
    const runtimeVersionArn = `arn:aws:lambda:${region}::runtime:local`;
    return this.line(
      "INFO",
      `INIT_START Runtime Version: ${runtimeVersion}\tRuntime Version ARN: ${runtimeVersionArn}`,
      {
        type: "platform.initStart",
        record: {
          initializationType: "on-demand",
          phase: "init",
          runtimeVersion,
          runtimeVersionArn,
          functionName: name,
          functionVersion: version,
        },
      },
    );
  }

  initTimedOut(durationMs: number): SystemLine {
    const text = `INIT_REPORT Init Duration: ${durationMs.toFixed(2)} ms\tPhase: init\tStatus: timeout`;
    return this.line("WARN", text, {
      type: "platform.initReport",
      record: { initializationType: "on-demand", phase: "init", status: "timeout", metrics: { durationMs } },
    });
  }

  start(requestId: string): SystemLine {
    const { version } = this.definition;
    return this.line("INFO", `START RequestId: ${requestId} Version: ${version}`, {
      type: "platform.start",
      record: { requestId, version },
    });
  }

  timedOut(requestId: string): SystemLine {
    const time = new Date(this.now()).toISOString();
    const text = `${time} ${requestId} Task timed out after ${this.definition.timeoutSeconds.toFixed(2)} seconds`;
    return { level: "WARN", text };
  }

  /** END and REPORT. */
  report(report: InvocationReport): readonly SystemLine[] {
    const end: SystemLine = { level: "INFO", text: `END RequestId: ${report.requestId}` };
    const line = this.line(report.status === "success" ? "INFO" : "WARN", reportText(this.definition, report), {
      type: "platform.report",
      record: reportRecord(this.definition, report),
    });
    return this.definition.logging.format === "JSON" ? [line] : [end, line];
  }

  private line(level: SystemLine["level"], text: string, event: Readonly<Record<string, unknown>>): SystemLine {
    if (this.definition.logging.format === "Text") return { level, text };
    return { level, text: JSON.stringify({ time: new Date(this.now()).toISOString(), ...event }) };
  }
}

/** Lambda bills the init phase too, in whole milliseconds. */
function billedMs(report: InvocationReport): number {
  return Math.ceil(report.durationMs + (report.initDurationMs ?? 0));
}

function reportText(definition: FunctionDefinition, report: InvocationReport): string {
  const parts = [
    `REPORT RequestId: ${report.requestId}`,
    `Duration: ${report.durationMs.toFixed(2)} ms`,
    `Billed Duration: ${String(billedMs(report))} ms`,
    `Memory Size: ${String(definition.memorySize)} MB`,
    `Max Memory Used: ${String(report.maxMemoryMebibytes)} MB`,
  ];
  if (report.initDurationMs !== undefined) parts.push(`Init Duration: ${report.initDurationMs.toFixed(2)} ms`);
  if (report.status !== "success") parts.push(`Status: ${report.status}`);
  if (report.status === "error" && report.errorType) parts.push(`Error Type: ${report.errorType}`);
  return parts.join("\t");
}

function reportRecord(definition: FunctionDefinition, report: InvocationReport): Readonly<Record<string, unknown>> {
  return {
    requestId: report.requestId,
    metrics: {
      durationMs: report.durationMs,
      billedDurationMs: billedMs(report),
      memorySizeMB: definition.memorySize,
      maxMemoryUsedMB: report.maxMemoryMebibytes,
      ...(report.initDurationMs === undefined ? {} : { initDurationMs: report.initDurationMs }),
    },
    status: report.status,
    ...(report.errorType === undefined ? {} : { errorType: report.errorType }),
  };
}
