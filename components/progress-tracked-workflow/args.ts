// Arguments of ProgressTrackedWorkflow: plain data, as Pulumi's component analyzer needs it.
import type * as pulumi from "@pulumi/pulumi";

/** How a report travels from the workflow to its viewers. All of them deliver the same messages. */
export const ProgressTransport = {
  /** Step Functions stores and posts by itself: no function, most state transitions. */
  Direct: "direct",
  /** The workflow invokes a function that stores and posts. */
  Function: "function",
  /** The workflow puts an event; a rule with retries and a dead-letter queue invokes the function. */
  EventBridge: "eventbridge",
} as const;
/** How a report travels from the workflow to its viewers. All of them deliver the same messages. */
export type ProgressTransport = (typeof ProgressTransport)[keyof typeof ProgressTransport];

/** Arguments of `ProgressTrackedWorkflow`. Exactly one of `definition` and `definitionFile` is given. */
export interface ProgressTrackedWorkflowArgs {
  /**
   * The workflow in Amazon States Language, JSONPath or JSONata. States with a `Progress` field are its steps; TypeScript programs mark
   * them with `trackProgress`. Texts within may be outputs of resources; which states there are is plain.
   * @default - none; then `definitionFile` is required
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a definition is any JSON, and Pulumi's analyzer knows no other name for it
  readonly definition?: Record<string, any>;
  /**
   * Path of a JSON file that holds the definition. Absolute, or relative to the working directory of the program.
   * @default - none; then `definition` is required
   */
  readonly definitionFile?: string;
  /**
   * Values of placeholders in the definition: `${OrderFunctionArn}` is replaced by the value of `OrderFunctionArn`.
   * @default - none
   */
  readonly definitionSubstitutions?: Record<string, pulumi.Input<string>>;
  /**
   * How reports travel.
   * @default `"function"`
   */
  readonly transport?: ProgressTransport;
  /**
   * What the workflow's own tasks may do. The component adds what its reports need.
   * @default - nothing
   */
  readonly policyStatements?: ProgressStatementArgs[];
  /**
   * Origins whose pages may connect, "https://app.example.com" say: scheme, host and optional port, nothing more. At least one; "*" is
   * refused, since browsers send their cookies and nobody's page may act for a user.
   */
  readonly allowedOrigins: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * ARN of the Cognito user pool whose ID tokens buy tickets for the WebSocket API.
   */
  readonly userPoolArn: pulumi.Input<string>;
  /**
   * Days that runs and their logs are kept, 1 to 365.
   * @default `7`
   */
  readonly retentionDays?: number;
  /**
   * Runs that one user may start within a minute, 1 to 1,000.
   * @default `10`
   */
  readonly startsPerMinute?: number;
  /**
   * Throttle of the WebSocket API and of the ticket API, each over all callers together.
   * @default - 100 messages per second, burst of 200
   */
  readonly throttling?: ProgressThrottlingArgs;
  /**
   * Seconds after which a run is stopped, 1 to 31,536,000. Takes the place of the definition's own `TimeoutSeconds`.
   * @default - that of the definition
   */
  readonly timeoutSeconds?: number;
  /**
   * Sends only a part of the new runs to the version that this update publishes.
   * @default - all new runs
   */
  readonly gradualShift?: ProgressShiftArgs;
  /**
   * Alarms and dashboard.
   * @default - both on, without a topic
   */
  readonly alarms?: ProgressAlarmsArgs;
  /**
   * Days that logs are kept; one of the values that CloudWatch Logs accepts.
   * @default `30`
   */
  readonly logRetentionDays?: number;
  /**
   * Writes inputs and outputs of states into the workflow's log. They may hold personal data.
   * @default `false`
   */
  readonly includeExecutionData?: boolean;
  /**
   * Memory of each function in MB, 128 to 10240.
   * @default `512`
   */
  readonly memorySize?: number;
  /**
   * ARN of a customer managed KMS key that encrypts the table. Its policy must let roles of this account use it through DynamoDB.
   * @default - a key of AWS
   */
  readonly kmsKeyArn?: pulumi.Input<string>;
  /**
   * Protects the table from deletion.
   * @default `true`
   */
  readonly deletionProtection?: boolean;
  /**
   * Region of every regional resource. Plain.
   * @default - Region of the provider
   */
  readonly region?: string;
  /**
   * Tags of every resource.
   * @default - none
   */
  readonly tags?: Record<string, pulumi.Input<string>>;
}

/** Something that the workflow's own tasks may do. */
export interface ProgressStatementArgs {
  /**
   * Name of the statement, letters and digits, unique among them and the component's own.
   */
  readonly sid: string;
  /**
   * Actions without wildcards, "lambda:InvokeFunction".
   */
  readonly actions: string[];
  /**
   * ARNs. "*" and wildcards for all of a service, Region or account only together with `wildcardReason`.
   */
  readonly resources: pulumi.Input<string>[];
  /**
   * Why the resources cannot be named.
   * @default - none
   */
  readonly wildcardReason?: string;
}

/** Throttle of the WebSocket API and of the ticket API. */
export interface ProgressThrottlingArgs {
  /**
   * Steady messages per second, 1 to 10,000.
   * @default `100`
   */
  readonly rateLimit?: number;
  /**
   * Burst of messages, 1 to 5,000.
   * @default `200`
   */
  readonly burstLimit?: number;
}

/** A gradual shift to the version that this update publishes. */
export interface ProgressShiftArgs {
  /**
   * ARN of the version that keeps the rest: the output `versionArn` of the update before.
   */
  readonly previousVersionArn: pulumi.Input<string>;
  /**
   * Share of new runs that the new version gets, 0 to 99 percent. 0 rolls back.
   */
  readonly percent: number;
}

/** Alarms and dashboard. */
export interface ProgressAlarmsArgs {
  /**
   * Creates the alarms and the dashboard.
   * @default `true`
   */
  readonly enabled?: boolean;
  /**
   * ARN of an existing SNS topic that is told of alarms. No message is sent when an alarm ends.
   * @default - none
   */
  readonly topicArn?: pulumi.Input<string>;
  /**
   * Failed runs within five minutes that raise the alarm, 1 or more.
   * @default `1`
   */
  readonly failedRunsThreshold?: number;
  /**
   * Timed-out runs within five minutes that raise the alarm, 1 or more.
   * @default `1`
   */
  readonly timedOutRunsThreshold?: number;
  /**
   * Reports within five minutes that could not be stored and raise the alarm, 1 or more.
   * @default `1`
   */
  readonly reportFailuresThreshold?: number;
  /**
   * Failed invocations of the functions within five minutes that raise the alarm, 1 or more.
   * @default `1`
   */
  readonly functionErrorsThreshold?: number;
}

/** A step, as a viewer sees it. */
export interface ProgressStepSettings {
  /** Name of the marked state. */
  readonly step: string;
  /** Text for people. */
  readonly label: string;
  /** Share of the whole, in relation to the other steps. */
  readonly weight: number;
}

/** What a page needs to know to show a run. Holds no secret; `JSON.stringify` it into a page's configuration. */
export interface ProgressClientSettings {
  /** "https://…/v1/tickets": a `POST` with an ID token buys a ticket. */
  readonly ticketUrl: string;
  /** "wss://…/live": the ticket goes into its query. */
  readonly socketUrl: string;
  /** The steps in order. */
  readonly steps: ProgressStepSettings[];
}
