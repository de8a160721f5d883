// Routes events from buses through rules to targets, fires schedules, and keeps what happened for the console and the tests.
import { recordAct } from "../core/acts";
import type { JsonObject } from "../core/json-api";
import type { CloudContext, CloudEvent, EventPublisher } from "../core/service";
import { type Bus, Buses, eventId, type Rule } from "./buses";
import { count, Deliverer } from "./delivery";
import { parseSchedule, type Schedule } from "./schedule";

/** An event as its rules see it. */
export interface DeliveredEvent {
  readonly version: "0";
  readonly id: string;
  readonly "detail-type": string;
  readonly source: string;
  readonly account: string;
  /** ISO time without milliseconds. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: JsonObject;
}

/** What became of an event. */
export interface RoutedEvent {
  readonly bus: string;
  readonly event: DeliveredEvent;
  readonly deliveries: readonly Delivery[];
}

/** One attempt to reach a target. */
export interface Delivery {
  readonly ruleArn: string;
  readonly targetArn: string;
  /** AWS error code of a failed delivery. */
  readonly errorCode?: string;
}

const NO_SUCH_BUS = { statusCode: 404, code: "ResourceNotFoundException" };
const KEPT_EVENTS = 500;
/** Timers of Node.js overflow after 24.8 days: longer waits are cut into pieces. */
const LONGEST_WAIT_MS = 86_400_000;

/** The running half of EventBridge. */
export class EventRouter implements EventPublisher {
  readonly buses = new Buses();
  private readonly recent: RoutedEvent[] = [];
  private readonly listeners = new Set<(event: RoutedEvent) => void>();

  private readonly deliverer: Deliverer;

  constructor(private readonly context: CloudContext) {
    this.deliverer = new Deliverer(context);
  }

  /** Puts an event on its bus. Never throws: an event to a bus that does not exist is traced as failed. */
  publish(event: CloudEvent): void {
    const bus = this.buses.find(event.busName ?? "default", event.accountId, event.region);
    if (bus) this.route(bus, this.complete(event));
    else this.traceLoss(event);
  }

  /** Fills in what the bus adds. @param time ISO time that the sender gave. */
  complete(event: CloudEvent, time?: string): DeliveredEvent {
    return {
      version: "0",
      id: eventId(this.context.uniqueId(32)),
      "detail-type": event.detailType,
      source: event.source,
      account: event.accountId,
      time: time ?? isoSeconds(this.context.clock.now()),
      region: event.region,
      resources: event.resources,
      detail: event.detail,
    };
  }

  /** Sends an event to the targets of every rule of the bus that it fits. */
  route(bus: Bus, event: DeliveredEvent): void {
    const fields = event as unknown as JsonObject;
    const rules = [...bus.rules.values()].filter((rule) => rule.enabled && rule.matches?.(fields));
    this.remember({ bus: bus.name, event, deliveries: rules.flatMap((rule) => this.deliver(rule, event)) });
  }

  recentEvents(): readonly RoutedEvent[] {
    return this.recent;
  }

  subscribe(listener: (event: RoutedEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Reads a schedule expression that begins now. Throws an Error with the reason. */
  schedule(expression: string): Schedule {
    return parseSchedule(expression, this.context.clock.now());
  }

  /** Plans the next firing of a scheduled rule. */
  plan(rule: Rule): void {
    rule.timer?.cancel();
    rule.timer = undefined;
    const now = this.context.clock.now();
    const at = rule.enabled ? rule.schedule?.next(now) : undefined;
    if (at !== undefined) this.wait(rule, at);
  }

  private wait(rule: Rule, at: number): void {
    const delay = at - this.context.clock.now();
    rule.timer = this.context.clock.setTimer(Math.min(delay, LONGEST_WAIT_MS), () => {
      if (delay > LONGEST_WAIT_MS) this.wait(rule, at);
      else {
        this.fire(rule);
        this.plan(rule);
      }
    });
  }

  stop(): void {
    for (const bus of this.buses.all()) for (const rule of bus.rules.values()) rule.timer?.cancel();
    this.deliverer.stop();
    this.listeners.clear();
  }

  private fire(rule: Rule): void {
    const { accountId, region, name } = rule.bus;
    const event = this.complete({
      source: "aws.events",
      detailType: "Scheduled Event",
      detail: {},
      resources: [rule.arn],
      accountId,
      region,
    });
    this.remember({ bus: name, event, deliveries: this.deliver(rule, event) });
  }

  private deliver(rule: Rule, event: DeliveredEvent): readonly Delivery[] {
    count(this.context, rule, "MatchedEvents");
    count(this.context, rule, "TriggeredRules");
    return [...rule.targets.values()].map((target) => this.deliverer.deliver(rule, target, event));
  }

  private remember(routed: RoutedEvent): void {
    this.recent.push(routed);
    if (this.recent.length > KEPT_EVENTS) this.recent.shift();
    for (const listener of this.listeners) listener(routed);
  }

  private traceLoss({ busName = "default", source }: CloudEvent): void {
    const act = { service: "events", caller: "events.amazonaws.com", operation: "PutEvents", resource: busName };
    recordAct(this.context, { ...act, detail: { source }, error: NO_SUCH_BUS });
  }
}

/** ISO time without milliseconds, as events carry it. */
export function isoSeconds(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/, "Z");
}
