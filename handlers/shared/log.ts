// Structured logs and metrics: one JSON line each on standard output, which Lambda hands to CloudWatch Logs.

/** Values of a log line. Callers never pass tokens, signed URLs or bodies. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where lines go. */
export type LineWriter = (line: string) => void;

/** Writes log lines that all carry the same fields, the request id first of all. */
export class Log {
  constructor(
    private readonly fields: LogFields = {},
    private readonly write: LineWriter = writeToStandardOutput,
  ) {}

  /** Something that happened as intended. */
  info(message: string, fields: LogFields = {}): void {
    this.line("INFO", message, fields);
  }

  /** A failure. Stack and causes are kept; messages of AWS errors hold no secrets. */
  error(message: string, error: unknown, fields: LogFields = {}): void {
    this.line("ERROR", message, { ...fields, ...describeError(error) });
  }

  /** A refusal: what went to the caller. */
  refusal(code: string, fields: LogFields = {}): void {
    this.line("WARN", "refused", { ...fields, code });
  }

  private line(level: string, message: string, fields: LogFields): void {
    this.write(JSON.stringify({ level, message, ...this.fields, ...fields }));
  }
}

function describeError(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: typeof error };
  const cause = error.cause instanceof Error ? `${error.cause.name}: ${error.cause.message}` : undefined;
  return { error: error.name, errorMessage: error.message, stack: error.stack, cause };
}

/** One metric of a line in embedded metric format. */
export interface Metric {
  readonly name: string;
  readonly value: number;
  readonly unit: "Count" | "Bytes";
}

/** Where metrics are filed. */
export interface MetricScope {
  readonly namespace: string;
  readonly dimension: string;
  readonly dimensionValue: string;
}

/**
 * Publishes metrics by a log line in CloudWatch embedded metric format: no call, no permission.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export class Metrics {
  constructor(
    private readonly scope: MetricScope,
    private readonly now: () => number,
    private readonly write: LineWriter = writeToStandardOutput,
  ) {}

  publish(...metrics: readonly Metric[]): void {
    const { namespace, dimension, dimensionValue } = this.scope;
    const directive = {
      Namespace: namespace,
      Dimensions: [[dimension]],
      Metrics: metrics.map(({ name, unit }) => ({ Name: name, Unit: unit })),
    };
    const values = Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
    this.write(
      JSON.stringify({
        _aws: { Timestamp: this.now(), CloudWatchMetrics: [directive] },
        [dimension]: dimensionValue,
        ...values,
      }),
    );
  }
}

function writeToStandardOutput(line: string): void {
  process.stdout.write(`${line}\n`);
}
