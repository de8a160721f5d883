// What ProgressTrackedWorkflow, its handlers, the states that it weaves in, and its clients agree on. Imports nothing.

/** Version of the messages. Clients ignore fields, kinds and types that they do not know. */
export const PROGRESS_PROTOCOL_VERSION = 1;

// Quotas of WebSocket APIs: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html. Plain numbers each, as they weigh
// nothing in the client.
/** A longer message closes the connection with 1009; `@connections` refuses it with 413. */
export const MAXIMUM_MESSAGE_BYTES = 131_072;
/** Longest frame; browsers send a message as one. */
export const MAXIMUM_FRAME_BYTES = 32_768;
/** Silence after which a connection is closed. */
export const IDLE_SECONDS = 600;
/** Longest life of a connection. */
export const CONNECTION_SECONDS = 7200;

/** Largest detail that travels within an event, in bytes of its JSON; a larger one is stored, and the event holds `detailBytes` only. */
export const MAXIMUM_DETAIL_BYTES = 16_384;
/** Largest event as JSON: below one frame. */
export const MAXIMUM_EVENT_BYTES = 32_768;
/** Most events of one replay answer. */
export const REPLAY_PAGE = 50;
/** Most characters of an error's cause. */
export const MAXIMUM_CAUSE_CHARACTERS = 1000;

/** What happened in a run. "item": some items of a Map are done. */
export type ProgressKind = "started" | "step" | "item" | "succeeded" | "failed" | "timed-out" | "aborted" | "redriven";

/** Kinds after which nothing follows but a redrive. */
export const FINAL_KINDS = ["succeeded", "failed", "timed-out", "aborted"] as const satisfies readonly ProgressKind[];

/** One entry of a run's log, as stored, pushed and replayed. The members come in this order, so that all transports send the same bytes. */
export interface ProgressEvent {
  readonly version: number;
  readonly type: "progress";
  /** Execution name: unique per state machine. */
  readonly executionId: string;
  /** Strictly increasing per run, from 1. A number is missing only when its report failed half-way; the replay tells how far it is complete. */
  readonly sequence: number;
  /** ISO 8601 with milliseconds: when it happened, by the clock of Step Functions. */
  readonly at: string;
  readonly kind: ProgressKind;
  /** Whole number 0 to 100; never decreases; 100 only with "succeeded". */
  readonly percent: number;
  /** For "step" and "item": name of the marked state. */
  readonly step?: string;
  /** For "step" and "item": text for people. */
  readonly label?: string;
  /** For "failed", "timed-out", "aborted": name and cause, cut. */
  readonly error?: { readonly name: string; readonly cause: string };
  /** What the workflow chose to tell with a step. */
  readonly detail?: unknown;
  /** Size of a detail that was too large to travel. */
  readonly detailBytes?: number;
}

/** A step as the definition declares it, in order, for the list that a viewer sees. */
export interface ProgressStep {
  /** Name of the marked state. */
  readonly step: string;
  readonly label: string;
  /** Share of the whole, above 0. */
  readonly weight: number;
}

/** State of a run. */
export type RunState = "running" | "succeeded" | "failed" | "timed-out" | "aborted";

/** A run as its owner sees it. */
export interface RunDescription {
  readonly executionId: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly state: RunState;
  readonly percent: number;
  /** Highest sequence number given out; in answers to "start" and "subscribe" the highest whose event there is. */
  readonly sequence: number;
  readonly steps: readonly ProgressStep[];
  /** Only in answers to "start" and "subscribe", while it runs, once a run has succeeded. */
  readonly expected?: ExpectedDurations;
}

/** How long runs of the workflow took so far: weighted means over all its users' runs, for an estimate of the time that is left. */
export interface ExpectedDurations {
  /** Runs that it was learned from; LEARNING_RUNS stands for any larger number, which is nobody's business. */
  readonly runs: number;
  /** ISO 8601: when it was sent, by the server's clock, for devices whose clock is wrong. */
  readonly sentAt: string;
  /** From the start of a run to its success. */
  readonly totalSeconds: number;
  /** By step: from its event to the success of the run. Steps that no run has come by are left out. */
  readonly secondsAfter: Readonly<Record<string, number>>;
}

/** The mean of so many runs is plain; from then on each run counts one part in so many, so that the mean follows a change. */
export const LEARNING_RUNS = 10;

/** Messages of a client: one JSON text each; `action` selects the route. Every one gets exactly one reply. */
export type ClientMessage =
  /** Starts a run and subscribes to it. The same key of the same user leads to the same run. */
  | { readonly action: "start"; readonly requestId: string; readonly idempotencyKey: string; readonly input: unknown }
  /** Subscribes and brings the events above `since`. */
  | { readonly action: "subscribe"; readonly requestId: string; readonly executionId: string; readonly since: number }
  | { readonly action: "unsubscribe"; readonly requestId: string; readonly executionId: string }
  | { readonly action: "cancel"; readonly requestId: string; readonly executionId: string }
  | { readonly action: "redrive"; readonly requestId: string; readonly executionId: string }
  /** Brings a detail that was too large for its event. */
  | { readonly action: "detail"; readonly requestId: string; readonly executionId: string; readonly step: string }
  /** The caller's runs, newest first, at most 20. */
  | { readonly action: "list"; readonly requestId: string }
  /** Heartbeat. */
  | { readonly action: "ping"; readonly requestId: string };

/** Name of an action. */
export type ProgressAction = ClientMessage["action"];

/** Why a message was refused. */
export type ProgressErrorCode =
  "BadRequest" | "Forbidden" | "NotFound" | "Conflict" | "TooManyRequests" | "InternalError";

/** Answer to one client message, on the same connection (route response). */
export type ServerReply =
  | {
      readonly version: number;
      readonly type: "reply";
      readonly requestId: string;
      readonly ok: true;
      /** start, subscribe, cancel, redrive. */
      readonly run?: RunDescription;
      /** start, subscribe: the next events in order, at most REPLAY_PAGE. */
      readonly events?: readonly ProgressEvent[];
      /** start, subscribe: the log is complete up to this number; equal to `run.sequence` when nothing more is to be fetched. */
      readonly completeTo?: number;
      /** list. */
      readonly runs?: readonly RunDescription[];
      /** detail. */
      readonly detail?: unknown;
    }
  | {
      readonly version: number;
      readonly type: "reply";
      readonly requestId: string;
      readonly ok: false;
      readonly error: { readonly code: ProgressErrorCode; readonly message: string };
    };

/** Everything that a server sends. */
export type ServerMessage = ProgressEvent | ServerReply;

/** Body of `POST /tickets`. */
export interface TicketRequest {
  /** A ticket for one run may watch that run, read its details and ping, and nothing else. */
  readonly executionId?: string;
}

/** Answer of `POST /tickets` (201). The route is authorised by a token of the user pool. */
export interface TicketResponse {
  /** 256 random bits, base64url. Single use. */
  readonly ticket: string;
  /** ISO 8601. */
  readonly expiresAt: string;
  /** "wss://…/<stage>"; the ticket goes into its query. */
  readonly url: string;
}

/** Query parameter of the ticket. */
export const TICKET_PARAMETER = "ticket";
/** Seconds that a ticket can be used. */
export const TICKET_SECONDS = 60;

/** What a woven state reports: input of the report function, and detail of the event of the EventBridge transport. */
export interface ProgressReport {
  /** `$states.context.Execution.Name` */
  readonly executionId: string;
  /** `$states.context.State.EnteredTime` of the report state. */
  readonly at: string;
  readonly kind: "step" | "item";
  readonly step: string;
  /** Unique within the run: the step, or "<step>#<index>" of an item. A repeated report of one key has no effect. */
  readonly key: string;
  /** Millionths of the run's whole weight (see `WHOLE`). */
  readonly share: number;
  readonly label: string;
  readonly detail?: unknown;
  /** Characters of a detail that was too large to leave the workflow; then there is no `detail`. */
  readonly detailBytes?: number;
}

/** The shares of all steps add up to this. Percent = floor(99 x done / WHOLE) until the run has succeeded. */
export const WHOLE = 1_000_000;

/** Event of the EventBridge transport. */
export const REPORT_EVENT = { source: "serverless-patterns.progress", detailType: "Progress Reported" } as const;

/**
 * Table: one for all, partition key `pk`, sort key `sk`, TTL `expiresAt` (seconds since the epoch).
 *
 * - "run#<executionId>"      / "head"                    run: owner, executionArn, startedAt (ISO), state, endedAt (ISO, once it has ended), sequence (N), done (N, of WHOLE), redrives (N), completed (SS of report keys), steps (JSON text); `running` = "1" while it runs (sparse index)
 * - "run#<executionId>"      / "event#<10 digits>"       one ProgressEvent as JSON text in `event`
 * - "run#<executionId>"      / "detail#<key>"            a detail that was too large, JSON text in `detail`
 * - "run#<executionId>"      / "subscriber#<connection>" a subscription: `connectionId`
 * - "connection#<id>"        / "head"                    owner, scope (execution id of the ticket, if any)
 * - "connection#<id>"        / "run#<executionId>"       its subscriptions, for $disconnect
 * - "ticket#<sha256 hex>"    / "head"                    owner, scope, usableUntil (ms); deleted when used
 * - "user#<owner>"           / "run#<startedAt>#<executionId>"   runs of a user
 * - "user#<owner>"           / "starts#<minute>"         count (N): start limit
 * - "workflow"               / "durations"               what was learned from runs that succeeded: `durations` (JSON text), version (N); no TTL
 * - "workflow"               / "position"                where the reconciler broke off: executionId, startedAt of a run; no TTL
 */
export const PROGRESS_TABLE = {
  partitionKey: "pk",
  sortKey: "sk",
  timeToLive: "expiresAt",
  /** Sparse index of running runs: partition key `running` with the one value "1", sort key `startedAt`. */
  runningIndex: { name: "running", partitionKey: "running", sortKey: "startedAt", value: "1" },
} as const;

/** Environment variables of the handlers. */
export const PROGRESS_ENVIRONMENT = {
  table: "PROGRESS_TABLE_NAME",
  stateMachineArn: "STATE_MACHINE_ARN",
  /** ARN to start executions of: the alias, or the machine itself. */
  startArn: "START_ARN",
  /** JSON text of ProgressStep[]. */
  steps: "PROGRESS_STEPS",
  /** "https://<api>.execute-api.<region>.amazonaws.com/<stage>" of @connections. */
  connectionsUrl: "CONNECTIONS_URL",
  /** "wss://…/<stage>" for clients. */
  socketUrl: "SOCKET_URL",
  /** Origins that may connect, JSON list; "*" is not allowed. */
  allowedOrigins: "ALLOWED_ORIGINS",
  /** Seconds that runs, events and subscriptions are kept. */
  retentionSeconds: "RETENTION_SECONDS",
  /** Starts per user and minute. */
  startsPerMinute: "STARTS_PER_MINUTE",
  /**
   * Longest time that the end of a run waits for reports of steps that are missing, in seconds; left out: 0. For the EventBridge
   * transport, whose reports and status events overtake each other; 0 for those that report before the run goes on.
   */
  reportGraceSeconds: "REPORT_GRACE_SECONDS",
  /** Dimension of the metrics. */
  workflowName: "WORKFLOW_NAME",
} as const;

/** Metrics, in embedded metric format. */
export const PROGRESS_METRICS = {
  namespace: "ServerlessPatterns/Progress",
  dimension: "WorkflowName",
  reportsStored: "ReportsStored",
  reportsFailed: "ReportsFailed",
  messagesPushed: "MessagesPushed",
  connectionsGone: "ConnectionsGone",
  runsReconciled: "RunsReconciled",
} as const;

/** What one handler `handlers/progress/<name>.ts` may do. */
export interface ProgressHandler {
  /** Route keys of the WebSocket API, or method and path of the ticket API, or what else invokes it. */
  readonly invokedBy: "authorizer" | "routes" | "tickets" | "workflow" | "reports" | "status" | "schedule";
  readonly routeKeys: readonly string[];
  readonly tableActions: readonly string[];
  readonly indexActions: readonly string[];
  /** On the state machine (StartExecution: on what START_ARN names too). */
  readonly machineActions: readonly string[];
  /** On its executions. */
  readonly executionActions: readonly string[];
  /** Whether it needs execute-api:ManageConnections on POST/@connections/*. */
  readonly posts: boolean;
  readonly timeoutSeconds: number;
}

/** All handlers; each file exports `handler`. */
export const PROGRESS_HANDLERS = {
  /** POST /tickets. */
  tickets: {
    invokedBy: "tickets", routeKeys: [], tableActions: ["dynamodb:PutItem", "dynamodb:GetItem"],
    indexActions: [], machineActions: [], executionActions: [], posts: false, timeoutSeconds: 10,
  },
  /** REQUEST authorizer of $connect: origin, then the ticket, which it uses up. */
  authorize: {
    invokedBy: "authorizer", routeKeys: [], tableActions: ["dynamodb:DeleteItem"],
    indexActions: [], machineActions: [], executionActions: [], posts: false, timeoutSeconds: 10,
  },
  /** $connect and $disconnect. */
  connections: {
    invokedBy: "routes", routeKeys: ["$connect", "$disconnect"],
    tableActions: ["dynamodb:PutItem", "dynamodb:Query", "dynamodb:DeleteItem"],
    indexActions: [], machineActions: [], executionActions: [], posts: false, timeoutSeconds: 10,
  },
  /** All actions of clients, and $default, which refuses. */
  messages: {
    invokedBy: "routes", routeKeys: ["start", "subscribe", "unsubscribe", "cancel", "redrive", "detail", "list", "ping", "$default"],
    tableActions: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Query"],
    indexActions: [], machineActions: ["states:StartExecution"],
    executionActions: ["states:StopExecution", "states:RedriveExecution", "states:DescribeExecution"], posts: true, timeoutSeconds: 25,
  },
  /** Stores and pushes a ProgressReport: transport "function", invoked by the workflow; transport "eventbridge", by the rule. */
  report: {
    invokedBy: "reports", routeKeys: [],
    tableActions: ["dynamodb:UpdateItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:DeleteItem", "dynamodb:GetItem"],
    indexActions: [], machineActions: [], executionActions: [], posts: true, timeoutSeconds: 15,
  },
  /** "Step Functions Execution Status Change": started elsewhere, succeeded, failed, timed out, aborted, redriven. */
  status: {
    invokedBy: "status", routeKeys: [],
    tableActions: ["dynamodb:UpdateItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:DeleteItem", "dynamodb:GetItem"],
    indexActions: [], machineActions: [], executionActions: [], posts: true, timeoutSeconds: 15,
  },
  /** Every few minutes: runs that count as running are looked up, because status events are best effort. */
  reconcile: {
    invokedBy: "schedule", routeKeys: [],
    tableActions: ["dynamodb:UpdateItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:DeleteItem", "dynamodb:GetItem"],
    indexActions: ["dynamodb:Query"], machineActions: [], executionActions: ["states:DescribeExecution"], posts: true, timeoutSeconds: 60,
  },
} as const satisfies Readonly<Record<string, ProgressHandler>>; // prettier-ignore
/** Name of a handler of the workflow component. */
export type ProgressHandlerName = keyof typeof PROGRESS_HANDLERS;
