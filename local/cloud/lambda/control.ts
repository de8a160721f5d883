// What the console and tests may see and do, beyond what AWS offers.
import type { TraceEvent } from "../core/trace";
import type { EnvironmentState } from "./environment";

/** A function, for the console. */
export interface FunctionInfo {
  readonly arn: string;
  readonly name: string;
  readonly urn: string;
  readonly runtime: string;
  readonly roleArn: string;
  readonly logGroup: string;
  /** Mebibytes. */
  readonly memorySize: number;
  readonly timeoutSeconds: number;
  readonly reservedConcurrency?: number;
  readonly executions: number;
}

/** A process that stands for an execution environment. */
export interface EnvironmentInfo {
  readonly id: string;
  readonly functionName: string;
  readonly state: EnvironmentState;
  readonly pid?: number;
  readonly logStream: string;
}

/** An event source mapping, for the console. */
export interface MappingInfo {
  readonly uuid: string;
  readonly arn: string;
  readonly urn: string;
  /** With the qualifier, where the mapping has one. */
  readonly functionArn: string;
  readonly functionName: string;
  readonly queueArn: string;
  readonly enabled: boolean;
  readonly state: "Enabled" | "Disabled";
  /** "OK", "No records processed", or "PROBLEM: …". */
  readonly lastProcessingResult: string;
  /** Invocations that run now. */
  readonly concurrency: number;
  /** Batches that may be in process now. */
  readonly limit: number;
}

/** Control over the running functions. */
export interface LambdaControl {
  functions(): readonly FunctionInfo[];
  environments(): readonly EnvironmentInfo[];
  mappings(): readonly MappingInfo[];
  /**
   * Kills the process of the next invocation of a function in the middle of its request: as soon as the handler has its event, or
   * after the first trace that fits. Resolves when it was killed.
   */
  killDuring(functionName: string, when?: (trace: TraceEvent) => boolean): Promise<void>;
}
