// Event buses, rules and targets that exist. The default bus of an account and Region always does.
import { createHash } from "node:crypto";
import type { Timer } from "../core/clock";
import { AwsError } from "../core/errors";
import type { NamedPolicy } from "../core/access";
import type { EventMatcher } from "./pattern";
import type { Schedule } from "./schedule";
import type { TargetInput } from "./transformer";

/** Where a bus lives. */
export interface BusPlace {
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
}

/** A bus with its rules. */
export interface Bus extends BusPlace {
  readonly arn: string;
  readonly rules: Map<string, Rule>;
  policy: NamedPolicy | undefined;
}

/** A rule with its targets. */
export interface Rule {
  readonly bus: Bus;
  readonly name: string;
  readonly arn: string;
  readonly enabled: boolean;
  readonly matches: EventMatcher | undefined;
  readonly schedule: Schedule | undefined;
  readonly targets: Map<string, Target>;
  timer: Timer | undefined;
}

/** Where a rule sends events. */
export interface Target extends TargetInput {
  readonly id: string;
  readonly arn: string;
  /** Group of the messages to a FIFO queue. */
  readonly messageGroupId: string | undefined;
  /** Queue for events that cannot be delivered. */
  readonly deadLetterArn: string | undefined;
  readonly retry: { readonly attempts: number; readonly ageMs: number };
}

const BUS_ARN = /^arn:aws:events:([a-z0-9-]+):(\d{12}):event-bus\/(.+)$/;

/** All buses of the embedded cloud. */
export class Buses {
  private readonly buses = new Map<string, Bus>();

  /** The bus of that name or ARN; the default bus comes into being when asked for. */
  find(nameOrArn: string, accountId: string, region: string): Bus | undefined {
    const place = placeOf(nameOrArn, accountId, region);
    const bus = this.buses.get(busArn(place));
    return bus ?? (place.name === "default" ? this.add(place) : undefined);
  }

  /** The bus, or ResourceNotFoundException. */
  require(nameOrArn: string, accountId: string, region: string): Bus {
    const bus = this.find(nameOrArn, accountId, region);
    if (bus) return bus;
    const { name } = placeOf(nameOrArn, accountId, region);
    throw new AwsError("ResourceNotFoundException", `Event bus ${name} does not exist.`);
  }

  create(place: BusPlace): Bus {
    if (this.buses.has(busArn(place))) {
      throw new AwsError("ResourceAlreadyExistsException", `Event bus ${place.name} already exists.`);
    }
    return this.add(place);
  }

  delete(arn: string): void {
    const bus = this.buses.get(arn);
    if (bus && bus.rules.size > 0) throw new AwsError("ValidationException", `Event bus ${bus.name} still has rules.`);
    this.buses.delete(arn);
  }

  all(): readonly Bus[] {
    return [...this.buses.values()];
  }

  private add(place: BusPlace): Bus {
    const bus: Bus = { ...place, arn: busArn(place), rules: new Map(), policy: undefined };
    this.buses.set(bus.arn, bus);
    return bus;
  }
}

/** Place of a bus that is given by name or ARN. */
export function placeOf(nameOrArn: string, accountId: string, region: string): BusPlace {
  const [, arnRegion, arnAccount, arnName] = BUS_ARN.exec(nameOrArn) ?? [];
  return { accountId: arnAccount ?? accountId, region: arnRegion ?? region, name: arnName ?? nameOrArn };
}

/** ARN of a bus. */
export function busArn({ accountId, region, name }: BusPlace): string {
  return `arn:aws:events:${region}:${accountId}:event-bus/${name}`;
}

/** ARN of a rule: the default bus is left out. */
export function ruleArn(bus: BusPlace, name: string): string {
  const path = bus.name === "default" ? name : `${bus.name}/${name}`;
  return `arn:aws:events:${bus.region}:${bus.accountId}:rule/${path}`;
}

/** An id in the form of a UUID, as events carry it. */
export function eventId(unique: string): string {
  const hex = createHash("sha256").update(unique).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}
