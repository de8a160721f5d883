// The state machine behind AWS Step Functions' own protocol.
import { randomUUID } from "node:crypto";
import type { AwsJsonClient, JsonService } from "../shared/aws-json";
import { toIso } from "../shared/clock";
import { AwsCallError } from "../shared/errors";
import { BadRequestError, TooManyStartsError } from "./errors";
import type { ExecutionFacts, ExecutionStatus, Workflow } from "./ports";

/** AWS Step Functions. */
export const STEP_FUNCTIONS: JsonService = {
  name: "states",
  endpointVariable: "SFN",
  target: "AWSStepFunctions",
  contentType: "application/x-amz-json-1.0",
};

/** See Workflow. */
export class StepFunctionsWorkflow implements Workflow {
  constructor(
    private readonly client: AwsJsonClient,
    private readonly startArn: string,
  ) {}

  async start(name: string, input: string): Promise<"started" | "exists"> {
    try {
      await this.client.call("StartExecution", { stateMachineArn: this.startArn, name, input });
      return "started";
    } catch (error) {
      switch (codeOf(error)) {
        // It has ended, or runs with another input: the same key leads to the same run.
        case "ExecutionAlreadyExists":
          return "exists";
        case "InvalidExecutionInput":
          throw new BadRequestError("The workflow does not take this input; send JSON of at most 262144 bytes");
        case "ExecutionLimitExceeded":
          throw new TooManyStartsError("Too many runs are under way; try again later");
        default:
          throw error;
      }
    }
  }

  async stop(executionArn: string): Promise<boolean> {
    return (await this.ask("StopExecution", { executionArn, error: "Cancelled", cause: CANCELLED })) !== undefined;
  }

  async redrive(executionArn: string): Promise<boolean> {
    try {
      // The token makes a repetition after a lost answer harmless.
      return (await this.ask("RedriveExecution", { executionArn, clientToken: randomUUID() })) !== undefined;
    } catch (error) {
      switch (codeOf(error)) {
        case "ExecutionNotRedrivable":
          return false;
        case "ExecutionLimitExceeded":
          throw new TooManyStartsError("Too many runs are under way; try again later");
        default:
          throw error;
      }
    }
  }

  async describe(executionArn: string): Promise<ExecutionFacts | undefined> {
    const answer = await this.ask("DescribeExecution", { executionArn });
    if (!answer) return undefined;
    // Times come in seconds.
    const milliseconds = (name: string): number | undefined =>
      typeof answer[name] === "number" ? Math.round(answer[name] * 1000) : undefined;
    return toExecutionFacts(answer, {
      startedAt: milliseconds("startDate"),
      stoppedAt: milliseconds("stopDate"),
      redrivenAt: milliseconds("redriveDate"),
    });
  }

  /** Undefined when there is no such execution. */
  private async ask(operation: string, input: object): Promise<Readonly<Record<string, unknown>> | undefined> {
    try {
      return await this.client.call(operation, input);
    } catch (error) {
      if (codeOf(error) === "ExecutionDoesNotExist") return undefined;
      throw error;
    }
  }
}

const CANCELLED = "Cancelled by the user who started the run";

/** Times of an execution, in milliseconds since the epoch. */
export interface ExecutionTimes {
  readonly startedAt: number | undefined;
  readonly stoppedAt: number | undefined;
  readonly redrivenAt: number | undefined;
}

/** What DescribeExecution and a status event have in common. */
export function toExecutionFacts(
  answer: Readonly<Record<string, unknown>>,
  { startedAt = 0, stoppedAt, redrivenAt }: ExecutionTimes,
): ExecutionFacts {
  const { status, error, cause, redriveCount } = answer;
  const running = status === "RUNNING" || status === "PENDING_REDRIVE";
  return {
    status: status as ExecutionStatus,
    startedAt: toIso(startedAt),
    at: toIso((running ? redrivenAt : stoppedAt) ?? startedAt),
    redrives: typeof redriveCount === "number" ? redriveCount : 0,
    ...(typeof error === "string" ? { error } : {}),
    ...(typeof cause === "string" ? { cause } : {}),
  };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof AwsCallError ? error.code : undefined;
}
