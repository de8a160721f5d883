// What follows a change of an alarm's state: the event on the default bus, messages to topics and invocations of functions.
import { recordAct } from "../core/acts";
import { AwsError } from "../core/errors";
import type { JsonObject } from "../core/json-api";
import { servicePrincipal } from "../core/principal";
import type { CloudContext } from "../core/service";
import type { AlarmChange, AlarmFacts, AlarmState } from "./alarms";

/** A message that an alarm published to a topic. */
export interface AlarmMessage {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly topicArn: string;
  readonly subject: string;
  /** JSON, as CloudWatch writes it. */
  readonly body: string;
}

const KEPT_MESSAGES = 100;
const CALLER = "lambda.alarms.cloudwatch.amazonaws.com";
const TOPIC_ARN = /^arn:aws:sns:[a-z0-9-]+:\d{12}:[\w.-]+$/;
const FUNCTION_ARN = /^arn:aws:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+(:[\w$-]+)?$/;

/** Whether the local run can take an action. */
export function isAction(arn: string): boolean {
  return TOPIC_ARN.test(arn) || FUNCTION_ARN.test(arn);
}

/** Announces changes of state. */
export class AlarmActions {
  private readonly sent: AlarmMessage[] = [];

  constructor(private readonly context: CloudContext) {}

  /** The latest messages to topics, oldest first. */
  messages(): readonly AlarmMessage[] {
    return this.sent;
  }

  /** @param before the change that led to the state before, if there was one. */
  announce(alarm: AlarmFacts, change: AlarmChange, before: AlarmChange | undefined): void {
    const { arn, name, accountId, region } = alarm;
    this.trace("AlarmStateChange", arn, { from: change.from, to: change.to, reason: change.reason });
    const data = {
      alarmName: name,
      configuration: alarm.configuration,
      state: stateOf(change.to, change),
      previousState: stateOf(change.from, before),
    };
    this.context.events.publish({
      source: "aws.cloudwatch",
      detailType: "CloudWatch Alarm State Change",
      detail: data,
      resources: [arn],
      accountId,
      region,
    });
    if (!alarm.actionsEnabled) return;
    for (const action of alarm.actions[change.to]) this.act(alarm, action, change, data);
  }

  private act(alarm: AlarmFacts, action: string, change: AlarmChange, alarmData: JsonObject): void {
    let failure: AwsError | undefined;
    if (TOPIC_ARN.test(action)) this.publish(alarm, action, change);
    else {
      const { arn: alarmArn, accountId, region } = alarm;
      const time = stamp(change.at);
      const payload = { source: "aws.cloudwatch", alarmArn, accountId, time, region, alarmData };
      try {
        const caller = servicePrincipal(CALLER, alarmArn, accountId);
        this.context.functions.invokeAsync(action, Buffer.from(JSON.stringify(payload)), caller);
      } catch (error) {
        failure = error instanceof AwsError ? error : new AwsError("InternalException", "Internal failure", 500);
      }
    }
    this.trace("AlarmAction", action, { alarm: alarm.name, state: change.to }, failure);
  }

  private publish(alarm: AlarmFacts, topicArn: string, change: AlarmChange): void {
    const { name, region } = alarm;
    const body = JSON.stringify({
      AlarmName: name,
      AlarmDescription: alarm.configuration.description ?? null,
      AWSAccountId: alarm.accountId,
      NewStateValue: change.to,
      NewStateReason: change.reason,
      StateChangeTime: stamp(change.at),
      Region: region,
      AlarmArn: alarm.arn,
      OldStateValue: change.from,
      OKActions: alarm.actions.OK,
      AlarmActions: alarm.actions.ALARM,
      InsufficientDataActions: alarm.actions.INSUFFICIENT_DATA,
      ...(alarm.trigger ? { Trigger: alarm.trigger } : {}),
    });
    this.sent.push({ at: change.at, topicArn, subject: `${change.to}: "${name}" in ${region}`, body });
    if (this.sent.length > KEPT_MESSAGES) this.sent.shift();
  }

  private trace(operation: string, resource: string, detail: Readonly<Record<string, string>>, error?: AwsError): void {
    const caller = "cloudwatch.amazonaws.com";
    recordAct(this.context, { service: "monitoring", caller, operation, resource, detail, error });
  }
}

function stateOf(value: AlarmState, change: AlarmChange | undefined): JsonObject {
  if (!change) return { value, reason: "Unchecked: Initial alarm creation" };
  const { reason, reasonData, at } = change;
  return { value, reason, ...(reasonData ? { reasonData } : {}), timestamp: stamp(at) };
}

/** CloudWatch writes the zone as +0000. */
function stamp(at: number): string {
  return new Date(at).toISOString().replace("Z", "+0000");
}
