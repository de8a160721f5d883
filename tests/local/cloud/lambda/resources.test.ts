// Proves what declared functions, permissions and aliases become, and what of their inputs is refused.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { deflateRawSync } from "node:zlib";
import { accountRoot, servicePrincipal } from "../../../../local/cloud/core/principal";
import type { Archive, PropertyMap } from "../../../../local/cloud/core/resource-model";
import { createLambdaService, type LambdaService } from "../../../../local/cloud/lambda/service";
import {
  ACCOUNT,
  type FunctionCloud,
  resourceContext,
  ROLE,
  startFunctionCloud,
} from "../../../support/function-cloud";

const FUNCTION = "aws:lambda/function:Function";
const PERMISSION = "aws:lambda/permission:Permission";
const ARN = `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:fn`;
const API = `arn:aws:execute-api:eu-west-1:${ACCOUNT}:api1/dev/GET/a`;
const CODE = "export const handler = async (event, context) => [context.functionVersion, context.invokedFunctionArn];";
const root = accountRoot(ACCOUNT);

const archive = (text = CODE): Archive => ({ kind: "archive", assets: { "index.mjs": { kind: "asset", text } } });
const valid = (changes: PropertyMap = {}): PropertyMap => ({
  name: "fn",
  role: ROLE,
  runtime: "nodejs24.x",
  handler: "index.handler",
  code: archive(),
  ...changes,
});

describe("Lambda resources", () => {
  let cloud: FunctionCloud;
  let lambda: LambdaService;

  beforeEach(() => {
    cloud = startFunctionCloud();
    lambda = createLambdaService(cloud.context);
    cloud.use(lambda);
    cloud.addRole("fn", "lambda.amazonaws.com");
  });
  afterEach(() => cloud.stop());

  const problems = (type: string, inputs: PropertyMap): string[] => {
    const model = lambda.models.find((candidate) => candidate.type === type);
    return (model?.check(inputs, resourceContext(type, "x")) ?? []).map(
      ({ property, reason }) => `${property}: ${reason}`,
    );
  };
  const call = async (arn: string): Promise<unknown> =>
    JSON.parse((await lambda.invoke(arn, Buffer.from("{}"), root)).payload.toString());

  it("returns what the provider returns, with AWS's own names", async () => {
    const { id, outputs } = await cloud.create(FUNCTION, valid({ name: undefined }), "sign");
    assert.equal(id, "sign-0a1b2c3");
    const arn = `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:sign-0a1b2c3`;
    assert.equal(outputs.arn, arn);
    assert.equal(outputs.invokeArn, `arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/${arn}/invocations`);
    assert.equal(outputs.qualifiedArn, `${arn}:$LATEST`);
    assert.equal(outputs.timeout, 3);
    assert.equal(outputs.memorySize, 128);
    assert.equal((outputs.loggingConfig as PropertyMap).logGroup, "/aws/lambda/sign-0a1b2c3");
    assert.deepEqual(
      lambda.functions().map(({ name }) => name),
      ["sign-0a1b2c3"],
    );
  });

  it("gives equal code an equal hash", async () => {
    const one = await cloud.create(FUNCTION, valid({ name: "one" }));
    const two = await cloud.create(FUNCTION, valid({ name: "two" }));
    const other = await cloud.create(FUNCTION, valid({ name: "other", code: archive("export const handler = 1;") }));
    assert.equal(one.outputs.codeSha256, two.outputs.codeSha256);
    assert.notEqual(one.outputs.codeSha256, other.outputs.codeSha256);
  });

  it("publishes versions, and an alias leads to one", async () => {
    await cloud.create(FUNCTION, valid({ publish: true }));
    const { outputs } = await cloud.create("aws:lambda/alias:Alias", {
      functionName: "fn",
      functionVersion: "1",
      name: "live",
    });
    assert.equal(outputs.arn, `${ARN}:live`);
    assert.deepEqual(await call(`${ARN}:live`), ["1", `${ARN}:live`]);
    assert.deepEqual(await call(ARN), ["$LATEST", ARN]);
  });

  it("unpacks a folder and a zip file", async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), "lambda-code-"));
    try {
      mkdirSync(path.join(folder, "src"));
      writeFileSync(path.join(folder, "src", "index.mjs"), CODE);
      writeFileSync(path.join(folder, "code.zip"), zip("index.mjs", CODE));
      await cloud.create(FUNCTION, valid({ name: "a", code: { kind: "archive", path: path.join(folder, "src") } }));
      await cloud.create(
        FUNCTION,
        valid({ name: "b", code: { kind: "archive", path: path.join(folder, "code.zip") } }),
      );
      assert.deepEqual(await call(ARN.replace(/fn$/, "a")), ["$LATEST", ARN.replace(/fn$/, "a")]);
      assert.deepEqual(await call(ARN.replace(/fn$/, "b")), ["$LATEST", ARN.replace(/fn$/, "b")]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("rejects an archive that names a file outside its own folder", async () => {
    const code: Archive = { kind: "archive", assets: { "../../evil.mjs": { kind: "asset", text: "1" } } };
    await assert.rejects(cloud.create(FUNCTION, valid({ code })), { message: /outside its own folder/ });
  });

  it("rejects a role that Lambda cannot assume, in AWS's words", async () => {
    const role = cloud.addRole("other", "ec2.amazonaws.com");
    for (const arn of [role, `arn:aws:iam::${ACCOUNT}:role/missing`]) {
      await assert.rejects(cloud.create(FUNCTION, valid({ role: arn })), {
        name: "InvalidInputsError",
        message: /role: The role defined for the function cannot be assumed by Lambda\./,
      });
    }
  });

  it("rejects a second function of the same name", async () => {
    await cloud.create(FUNCTION, valid());
    await assert.rejects(cloud.create(FUNCTION, valid()), { message: /Function already exist: fn/ });
  });

  it("rejects invocations of a function that was deleted", async () => {
    const { id, outputs } = await cloud.create(FUNCTION, valid());
    const model = lambda.models.find(({ type }) => type === FUNCTION);
    await model?.delete?.(id, outputs, resourceContext(FUNCTION, "fn"));
    await assert.rejects(call(ARN), { code: "ResourceNotFoundException" });
  });

  const refused: Readonly<Record<string, readonly [PropertyMap, RegExp]>> = {
    "a runtime that this machine does not run": [{ runtime: "python3.13" }, /^runtime: python3\.13 is not simulated/],
    "an unknown runtime": [{ runtime: "cobol" }, /^runtime: .*enum value set/],
    "a handler without an export": [{ handler: "index" }, /^handler: /],
    "a timeout over 15 minutes": [{ timeout: 901 }, /^timeout: must be a whole number between 1 and 900, got 901/],
    "too little memory": [{ memorySize: 64 }, /^memorySize: .*128 and 10240/],
    "a reserved variable": [
      { environment: { variables: { AWS_REGION: "x" } } },
      /Reserved keys used in this request: AWS_REGION/,
    ],
    "a variable with a bad name": [{ environment: { variables: { "A-B": "x" } } }, /^environment\.variables\.A-B: /],
    "more than 4 KB of variables": [
      { environment: { variables: { BIG: "x".repeat(4096) } } },
      /exceeded the 4KB limit/,
    ],
    "a role that is no ARN": [{ role: "fn" }, /^role: must be the ARN of a role/],
    "two architectures": [{ architectures: ["arm64", "x86_64"] }, /^architectures: /],
    "levels with text logs": [
      { loggingConfig: { logFormat: "Text", systemLogLevel: "WARN" } },
      /^loggingConfig\.systemLogLevel: needs logFormat JSON/,
    ],
    "an image": [{ packageType: "Image" }, /^packageType: container images are not simulated/],
    "no code": [{ code: undefined }, /^code: is required/],
    layers: [{ layers: ["arn:x"] }, /^layers: is not simulated/],
    "a VPC": [{ vpcConfig: { subnetIds: [] } }, /^vpcConfig: is not simulated/],
    "a dead-letter queue": [{ deadLetterConfig: { targetArn: "x" } }, /^deadLetterConfig: is not simulated/],
    "code in a bucket": [{ s3Bucket: "b" }, /^s3Bucket: is not simulated/],
  };
  for (const [what, [changes, expected]] of Object.entries(refused)) {
    it(`rejects ${what}`, () => {
      const found = problems(FUNCTION, valid(changes));
      assert.ok(
        found.some((problem) => expected.test(problem)),
        found.join("; "),
      );
    });
  }

  it("finds nothing to refuse in valid inputs", () => {
    assert.deepEqual(problems(FUNCTION, valid({ timeout: 900, memorySize: 10_240, architectures: ["arm64"] })), []);
  });

  describe("permissions", () => {
    const permission = (changes: PropertyMap = {}): PropertyMap => ({
      action: "lambda:InvokeFunction",
      function: "fn",
      principal: "apigateway.amazonaws.com",
      sourceArn: `arn:aws:execute-api:eu-west-1:${ACCOUNT}:api1/*`,
      ...changes,
    });
    const invokeAs = (service: string, arn = API, account = ACCOUNT): Promise<unknown> =>
      lambda.invoke(ARN, Buffer.from("{}"), servicePrincipal(service, arn, account));

    beforeEach(() => cloud.create(FUNCTION, valid({ publish: true })));

    it("admits the service for the source that is named", async () => {
      await cloud.create(PERMISSION, permission({ sourceAccount: ACCOUNT }));
      await invokeAs("apigateway.amazonaws.com");
    });

    it("rejects another source, another account and another service", async () => {
      await cloud.create(PERMISSION, permission({ sourceAccount: ACCOUNT }));
      const denied = { code: "AccessDeniedException", statusCode: 403 };
      await assert.rejects(invokeAs("apigateway.amazonaws.com", API.replace("api1", "api2")), denied);
      await assert.rejects(invokeAs("apigateway.amazonaws.com", API, "999999999999"), denied);
      await assert.rejects(invokeAs("events.amazonaws.com"), denied);
    });

    it("rejects a service on an alias when only the function has a policy", async () => {
      await cloud.create("aws:lambda/alias:Alias", { functionName: "fn", functionVersion: "1", name: "live" });
      await cloud.create(PERMISSION, permission());
      const caller = servicePrincipal("apigateway.amazonaws.com", API, ACCOUNT);
      await assert.rejects(lambda.invoke(`${ARN}:live`, Buffer.from("{}"), caller), { code: "AccessDeniedException" });
      await cloud.create(PERMISSION, permission({ qualifier: "live" }));
      await lambda.invoke(`${ARN}:live`, Buffer.from("{}"), caller);
    });

    it("rejects a service after its permission was deleted", async () => {
      const { id, outputs } = await cloud.create(PERMISSION, permission());
      const model = lambda.models.find(({ type }) => type === PERMISSION);
      await model?.delete?.(id, outputs, resourceContext(PERMISSION, "x"));
      await assert.rejects(invokeAs("apigateway.amazonaws.com"), { code: "AccessDeniedException" });
    });

    it("rejects a statement id that is taken, and a function that does not exist", async () => {
      await cloud.create(PERMISSION, permission({ statementId: "one" }));
      await assert.rejects(cloud.create(PERMISSION, permission({ statementId: "one" })), { message: /already exists/ });
      await assert.rejects(cloud.create(PERMISSION, permission({ function: "missing" })), {
        message: /Function not found/,
      });
    });

    it("rejects a policy on $LATEST", () => {
      assert.match(problems(PERMISSION, permission({ qualifier: "$LATEST" })).join(), /no policy on \$LATEST/);
    });
  });

  it("rejects destinations but queues, weighted aliases and retries beyond two", () => {
    const settings = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig";
    for (const [destinationConfig, problem] of [
      [{ onSuccess: { destination: "arn:aws:sqs:eu-west-1:123456789012:q" } }, /onSuccess: is not simulated/],
      [{ onFailure: { destination: "arn:aws:sns:eu-west-1:123456789012:t" } }, /must be the ARN of a standard queue/],
      [
        { onFailure: { destination: "arn:aws:sqs:eu-west-1:123456789012:q.fifo" } },
        /must be the ARN of a standard queue/,
      ],
      [{ onFailure: {} }, /destinationConfig\.onFailure\.destination/],
    ] as const)
      assert.match(problems(settings, { functionName: "fn", destinationConfig }).join(), problem);
    assert.match(problems(settings, { functionName: "fn", maximumRetryAttempts: 3 }).join(), /between 0 and 2/);
    const alias = { functionName: "fn", functionVersion: "1", name: "live", routingConfig: {} };
    assert.match(problems("aws:lambda/alias:Alias", alias).join(), /routingConfig: is not simulated/);
  });
});

/** A zip archive with one deflated file. */
function zip(name: string, text: string): Buffer {
  const data = deflateRawSync(text);
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(8, 8);
  local.writeUInt32LE(data.length, 18);
  local.writeUInt32LE(text.length, 22);
  local.writeUInt16LE(name.length, 26);
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(8, 10);
  entry.writeUInt32LE(data.length, 20);
  entry.writeUInt32LE(text.length, 24);
  entry.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(entry.length + name.length, 12);
  end.writeUInt32LE(local.length + name.length + data.length, 16);
  return Buffer.concat([local, Buffer.from(name), data, entry, Buffer.from(name), end]);
}
