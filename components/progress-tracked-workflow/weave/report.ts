// The states that report a step: they never fail, never change data, and take a bounded time.
// A state of ours is always JSONata, whatever the language of the definition around it.
import type * as pulumi from "@pulumi/pulumi";
import { REPORT_EVENT } from "../../../handlers/progress/contract";
import { buildDirectReport, type DirectDelivery } from "./direct";
import type { StateObject } from "./language";
import type { StateNames } from "./names";

/** Seconds after which an attempt of a report is given up; one that hangs is not repeated. */
const REPORT_TIMEOUT_SECONDS = 10;
/** Seconds after which a report that cannot be delivered is lost. */
const UNDELIVERED_TIMEOUT_SECONDS = 5;
/** Longest detail, as characters of its JSON text, that leaves the state machine: at most 240,000 bytes of the 262,144 of a payload. */
const MAXIMUM_PAYLOAD_DETAIL = 60_000;

/** Text of the resource of an integration: "lambda:invoke" → "arn:aws:states:::lambda:invoke". */
export type IntegrationResource = (integration: string) => pulumi.Input<string>;

/** What every way of delivery has. */
export interface CommonDelivery {
  readonly resourceOf: IntegrationResource;
  /** Gets the reports that could not be delivered. */
  readonly deadLetterQueueUrl: pulumi.Input<string>;
}

/** Where reports go. Texts may be Pulumi outputs: weaving only puts them into place. */
export type ProgressDelivery =
  | (CommonDelivery & { readonly transport: "function"; readonly functionArn: pulumi.Input<string> })
  | (CommonDelivery & { readonly transport: "eventbridge" })
  | DirectDelivery;

/** What a report says: sources of JSONata expressions. */
export interface ReportSource {
  readonly kind: "step" | "item";
  readonly step: string;
  readonly label: string;
  readonly key: string;
  readonly share: string;
  readonly detail: string | undefined;
}

/** The states of one report. */
export interface BuiltReport {
  readonly entry: string;
  readonly states: Readonly<Record<string, StateObject>>;
}

/** `$states.input`, untouched: what every state of ours hands on. */
export const KEEP_INPUT = "{% $states.input %}";

/** Two more attempts, soon and not all at once. */
export function retryTransient(errors: readonly string[]): readonly StateObject[] {
  return [
    {
      ErrorEquals: errors,
      IntervalSeconds: 1,
      MaxAttempts: 2,
      BackoffRate: 2,
      MaxDelaySeconds: 3,
      JitterStrategy: "FULL",
    },
  ];
}

const TRANSIENT = {
  function: [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    // What the function throws when AWS did not do as it asked, and when other writers were faster: names of handlers/shared/errors.ts and
    // handlers/progress/errors.ts, as Lambda reports them. The report's key makes a repetition harmless.
    "AwsCallError",
    "BusyRunError",
  ],
  eventbridge: ["EventBridge.InternalException", "EventBridge.ThrottlingException", "EventBridge.FailedEntry"],
} as const;

/** A text as JSONata literal. */
export const literal = (text: string): string => JSON.stringify(text);

/** Members of a ProgressReport, in the contract's order. */
export function reportMembers(source: ReportSource): readonly (readonly [string, string])[] {
  return [
    ["executionId", "$states.context.Execution.Name"],
    ["at", "$states.context.State.EnteredTime"],
    ["kind", literal(source.kind)],
    ["step", literal(source.step)],
    ["key", source.key],
    ["share", source.share],
    ["label", literal(source.label)],
  ];
}

/** `{"name": expression, …}`; members whose expression gives nothing are left out by JSONata. */
export function objectOf(members: readonly (readonly [string, string])[]): string {
  return `{${members.map(([name, value]) => `${literal(name)}: ${value}`).join(", ")}}`;
}

/**
 * Builds a report that goes on to `next`, whatever happens. A detail that cannot be evaluated costs the detail, not the report. A report
 * that cannot be delivered goes to the dead-letter queue, without its detail, if that works.
 * @param base name of the state that is reported.
 */
export function buildReport(
  base: string,
  source: ReportSource,
  next: string,
  delivery: ProgressDelivery,
  names: StateNames,
): BuiltReport {
  const isItem = source.kind === "item";
  const entry = names.next(base, isItem ? "item progress" : "progress");
  const undelivered = names.next(base, isItem ? "item undelivered" : "undelivered");
  const plainSource = { ...source, detail: undefined };
  const lost = { [undelivered]: buildUndelivered(plainSource, next, delivery) };
  const ways: Ways = { next, undelivered };
  if (source.detail === undefined) {
    return { entry, states: { ...buildStates(entry, source, ways, delivery, names), ...lost } };
  }
  const plain = names.next(base, "progress, no detail");
  return {
    entry,
    states: {
      ...buildStates(entry, source, { ...ways, plain }, delivery, names),
      ...buildStates(plain, plainSource, ways, delivery, names),
      ...lost,
    },
  };
}

/** Names of the states that a report leads to. */
interface Ways {
  readonly next: string;
  readonly undelivered: string;
  /** For a report with a detail: the same without it. */
  readonly plain?: string;
}

function buildStates(
  name: string,
  source: ReportSource,
  { next, undelivered, plain }: Ways,
  delivery: ProgressDelivery,
  names: StateNames,
): Readonly<Record<string, StateObject>> {
  const work =
    delivery.transport === "direct" ? buildDirectReport(name, source, delivery, names) : buildTask(source, delivery);
  return {
    [name]: {
      ...work,
      Output: KEEP_INPUT,
      Catch: [
        ...(plain === undefined
          ? []
          : [{ ErrorEquals: ["States.QueryEvaluationError"], Output: KEEP_INPUT, Next: plain }]),
        { ErrorEquals: ["States.ALL"], Output: KEEP_INPUT, Next: undelivered },
      ],
      Next: next,
    },
  };
}

/** Leaves the report where an operator finds it. Nobody waits for this: it is tried once. */
function buildUndelivered(source: ReportSource, next: string, delivery: ProgressDelivery): StateObject {
  return {
    Type: "Task",
    QueryLanguage: "JSONata",
    Resource: delivery.resourceOf("sqs:sendMessage"),
    TimeoutSeconds: UNDELIVERED_TIMEOUT_SECONDS,
    Arguments: {
      QueueUrl: delivery.deadLetterQueueUrl,
      MessageBody: payload(source, [["stateMachineArn", "$states.context.StateMachine.Id"]]),
    },
    Output: KEEP_INPUT,
    Catch: [{ ErrorEquals: ["States.ALL"], Output: KEEP_INPUT, Next: next }],
    Next: next,
  };
}

function buildTask(source: ReportSource, delivery: Exclude<ProgressDelivery, DirectDelivery>): StateObject {
  const task = {
    Type: "Task",
    QueryLanguage: "JSONata",
    TimeoutSeconds: REPORT_TIMEOUT_SECONDS,
    Retry: retryTransient(TRANSIENT[delivery.transport]),
  };
  if (delivery.transport === "function") {
    return {
      ...task,
      Resource: delivery.resourceOf("lambda:invoke"),
      Arguments: { FunctionName: delivery.functionArn, Payload: payload(source, []) },
    };
  }
  const entry = {
    Source: REPORT_EVENT.source,
    DetailType: REPORT_EVENT.detailType,
    Detail: payload(source, [["stateMachineArn", "$states.context.StateMachine.Id"]]),
  };
  return { ...task, Resource: delivery.resourceOf("events:putEvents"), Arguments: { Entries: [entry] } };
}

function payload(source: ReportSource, more: readonly (readonly [string, string])[]): string {
  const members = [...reportMembers(source), ...more];
  if (source.detail === undefined) return `{% ${objectOf(members)} %}`;
  const object = objectOf([
    ...members,
    ["detail", `$size <= ${MAXIMUM_PAYLOAD_DETAIL} ? $detail`],
    ["detailBytes", `$size > ${MAXIMUM_PAYLOAD_DETAIL} ? $size`],
  ]);
  return `{% ($detail := (${source.detail}); $size := $exists($detail) ? $length($string($detail)) : 0; ${object}) %}`;
}
