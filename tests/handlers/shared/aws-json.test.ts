// Proves the small AWS client: what it sends, which answers it repeats and how it reports the rest.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  ATTEMPTS,
  AwsJsonClient,
  DYNAMODB,
  EVENTBRIDGE,
  readJsonClientSettings,
  type Exchange,
} from "../../../handlers/shared/aws-json";

const environment = {
  AWS_REGION: "eu-west-1",
  AWS_ACCESS_KEY_ID: "id",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_SESSION_TOKEN: "token",
};
const now = (): number => Date.UTC(2026, 0, 1);

function createClient(answers: readonly { status: number; body: string }[] | Error): {
  client: AwsJsonClient;
  calls: string[];
  pauses: number[];
} {
  const [calls, pauses]: [string[], number[]] = [[], []];
  const exchange: Exchange = async (url, headers, body) => {
    calls.push(`${url.href} ${headers["x-amz-target"]} ${body}`);
    if (answers instanceof Error) throw answers;
    return answers[calls.length - 1] ?? { status: 200, body: "{}" };
  };
  const pause = async (milliseconds: number): Promise<void> => void pauses.push(milliseconds);
  const settings = { ...readJsonClientSettings(DYNAMODB, environment, now), exchange, pause, random: () => 1 };
  return { client: new AwsJsonClient(DYNAMODB, settings), calls, pauses };
}

const throttled = {
  status: 400,
  body: '{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Rate exceeded"}',
};
const failed = { status: 500, body: "" };
const refused = { status: 400, body: '{"__type":"x#ValidationException","Message":"bad","Extra":1}' };

describe("AWS JSON client", () => {
  it("sends a signed request over HTTP and returns the document", async () => {
    let seen: { headers: NodeJS.Dict<string | string[]>; body: string } | undefined;
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        seen = { headers: request.headers, body };
        response.end('{"Item":{}}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const settings = readJsonClientSettings(EVENTBRIDGE, { ...environment, AWS_ENDPOINT_URL: endpoint }, now);

    const answer = await new AwsJsonClient(EVENTBRIDGE, settings).call("PutEvents", { a: "ü" });

    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    assert.deepEqual(answer, { Item: {} });
    assert.equal(seen?.body, '{"a":"ü"}');
    assert.equal(seen.headers["x-amz-target"], "AWSEvents.PutEvents");
    assert.equal(seen.headers["x-amz-security-token"], "token");
    assert.match(
      String(seen.headers.authorization),
      /^AWS4-HMAC-SHA256 Credential=id\/20260101\/eu-west-1\/events\/aws4_request, /,
    );
  });

  it("calls AWS's own host, also in China, unless the environment sets another", () => {
    const read = (changes: NodeJS.Dict<string>): string =>
      readJsonClientSettings(DYNAMODB, { ...environment, ...changes }, now).endpoint;

    assert.equal(read({}), "https://dynamodb.eu-west-1.amazonaws.com");
    assert.equal(read({ AWS_REGION: "cn-north-1" }), "https://dynamodb.cn-north-1.amazonaws.com.cn");
    assert.equal(read({ AWS_ENDPOINT_URL: "http://a/" }), "http://a");
    assert.equal(read({ AWS_ENDPOINT_URL: "http://a", AWS_ENDPOINT_URL_DYNAMODB: "http://b" }), "http://b");
  });

  it("repeats throttled, failed and truncated answers with growing pauses", async () => {
    const { client, calls, pauses } = createClient([throttled, failed, { status: 200, body: '{"cut' }]);

    assert.deepEqual(await client.call("GetItem", {}), {});

    assert.equal(calls.length, 4);
    assert.deepEqual(pauses, [50, 100, 200]);
  });

  it(`fails when all ${ATTEMPTS} attempts do`, async () => {
    const { client, calls } = createClient(Array(ATTEMPTS).fill(throttled));

    await assert.rejects(client.call("GetItem", {}), {
      name: "AwsCallError",
      code: "ThrottlingException",
      retryable: true,
    });

    assert.equal(calls.length, ATTEMPTS);
  });

  it("fails when nobody answers, and says so without the address", async () => {
    const { client } = createClient(new Error("connect ECONNREFUSED 10.0.0.1"));

    await assert.rejects(client.call("GetItem", {}), {
      code: "NetworkError",
      retryable: true,
      message: "NetworkError: dynamodb did not answer GetItem",
    });
  });

  it("rejects at once what no repetition would change, with the whole document", async () => {
    const { client, calls } = createClient([refused]);

    await assert.rejects(client.call("GetItem", {}), {
      code: "ValidationException",
      status: 400,
      retryable: false,
      message: "ValidationException: bad",
    });

    assert.equal(calls.length, 1);
  });

  it("repeats what the caller calls repeatable", async () => {
    const { client, calls } = createClient([refused]);

    await client.call("GetItem", {}, ({ body }) => body.Extra === 1);

    assert.equal(calls.length, 2);
  });

  for (const name of ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) {
    it(`rejects an environment without ${name}`, () => {
      assert.throws(
        () => readJsonClientSettings(DYNAMODB, { ...environment, [name]: undefined }, now),
        new RegExp(name),
      );
    });
  }
});
