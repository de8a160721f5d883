// Delivery of one event to one target: attempts with back-off on the clock, dead-letter queue, metrics and traces.
import { recordAct } from "../core/acts";
import { AwsError } from "../core/errors";
import type { JsonObject } from "../core/json-api";
import { type Principal, servicePrincipal } from "../core/principal";
import type { CloudContext } from "../core/service";
import type { Rule, Target } from "./buses";
import type { DeliveredEvent, Delivery } from "./router";
import { targetPayload } from "./transformer";

const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 15 * 60_000;
const QUEUE_ARN = /^arn:aws:sqs:[a-z0-9-]+:\d{12}:[\w-]+(\.fifo)?$/;

/** An event on its way to a target. */
interface Journey {
  readonly rule: Rule;
  readonly target: Target;
  readonly event: DeliveredEvent;
  /** When the rule matched, in milliseconds since the epoch. */
  readonly since: number;
}

/** Delivers to targets. */
export class Deliverer {
  private stopped = false;

  constructor(private readonly context: CloudContext) {}

  /** Makes the first attempt now; later ones follow on the clock. */
  deliver(rule: Rule, target: Target, event: DeliveredEvent): Delivery {
    count(this.context, rule, "Invocations");
    return this.attempt({ rule, target, event, since: this.context.clock.now() }, 0);
  }

  stop(): void {
    this.stopped = true;
  }

  private attempt(journey: Journey, retries: number): Delivery {
    const { rule, target, event } = journey;
    const delivery = { ruleArn: rule.arn, targetArn: target.arn };
    if (this.stopped) return delivery;
    if (retries > 0) count(this.context, rule, "RetryInvocationAttempts");
    try {
      this.send(journey);
      count(this.context, rule, "SuccessfulInvocationAttempts");
      this.trace("Deliver", target.arn, event, rule);
      return delivery;
    } catch (error) {
      const failure = error instanceof AwsError ? error : new AwsError("InternalException", "Internal failure", 500);
      this.trace("Deliver", target.arn, event, rule, failure);
      this.afterFailure(journey, retries, failure);
      return { ...delivery, errorCode: failure.code };
    }
  }

  private afterFailure(journey: Journey, retries: number, failure: AwsError): void {
    const { retry } = journey.target;
    const delay = Math.min(FIRST_DELAY_MS * 2 ** retries, LONGEST_DELAY_MS);
    const age = this.context.clock.now() + delay - journey.since;
    if (!isTransient(failure)) this.giveUp(journey, retries, failure);
    else if (retries >= retry.attempts) this.giveUp(journey, retries, failure, "MaximumRetryAttempts");
    else if (age > retry.ageMs) this.giveUp(journey, retries, failure, "MaximumEventAgeInSeconds");
    else this.context.clock.setTimer(delay, () => void this.attempt(journey, retries + 1));
  }

  /** The event goes to the dead-letter queue, or is lost. */
  private giveUp(journey: Journey, retries: number, failure: AwsError, exhausted?: string): void {
    const { rule, target, event } = journey;
    count(this.context, rule, "FailedInvocations");
    if (!target.deadLetterArn) return;
    const facts: Record<string, string> = {
      RULE_ARN: rule.arn,
      TARGET_ARN: target.arn,
      ERROR_CODE: deadLetterCode(failure),
      ERROR_MESSAGE: failure.message,
      ...(exhausted ? { EXHAUSTED_RETRY_CONDITION: exhausted } : {}),
      RETRY_ATTEMPTS: String(retries),
    };
    const attributes = Object.fromEntries(
      Object.entries(facts).map(([name, stringValue]) => [name, { dataType: "String", stringValue }]),
    );
    try {
      this.context.queues.send(target.deadLetterArn, { body: JSON.stringify(event), attributes }, callerOf(rule));
      count(this.context, rule, "InvocationsSentToDlq");
      this.trace("DeadLetter", target.deadLetterArn, event, rule);
    } catch (error) {
      const lost = error instanceof AwsError ? error : new AwsError("InternalException", "Internal failure", 500);
      count(this.context, rule, "InvocationsFailedToBeSentToDlq");
      this.trace("DeadLetter", target.deadLetterArn, event, rule, lost);
    }
  }

  private send({ rule, target, event, since }: Journey): void {
    const facts = { name: rule.name, arn: rule.arn, ingestionTime: new Date(since).toISOString() };
    const payload = targetPayload(target, event as unknown as JsonObject, facts);
    const group = logGroupOf(target.arn);
    if (group) this.context.logs.append(group, event.id, payload);
    else if (isQueue(target.arn)) {
      const { messageGroupId: groupId } = target;
      this.context.queues.send(target.arn, { body: payload, ...(groupId ? { groupId } : {}) }, callerOf(rule));
    } else this.context.functions.invokeAsync(target.arn, Buffer.from(payload), callerOf(rule));
  }

  private trace(operation: string, resource: string, event: DeliveredEvent, rule: Rule, error?: AwsError): void {
    const { id: eventId, source } = event;
    const detail = { rule: rule.arn, source, detailType: event["detail-type"], eventId };
    const caller = "events.amazonaws.com";
    recordAct(this.context, { service: "events", caller, operation, resource, detail, error });
  }
}

/** Adds one to a metric of a rule. */
export function count(context: CloudContext, rule: Rule, name: string): void {
  const dimensions = { RuleName: rule.name };
  context.metrics.put({ namespace: "AWS/Events", name, dimensions, value: 1, unit: "Count", at: context.clock.now() });
}

/** Whether an ARN names a queue. */
export function isQueue(arn: string): boolean {
  return QUEUE_ARN.test(arn);
}

/** Name of the log group that an ARN names; undefined for other ARNs. */
export function logGroupOf(arn: string): string | undefined {
  return /^arn:aws:logs:[a-z0-9-]+:\d{12}:log-group:([^:]+)(:\*)?$/.exec(arn)?.[1];
}

function callerOf(rule: Rule): Principal {
  return servicePrincipal("events.amazonaws.com", rule.arn, rule.bus.accountId);
}

/** Missing permissions and targets do not come back by themselves: EventBridge does not retry them. */
function isTransient({ code, statusCode }: AwsError): boolean {
  if (code === "NotSimulated") return false;
  return statusCode >= 500 || statusCode === 429 || /Throttl|TooManyRequests|OverLimit/.test(code);
}

function deadLetterCode({ code, statusCode, message }: AwsError): string {
  if (statusCode === 403 || code.includes("AccessDenied")) return "NO_PERMISSIONS";
  if (statusCode === 404 || /NotFound|NonExistent|DoesNotExist/.test(code + message)) return "NO_RESOURCE";
  return statusCode >= 500 ? "INTERNAL_ERROR" : code;
}
