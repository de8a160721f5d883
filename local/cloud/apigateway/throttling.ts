// Token buckets on the injected clock: the account's limit, then that of the method.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
import type { Clock } from "../core/clock";
import type { Throttle } from "./definition";

/** Requests per second and burst of an account in a Region. */
export const ACCOUNT_THROTTLE: Throttle = { rate: 10_000, burst: 5000 };

interface Bucket {
  tokens: number;
  at: number;
}

/** All buckets of the service. */
export class Throttling {
  private readonly buckets = new Map<string, Bucket>();

  constructor(private readonly clock: Clock) {}

  /** Takes one token; false when there is none. @param key the account and Region, or one method of one stage. */
  admit(key: string, throttle: Throttle): boolean {
    const now = this.clock.now();
    const bucket = this.buckets.get(key) ?? { tokens: throttle.burst, at: now };
    const refilled = bucket.tokens + ((now - bucket.at) / 1000) * throttle.rate;
    bucket.tokens = Math.min(throttle.burst, refilled);
    bucket.at = now;
    this.buckets.set(key, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}

/** The setting of a method: its own before the stage's. `path` "/uploads/{id}". */
export function throttleOf(
  settings: ReadonlyMap<string, Throttle> | undefined,
  path: string,
  httpMethod: string,
): Throttle | undefined {
  const own = `${path.replace(/^\//, "").replaceAll("/", "~1")}/${httpMethod}`;
  const plain = `${path.replace(/^\//, "")}/${httpMethod}`;
  return settings?.get(own) ?? settings?.get(plain) ?? settings?.get("*/*");
}
