// What `npm run doctor` checks: each check asks one thing of a deployed or local stack, and says what to do when the answer is wrong.
import { CHECKSUM_HEADER } from "../../handlers/upload/contract";
import { describeAwsFailure } from "./aws-failure";
import { checkLifecycle, checkPublicAccess, checkVersioning } from "./doctor-bucket";
import { checkQuota } from "./doctor-quota";
import {
  ask,
  type DoctorSurroundings,
  type DoctorTarget,
  type Finding,
  ok,
  problem,
  type Verdict,
  warning,
} from "./doctor-verdict";

type Check = (target: DoctorTarget, surroundings: DoctorSurroundings) => Promise<Verdict>;

/** Reserved for ever (RFC 2606): no page can have it. */
const FOREIGN_ORIGIN = "https://doctor.invalid";
const SKEW_WARNING_SECONDS = 60;
const SKEW_PROBLEM_SECONDS = 5 * 60;
const READS =
  "s3:GetAccelerateConfiguration, s3:GetLifecycleConfiguration, s3:GetBucketPublicAccessBlock and s3:GetBucketVersioning";

const CHECKS: Readonly<Record<string, Check>> = {
  API: checkApi,
  "API CORS": checkApiCors,
  "S3 CORS": checkBucketCors,
  "Foreign origins": checkForeignOrigin,
  Acceleration: checkAcceleration,
  Clock: checkClock,
  Lifecycle: (_, { bucket }) => checkLifecycle(bucket),
  "Public access": (_, { bucket }) => checkPublicAccess(bucket),
  Versioning: (_, { bucket }) => checkVersioning(bucket),
  Quota: checkQuota,
};

/** Runs all checks side by side; one that fails to run is a problem of its own. */
export function examine(target: DoctorTarget, surroundings: DoctorSurroundings): Promise<readonly Finding[]> {
  return Promise.all(
    Object.entries(CHECKS).map(async ([check, run]) => ({
      check,
      ...(await run(target, surroundings).catch(describeFailure)),
    })),
  );
}

async function checkApi(target: DoctorTarget, { fetch }: DoctorSurroundings): Promise<Verdict> {
  const { status } = await ask(fetch, `${target.apiUrl}/uploads`);
  const refusal = target.authorization === "iam" ? 403 : 401;
  if (status === refusal) return ok(`answers and refuses calls without identity (${status})`);
  const seen = `answered ${status} to a call without identity, expected ${refusal}`;
  if (status < 400) {
    return problem(seen, "the stage lets anybody in: deploy the stack again, so that the stage gets its authorizer");
  }
  if (status === 403) {
    return problem(
      seen,
      "this machine is kept out before its identity is asked: add its address to allowedSourceCidrs (or to the web ACL), or " +
        "correct the URL, which must end with the stage",
    );
  }
  if (status >= 500) return problem(seen, "read the API's access log and the log of its list function");
  return problem(seen, "correct the URL of the API: it is the stack output uploadApiUrl, stage included");
}

async function checkApiCors({ apiUrl, origin }: DoctorTarget, { fetch }: DoctorSurroundings): Promise<Verdict> {
  const wanted = ["authorization", "content-type"];
  const answer = await preflight(fetch, `${apiUrl}/uploads`, origin, "POST", wanted);
  const missing = wanted.filter((name) => !lists(answer, "access-control-allow-headers", name));
  const methods = lists(answer, "access-control-allow-methods", "post");
  if (answer.ok && allows(answer, origin) && methods && missing.length === 0) return ok(`lets ${origin} call`);
  return problem(
    `does not let ${origin} call: ${describePreflight(answer)}`,
    `add ${origin} to allowedOrigins of the upload bucket, exactly (scheme, host, port), and deploy the stack`,
  );
}

async function checkBucketCors({ bucketUrl, origin }: DoctorTarget, { fetch }: DoctorSurroundings): Promise<Verdict> {
  const answer = await preflight(fetch, `${bucketUrl}/doctor`, origin, "PUT", [CHECKSUM_HEADER]);
  if (!answer.ok || !allows(answer, origin)) {
    return problem(
      `does not let ${origin} send parts: ${describePreflight(answer)}`,
      `add ${origin} to allowedOrigins of the upload bucket and deploy the stack; a CORS configuration of your own must allow PUT ` +
        `and the header ${CHECKSUM_HEADER}`,
    );
  }
  if (lists(answer, "access-control-expose-headers", "etag"))
    return ok(`lets ${origin} send parts and read their ETag`);
  return problem(
    `lets ${origin} send parts, but hides their ETag`,
    'add "ETag" to exposeHeaders of the bucket\'s CORS configuration: no upload can be completed without it',
  );
}

async function checkForeignOrigin({ bucketUrl }: DoctorTarget, { fetch }: DoctorSurroundings): Promise<Verdict> {
  const answer = await preflight(fetch, `${bucketUrl}/doctor`, FOREIGN_ORIGIN, "PUT", [CHECKSUM_HEADER]);
  if (!answer.ok || !allows(answer, FOREIGN_ORIGIN)) return ok(`are refused by S3 (${answer.status})`);
  return problem(
    "any page may use a part URL that it gets hold of",
    'list the exact origins in allowedOrigins instead of "*", and deploy the stack',
  );
}

async function checkAcceleration(target: DoctorTarget, { fetch, bucket }: DoctorSurroundings): Promise<Verdict> {
  const { acceleration, acceleratedUrl, origin } = target;
  const enabled = (await bucket.acceleration()) === "Enabled";
  if (!enabled) {
    if (acceleration !== true) return ok("is off; parts take the Regional endpoint");
    return problem(
      "is off at the bucket, but on in the configuration",
      "deploy the stack (pulumi up): somebody has changed the bucket outside of it",
    );
  }
  if (acceleration === false) {
    return warning(
      "is on at the bucket, but clients are told not to use it",
      "set acceleration: true, or deploy the stack so that the bucket follows its configuration",
    );
  }
  if (acceleratedUrl === undefined) return warning("is on; its host is not known", "start the local stack again");
  const answer = await preflight(fetch, `${acceleratedUrl}/doctor`, origin, "PUT", [CHECKSUM_HEADER]);
  if (answer.ok) return ok("is on, and its host answers");
  return problem(
    `is on, but its host answered ${answer.status}`,
    "wait: it takes up to 20 minutes after it was switched on; if it stays, let your network's proxy pass *.s3-accelerate.amazonaws.com",
  );
}

async function checkClock({ bucketUrl, origin }: DoctorTarget, { fetch, now }: DoctorSurroundings): Promise<Verdict> {
  const before = now();
  const answer = await preflight(fetch, `${bucketUrl}/doctor`, origin, "PUT", [CHECKSUM_HEADER]);
  const server = Date.parse(answer.headers.get("date") ?? "");
  if (Number.isNaN(server))
    return warning("S3 did not tell its time", "ask without a proxy that removes the Date header");
  const seconds = Math.round(((before + now()) / 2 - server) / 1000);
  const off = Math.abs(seconds);
  if (off <= SKEW_WARNING_SECONDS) return ok(`this machine's and S3's differ by ${off} s`);
  const seen = `this machine's clock is ${off} s ${seconds < 0 ? "behind" : "ahead of"} S3's`;
  const fix = "set the clock by the network's time: timedatectl set-ntp true (Linux), w32tm /resync (Windows)";
  if (off <= SKEW_PROBLEM_SECONDS) return warning(seen, fix);
  return problem(seen, `${fix}; AWS refuses signatures and tokens by it`);
}

function preflight(
  fetcher: typeof fetch,
  url: string,
  origin: string,
  method: string,
  names: readonly string[],
): Promise<Response> {
  const headers = {
    origin,
    "access-control-request-method": method,
    "access-control-request-headers": names.join(","),
  };
  return ask(fetcher, url, { method: "OPTIONS", headers });
}

function allows({ headers }: Response, origin: string): boolean {
  const allowed = headers.get("access-control-allow-origin");
  return allowed === "*" || allowed === origin;
}

function lists({ headers }: Response, header: string, name: string): boolean {
  const names = (headers.get(header) ?? "").split(",").map((item) => item.trim().toLowerCase());
  return names.includes(name) || names.includes("*");
}

function describePreflight({ status, headers }: Response): string {
  const told = ["origin", "methods", "headers"].map(
    (name) => `${name} ${headers.get(`access-control-allow-${name}`) ?? "none"}`,
  );
  return `status ${status}, allowed ${told.join(", ")}`;
}

/** An answer that could not be had. */
function describeFailure(error: unknown): Verdict {
  const { name, message, cause } = error instanceof Error ? error : new Error(String(error));
  if (name === "TypeError" || name === "TimeoutError") {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : message;
    return problem(
      `no answer: ${code}`,
      "check the URL, the network and its proxy; start a local stack that has ended again with npm start",
    );
  }
  const failure = describeAwsFailure(error);
  // What S3 refuses concerns all the checks alike, and the person wants to ask for the rights once.
  if (failure && failure.kind !== "access") return problem(failure.seen, failure.fix);
  const seen = `could not be read: ${name}: ${message}`;
  if (name === "NoSuchBucket")
    return problem(seen, "correct --bucket; a local stack that has ended starts again with npm start");
  if (name === "PermanentRedirect" || name === "AuthorizationHeaderMalformed") {
    return problem(seen, "correct --region: it is the Region of the bucket");
  }
  return problem(seen, `use credentials of the bucket's account that may call ${READS}`);
}
