// Proves the upload API of the whole stack over real HTTP: identity, ownership, limits, idempotency, what signatures enforce, events,
// and that nothing secret is logged. Runs every handler in a process of its own, with exactly the rendered rights.
import assert from "node:assert/strict";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { DeleteObjectCommand, HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Crc64Nvme } from "@aws-sdk/crc64-nvme";
import type {
  CompleteUploadRequest,
  CompleteUploadResponse,
  DescribeUploadResponse,
  ErrorResponse,
  ListUploadsResponse,
  SignPartsResponse,
  StartUploadResponse,
} from "../../handlers/upload/contract";
import { codeOf, makeFile, MEBIBYTE, startTestStack, type TestStack } from "../support/stack";

const ROUTES = [
  ["POST", "/uploads"],
  ["GET", "/uploads"],
  ["GET", "/uploads/0190"],
  ["DELETE", "/uploads/0190"],
  ["POST", "/uploads/0190/parts"],
  ["POST", "/uploads/0190/complete"],
] as const;

describe("the upload API of the stack", function () {
  this.timeout(120_000);
  let stack: TestStack;
  let alice: string;
  let requests = 0;
  before(async () => {
    stack = await startTestStack({ maximumFileGibibytes: "1", urlExpirySeconds: "120" });
    alice = await stack.token("alice@example.com");
  });
  after(() => stack.stop());

  const checksum = async (bytes: Buffer): Promise<string> => {
    const crc = new Crc64Nvme();
    crc.update(bytes);
    return Buffer.from(await crc.digest()).toString("base64");
  };
  const start = async (size: number, more: object = {}, token = alice): Promise<StartUploadResponse> => {
    const answer = await stack.call("POST", "/uploads", { token, body: startBody(size, more) });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer.body as StartUploadResponse;
  };
  const startBody = (size: number, more: object = {}): object => ({
    fileName: "film.bin",
    size,
    contentType: "application/octet-stream",
    firstBytes: Buffer.alloc(Math.min(64, Math.max(0, size))).toString("base64"),
    requestId: `request-${String(++requests).padStart(10, "0")}`,
    ...more,
  });
  const sign = async (
    uploadId: string,
    bytes: Buffer,
    partNumber = 1,
    token = alice,
  ): Promise<SignPartsResponse["parts"][number]> => {
    const answer = await stack.call("POST", `/uploads/${uploadId}/parts`, {
      token,
      body: { parts: [{ partNumber, checksum: await checksum(bytes) }] },
    });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return (answer.body as SignPartsResponse).parts[0] ?? assert.fail();
  };
  const put = (url: string, headers: Readonly<Record<string, string>>, body: Buffer<ArrayBuffer>): Promise<Response> =>
    fetch(url, { method: "PUT", headers, body });
  /** A file of one part that has arrived, and the body that completes it. */
  const send = async (
    name: string,
    token = alice,
  ): Promise<{ bytes: Buffer; uploadId: string; body: CompleteUploadRequest }> => {
    const { bytes } = makeFile(MEBIBYTE, name);
    const { upload } = await start(bytes.length, {}, token);
    const signed = await sign(upload.uploadId, bytes, 1, token);
    const eTag = (await put(signed.url, signed.headers, bytes)).headers.get("etag") ?? "";
    const sum = await checksum(bytes);
    return {
      bytes,
      uploadId: upload.uploadId,
      body: { parts: [{ partNumber: 1, eTag, checksum: sum }], checksum: sum },
    };
  };
  const complete = (uploadId: string, body: CompleteUploadRequest, token = alice): ReturnType<TestStack["call"]> =>
    stack.call("POST", `/uploads/${uploadId}/complete`, { token, body });
  const errorOf = async (response: Response): Promise<string> =>
    `${String(response.status)} ${/<Code>(\w+)<\/Code>/.exec(await response.text())?.[1] ?? ""}`;

  for (const [method, route] of ROUTES) {
    it(`U1: rejects ${method} ${route} without a token, with a wrong one, and with an expired one`, async () => {
      const body = method === "POST" ? {} : undefined;
      const [head = "", payload = "", signature = ""] = alice.split(".");
      const forged = `${head}.${Buffer.from(JSON.stringify({ ...(JSON.parse(Buffer.from(payload, "base64url").toString()) as object), sub: "eve" })).toString("base64url")}.${signature}`;

      for (const token of [undefined, "nonsense", forged]) {
        const answer = await stack.call(method, route, { body, ...(token === undefined ? {} : { token }) });
        assert.equal(answer.status, 401);
      }
    });
  }

  it("uploads a file by hand: start, sign, put, complete, and S3 holds the bytes under the server's key", async () => {
    const { bytes } = makeFile(6 * MEBIBYTE, "by-hand");
    const { upload } = await start(bytes.length, { partSize: 5 * MEBIBYTE, key: "../../evil", fileName: "../a b.bin" });
    assert.equal(upload.partCount, 2);
    const parts = [];
    for (const partNumber of [1, 2]) {
      const slice = bytes.subarray((partNumber - 1) * upload.partSize, partNumber * upload.partSize);
      const signed = await sign(upload.uploadId, slice, partNumber);
      const response = await put(signed.url, signed.headers, slice);
      assert.equal(response.status, 200, await response.clone().text());
      parts.push({ partNumber, eTag: response.headers.get("etag") ?? "", checksum: await checksum(slice) });
    }

    const answer = await stack.call("POST", `/uploads/${upload.uploadId}/complete`, {
      token: alice,
      body: { parts, checksum: await checksum(bytes) },
    });

    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    const { upload: done } = answer.body as CompleteUploadResponse;
    assert.match(done.key ?? "", /^uploads\/default\/[0-9a-f-]{36}\/[0-9a-f-]{36}\/[^/]+$/);
    assert.deepEqual(await stack.read(done), bytes);
  });

  it("U26: rejects another user's upload id with 403 and makes no call to S3", async () => {
    const { upload } = await start(MEBIBYTE);
    const eve = await stack.token("eve@example.com");
    const body = { parts: [{ partNumber: 1, checksum: "AAAAAAAAAAA=", eTag: '"x"' }], checksum: "AAAAAAAAAAA=" };

    const traces = await stack.tracesDuring(async () => {
      for (const [method, route, sent] of [
        ["GET", "", undefined],
        ["DELETE", "", undefined],
        ["POST", "/parts", body],
        ["POST", "/complete", body],
      ] as const) {
        const answer = await stack.call(method, `/uploads/${upload.uploadId}${route}`, { token: eve, body: sent });
        assert.deepEqual([answer.status, codeOf(answer)], [403, "UploadNotYours"]);
      }
    });

    assert.deepEqual(
      traces.filter(({ service }) => service === "s3"),
      [],
    );
    assert.equal((await stack.call("GET", `/uploads/${upload.uploadId}`, { token: alice })).status, 200);
  });

  it("U27: S3 refuses a part with one flipped byte, another length, another checksum, or an altered URL", async () => {
    const { bytes } = makeFile(MEBIBYTE, "enforced");
    const { upload } = await start(bytes.length);
    const signed = await sign(upload.uploadId, bytes);
    const flipped = Buffer.from(bytes);
    flipped[1000] = (flipped[1000] ?? 0) ^ 1;

    assert.equal(await errorOf(await put(signed.url, signed.headers, flipped)), "400 BadDigest");
    assert.equal(
      await errorOf(await put(signed.url, signed.headers, Buffer.from(bytes.subarray(1)))),
      "403 SignatureDoesNotMatch",
    );
    const other = { "x-amz-checksum-crc64nvme": await checksum(flipped) };
    assert.equal(await errorOf(await put(signed.url, other, flipped)), "403 SignatureDoesNotMatch");
    const altered = signed.url.replace("partNumber=1", "partNumber=2");
    assert.equal(await errorOf(await put(altered, signed.headers, bytes)), "403 SignatureDoesNotMatch");
    assert.equal((await put(signed.acceleratedUrl ?? "", signed.headers, bytes)).status, 200);
  });

  it("U5: no URL carries the checksum of nothing", async () => {
    const { bytes } = makeFile(MEBIBYTE, "clean-url");
    const { upload } = await start(bytes.length);

    const { url, acceleratedUrl = "" } = await sign(upload.uploadId, bytes);

    for (const text of [url, acceleratedUrl]) {
      assert.doesNotMatch(text, /AAAAAA|x-amz-sdk-checksum-algorithm|x-amz-checksum-crc32/i);
      assert.match(text, /X-Amz-SignedHeaders=content-length%3Bhost%3Bx-amz-checksum-crc64nvme/);
    }
  });

  it("U14: S3 refuses a part after the URL has expired, and takes it with a fresh one", async () => {
    const { bytes } = makeFile(MEBIBYTE, "expired");
    const { upload } = await start(bytes.length);
    const signed = await sign(upload.uploadId, bytes);

    stack.clock.move(121_000);
    try {
      assert.equal(await errorOf(await put(signed.url, signed.headers, bytes)), "403 AccessDenied");
    } finally {
      stack.clock.move(-121_000);
    }
    assert.equal((await put(signed.url, signed.headers, bytes)).status, 200);
  });

  it("U6: rejects a completion whose whole-file checksum differs, says so in an event, and leaves no parts", async () => {
    const { uploadId, body } = await send("wrong-checksum");
    const wrong = { ...body, checksum: await checksum(Buffer.from("something else")) };

    const answers = [await complete(uploadId, wrong), await complete(uploadId, wrong)];

    assert.deepEqual(
      answers.map((answer) => [answer.status, codeOf(answer)]),
      [
        [422, "ChecksumMismatch"],
        [422, "ChecksumMismatch"],
      ],
    );
    assert.deepEqual(eventsOf(uploadId), ["Upload Failed"]);
    assert.ok(!openParts().includes(uploadId));
  });

  it("U7: rejects a file above the limit before anything is signed", async () => {
    const traces = await stack.tracesDuring(async () => {
      const answer = await stack.call("POST", "/uploads", { token: alice, body: startBody(1024 ** 3 + 1) });
      assert.deepEqual([answer.status, codeOf(answer)], [413, "FileTooLarge"]);
    });
    assert.ok(!traces.some(({ service }) => service === "s3"));
  });

  it("U18: rejects a type that is not on the list", async () => {
    const answer = await stack.call("POST", "/uploads", {
      token: alice,
      body: startBody(1, { contentType: "text/html" }),
    });

    assert.deepEqual([answer.status, codeOf(answer)], [415, "ContentTypeNotAllowed"]);
  });

  it("U24: the same request id yields the same upload, also at the same moment", async () => {
    const body = startBody(MEBIBYTE);

    const answers = await Promise.all([1, 2, 3].map(() => stack.call("POST", "/uploads", { token: alice, body })));

    const ids = answers.map(({ body: answer }) => (answer as StartUploadResponse).upload.uploadId);
    assert.equal(new Set(ids).size, 1);
    const again = await stack.call("POST", "/uploads", { token: alice, body });
    assert.equal(again.status, 200);
  });

  it("U20, U24: completing twice at once answers both times, and sends one event", async () => {
    const { bytes, uploadId, body } = await send("twice");

    const answers = await Promise.all([complete(uploadId, body), complete(uploadId, body)]);
    const third = await complete(uploadId, body);

    for (const { status } of answers) assert.ok([200, 409, 503].includes(status), String(status));
    assert.ok(answers.some(({ status }) => status === 200));
    assert.equal(third.status, 200);
    const ids = new Set(
      stack.events
        .recentEvents()
        .filter(({ event }) => (event.detail as { uploadId?: string }).uploadId === uploadId)
        .map(({ event }) => (event.detail as { eventId: string }).eventId),
    );
    assert.equal(ids.size, 1);
    assert.deepEqual(await stack.read((third.body as CompleteUploadResponse).upload), bytes);
  });

  it("U24: a completion that was killed is taken over at once by the same body, and refused to another one", async () => {
    const { uploadId, body } = await send("killed-claim");
    const other = { ...body, checksum: await checksum(Buffer.from("something else")) };
    const killed = stack.lambda.killDuring(
      stack.functionName("complete"),
      ({ service, operation, caller }) =>
        service === "dynamodb" && operation === "UpdateItem" && caller.includes(":assumed-role/uploads-complete"),
    );

    const died = await complete(uploadId, body);
    await killed;
    const refused = await complete(uploadId, other);
    const again = await complete(uploadId, body);

    assert.ok(died.status >= 500, String(died.status));
    assert.deepEqual([refused.status, codeOf(refused)], [409, "UploadNotOpen"]);
    assert.match((refused.body as ErrorResponse).error.message, /being completed with other parts or another checksum/);
    assert.equal(again.status, 200, JSON.stringify(again.body));
    assert.deepEqual(eventsOf(uploadId), ["Upload Completed"]);
  });

  it("U24: completions at once with different checksums tell one outcome, never a failure and then a success", async () => {
    for (const name of ["rivals-1", "rivals-2", "rivals-3"]) {
      const { uploadId, body } = await send(name);
      const other = { ...body, checksum: await checksum(Buffer.from("something else")) };

      const answers = await Promise.all([complete(uploadId, other), complete(uploadId, body)]);

      const { upload } = (await stack.call("GET", `/uploads/${uploadId}`, { token: alice }))
        .body as DescribeUploadResponse;
      const statuses = answers.map(({ status }) => status);
      const [code, event] = upload.state === "completed" ? [200, "Upload Completed"] : [422, "Upload Failed"];
      assert.ok(statuses.includes(code), `${upload.state}: ${statuses.join(", ")}`);
      assert.ok(!(statuses.includes(200) && statuses.includes(422)));
      assert.deepEqual(eventsOf(uploadId), [event]);
    }
  });

  it("gives a user's bytes back when finished objects are deleted or expire, once each", async () => {
    const token = await stack.token("tidy@example.com");
    const keys: string[] = [];
    for (const name of ["deleted", "expired", "kept"]) {
      const { uploadId, body } = await send(name, token);
      const { upload } = (await complete(uploadId, body, token)).body as CompleteUploadResponse;
      keys.push(upload.key ?? assert.fail());
    }
    const [deleted = "", expired = ""] = keys;
    assert.deepEqual(await quotaOf(token), { bytes: 3 * MEBIBYTE, openUploads: 0 });
    const s3 = new S3Client({
      endpoint: stack.cloud.gatewayOrigin,
      region: stack.cloud.region,
      credentials: stack.cloud.rootCredentials(),
      forcePathStyle: true,
    });
    const at = { Bucket: stack.bucketName, Key: deleted };
    const { VersionId = "" } = await s3.send(new HeadObjectCommand(at));

    await releasing(() => s3.send(new DeleteObjectCommand(at)));
    await releasing(() => s3.send(new DeleteObjectCommand({ ...at, VersionId })));
    await releasing(async () => stack.cloud.context.events.publish(expiryOf(expired)));

    s3.destroy();
    assert.deepEqual(await quotaOf(token), { bytes: MEBIBYTE, openUploads: 0 });
    const { uploads } = (await stack.call("GET", "/uploads", { token })).body as ListUploadsResponse;
    assert.deepEqual(
      uploads.map(({ key }) => key),
      keys.slice(2),
    );
  });

  it("U9: aborting twice succeeds twice and removes the parts", async () => {
    const { bytes } = makeFile(MEBIBYTE, "abort");
    const { upload } = await start(bytes.length);
    const signed = await sign(upload.uploadId, bytes);
    await put(signed.url, signed.headers, bytes);

    for (const _ of [1, 2]) {
      assert.equal((await stack.call("DELETE", `/uploads/${upload.uploadId}`, { token: alice })).status, 204);
    }
    assert.ok(!openParts().includes(upload.uploadId));
  });

  it("U10: lists the parts that S3 holds, and the caller's own uploads only", async () => {
    const { bytes } = makeFile(MEBIBYTE, "listed");
    const { upload } = await start(bytes.length);
    const signed = await sign(upload.uploadId, bytes);
    await put(signed.url, signed.headers, bytes);

    const described = (await stack.call("GET", `/uploads/${upload.uploadId}`, { token: alice }))
      .body as DescribeUploadResponse;
    assert.deepEqual(
      described.parts.map(({ partNumber, size, checksum: sum }) => [partNumber, size, sum]),
      [[1, bytes.length, await checksum(bytes)]],
    );
    const own = (await stack.call("GET", "/uploads?state=open&limit=100", { token: alice }))
      .body as ListUploadsResponse;
    assert.ok(own.uploads.some(({ uploadId }) => uploadId === upload.uploadId));
    const token = await stack.token("nobody@example.com");
    const others = (await stack.call("GET", "/uploads", { token })).body as ListUploadsResponse;
    assert.deepEqual(others.uploads, []);
  });

  it("refuses malformed bodies at the gateway, without starting a function", async () => {
    const traces = await stack.tracesDuring(async () => {
      for (const body of [{}, { fileName: 1 }, "not json", startBody(-1), { ...startBody(1), requestId: "short" }]) {
        assert.equal((await stack.call("POST", "/uploads", { token: alice, body })).status, 400);
      }
    });
    assert.ok(!traces.some(({ service }) => service === "lambda"));
  });

  it("U16: answers the preflight of the page's origin, and S3 refuses a foreign one", async () => {
    const origin = stack.pageUrl;
    const preflight = await stack.call("OPTIONS", "/uploads", {
      headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization" },
    });
    assert.deepEqual([preflight.status, preflight.headers.get("access-control-allow-origin")], [204, origin]);

    const ask = (from: string): Promise<Response> =>
      fetch(`${stack.cloud.gatewayOrigin}/${stack.bucketName}/uploads/x`, {
        method: "OPTIONS",
        headers: {
          origin: from,
          "access-control-request-method": "PUT",
          "access-control-request-headers": "x-amz-checksum-crc64nvme",
        },
      });
    assert.equal((await ask(origin)).status, 200);
    assert.equal((await ask("https://evil.example.com")).status, 403);
  });

  it("writes no token, signature or URL of a part into any log", async () => {
    await start(MEBIBYTE);

    const lines = stack.logs.lines().map(({ message }) => message);
    assert.ok(lines.length > 20);
    for (const line of lines) assert.doesNotMatch(line, /eyJ[\w-]{20}|X-Amz-Signature|X-Amz-Security-Token|Bearer /);
  });

  it("allows each handler every call that it made", () => {
    const refused = stack.cloud.traces
      .recent()
      .filter(({ caller, status }) => caller.includes(":assumed-role/uploads-") && status === 403)
      .filter(({ decisions }) => decisions.some(({ allowed }) => !allowed));

    // The part whose URL had expired is the only refusal, and no handler made it.
    assert.deepEqual(
      refused.map(({ operation, caller }) => `${caller} ${operation}`).filter((line) => !line.endsWith("UploadPart")),
      [],
    );
  });

  /** Does something that deletes an object, and waits until the releaser has run. */
  const releasing = async (action: () => Promise<unknown>): Promise<void> => {
    const name = stack.functionName("release");
    const ran = new Promise<void>((resolve) => {
      const end = stack.cloud.traces.subscribe(({ service, operation, resource, status }) => {
        if (service !== "lambda" || operation !== "Invoke" || !resource?.includes(name)) return;
        assert.equal(status, 200);
        end();
        resolve();
      });
    });
    await action();
    await ran;
  };
  /** What S3 tells when a lifecycle rule expires an object of a bucket that keeps versions. */
  const expiryOf = (key: string): Parameters<TestStack["cloud"]["context"]["events"]["publish"]>[0] => ({
    source: "aws.s3",
    detailType: "Object Deleted",
    resources: [`arn:aws:s3:::${stack.bucketName}`],
    accountId: stack.cloud.accountId,
    region: stack.cloud.region,
    detail: {
      version: "0",
      bucket: { name: stack.bucketName },
      object: { key, etag: "d41d8cd98f00b204e9800998ecf8427e", "version-id": "marker", sequencer: "617B398000000000" },
      "request-id": "20EB74C14654DC47",
      requester: "s3.amazonaws.com",
      reason: "Lifecycle Expiration",
      "deletion-type": "Delete Marker Created",
    },
  });
  const quotaOf = async (token: string): Promise<{ bytes: number; openUploads: number }> => {
    const { sub } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { sub: string };
    const client = new DynamoDBClient({
      endpoint: stack.cloud.gatewayOrigin,
      region: stack.cloud.region,
      credentials: stack.cloud.rootCredentials(),
    });
    const table = stack.evaluation.resources.find(({ name }) => name === "uploads-table")?.id;
    const Key = { pk: { S: `USER#default#${sub}` }, sk: { S: "QUOTA" } };
    const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
    client.destroy();
    return { bytes: Number(Item?.bytes?.N), openUploads: Number(Item?.openUploads?.N) };
  };
  const eventsOf = (uploadId: string): string[] =>
    stack.events
      .recentEvents()
      .map(({ event }) => event)
      .filter(
        ({ source, detail }) =>
          source === "serverless-patterns.uploads" && (detail as { uploadId: string }).uploadId === uploadId,
      )
      .map((event) => (event as unknown as { "detail-type": string })["detail-type"]);
  const openParts = (): string => JSON.stringify(stack.s3.multipartUploads(stack.bucketName));
});
