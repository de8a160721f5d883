// Proves, in the whole cloud, that S3 asks Lambda before it accepts a notification, and that the question leaves nothing behind.
import assert from "node:assert/strict";
import { servicePrincipal } from "../../../../local/cloud/core/principal";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import { startTestCloud, type DeclaredResource, type RunningCloud } from "../../../support/running-cloud";

const TRUST = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
});
const REFUSED = /Unable to validate the following destination configurations/;

describe("Lambda's word on who may invoke", () => {
  let running: RunningCloud;
  let bucket: string;
  let functionArn: string;

  beforeEach(async () => {
    running = await startTestCloud();
    const role = await running.declare("aws:iam/role:Role", { assumeRolePolicy: TRUST }, "worker");
    const { outputs } = await running.declare(
      "aws:lambda/function:Function",
      {
        name: "worker",
        role: text(role.outputs, "arn"),
        runtime: "nodejs24.x",
        handler: "index.handler",
        code: {
          kind: "archive",
          assets: { "index.mjs": { kind: "asset", text: "export const handler = async () => 1;" } },
        },
      },
      "worker",
    );
    functionArn = text(outputs, "arn");
    bucket = (await running.declare("aws:s3/bucket:Bucket", {}, "films")).id;
  });
  afterEach(() => running.cloud.stop());

  const notify = (target: string): Promise<DeclaredResource> =>
    running.declare("aws:s3/bucketNotification:BucketNotification", {
      bucket,
      lambdaFunctions: [{ lambdaFunctionArn: target, events: ["s3:ObjectCreated:*"] }],
    });
  const permit = (sourceArn: string): Promise<DeclaredResource> =>
    running.declare("aws:lambda/permission:Permission", {
      function: "worker",
      action: "lambda:InvokeFunction",
      principal: "s3.amazonaws.com",
      sourceArn,
    });

  it("rejects a notification to a function whose policy does not name S3", async () => {
    await assert.rejects(notify(functionArn), REFUSED);
  });

  it("rejects a notification when the policy names another bucket", async () => {
    await permit("arn:aws:s3:::another-bucket");

    await assert.rejects(notify(functionArn), REFUSED);
  });

  it("rejects a notification to a function, and to an alias, that does not exist", async () => {
    await permit(`arn:aws:s3:::${bucket}`);

    await assert.rejects(notify(functionArn.replace("worker", "nobody")), REFUSED);
    await assert.rejects(notify(`${functionArn}:live`), REFUSED);
  });

  it("accepts the notification once the policy names the bucket", async () => {
    await permit(`arn:aws:s3:::${bucket}`);

    await notify(functionArn);
  });

  it("decides as an invocation would, without a trace", async () => {
    const { functions, traces } = running.cloud.context;
    const s3 = servicePrincipal("s3.amazonaws.com", `arn:aws:s3:::${bucket}`, running.cloud.accountId);
    const before = traces.recent().length;

    const refused = functions.mayInvoke?.(functionArn, s3);
    await permit(`arn:aws:s3:::${bucket}`);

    assert.deepEqual([refused, functions.mayInvoke?.(functionArn, s3)], [false, true]);
    assert.equal(traces.recent().length, before);
  });
});

function text(outputs: PropertyMap, name: string): string {
  const value = outputs[name];
  assert.ok(typeof value === "string", name);
  return value;
}
