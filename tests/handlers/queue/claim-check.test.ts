// Proves that large bodies travel by reference, and that nobody can make the consumer read anything else.
import assert from "node:assert/strict";
import { createQueueHandler } from "../../../handlers/queue";
import { readClaimCheck } from "../../../handlers/queue/claim-check";
import type { Rejection } from "../../../handlers/queue/contract";
import {
  BASE_ENVIRONMENT,
  failedIds,
  invocation,
  queueEvent,
  queueUrl,
  startQueueStub,
  type QueueStub,
} from "../../support/queue-stub";

const reference = (bucket: string, key: string): string => JSON.stringify({ claimCheck: { bucket, key, bytes: 9 } });

describe("Claim checks", () => {
  let stub: QueueStub;
  let bodies: unknown[];

  beforeEach(async () => {
    stub = await startQueueStub();
    bodies = [];
  });
  afterEach(() => stub.close());

  async function consume(body: string, more: Record<string, string> = {}): Promise<readonly string[]> {
    const environment = {
      ...BASE_ENVIRONMENT,
      AWS_ENDPOINT_URL: stub.endpoint,
      DEAD_LETTER_QUEUE_URL: queueUrl("dead"),
      CLAIM_CHECK_BUCKET: "bodies",
      ...more,
    };
    const consumer = { processMessage: async ({ body: seen }: { body: unknown }) => void bodies.push(seen) };
    const handler = createQueueHandler(consumer, environment, { writeLine: () => undefined });
    return failedIds(await handler(queueEvent([{ body }]), invocation()));
  }

  const reasons = (): unknown[] =>
    stub
      .callsOf("SendMessage")
      .map(({ input }) => (input.MessageAttributes as Record<string, { StringValue: string }>).Rejection!.StringValue)
      .map((text) => (JSON.parse(text) as Rejection).reason);

  it("Q24: hands over the body that the reference names, by a signed request", async () => {
    stub.objects.set("/bodies/claim-checks/a%20b", '{"n":1}');

    const failed = await consume(reference("bodies", "claim-checks/a b"));

    assert.deepEqual([bodies, failed], [[{ n: 1 }], []]);
    const { headers } = stub.callsOf("GET /bodies/claim-checks/a%20b")[0]!;
    assert.match(
      String(headers.authorization),
      /^AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE\/\d{8}\/eu-west-1\/s3\/aws4_request/,
    );
    assert.match(String(headers["x-amz-content-sha256"]), /^[0-9a-f]{64}$/);
  });

  for (const [what, body] of [
    ["another bucket", reference("secrets", "claim-checks/x")],
    ["a key outside the prefix", reference("bodies", "private/x")],
    ["a key that leaves the prefix", reference("bodies", "claim-checks/../private/x")],
  ] as const) {
    it(`rejects a reference to ${what}, without a request`, async () => {
      const failed = await consume(body);

      assert.deepEqual([failed, bodies], [[], []]);
      assert.deepEqual(
        stub.calls.map(({ operation }) => operation),
        ["SendMessage"],
      );
      assert.deepEqual(reasons(), ["the claim check names a bucket or key that this consumer does not read"]);
    });
  }

  it("rejects a message whose body is gone, and keeps the reference in the dead-letter queue", async () => {
    const body = reference("bodies", "claim-checks/gone");

    await consume(body);

    assert.deepEqual(reasons(), ["the body of the claim check is gone"]);
    assert.equal(stub.callsOf("SendMessage")[0]!.input.MessageBody, body);
  });

  it("returns the message when S3 refuses", async () => {
    stub.fail = ({ operation }) => (operation.startsWith("GET") ? { status: 403, code: "AccessDenied" } : undefined);

    assert.deepEqual(await consume(reference("bodies", "claim-checks/x")), ["m1"]);
  });

  it("repeats a request that S3 throttles", async () => {
    stub.objects.set("/bodies/claim-checks/x", "text");
    let refusals = 2;
    stub.fail = () => (refusals-- > 0 ? { status: 503, code: "SlowDown" } : undefined);

    await consume(reference("bodies", "claim-checks/x"));

    assert.deepEqual(bodies, ["text"]);
  });

  it("leaves such a body alone when claim checks are off", async () => {
    await consume(reference("bodies", "claim-checks/x"), { CLAIM_CHECK_BUCKET: "" });

    assert.deepEqual(bodies, [{ claimCheck: { bucket: "bodies", key: "claim-checks/x", bytes: 9 } }]);
  });

  it("rejects what only looks like a reference", () => {
    for (const text of ['{"claimCheck":1}', '{"claimCheck":{"bucket":"b"}}', '{"claimCheck"', "claimCheck"])
      assert.equal(readClaimCheck(text), undefined);
  });
});
