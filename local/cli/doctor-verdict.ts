// What the checks of `npm run doctor` share: whom they examine, with what, and how they answer.
import type { BucketSettings } from "./doctor-bucket";

/** What one check found. */
export type Finding = Verdict & {
  /** Name of the check: "S3 CORS" say. */
  readonly check: string;
};

/** The answer of a check. Whatever is not ok says how to make it so. */
export type Verdict =
  | { readonly state: "ok"; readonly seen: string }
  | { readonly state: "warning" | "problem"; readonly seen: string; readonly fix: string };

/** The stack that is examined. URLs have no trailing slash. */
export interface DoctorTarget {
  readonly apiUrl: string;
  /** Origin of the page that uploads. */
  readonly origin: string;
  readonly bucket: string;
  /** Where S3 answers for the bucket. */
  readonly bucketUrl: string;
  /** Where S3 Transfer Acceleration answers for the bucket. */
  readonly acceleratedUrl?: string;
  /** What the configuration says about acceleration; left out: nothing is known. */
  readonly acceleration?: boolean;
  readonly authorization: "cognito" | "iam";
  /** ID token. */
  readonly token?: string;
  /** Most unfinished uploads that a user may have. */
  readonly openLimit: number;
}

/** What the checks use of the world. */
export interface DoctorSurroundings {
  readonly fetch: typeof fetch;
  /** Milliseconds since the epoch, by the clock of this machine. */
  now(): number;
  readonly bucket: BucketSettings;
}

const TIMEOUT_MS = 10_000;

/** Everything went as it should. */
export function ok(seen: string): Verdict {
  return { state: "ok", seen };
}

/** It works, but not for long or not as meant. */
export function warning(seen: string, fix: string): Verdict {
  return { state: "warning", seen, fix };
}

/** Uploads fail, or are not as protected as they should be. */
export function problem(seen: string, fix: string): Verdict {
  return { state: "problem", seen, fix };
}

/** Asks over HTTP, at most ten seconds. */
export function ask(fetcher: typeof fetch, url: string, init: RequestInit = {}): Promise<Response> {
  return fetcher(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
}
