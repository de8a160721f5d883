// Proves `npm run doctor` against the embedded S3 and Cognito and a small API: every check once fine and once wrong, with what to do.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { EXIT } from "../../../local/cli/command";
import { runDoctor } from "../../../local/cli/doctor-command";
import type { DoctorSurroundings, Finding } from "../../../local/cli/doctor-verdict";
import { runFilePath, type RunFile, writeRunFile } from "../../../local/cli/run-file";
import type { PropertyMap } from "../../../local/cloud/core/resource-model";
import { administratorKeys, roleKeys, withAwsEnvironment } from "../../support/aws-environment";
import { type RunningCloud, startTestCloud } from "../../support/running-cloud";

const ORIGIN = "http://127.0.0.1:4610";
const HOUR = 60 * 60 * 1000;
const iso = (offsetMs: number): string => new Date(Date.now() + offsetMs).toISOString();
const upload = (createdMs: number, abandonMs: number): object => ({
  createdAt: iso(createdMs),
  abandonAt: iso(abandonMs),
});

/** The API's answers; each test changes what it is about. */
interface ApiAnswers {
  anonymousStatus: number;
  tokenStatus: number;
  allowedOrigin: string;
  /** Pages of the list. */
  pages: object[][];
}

describe("npm run doctor", () => {
  let running: RunningCloud;
  let server: Server;
  let api: ApiAnswers;
  let folder: string;
  let out: string;
  let err: string;

  before(async () => {
    running = await startTestCloud();
    const { id: userPoolId } = await running.declare(
      "aws:cognito/userPool:UserPool",
      { usernameAttributes: ["email"] },
      "users",
    );
    await running.declare("aws:cognito/userPoolClient:UserPoolClient", { userPoolId }, "page");
    for (const name of ["sound-bucket", "open-bucket", "bare-bucket"]) {
      await running.declare("aws:s3/bucket:Bucket", { bucket: name }, name);
    }
    await setUp("sound-bucket", [ORIGIN], ["ETag"], true);
    await setUp("open-bucket", ["*"], [], false);
    server = createServer((request, response) => {
      const { authorization, origin } = request.headers;
      if (request.method === "OPTIONS") {
        if (origin === api.allowedOrigin) response.setHeader("access-control-allow-origin", origin);
        response.setHeader("access-control-allow-methods", "GET,POST");
        response.setHeader("access-control-allow-headers", "Authorization,Content-Type");
        response.writeHead(204).end();
        return;
      }
      const status = authorization?.startsWith("Bearer ey") ? api.tokenStatus : api.anonymousStatus;
      const page = Number(new URL(request.url ?? "", ORIGIN).searchParams.get("cursor") ?? 0);
      const cursor = page + 1 < api.pages.length ? { cursor: String(page + 1) } : {};
      response.writeHead(status).end(JSON.stringify({ uploads: api.pages[page] ?? [], ...cursor }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await running.cloud.stop();
  });
  beforeEach(() => {
    api = { anonymousStatus: 401, tokenStatus: 200, allowedOrigin: ORIGIN, pages: [[]] };
    folder = mkdtempSync(path.join(tmpdir(), "doctor-"));
    out = err = "";
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function setUp(
    bucket: string,
    allowedOrigins: string[],
    exposeHeaders: string[],
    blockPublicPolicy: boolean,
  ): Promise<void> {
    const cors = { allowedOrigins, exposeHeaders, allowedMethods: ["PUT"], allowedHeaders: ["*"] };
    const settings: Readonly<Record<string, PropertyMap>> = {
      "bucketCorsConfiguration:BucketCorsConfiguration": { corsRules: [cors] },
      "bucketAccelerateConfiguration:BucketAccelerateConfiguration": { status: "Enabled" },
      "bucketVersioning:BucketVersioning": { versioningConfiguration: { status: "Enabled" } },
      "bucketPublicAccessBlock:BucketPublicAccessBlock": {
        blockPublicAcls: true,
        blockPublicPolicy,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      "bucketLifecycleConfiguration:BucketLifecycleConfiguration": {
        rules: [
          { id: "abort", status: "Enabled", filter: {}, abortIncompleteMultipartUpload: { daysAfterInitiation: 2 } },
        ],
      },
    };
    for (const [type, inputs] of Object.entries(settings)) {
      await running.declare(`aws:s3/${type}`, { bucket, ...inputs }, bucket);
    }
  }

  const apiUrl = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;

  /** What `npm start` writes. */
  function writeRun(configuration: object = {}, changes: Partial<RunFile> = {}): void {
    const { cloud } = running;
    const { accessKeyId, secretAccessKey } = cloud.rootCredentials();
    const [demo] = cloud.demoUsers();
    assert.ok(demo);
    writeRunFile(folder, {
      pid: process.pid,
      project: "tests",
      stack: "dev",
      endpoint: cloud.gatewayOrigin,
      accelerateEndpoint: cloud.context.accelerateOrigin(),
      region: cloud.region,
      accountId: cloud.accountId,
      credentials: { accessKeyId, secretAccessKey },
      demoUser: { username: demo.username, password: demo.password },
      outputs: {
        uploadPageUrl: ORIGIN,
        uploadClientConfiguration: {
          apiUrl: apiUrl(),
          bucketName: "sound-bucket",
          authorization: "cognito",
          acceleration: true,
          ...configuration,
        },
      },
      ...changes,
    });
  }

  const run = (argv: readonly string[], surroundings: Partial<DoctorSurroundings> = {}): Promise<number> =>
    runDoctor({
      argv,
      folder,
      stdout: { write: (part) => (out += part) },
      stderr: { write: (part) => (err += part) },
      surroundings,
    });

  /** Examines the local stack. */
  async function findings(surroundings: Partial<DoctorSurroundings> = {}): Promise<ReadonlyMap<string, Finding>> {
    await run(["--json"], surroundings);
    const report = JSON.parse(out) as { readonly findings: readonly Finding[] };
    return new Map(report.findings.map((finding) => [finding.check, finding]));
  }

  function assertProblem(finding: Finding | undefined, state: Finding["state"], seen: RegExp, fix: RegExp): void {
    assert.ok(finding && finding.state !== "ok", JSON.stringify(finding));
    assert.equal(finding.state, state);
    assert.match(finding.seen, seen);
    assert.match(finding.fix, fix);
  }

  it("U32: finds nothing wrong with a sound local stack", async () => {
    writeRun();

    const code = await run([]);

    assert.equal(code, EXIT.done, out + err);
    for (const check of ["API ", "API CORS", "S3 CORS", "Foreign origins", "Acceleration", "Clock", "Lifecycle"]) {
      assert.match(out, new RegExp(`^✓ ${check}`, "m"));
    }
    for (const check of ["Public access", "Versioning", "Quota"]) assert.match(out, new RegExp(`^✓ ${check}`, "m"));
    assert.match(out, /ok: 10, warnings: 0, problems: 0\n$/);
    assert.doesNotMatch(out, /eyJ/);
  });

  it("U32: reports what a bucket without settings lacks, each with its fix, and ends with 1", async () => {
    writeRun({ bucketName: "bare-bucket" });

    const code = await run([]);
    out = "";
    const found = await findings();

    assert.equal(code, EXIT.failed);
    assertProblem(
      found.get("S3 CORS"),
      "problem",
      /does not let .*4610/,
      /add http:\/\/127\.0\.0\.1:4610 to allowedOrigins/,
    );
    assertProblem(found.get("Acceleration"), "problem", /off at the bucket, but on/, /pulumi up/);
    assertProblem(found.get("Lifecycle"), "problem", /no rule aborts/, /abortIncompleteMultipartUpload/);
    assertProblem(found.get("Versioning"), "warning", /is off/, /switches versioning on/);
  });

  it("U32: reports a bucket that any page may use, that hides the ETag, and that may become public", async () => {
    writeRun({ bucketName: "open-bucket" });

    const found = await findings();

    assertProblem(found.get("Foreign origins"), "problem", /any page/, /exact origins/);
    assertProblem(found.get("S3 CORS"), "problem", /hides their ETag/, /exposeHeaders/);
    assertProblem(found.get("Public access"), "problem", /not blocked: BlockPublicPolicy not set/, /deploy the stack/);
  });

  it("U32: reports an API that refuses the page's origin", async () => {
    api.allowedOrigin = "http://127.0.0.1:4710";
    writeRun();

    assertProblem((await findings()).get("API CORS"), "problem", /does not let http.*4610/, /allowedOrigins/);
  });

  for (const [status, fix] of [
    [200, /authorizer/],
    [403, /allowedSourceCidrs/],
    [404, /uploadApiUrl/],
    [502, /access log/],
  ] as const) {
    it(`U32: reports an API that answers ${status} to a call without a token`, async () => {
      api.anonymousStatus = status;
      writeRun();

      assertProblem((await findings()).get("API"), "problem", new RegExp(`answered ${status}.*expected 401`), fix);
    });
  }

  it("U32: reports an API that does not answer", async () => {
    writeRun({ apiUrl: "http://127.0.0.1:1/v1" });

    assertProblem((await findings()).get("API"), "problem", /no answer/, /npm start/);
  });

  it("U32: reports acceleration that clients do not use, and a host that does not serve the bucket", async () => {
    writeRun({ acceleration: false });
    const unused = await findings();
    out = "";
    writeRun();
    const refused = await findings({
      fetch: (url, init) =>
        String(url).startsWith(running.cloud.context.accelerateOrigin())
          ? Promise.resolve(new Response(null, { status: 400 }))
          : fetch(url, init),
    });

    assertProblem(unused.get("Acceleration"), "warning", /told not to use it/, /acceleration: true/);
    assertProblem(refused.get("Acceleration"), "problem", /host answered 400/, /20 minutes/);
  });

  it("U32: warns of a clock that is a minute off, and reports one that is five minutes off", async () => {
    writeRun();
    const states = [];
    for (const seconds of [30, 90, -90, 400]) {
      out = "";
      const finding = (await findings({ now: () => Date.now() + seconds * 1000 })).get("Clock");
      states.push(finding?.state);
      if (seconds === -90) assertProblem(finding, "warning", /(89|9[01]) s behind/, /timedatectl/);
      if (seconds === 400) assertProblem(finding, "problem", /(399|40[01]) s ahead/, /AWS refuses/);
    }

    assert.deepEqual(states, ["ok", "warning", "warning", "problem"]);
  });

  it("U32: reports a quota that is nearly or quite used up, over all pages of the list", async () => {
    writeRun();
    const young = upload(-HOUR, HOUR);
    api.pages = [Array.from({ length: 60 }, () => young), Array.from({ length: 20 }, () => young)];
    const near = await findings();
    out = "";
    api.pages = [Array.from({ length: 100 }, () => young)];
    const full = await findings();

    assertProblem(near.get("Quota"), "warning", /^80 of 100/, /maximumOpenUploadsPerUser/);
    assertProblem(full.get("Quota"), "problem", /no further one/, /cancel/);
  });

  it("U32: reports uploads that the sweeper left, and warns of very old ones", async () => {
    writeRun();
    api.pages = [[upload(-30 * HOUR, -6 * HOUR)]];
    const left = await findings();
    out = "";
    api.pages = [[upload(-8 * 24 * HOUR, HOUR)]];
    const old = await findings();

    assertProblem(left.get("Quota"), "problem", /should have been abandoned/, /sweep/);
    assertProblem(old.get("Quota"), "warning", /older than 7 days/, /abandonAfterDays/);
  });

  it("U32: reports a token that the API refuses, and warns when there is none", async () => {
    api.tokenStatus = 401;
    writeRun();
    const refused = await findings();
    out = "";
    const { demoUser: _, ...anonymous } = readRun();
    writeRunFile(folder, anonymous);
    const missing = await findings();

    assertProblem(refused.get("Quota"), "problem", /refuses the token/, /ID token/);
    assertProblem(missing.get("Quota"), "warning", /not checked/, /--token/);
  });

  it("U32: reports settings that the credentials may not read", async () => {
    const refused = Object.assign(new Error("Access Denied"), { name: "AccessDenied" });
    const fail = (): Promise<never> => Promise.reject(refused);
    writeRun();

    const found = await findings({
      bucket: { acceleration: fail, lifecycle: fail, publicAccess: fail, versioning: fail },
    });

    assertProblem(found.get("Lifecycle"), "problem", /AccessDenied: Access Denied/, /s3:GetLifecycleConfiguration/);
  });

  it("U32: examines a stack on AWS at its own hosts", async () => {
    const asked: string[] = [];
    const code = await run(
      [
        ...["--api", "https://a1.execute-api.eu-west-1.amazonaws.com/v1/", "--origin", "https://app.example.com/page"],
        ...["--bucket", "films", "--region", "eu-west-1", "--token", "ey-secret", "--json"],
      ],
      {
        now: () => Date.parse("2026-11-24T12:00:00Z"),
        bucket: {
          acceleration: () => Promise.resolve("Enabled"),
          lifecycle: () =>
            Promise.resolve([
              { Status: "Enabled" as const, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } },
            ]),
          publicAccess: () =>
            Promise.resolve({
              BlockPublicAcls: true,
              BlockPublicPolicy: true,
              IgnorePublicAcls: true,
              RestrictPublicBuckets: true,
            }),
          versioning: () => Promise.resolve("Enabled"),
        },
        fetch: (url, init) => {
          asked.push(`${init?.method ?? "GET"} ${String(url)}`);
          return Promise.resolve(answerAsAws(new Headers(init?.headers), init?.method === "OPTIONS"));
        },
      },
    );

    assert.equal(code, EXIT.done, out + err);
    assert.ok(asked.includes("OPTIONS https://films.s3.eu-west-1.amazonaws.com/doctor"));
    assert.ok(asked.includes("OPTIONS https://films.s3-accelerate.amazonaws.com/doctor"));
    assert.ok(asked.includes("GET https://a1.execute-api.eu-west-1.amazonaws.com/v1/uploads"));
    assert.doesNotMatch(out, /ey-secret/);
  });

  /** Examines a deployed stack: the settings of its bucket by the SDK's own settings, everything else by a fetch that stays here. */
  async function deployed(
    variables: object,
    { bucket = "sound-bucket", region = running.cloud.region } = {},
  ): Promise<ReadonlyMap<string, Finding>> {
    const place = ["--api", "https://a1.example/v1", "--origin", "https://app.example.com", "--bucket", bucket];
    out = "";
    await withAwsEnvironment(running.cloud, { ...variables }, () =>
      run([...place, "--region", region, "--json"], {
        now: () => Date.parse("2026-11-24T12:00:00Z"),
        fetch: (_, init) => Promise.resolve(answerAsAws(new Headers(init?.headers), init?.method === "OPTIONS")),
      }),
    );
    const report = JSON.parse(out) as { readonly findings: readonly Finding[] };
    return new Map(report.findings.map((finding) => [finding.check, finding]));
  }
  const SETTINGS = ["Acceleration", "Lifecycle", "Public access", "Versioning"];

  it("U32: reads a deployed bucket with the credentials of the environment", async () => {
    const sound = await deployed(administratorKeys(running.cloud));
    const bare = await deployed(administratorKeys(running.cloud), { bucket: "bare-bucket" });

    for (const check of SETTINGS) assert.equal(sound.get(check)?.state, "ok", JSON.stringify(sound.get(check)));
    assertProblem(bare.get("Lifecycle"), "problem", /no rule aborts/, /abortIncompleteMultipartUpload/);
  });

  it("U32: reports missing, refused and too weak credentials, a wrong Region and a wrong bucket, each with what to do", async () => {
    const administrator = administratorKeys(running.cloud);
    const reader = await roleKeys(running, "doctor", ["s3:GetBucketVersioning"]);
    const nobody = await deployed({});
    const unknown = await deployed({ ...administrator, AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE" });
    const weak = await deployed(reader);
    const elsewhere = await deployed(administrator, { region: "us-east-1" });
    const absent = await deployed(administrator, { bucket: "no-such-bucket" });
    const silent = await deployed({ ...administrator, AWS_ENDPOINT_URL: "http://127.0.0.1:9", AWS_MAX_ATTEMPTS: "1" });

    for (const check of SETTINGS) {
      assertProblem(
        nobody.get(check),
        "problem",
        /^no AWS credentials were found$/,
        /aws sso login.*AWS_ACCESS_KEY_ID/,
      );
      assertProblem(unknown.get(check), "problem", /AWS refuses the credentials/, /sign in again/);
      assertProblem(elsewhere.get(check), "problem", /us-east-1/, /correct --region/);
      assertProblem(absent.get(check), "problem", /NoSuchBucket/, /correct --bucket/);
      assertProblem(silent.get(check), "problem", /does not answer: ECONNREFUSED/, /AWS_ENDPOINT_URL/);
    }
    assertProblem(weak.get("Lifecycle"), "problem", /perform: s3:GetLifecycleConfiguration/, /s3:GetLifecycleConfig/);
    assert.equal(weak.get("Versioning")?.state, "ok");
  });

  for (const [what, argv, message] of [
    ["an unknown option", ["--jsno"], /did you mean --json/],
    ["a deployed stack that is half named", ["--api", "https://x.example"], /missing: --origin, --bucket, --region/],
    ["a token without a deployed stack", ["--token", "t"], /needs all of/],
    ["a limit that is none", ["--open-limit", "0"], /1 to 10000/],
    ["a missing local stack", [], /npm start/],
  ] as const) {
    it(`U32: rejects ${what} with exit code 2`, async () => {
      assert.equal(await run(argv), EXIT.usage);
      assert.match(err, message);
    });
  }

  it("prints its help", async () => {
    assert.equal(await run(["--help"]), EXIT.done);
    assert.match(out, /--bucket NAME/);
  });

  /** A run file whose demo user the caller takes away. */
  function readRun(): RunFile {
    writeRun();
    return JSON.parse(readFileSync(runFilePath(folder), "utf8")) as RunFile;
  }
});

function answerAsAws(headers: Headers, preflight: boolean): Response {
  const date = { date: "Tue, 24 Nov 2026 12:00:05 GMT" };
  if (!preflight) {
    return headers.has("authorization")
      ? Response.json({ uploads: [] }, { headers: date })
      : new Response(null, { status: 401, headers: date });
  }
  const origin = headers.get("origin") ?? "";
  if (origin !== "https://app.example.com") return new Response(null, { status: 403, headers: date });
  return new Response(null, {
    status: 200,
    headers: {
      ...date,
      "access-control-allow-origin": origin,
      "access-control-allow-methods": "GET, POST, PUT",
      "access-control-allow-headers": headers.get("access-control-request-headers") ?? "",
      "access-control-expose-headers": "ETag",
    },
  });
}
