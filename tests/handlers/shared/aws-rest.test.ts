// Proves the small client for AWS's REST protocols: what it signs and sends, which answers it repeats, how it reports the rest.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { AwsRestClient, type RestClientSettings } from "../../../handlers/shared/aws-rest";
import { createHttpClient, type HttpAnswer, type HttpRequest } from "../../../handlers/shared/http-client";

const NOW = Date.UTC(2026, 0, 1);
const credentials = { accessKeyId: "id", secretAccessKey: "secret", sessionToken: "token" };
const url = new URL("https://bodies.s3.eu-west-1.amazonaws.com/claim-checks/a%20b");

function clientOf(answers: readonly (HttpAnswer | Error)[]): {
  readonly client: AwsRestClient;
  readonly sent: HttpRequest[];
  readonly pauses: number[];
} {
  const [sent, pauses]: [HttpRequest[], number[]] = [[], []];
  const settings: RestClientSettings = {
    service: "s3",
    region: "eu-west-1",
    credentials,
    now: () => NOW,
    random: () => 1,
    pause: async (milliseconds) => void pauses.push(milliseconds),
    send: async (request) => {
      sent.push(request);
      const answer = answers[Math.min(sent.length, answers.length) - 1]!;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  return { client: new AwsRestClient(settings), sent, pauses };
}

const refused = (code: string, status: number): HttpAnswer => ({ status, body: `<Error><Code>${code}</Code></Error>` });

describe("The client for REST protocols", () => {
  it("signs as the SDK does, with the hash of the body as a header", async () => {
    const { client, sent } = clientOf([{ status: 200, body: "done" }]);

    const body = await client.call({ method: "PUT", url, headers: { "content-type": "text/plain" }, body: "héllo" });

    const signer = new SignatureV4({
      service: "s3",
      region: "eu-west-1",
      credentials,
      sha256: Sha256,
      uriEscapePath: false,
    });
    const { "content-type": type, "x-amz-content-sha256": contentHash } = sent[0]!.headers;
    const expected = await signer.sign(
      {
        method: "PUT",
        protocol: "https:",
        hostname: url.hostname,
        path: url.pathname,
        headers: { host: url.host, "content-type": type!, "x-amz-content-sha256": contentHash! },
        body: "héllo",
      },
      { signingDate: new Date(NOW) },
    );
    assert.equal(sent[0]!.headers.authorization, expected.headers.authorization);
    assert.equal(body, "done");
  });

  it("repeats what can succeed later, with growing pauses, and gives up after four attempts", async () => {
    const later = clientOf([
      refused("SlowDown", 503),
      new Error("reset"),
      refused("TooManyRequestsException", 429),
      { status: 200, body: "" },
    ]);
    const never = clientOf([refused("InternalError", 500)]);

    await later.client.call({ method: "GET", url });

    assert.deepEqual(later.pauses, [100, 200, 400]);
    await assert.rejects(never.client.call({ method: "GET", url }), { code: "InternalError", status: 500 });
    assert.equal(never.sent.length, 4);
  });

  it("rejects at once what will not succeed later, without the text of the answer", async () => {
    const { client, sent } = clientOf([
      { status: 403, body: "<Error><Code>AccessDenied</Code><Message>secret</Message></Error>" },
    ]);

    await assert.rejects(client.call({ method: "GET", url }), { message: "AccessDenied: answered with status 403" });
    assert.equal(sent.length, 1);
  });

  it("repeats a throttled call of Lambda, which names the code in a header and calls every refusal one of the user", async () => {
    const throttled = {
      status: 429,
      errorType: "TooManyRequestsException",
      body: '{"Type":"User","message":"Rate exceeded"}',
    };
    const { client, pauses } = clientOf([throttled, { status: 200, body: "{}" }]);
    const never = clientOf([
      { status: 409, errorType: "com.amazonaws.lambda#ResourceConflictException:http://x", body: '{"Type":"User"}' },
    ]);

    await client.call({ method: "PUT", url });

    assert.deepEqual(pauses, [100]);
    await assert.rejects(never.client.call({ method: "GET", url }), { code: "ResourceConflictException" });
  });

  it("rejects with the code of a JSON answer, or with the status", async () => {
    const json = clientOf([{ status: 400, body: '{"__type":"com.amazonaws.lambda#InvalidParameterValueException"}' }]);
    const bare = clientOf([{ status: 404, body: "" }]);

    await assert.rejects(json.client.call({ method: "GET", url }), { code: "InvalidParameterValueException" });
    await assert.rejects(bare.client.call({ method: "GET", url }), { code: "Http404" });
  });
});

describe("The HTTP client", () => {
  it("rejects a connection that is silent for too long, and one that the signal gives up", async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const target = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const send = createHttpClient("http:");
    const controller = new AbortController();
    const common = { method: "GET", url: target, headers: {}, body: "" };

    const silent = send({ ...common, timeoutMs: 20 });
    const given = send({ ...common, timeoutMs: 60_000, signal: controller.signal });
    controller.abort();

    await Promise.all([assert.rejects(silent, /no data for 20 ms/), assert.rejects(given, { name: "AbortError" })]);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
