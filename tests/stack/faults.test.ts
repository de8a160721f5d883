// Proves that uploads by the real client survive what goes wrong on the real stack: S3 on a bad day, functions that die, expired URLs, two
// devices, two tabs. Every case ends byte-exact or cleanly aborted, with no multipart upload left behind.
import assert from "node:assert/strict";
import { DynamoDBClient, ScanCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import type { Upload, Uploader } from "../../clients/upload";
import type { UploadDescription } from "../../handlers/upload/contract";
import { servicePrincipal } from "../../local/cloud/core/principal";
import type { FaultRule } from "../../local/cloud/s3/faults";
import { makeFile, MEBIBYTE, startTestStack, type TestStack } from "../support/stack";

describe("uploads under faults", function () {
  this.timeout(180_000);
  let stack: TestStack;
  let uploader: Uploader;
  before(async () => {
    stack = await startTestStack({ urlExpirySeconds: "120" });
    uploader = await stack.uploader("faults@example.com");
  });
  after(() => stack.stop());
  afterEach(() =>
    assert.deepEqual(stack.s3.multipartUploads(stack.bucketName), [], "multipart uploads were left behind"),
  );

  const OPTIONS = { partSize: 5 * MEBIBYTE, acceleration: "off" } as const;
  const settle = async (upload: Upload, bytes: Buffer): Promise<UploadDescription> => {
    const done = await upload.done();
    assert.ok((await stack.read(done)).equals(bytes), "the object differs from the file");
    return done;
  };
  const withFault = async (rule: FaultRule, action: () => Promise<unknown>): Promise<void> => {
    const end = stack.s3.injectFault(rule);
    try {
      await action();
    } finally {
      end();
    }
  };

  const FAULTS: readonly (readonly [string, FaultRule])[] = [
    ["U12: 503 SlowDown for parts", { operation: "UploadPart", status: 503, times: 4 }],
    ["U12: 500 for a part after a delay", { operation: "UploadPart", status: 500, delayMs: 50, times: 3 }],
    ["U33: a connection that breaks before the part is stored", { operation: "UploadPart", drop: "before", times: 3 }],
    ["U33: a connection that breaks after the part is stored", { operation: "UploadPart", drop: "after", times: 3 }],
    [
      "U24: an error inside a 200 answer of the completion",
      { operation: "CompleteMultipartUpload", errorInside200: true, times: 1 },
    ],
    ["U24: a completion whose answer is lost", { operation: "CompleteMultipartUpload", drop: "after", times: 1 }],
    ["a completion that fails for the moment", { operation: "CompleteMultipartUpload", status: 503, times: 1 }],
    ["a start that fails for the moment", { operation: "CreateMultipartUpload", status: 500, times: 1 }],
    ["a list of parts that fails for the moment", { operation: "ListParts", status: 503, times: 1 }],
  ];
  for (const [index, [title, rule]] of FAULTS.entries()) {
    it(`${title}: the upload arrives byte for byte`, async () => {
      const parts = rule.operation === "UploadPart" ? 3 : 2;
      const { bytes, file } = makeFile((5 * parts - 4) * MEBIBYTE, `fault-${String(index)}.bin`);

      await withFault(rule, () => settle(uploader.upload(file, OPTIONS), bytes));
    });
  }

  for (const handler of ["start", "sign", "complete"]) {
    it(`a ${handler} function that is killed in the middle of its request: the client asks again`, async () => {
      const { bytes, file } = makeFile(6 * MEBIBYTE, `killed-${handler}.bin`);

      const killed = stack.lambda.killDuring(stack.functionName(handler));
      await settle(uploader.upload(file, OPTIONS), bytes);

      await killed;
    });
  }

  it("a complete function that is killed after S3 has completed: one object, one completed upload", async () => {
    const { bytes, file } = makeFile(6 * MEBIBYTE, "killed-after.bin");
    const before = stack.s3.objectCount(stack.bucketName);

    const killed = stack.lambda.killDuring(
      stack.functionName("complete"),
      ({ service, operation }) => service === "s3" && operation === "CompleteMultipartUpload",
    );
    await settle(uploader.upload(file, OPTIONS), bytes);

    await killed;
    assert.equal(stack.s3.objectCount(stack.bucketName), before + 1);
  });

  it("U12: URLs that expire while parts wait are signed again, and no part is lost", async () => {
    const { bytes, file } = makeFile(21 * MEBIBYTE, "expiring.bin");
    const upload = uploader.upload(file, { ...OPTIONS, parallel: 1 });
    // The functions keep real time, so the clock of S3 goes back once a part was refused: the fresh URL is young again.
    let state: "waiting" | "late" | "refused" = "waiting";
    const end = stack.cloud.traces.subscribe(({ service, operation, status }) => {
      if (state === "waiting" && operation === "UploadPart") {
        state = "late";
        stack.clock.move(121_000);
      } else if (state === "late" && service === "s3" && status === 403) {
        state = "refused";
        stack.clock.move(-121_000);
      }
    });
    try {
      await settle(upload, bytes);
    } finally {
      end();
    }
    assert.equal(state, "refused");
  });

  it("U10: a second device goes on from the server's list and sends no finished part again", async () => {
    const { bytes, file } = makeFile(31 * MEBIBYTE, "devices.bin");
    let before = 0;
    const traces = await stack.tracesDuring(async () => {
      const first = uploader.upload(file, { ...OPTIONS, parallel: 1 });
      await new Promise<void>((resolve) => {
        first.on("progress", ({ finishedParts }) => {
          if (finishedParts >= 3) resolve();
        });
      });
      await first.pause();
      before = first.progress.finishedParts;
      await settle((await stack.uploader("faults@example.com")).upload(file, OPTIONS), bytes);
    });

    // S3 may have stored the part whose answer the pause cut off, with or without a trace of an answer; no other is sent twice or missing.
    const stored = traces.filter(({ operation, status }) => operation === "UploadPart" && status === 200);
    assert.ok(before >= 3 && before < 7);
    assert.ok(stored.length === 7 || stored.length === 6, `${String(stored.length)} parts were stored`);
  });

  it("rejects to go on with a file whose content has changed", async () => {
    const { file } = makeFile(16 * MEBIBYTE, "changed.bin");
    const first = uploader.upload(file, { ...OPTIONS, parallel: 1 });
    await new Promise<void>((resolve) => first.on("progress", ({ finishedParts }) => finishedParts >= 1 && resolve()));
    await first.pause();
    const uploadId = first.description?.uploadId ?? assert.fail();
    const { file: other } = makeFile(16 * MEBIBYTE, "changed.bin", "another seed");

    const second = (await stack.uploader("faults@example.com")).upload(other, { ...OPTIONS, uploadId });
    await assert.rejects(second.done(), { code: "FileChanged" });

    await second.cancel();
  });

  it("U33: two tabs that send the same file at once end with whole objects and nothing else", async () => {
    const { bytes, file } = makeFile(11 * MEBIBYTE, "tabs.bin");
    const other = await stack.uploader("faults@example.com");

    const uploads = [uploader.upload(file, OPTIONS), other.upload(file, OPTIONS)];

    for (const upload of uploads) await settle(upload, bytes);
  });

  it("U11: cancelling in the middle leaves no parts and frees the quota", async () => {
    const { file } = makeFile(21 * MEBIBYTE, "cancel.bin");
    const upload = uploader.upload(file, { ...OPTIONS, parallel: 1 });
    await new Promise<void>((resolve) => upload.on("progress", ({ finishedParts }) => finishedParts >= 1 && resolve()));

    await upload.cancel();

    assert.equal(upload.state, "cancelled");
    assert.deepEqual(await uploader.list("open"), []);
  });

  it("U13: falls back to the direct host when the accelerated one fails, without losing a part", async () => {
    const { bytes, file } = makeFile(16 * MEBIBYTE, "fallback.bin");
    const user = await stack.uploader("fallback@example.com", {
      transport: failingAt(
        stack.cloud.endpoints().find(({ label }) => label.includes("Acceleration"))?.url ?? assert.fail(),
      ),
    });

    await settle(user.upload(file, { ...OPTIONS, acceleration: "auto" }), bytes);
  });

  it("U20: the sweeper aborts an abandoned upload, frees the quota and tells about it, once", async () => {
    const { file } = makeFile(11 * MEBIBYTE, "abandoned.bin");
    const user = await stack.uploader("abandoner@example.com");
    const upload = user.upload(file, { ...OPTIONS, parallel: 1 });
    await new Promise<void>((resolve) => upload.on("progress", ({ finishedParts }) => finishedParts >= 1 && resolve()));
    await upload.pause();
    const uploadId = upload.description?.uploadId ?? assert.fail();
    await makeDue(stack, uploadId);

    for (const _ of [1, 2]) await runSweeper(stack);

    assert.deepEqual(await user.list("open"), []);
    const events = stack.events
      .recentEvents()
      .map(({ event }) => event as unknown as { "detail-type": string; detail: { uploadId?: string } })
      .filter(({ detail }) => detail.uploadId === uploadId);
    assert.deepEqual(
      events.map((event) => event["detail-type"]),
      ["Upload Abandoned"],
    );
  });

  it("U33: any mix of faults ends byte-exact", async () => {
    let seed = 7;
    const random = (): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed / 2 ** 31;
    };
    const rules: FaultRule[] = [
      { operation: "UploadPart", probability: 0.15, random, status: 503 },
      { operation: "UploadPart", probability: 0.1, random, drop: "before" },
      { operation: "UploadPart", probability: 0.1, random, drop: "after" },
      { operation: "CompleteMultipartUpload", probability: 0.3, random, status: 500 },
    ];
    const ends = rules.map((rule) => stack.s3.injectFault(rule));
    try {
      for (let run = 0; run < 4; run++) {
        const { bytes, file } = makeFile((6 + run * 5) * MEBIBYTE + run, `mix-${String(run)}.bin`);
        await settle(uploader.upload(file, OPTIONS), bytes);
      }
    } finally {
      for (const end of ends) end();
    }
  });
});

/** Lets an upload's time run out: only its row can, as functions keep real time. */
async function makeDue({ cloud, evaluation }: TestStack, uploadId: string): Promise<void> {
  const tableName = evaluation.resources.find(({ name }) => name === "uploads-table")?.id ?? assert.fail();
  const client = new DynamoDBClient({
    endpoint: cloud.gatewayOrigin,
    region: cloud.region,
    credentials: cloud.rootCredentials(),
  });
  const { Items = [] } = await client.send(new ScanCommand({ TableName: tableName }));
  const row = Items.find(({ sk }) => sk?.S === `UPLOAD#${uploadId}`) ?? assert.fail("no row");
  await client.send(
    new UpdateItemCommand({
      TableName: tableName,
      Key: { pk: row.pk ?? assert.fail(), sk: row.sk ?? assert.fail() },
      UpdateExpression: "SET dueAt = :past, abandonAt = :past",
      ExpressionAttributeValues: { ":past": { S: "2020-01-01T00:00:00.000Z" } },
    }),
  );
  client.destroy();
}

/** Runs the sweeper as its rule does. */
async function runSweeper({ cloud, evaluation, functionName }: TestStack): Promise<void> {
  const arnOf = (name: string): string =>
    evaluation.resources.find((resource) => resource.name === name)?.outputs.arn as string;
  const { functionError, payload } = await cloud.context.functions.invoke(
    arnOf("uploads-sweep-function"),
    Buffer.from(JSON.stringify({ source: "aws.events" })),
    servicePrincipal("events.amazonaws.com", arnOf("uploads-sweep-rule"), cloud.accountId),
  );
  assert.equal(functionError, undefined, `${functionName("sweep")}: ${payload.toString()}`);
}

/** A transport whose connections to one origin break. */
function failingAt(origin: string): NonNullable<Parameters<TestStack["uploader"]>[1]>["transport"] & object {
  return {
    reportsProgress: false,
    send: async ({ url, headers, body, signal }) => {
      if (url.startsWith(origin)) throw new TypeError("fetch failed");
      const response = await fetch(url, {
        method: "PUT",
        headers: { ...headers },
        body: await body.arrayBuffer(),
        signal,
      });
      return { status: response.status, eTag: response.headers.get("etag"), body: await response.text() };
    },
  };
}
