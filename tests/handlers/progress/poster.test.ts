// Proves how a message is posted: signed, within the limits, and 410 told from every other failure.
import assert from "node:assert/strict";
import { MAXIMUM_MESSAGE_BYTES } from "../../../handlers/progress/contract";
import { createPoster } from "../../../handlers/progress/poster";
import { startAwsStub, type AwsStub } from "../../support/progress-bundles";
import { createProgressEnvironment } from "../../support/progress-handlers";

describe("Posting to a connection", () => {
  let stub: AwsStub;

  beforeEach(async () => {
    stub = await startAwsStub();
  });
  afterEach(() => stub.close());

  const post = (text: string, connectionId = "c1="): Promise<"sent" | "gone"> =>
    createPoster(`${stub.endpoint}/dev`, createProgressEnvironment(), 50)(connectionId, text);

  it("sends the text as it is, signed for execute-api with the function's credentials", async () => {
    assert.equal(await post('{"label":"Ünïcode"}'), "sent");

    const [request] = stub.requests;
    assert.deepEqual(
      [request?.method, request?.path, request?.body],
      ["POST", "/dev/@connections/c1%3D", '{"label":"Ünïcode"}'],
    );
    assert.match(request?.authorization ?? "", /Credential=ASIAEXAMPLE\/\d{8}\/eu-west-1\/execute-api\/aws4_request/);
  });

  it("W14: rejects a message above 128 kB without posting it", async () => {
    await assert.rejects(post("x".repeat(MAXIMUM_MESSAGE_BYTES + 1)), /131073 bytes is too large/);
    assert.deepEqual(stub.requests, []);
    assert.equal(await post("x".repeat(MAXIMUM_MESSAGE_BYTES)), "sent");
  });

  it("W8: takes 410 for gone, without a second attempt", async () => {
    stub.answer = () => ({ status: 410 });

    assert.equal(await post("{}"), "gone");
    assert.equal(stub.requests.length, 1);
  });

  for (const status of [400, 403, 404, 413]) {
    it(`W8: rejects ${status}`, async () => {
      stub.answer = () => ({ status, body: { message: "Gone" } });

      await assert.rejects(post("{}"));
    });
  }

  it("tries again after a failure inside and after silence", async () => {
    stub.answer = () => (stub.requests.length === 1 ? { status: 503 } : {});
    assert.equal(await post("{}"), "sent");

    stub.requests.length = 0;
    let release = (): void => undefined;
    stub.answer = () => {
      return stub.requests.length === 1 ? new Promise((resolve) => (release = () => resolve({}))) : {};
    };
    assert.equal(await post("{}"), "sent");
    release();
    assert.equal(stub.requests.length, 2);
  });
});
