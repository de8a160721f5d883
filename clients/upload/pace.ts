// Decides how to send: part size, number of connections, host. Pure: time and measurements come in.

import { S3_LIMITS } from "../../handlers/upload/contract";

const MEBIBYTE = 1024 ** 2;
/** Parts that leave every connection several to send, so that the last ones end close together. */
const PARTS_PER_FILE = 48;
/** What a part may grow to by itself: more makes a repeated part dear. */
const LARGEST_PART_BYTES = 64 * MEBIBYTE;
/** A part should take this long on one connection, so that the round trip between two parts does not count. */
const SECONDS_PER_PART = 2;

/**
 * Part size in bytes to ask for, within the limits of S3, in whole MiB.
 * @param bytesPerSecond what one connection was last seen to carry, if anything is known
 */
export function choosePartSize(size: number, bytesPerSecond = 0): number {
  const pleasant = Math.max(size / PARTS_PER_FILE, bytesPerSecond * SECONDS_PER_PART);
  const bounded = Math.max(S3_LIMITS.minimumPartBytes, Math.min(LARGEST_PART_BYTES, pleasant));
  return Math.ceil(Math.max(bounded, size / S3_LIMITS.maximumParts) / MEBIBYTE) * MEBIBYTE;
}

/** Throughput of the last seconds: older bytes count for less and less. */
export class Meter {
  readonly #since: number;
  #last: number;
  #sum = 0;

  constructor(now: number) {
    this.#since = this.#last = now;
  }

  add(now: number, bytes: number): void {
    this.#sum = this.#sum * remainder(now - this.#last) + bytes;
    this.#last = now;
  }

  /** Bytes per second; 0 while nothing is known. */
  rate(now: number): number {
    const weight = METER_MS * (1 - remainder(now - this.#since));
    return weight && (1000 * this.#sum * remainder(now - this.#last)) / weight;
  }
}

/** Time in which the weight of a byte falls to a third. */
const METER_MS = 3_000;

function remainder(milliseconds: number): number {
  return Math.exp(-milliseconds / METER_MS);
}

/** Shortest time over which two numbers of connections are compared, in milliseconds. */
const TRIAL_MS = 1_500;
/** A connection more must bring at least this much. */
const WORTH_IT = 1.05;
/** Conditions change: after this long, one more connection is tried again. */
const RETRIAL_MS = 20_000;

/** Connections to begin with. */
const START = 4;

/** Adds connections until the sum of their throughput stops growing. */
export class ConnectionPace {
  readonly #maximum: number;
  readonly #partsPerTrial: number;
  #connections: number;
  #windowStart: number;
  #windowBytes = 0;
  #windowParts = 0;
  #before = 0;
  #settledAt: number | undefined;

  constructor(now: number, maximum: number, partsPerTrial: number) {
    this.#maximum = maximum;
    this.#partsPerTrial = partsPerTrial;
    this.#windowStart = now;
    this.#connections = Math.min(START, maximum);
  }

  get connections(): number {
    return this.#connections;
  }

  /** Takes in what has been sent since the last call. `partsPerTrial` parts per connection must have ended as well. */
  add(now: number, bytes: number, finishedParts: number): void {
    this.#windowBytes += bytes;
    this.#windowParts += finishedParts;
    const elapsed = now - this.#windowStart;
    if (elapsed < TRIAL_MS || this.#windowParts < this.#partsPerTrial * this.#connections) return;
    const rate = this.#windowBytes / elapsed;
    this.#startWindow(now);
    if (this.#settledAt === undefined) this.#judge(now, rate);
    else if (now - this.#settledAt > RETRIAL_MS) this.#grow(rate);
  }

  /** Amazon S3 asked to slow down: half the connections. */
  slowDown(now: number): void {
    this.#connections = Math.max(1, this.#connections >> 1);
    this.#settledAt = now;
    this.#startWindow(now);
  }

  #judge(now: number, rate: number): void {
    if (rate > this.#before * WORTH_IT) {
      this.#grow(rate);
      return;
    }
    this.#settledAt = now;
    if (rate * WORTH_IT < this.#before) this.#connections = Math.max(1, this.#connections - 1);
  }

  #grow(rate: number): void {
    this.#before = rate;
    this.#settledAt = undefined;
    this.#connections = Math.min(this.#maximum, this.#connections + 1);
  }

  #startWindow(now: number): void {
    this.#windowStart = now;
    this.#windowBytes = this.#windowParts = 0;
  }
}

/** The two ways to a bucket. */
export type Route = "direct" | "accelerated";
/** "auto" measures both and takes the faster. */
export type Acceleration = "auto" | "on" | "off";

/** What one uploader has learned; its uploads share it. */
export interface Experience {
  route?: Route;
  /** Of one connection. */
  bytesPerSecond?: number;
}

/** The accelerated route costs money: it must be this much faster. */
const ACCELERATION_GAIN = 1.1;
/** Failures in a row that make a route unusable for this upload. */
const FAILURES_TO_LEAVE = 2;
/** Parts one route may finish while the other has finished none. */
const PATIENCE = 4;

/** Chooses between the direct and the accelerated host. The first parts are the probes. */
export class RouteChooser {
  readonly #seen = {
    direct: { bytes: 0, ms: 0, parts: 0, open: 0, failures: 0 },
    accelerated: { bytes: 0, ms: 0, parts: 0, open: 0, failures: 0 },
  };
  readonly #fixed: boolean;
  readonly #experience: Experience;
  #choice: Route | undefined;

  constructor(mode: Acceleration, experience: Experience) {
    this.#fixed = mode === "off";
    this.#experience = experience;
    this.#choice = mode === "auto" ? experience.route : mode === "on" ? "accelerated" : "direct";
  }

  /** The route in use; undefined while both are being measured. */
  get choice(): Route | undefined {
    return this.#choice;
  }

  /** Route of the next part. While probing, the route with fewer parts under way or done. */
  next(): Route {
    const { direct, accelerated } = this.#seen;
    const balance = direct.open + direct.parts - accelerated.open - accelerated.parts;
    const route = this.#choice ?? (balance > 0 ? "accelerated" : "direct");
    this.#seen[route].open++;
    return route;
  }

  /** A part that `next` gave a route has ended, well or not. */
  release(route: Route): void {
    this.#seen[route].open--;
  }

  /** A part has arrived. */
  succeed(route: Route, bytes: number, milliseconds: number): void {
    const seen = this.#seen[route];
    seen.bytes += bytes;
    seen.ms += milliseconds;
    seen.parts++;
    seen.failures = 0;
    this.#experience.bytesPerSecond = (1000 * seen.bytes) / Math.max(1, seen.ms);
    if (!this.#choice) this.#decide();
  }

  /** A part got lost on the way. After some of these the other route is taken, unless acceleration is off. */
  fail(route: Route): void {
    const seen = this.#seen[route];
    if (this.#fixed || ++seen.failures < FAILURES_TO_LEAVE || (this.#choice ?? route) !== route) return;
    this.#choice = route === "direct" ? "accelerated" : "direct";
    delete this.#experience.route;
    seen.failures = this.#seen[this.#choice].failures = 0;
  }

  #decide(): void {
    const { direct, accelerated } = this.#seen;
    if (direct.parts && accelerated.parts) {
      const gain = (accelerated.bytes * direct.ms) / (accelerated.ms * direct.bytes);
      this.#choice = gain > ACCELERATION_GAIN ? "accelerated" : "direct";
    } else if (direct.parts >= PATIENCE) this.#choice = "direct";
    else if (accelerated.parts >= PATIENCE) this.#choice = "accelerated";
    if (this.#choice) this.#experience.route = this.#choice;
  }
}
