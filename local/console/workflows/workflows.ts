// What the console says about state machines, their executions, and the WebSocket connections that follow them.
import type { Cloud } from "../../cloud";
import type { WebSocketService } from "../../cloud/apigatewayv2/service";
import type { Execution } from "../../cloud/states/execution/execution";
import type { HistoryEvent } from "../../cloud/states/execution/history";
import type { StatesService } from "../../cloud/states/service";
import type { StateMachine } from "../../cloud/states/state-machines";
import type { ConnectionView, EventView, ExecutionRow, ExecutionView, ShownMachine, WorkflowsView } from "../web/state";
import { layOutWorkflow } from "./graph";
import { type HistoryReading, readHistory } from "./progress";
import { createShow, type Show } from "./redaction";
import { isWoven } from "./transitions";

/** What the page asks for. What does not exist is answered with the first machine, the newest execution, all events. */
export interface WorkflowQuestion {
  readonly machine: string;
  readonly execution: string;
  /** ARN of the execution whose events the page has up to `after`. */
  readonly seen: string;
  readonly after: number;
}

/** Executions that are listed, and the latest events that a page gets at first. */
const SHOWN_EXECUTIONS = 50;
const SHOWN_EVENTS = 1000;
const DETAIL_CHARACTERS = 4000;
const DATA_CHARACTERS = 20_000;

/** State machines, one of them with its executions, one of those with its history. */
export function describeWorkflows(cloud: Cloud, question: WorkflowQuestion): WorkflowsView {
  const states = cloud.services.find((service): service is StatesService => service.name === "states");
  const machines = states?.machines() ?? [];
  const shown = machines.find(({ arn }) => arn === question.machine) ?? machines[0];
  return {
    machines: machines.map(({ arn, name }) => ({ arn, name })),
    ...(states && shown ? { shown: describeMachine(shown, states.executions(shown), question) } : {}),
    connections: describeConnections(cloud),
  };
}

function describeMachine(
  { arn, name, latest }: StateMachine,
  executions: readonly Execution[],
  question: WorkflowQuestion,
): ShownMachine {
  const execution = executions.find(({ settings }) => settings.arn === question.execution) ?? executions[0];
  return {
    arn,
    name,
    // An execution keeps the definition with which it was started.
    graph: layOutWorkflow(execution?.settings.definition ?? latest.definition),
    executionCount: executions.length,
    executions: executions.slice(0, SHOWN_EXECUTIONS).map(describeRow),
    ...(execution ? { execution: describeExecution(execution, question) } : {}),
  };
}

function describeRow({ settings, status, startedAt, stoppedAt, error }: Execution): ExecutionRow {
  const { arn, name } = settings;
  return {
    arn,
    name,
    status,
    startedAt,
    ...(stoppedAt === undefined ? {} : { stoppedAt }),
    ...(error === undefined ? {} : { error }),
  };
}

function describeExecution(execution: Execution, { seen, after }: WorkflowQuestion): ExecutionView {
  const { settings, output, cause, redriveCount, history } = execution;
  const { events } = history;
  const reading = readHistory(events);
  const show = createShow(events);
  const known = seen === settings.arn ? after : 0;
  const later = events.slice(Math.max(known, events.length - SHOWN_EVENTS));
  return {
    ...describeRow(execution),
    redriveCount,
    ...(cause === undefined ? {} : { cause: show(cause, DETAIL_CHARACTERS) }),
    input: show(settings.input, DATA_CHARACTERS),
    ...(output === undefined ? {} : { output: show(output, DATA_CHARACTERS) }),
    states: [...reading.states.values()],
    taken: [...reading.taken],
    eventCount: events.length,
    events: later.map((event) => describeEvent(event, reading, show)),
  };
}

function describeEvent(
  { id, at, type, details }: HistoryEvent,
  { statesOfEvent }: HistoryReading,
  show: Show,
): EventView {
  const names = statesOfEvent.get(id) ?? [];
  const [state = ""] = names;
  const hasDetails = Object.keys(details).length > 0;
  return {
    id,
    at,
    type,
    state,
    woven: names.some(isWoven),
    ...(hasDetails ? { details: show(details, DETAIL_CHARACTERS) } : {}),
  };
}

function describeConnections(cloud: Cloud): readonly ConnectionView[] {
  const sockets = cloud.services.find((service): service is WebSocketService => service.name === "apigatewayv2");
  return (sockets?.connections() ?? [])
    .map(({ facts, lastActiveAt }) => {
      const { id, api, stage, connectedAt, authorizer } = facts;
      const owner = authorizer?.owner ?? authorizer?.principalId;
      return {
        id,
        api: `${api.name}/${stage.name}`,
        connectedAt,
        lastActiveAt,
        ...(typeof owner === "string" ? { owner } : {}),
      };
    })
    .sort((one, other) => other.connectedAt - one.connectedAt);
}
