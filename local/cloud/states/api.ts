// The operations of AWS Step Functions (target AWSStepFunctions).
import { AwsError } from "../core/errors";
import { type JsonObject, type JsonOperation, requiredText, textOf } from "../core/json-api";
import type { GatewayCall } from "../core/service";
import type { Execution } from "./execution/execution";
import { type Executions, executionsOf } from "./executions";
import type { TokenWait } from "./execution/ports";
import { findingsOf } from "./language/validate";
import { checkErrorTexts, parseOutput } from "./limits";
import {
  describeExecution,
  describeMachine,
  describeMachineForExecution,
  page,
  renderHistory,
  seconds,
  summarise,
} from "./render";
import type { StateMachines } from "./state-machines";

const STATUSES = ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"];

/** All operations. */
export function statesOperations(
  machines: StateMachines,
  executions: Executions,
): Readonly<Record<string, JsonOperation>> {
  const resolve = (arn: string): ReturnType<StateMachines["resolve"]> => machines.resolve(arn, Math.random());
  const execution = (input: JsonObject, call: GatewayCall, action: string): Execution => {
    const arn = requiredText(input, "executionArn");
    authorize(call, action, arn);
    return executions.get(arn);
  };
  // A permission on the machine that made the token is enough.
  const token = (input: JsonObject, call: GatewayCall, action: string): (() => TokenWait) => {
    const text = requiredText(input, "taskToken");
    authorize(call, action, executions.machineOfToken(text) ?? "*");
    return () => executions.token(text);
  };
  return {
    StartExecution: (input, call) => {
      const arn = requiredText(input, "stateMachineArn");
      authorize(call, "StartExecution", arn);
      const started = executions.start(resolve(arn), textOf(input, "name"), textOf(input, "input"));
      return { executionArn: started.settings.arn, startDate: seconds(started.startedAt) };
    },
    StopExecution: (input, call) => {
      const stopped = execution(input, call, "StopExecution");
      const [error, cause] = [textOf(input, "error"), textOf(input, "cause")];
      checkErrorTexts(error, cause);
      stopped.stop(error, cause);
      return { stopDate: seconds(stopped.stoppedAt ?? 0) };
    },
    RedriveExecution: (input, call) => {
      const redriven = execution(input, call, "RedriveExecution");
      executions.redrive(redriven);
      return { redriveDate: seconds(redriven.redrivenAt ?? 0) };
    },
    StartSyncExecution: (input, call) => {
      const arn = requiredText(input, "stateMachineArn");
      authorize(call, "StartSyncExecution", arn);
      resolve(arn);
      throw new AwsError(
        "StateMachineTypeNotSupported",
        "This operation is not supported by this type of state machine",
      );
    },
    DescribeExecution: (input, call) => {
      const described = execution(input, call, "DescribeExecution");
      return describeExecution(described, executions.notRedrivable(described));
    },
    GetExecutionHistory: (input, call) => renderHistory(execution(input, call, "GetExecutionHistory"), input),
    ListExecutions: (input, call) => {
      const arn = requiredText(input, "stateMachineArn");
      authorize(call, "ListExecutions", arn);
      const status = oneOf(input, "statusFilter", STATUSES);
      const redrive = oneOf(input, "redriveFilter", ["REDRIVEN", "NOT_REDRIVEN"]);
      const { machine, versionArn, aliasArn } = resolve(arn);
      const all = executionsOf(executions, machine).filter(
        (candidate) =>
          (status === undefined || candidate.status === status) &&
          (redrive === undefined || candidate.redriveCount > 0 === (redrive === "REDRIVEN")) &&
          // An alias lists what it started; so does a version, whichever way it was reached.
          (aliasArn === undefined
            ? versionArn === undefined || candidate.settings.stateMachineVersionArn === versionArn
            : candidate.settings.stateMachineAliasArn === aliasArn),
      );
      const { items, nextToken } = page(all, input);
      return { executions: items.map(summarise), ...nextToken };
    },
    DescribeStateMachine: (input, call) => {
      const arn = requiredText(input, "stateMachineArn");
      authorize(call, "DescribeStateMachine", arn);
      const { machine, revision, versionArn, aliasArn } = resolve(arn);
      return describeMachine(machine, revision, aliasArn === undefined ? versionArn : undefined);
    },
    DescribeStateMachineForExecution: (input, call) => {
      const origin = executions.originOf(execution(input, call, "DescribeStateMachineForExecution"));
      if (!origin) throw new AwsError("ExecutionDoesNotExist", "Execution Does Not Exist");
      return describeMachineForExecution(origin.machine, origin.revision);
    },
    ListStateMachines: (input, call) => {
      authorize(call, "ListStateMachines", "*");
      const { items, nextToken } = page(machines.all(), input);
      return {
        stateMachines: items.map(({ arn, name, createdAt }) => ({
          stateMachineArn: arn,
          name,
          type: "STANDARD",
          creationDate: seconds(createdAt),
        })),
        ...nextToken,
      };
    },
    ValidateStateMachineDefinition: (input, call) => {
      authorize(call, "ValidateStateMachineDefinition", "*");
      const findings = findingsOf(requiredText(input, "definition"));
      return {
        result: findings.length === 0 ? "OK" : "FAIL",
        diagnostics: findings.map(({ code, message }) => ({ severity: "ERROR", code, message })),
        truncated: false,
      };
    },
    SendTaskSuccess: (input, call) => {
      const wait = token(input, call, "SendTaskSuccess");
      const output = parseOutput(requiredText(input, "output"));
      wait().succeed(output);
      return {};
    },
    SendTaskFailure: (input, call) => {
      const wait = token(input, call, "SendTaskFailure");
      const { error, cause } = { error: textOf(input, "error"), cause: textOf(input, "cause") };
      checkErrorTexts(error, cause);
      wait().fail(error ?? "", cause ?? "");
      return {};
    },
    SendTaskHeartbeat: (input, call) => {
      token(input, call, "SendTaskHeartbeat")().beat();
      return {};
    },
  };
}

function oneOf(input: JsonObject, member: string, values: readonly string[]): string | undefined {
  const value = textOf(input, member);
  if (value === undefined || values.includes(value)) return value;
  throw new AwsError(
    "ValidationException",
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: Member must satisfy enum value set: [${values.join(", ")}]`,
  );
}

function authorize(call: GatewayCall, action: string, resource: string): void {
  call.describe({ resource });
  const resourceAccountId = resource === "*" ? call.principal.accountId : (resource.split(":")[4] ?? "");
  call.authorize({ action: `states:${action}`, resource, resourceAccountId });
}
