// Proves what `npm start` does for a person and for a program: ready line, page, refusals, and that nothing is left behind. The cloud
// runs in the test's process, the program in a child; the last test runs the command as a process of its own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { CognitoJwtVerifier } from "aws-jwt-verify";
import type { Jwks } from "aws-jwt-verify/jwk";
import { EXIT } from "../../../local/cli/command";
import { runToken } from "../../../local/cli/token-command";
import { makeProject, start } from "../../support/cli-project";
import type { CliProject } from "../../support/cli-project";

const tiny = `
import * as cognito from "@pulumi/aws/cognito";
import * as pulumi from "@pulumi/pulumi";
const pool = new cognito.UserPool("people", { usernameAttributes: ["email"] });
const client = new cognito.UserPoolClient("browser", {
  userPoolId: pool.id,
  allowedOauthFlowsUserPoolClient: true,
  allowedOauthFlows: ["code"],
  allowedOauthScopes: ["openid"],
  callbackUrls: ["https://app.example/"],
});
const domain = new cognito.UserPoolDomain("domain", { userPoolId: pool.id, domain: "people" });
export const poolId = pool.id;
export const clientId = client.id;
export const signIn = pulumi.interpolate\`https://\${domain.domain}.auth.eu-west-1.amazoncognito.com/login\`;
export const keys = pulumi.interpolate\`https://\${pool.endpoint}/.well-known/jwks.json\`;
export const greeting = new pulumi.Config().get("greeting");
export const hidden = pulumi.secret("do not show");
`;
const broken = `
import * as aws from "@pulumi/aws";
new aws.cognito.UserPool("wrong", { mfaConfiguration: "ON", userPoolTier: "GOLD" });
new aws.kinesis.Stream("stream", {});
`;

interface ReadyLine {
  readonly console: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly readyMs: number;
  readonly demoUser: { readonly username: string; readonly password: string };
  readonly endpoints: readonly { readonly label: string; readonly url: string }[];
}

describe("npm start", () => {
  let project: CliProject;
  before(() => {
    project = makeProject({
      "index.ts": tiny,
      "Pulumi.dev.yaml": "config:\n  aws:region: eu-west-1\n  tiny:greeting: hello\n",
      "Pulumi.other.yaml": "config: {}\n",
    });
  });
  after(() => project.remove());

  it("prints one line of JSON when ready, with local URLs, and answers there until it is interrupted", async () => {
    const run = start(project.folder, "--port", "0", "--json");
    const output = await run.ready;
    const ready = JSON.parse(output) as ReadyLine;

    assert.equal(output.split("\n").length, 2);
    assert.equal(ready.readyMs, 1234);
    assert.equal(ready.demoUser.username, "demo@example.com");
    assert.deepEqual([ready.outputs.greeting, ready.outputs.hidden], ["hello", "[secret]"]);
    assert.match(ready.outputs.signIn ?? "", /^http:\/\/127\.0\.0\.1:\d+\/login$/);
    assert.equal((await fetch(ready.console)).status, 200);
    const signIn = ready.endpoints.find(({ label }) => label === "Sign-in")?.url ?? "";
    assert.equal(`${signIn}/login`, ready.outputs.signIn);

    run.interrupt();
    assert.equal(await run.exitCode, 0);
    await assert.rejects(fetch(signIn));
    await assert.rejects(fetch(ready.console));
  });

  it("tells other commands where it runs, in a file that only the owner may read, until it ends", async () => {
    const file = path.join(project.folder, ".local", "run.json");
    const run = start(project.folder, "--port", "0", "--json");
    const { outputs } = JSON.parse(await run.ready) as ReadyLine;

    const content = readFileSync(file, "utf8");
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(content.includes("do not show"), false);
    const printed: string[] = [];
    const print = { write: (text: string) => printed.push(text) };
    const token = (...argv: string[]): Promise<number> =>
      runToken({ argv, folder: project.folder, stdout: print, stderr: print });
    assert.equal(await token("--user", "ada@example.com"), 0);
    const judge = CognitoJwtVerifier.create({
      userPoolId: outputs.poolId ?? "",
      tokenUse: "id",
      clientId: outputs.clientId ?? "",
    });
    judge.cacheJwks((await (await fetch(outputs.keys ?? "")).json()) as Jwks);
    assert.equal((await judge.verify(printed.join("").trim())).email, "ada@example.com");

    run.interrupt();
    await run.exitCode;
    assert.equal(existsSync(path.dirname(file)), false);
    assert.equal(await token(), EXIT.usage);
    assert.match(printed.at(-1) ?? "", /no local stack is running in this project; start it with npm start/);
  });

  it("prints a page for people: endpoints, demo user, outputs, and no secret", async () => {
    const run = start(project.folder, "--port", "0");
    const page = await run.ready;

    for (const part of ["tiny / dev", "Console", "Sign-in", "demo@example.com", "greeting", "[secret]", "Ctrl-C"]) {
      assert.ok(page.includes(part), part);
    }
    assert.equal(page.includes("do not show"), false);
    run.interrupt();
    assert.equal(await run.exitCode, 0);
  });

  it("has the same URLs in every run, from the base port on", async () => {
    // Below the ports that the system hands out, and not the same in two test runs at a time.
    const base = 20_000 + (process.pid % 120) * 100;
    const urls: string[] = [];
    for (let round = 0; round < 2; round++) {
      const run = start(project.folder, "--port", String(base), "--json");
      const ready = JSON.parse(await run.ready) as ReadyLine;
      urls.push([ready.console, ...ready.endpoints.map(({ url }) => url)].join(" "));
      run.interrupt();
      await run.exitCode;
    }

    const ports = [base + 2, base, base + 1, base + 20];
    assert.equal(urls[0], ports.map((port) => `http://127.0.0.1:${port}`).join(" "));
    assert.equal(urls[1], urls[0]);
  });

  it("ends with 0 when it is interrupted while it starts", async () => {
    const run = start(project.folder, "--port", "0", "--json");
    run.interrupt();

    assert.equal(await run.exitCode, 0);
    assert.equal(existsSync(path.join(project.folder, ".local")), false);
  });

  it("rejects a program with all that is wrong, resource by resource", async () => {
    const wrong = makeProject({ "index.ts": broken });
    const run = start(wrong.folder, "--port", "0", "--json");

    assert.equal(await run.exitCode, 1);
    assert.match(run.errors(), /tiny \/ dev did not start/);
    assert.match(run.errors(), /wrong \(aws:cognito\/userPool:UserPool\)/);
    assert.match(run.errors(), /userPoolTier: must be one of LITE, ESSENTIALS, PLUS, got GOLD/);
    assert.match(run.errors(), /mfaConfiguration: ON is not simulated/);
    assert.match(
      run.errors(),
      /The resource type aws:kinesis\/stream:Stream is not simulated .* add it in local\/cloud\/kinesis\//,
    );
    assert.equal(existsSync(path.join(wrong.folder, ".local")), false);
    wrong.remove();
  });

  it("rejects a port that is in use, and names it and the remedy", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as AddressInfo;
    const run = start(project.folder, "--port", String(port));

    assert.equal(await run.exitCode, 1);
    assert.match(run.errors(), new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use.*--port ${port + 100}.*--port 0`));
    await new Promise((resolve) => other.close(resolve));
  });

  it("rejects unknown stacks, options and folders with what would be right", async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["--stack", "prod"], /there is no stack prod in .*; it has dev, other/],
      [["--prot", "1"], /unknown option --prot; did you mean --port\?/],
      [["dev"], /unknown argument dev; known are --stack/],
      [["--port"], /option --port needs a value: --port N/],
      [["--port", "80"], /option --port must be 0 or between 1024 and 65000, got 80/],
      [["--json=yes"], /option --json takes no value/],
      [["--json", "--json"], /option --json was given twice/],
      [["--program", "nowhere"], /there is no Pulumi\.yaml in .*nowhere; .*--program DIR/],
    ];

    for (const [argv, message] of cases) {
      const run = start(project.folder, ...argv);
      assert.equal(await run.exitCode, EXIT.usage, argv.join(" "));
      assert.match(run.errors(), message);
    }
  });

  it("explains itself", async () => {
    const help = await start(project.folder, "--help").ready;

    for (const option of ["--stack NAME", "--port N", "--program DIR", "--json"]) assert.ok(help.includes(option));
  });

  it("ends as a process on SIGINT: exit 0, no file left", async function () {
    this.timeout(60_000);
    const scratch = path.join(project.folder, "scratch");
    mkdirSync(scratch);
    const entry = path.resolve(__dirname, "../../../local/cli/start.ts");
    const child = spawn(
      process.execPath,
      ["-r", "./tests/transpile.cjs", entry, "--port", "0", "--json", "--program", project.folder],
      {
        cwd: path.resolve(__dirname, "../../.."),
        // Nothing of the user's account may be needed; temporary files go where they can be counted.
        env: { PATH: process.env.PATH, TMPDIR: scratch, DISABLE_V8_COMPILE_CACHE: "1" },
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    const ready = JSON.parse(await firstLine(child.stdout)) as ReadyLine;
    assert.ok(ready.readyMs > 0);

    child.kill("SIGINT");

    assert.equal(await ended, 0);
    const left = readdirSync(scratch).filter((name) => !name.startsWith("tsx-"));
    assert.deepEqual(left, []);
    assert.equal(existsSync(path.join(project.folder, ".local")), false);
  });
});

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += String(chunk);
    if (text.includes("\n")) return text.slice(0, text.indexOf("\n"));
  }
  throw new Error(`the command ended without a line: ${text}`);
}
