// Proves routing, permission checks, error rendering, traces and the life of the gateway, over real HTTP.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { CloudWatchClient, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { VirtualClock } from "../../../../local/cloud/core/clock";
import { AwsError } from "../../../../local/cloud/core/errors";
import { servicePrincipal } from "../../../../local/cloud/core/principal";
import { TraceLog } from "../../../../local/cloud/core/trace";
import { createGateway, protocolOf, renderError } from "../../../../local/cloud/gateway";
import { createAccessControl } from "../../../../local/cloud/iam";
import { PortInUseError } from "../../../../local/cloud/ports";
import { account, codeOf, type GatewayRun, region, send, sendSigned, startGateway } from "../../../support/gateway-run";

const readTable = {
  action: "dynamodb:GetItem",
  resource: `arn:aws:dynamodb:${region}:${account}:table/t`,
  resourceAccountId: account,
};
const readObject = { action: "s3:GetObject", resource: "arn:aws:s3:::media/k", resourceAccountId: account };

describe("gateway", () => {
  let run: GatewayRun;
  beforeEach(async () => {
    run = await startGateway();
  });
  afterEach(() => run.stop());

  const client = () => ({
    endpoint: run.gateway.origin,
    region,
    credentials: run.access.issue(nobody),
    maxAttempts: 2,
  });
  const nobody = {
    kind: "user",
    arn: `arn:aws:iam::${account}:user/nobody`,
    accountId: account,
    userId: "AIDANOBODY",
  } as const;

  it("rejects calls without permission in the words of each protocol", async () => {
    const settings = client();
    const errors: Record<string, unknown>[] = [];
    const attempt = async (call: Promise<unknown>): Promise<void> =>
      call.then(
        () => assert.fail("the call was allowed"),
        (thrown: unknown) => {
          const error = thrown as Error & { $metadata: { httpStatusCode: number } };
          errors.push({ name: error.name, message: error.message, status: error.$metadata.httpStatusCode });
        },
      );

    run.behaviour = async (call) => void call.authorize(readTable);
    await attempt(new DynamoDBClient(settings).send(new GetItemCommand({ TableName: "t", Key: { id: { S: "1" } } })));
    run.behaviour = async (call) => void call.authorize(readObject);
    await attempt(new S3Client(settings).send(new GetObjectCommand({ Bucket: "media", Key: "k" })));
    run.behaviour = async (call) =>
      void call.authorize({
        ...readTable,
        action: "lambda:InvokeFunction",
        resource: "arn:aws:lambda:eu-west-1:1:function:f",
      });
    await attempt(new LambdaClient(settings).send(new InvokeCommand({ FunctionName: "f" })));

    const because = (action: string) => `because no identity-based policy allows the ${action} action`;
    const user = `User: ${nobody.arn} is not authorized to perform:`;
    assert.deepEqual(errors, [
      {
        name: "AccessDeniedException",
        message: `${user} dynamodb:GetItem on resource: ${readTable.resource} ${because("dynamodb:GetItem")}`,
        status: 400,
      },
      {
        name: "AccessDenied",
        message: `${user} s3:GetObject on resource: "arn:aws:s3:::media/k" ${because("s3:GetObject")}`,
        status: 403,
      },
      {
        name: "AccessDeniedException",
        message: `${user} lambda:InvokeFunction on resource: arn:aws:lambda:eu-west-1:1:function:f ${because("lambda:InvokeFunction")}`,
        status: 403,
      },
    ]);
  });

  it("rejects what a policy denies, naming the kind of policy and in the trace the statement", async () => {
    const document = {
      Statement: { Sid: "Stop", Effect: "Deny", Principal: "*", Action: "s3:*", Resource: "*" },
    } as const;
    run.behaviour = async (call) => void call.authorize({ ...readObject, resourcePolicy: { name: "media", document } });

    const answer = await sendSigned(run, "/media/k");

    assert.match(
      answer.body,
      /is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::media\/k" with an explicit deny in a resource-based policy</,
    );
    assert.deepEqual(
      run.traces.recent()[0]?.decisions.map(({ allowed, statements }) => [allowed, statements]),
      [[false, ["media#Stop"]]],
    );
  });

  it("rejects anonymous S3 callers without telling them why", async () => {
    run.behaviour = async (call) => void call.authorize(readObject);

    const answer = await send(`${run.gateway.origin}/media/k`);

    assert.match(answer.body, /<Code>AccessDenied<\/Code><Message>Access Denied<\/Message>/);
  });

  it("puts the request's condition keys into the question", async () => {
    const asked: Record<string, unknown>[] = [];
    const decide = run.access.decide.bind(run.access);
    run.access.decide = (question) => {
      asked.push({ ...question.context });
      return decide(question);
    };
    run.behaviour = async (call) => {
      call.authorize({ ...readObject, context: { "s3:prefix": "x" } });
      call.response.end();
    };

    await sendSigned(run, "/media/k", {
      at: run.clock.now() - 5000,
      headers: { "user-agent": "test/1", "x-amz-acl": "private" },
    });

    assert.deepEqual(asked, [
      {
        "aws:SourceIp": "127.0.0.1",
        "aws:RequestedRegion": region,
        "aws:UserAgent": "test/1",
        "s3:TlsVersion": "1.3",
        "s3:authType": "REST-HEADER",
        "s3:prefix": "x",
        "s3:signatureAge": "5000",
        "s3:signatureversion": "AWS4-HMAC-SHA256",
        "s3:x-amz-acl": "private",
        "s3:x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      },
    ]);
  });

  it("U14: lets a bucket policy deny signatures that are too old", async () => {
    const document = {
      Statement: {
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: "*",
        Condition: { NumericGreaterThan: { "s3:signatureAge": "120000" } },
      },
    } as const;
    run.behaviour = async (call) => {
      call.authorize({ ...readObject, resourcePolicy: { name: "media", document } });
      call.response.end();
    };

    const young = await sendSigned(run, "/media/k", { at: run.clock.now() - 120_000 });
    const old = await sendSigned(run, "/media/k", { at: run.clock.now() - 121_000 });

    assert.deepEqual([young.status, old.status], [200, 403]);
  });

  it("does not claim a source address for calls of services", async () => {
    const credentials = run.access.issue(
      servicePrincipal("cloudfront.amazonaws.com", "arn:aws:cloudfront::1:distribution/E", account),
    );
    const document = {
      Statement: {
        Effect: "Allow",
        Principal: "*",
        Action: "s3:*",
        Resource: "*",
        Condition: { Null: { "aws:SourceIp": "true" } },
      },
    } as const;
    run.behaviour = async (call) => {
      call.authorize({ ...readObject, resourcePolicy: { name: "media", document } });
      call.response.end();
    };

    assert.equal((await sendSigned(run, "/media/k", { credentials })).status, 200);
  });

  it("records each call with caller, operation, duration and details, and no query", async () => {
    run.behaviour = async (call) => {
      await run.clock.advance(250);
      call.describe({ operation: "GetObject", resource: "arn:aws:s3:::media/k", detail: { bytes: 1 } });
      call.describe({ detail: { parts: 2 } });
      call.response.end();
    };

    const answer = await sendSigned(run, "/media/k?X-Secret=1");

    assert.deepEqual(run.traces.recent(), [
      {
        id: answer.headers["x-amz-request-id"],
        at: Date.UTC(2026, 0, 1),
        durationMs: 250,
        caller: `arn:aws:iam::${account}:root`,
        service: "s3",
        operation: "GetObject",
        resource: "arn:aws:s3:::media/k",
        status: 200,
        decisions: [],
        detail: { bytes: 1, parts: 2 },
      },
    ]);
  });

  it("answers an unexpected exception with 500, logs it with the request id, and goes on", async () => {
    run.behaviour = () => Promise.reject(new TypeError("secret detail"));

    const s3 = await sendSigned(run, "/media/k");
    const lambda = await sendSigned(run, "/x", { service: "lambda", method: "POST", body: "{}" });
    run.behaviour = undefined;
    const next = await sendSigned(run, "/media/k");

    assert.deepEqual(
      [s3.status, codeOf(s3), lambda.status, lambda.headers["x-amzn-errortype"]],
      [500, "InternalError", 500, "InternalFailure"],
    );
    assert.ok(!s3.body.includes("secret detail") && !lambda.body.includes("secret detail"));
    assert.equal(next.status, 200);
    assert.equal(run.log.length, 2);
    assert.match(
      run.log[0] ?? "",
      new RegExp(`request ${s3.headers["x-amz-request-id"]} to s3 failed unexpectedly: TypeError: secret detail`),
    );
  });

  it("cuts the connection when a call fails after its answer has begun", async () => {
    run.behaviour = async (call) => {
      call.response.writeHead(200, { "content-length": "10" });
      call.response.write("abc");
      throw new AwsError("Late", "too late");
    };

    await assert.rejects(sendSigned(run, "/media/k"), /socket hang up|aborted|ECONNRESET/);
  });

  it("answers HEAD refusals without a body", async () => {
    const answer = await sendSigned(run, "/media/k", {
      method: "HEAD",
      credentials: { ...run.root, secretAccessKey: "x" },
    });

    assert.deepEqual([answer.status, answer.body], [403, ""]);
  });

  it("tells the time by which signatures are judged", async () => {
    const answer = await send(`${run.gateway.origin}/media/k`);

    assert.equal(answer.headers.date, "Thu, 01 Jan 2026 00:00:00 GMT");
  });

  it("records a client that leaves before the answer", async () => {
    let arrived = (): void => undefined;
    const there = new Promise<void>((resolve) => (arrived = resolve));
    run.behaviour = async () => arrived();
    const socket = connect(Number(new URL(run.gateway.origin).port), "127.0.0.1");
    await once(socket, "connect");

    socket.write("GET /media/k HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
    await there;
    socket.destroy();
    const trace = await run.traces.waitFor(({ service }) => service === "s3");

    assert.deepEqual([trace.status, trace.errorCode], [499, "ClientDisconnected"]);
  });

  it("lets a client that asks first go on only when its signature holds", async () => {
    const ask = async (authorization: string): Promise<string> => {
      const socket = connect(Number(new URL(run.gateway.origin).port), "127.0.0.1");
      await once(socket, "connect");
      const auth = authorization === "" ? "" : `authorization: ${authorization}\r\n`;
      socket.write(
        `PUT /media/k HTTP/1.1\r\nhost: 127.0.0.1\r\n${auth}expect: 100-continue\r\ncontent-length: 3\r\n\r\n`,
      );
      const [data] = (await once(socket, "data")) as [Buffer];
      socket.destroy();
      return data.toString();
    };

    assert.match(await ask(""), /^HTTP\/1\.1 100 Continue\r\n/);
    const refusal = await ask("AWS4-HMAC-SHA256 x");
    assert.match(refusal, /^HTTP\/1\.1 400 Bad Request\r\n/);
    // The client may or may not send the body after all: nothing else can follow on this connection.
    assert.match(refusal, /\r\nconnection: close\r\n/i);
  });

  it("keeps a connection usable after a refused upload", async () => {
    const socket = connect(Number(new URL(run.gateway.origin).port), "127.0.0.1");
    await once(socket, "connect");
    const body = "x".repeat(200_000);
    const answers: string[] = [];
    socket.on("data", (data: Buffer) => answers.push(data.toString()));

    socket.write(
      `PUT /media/k HTTP/1.1\r\nhost: h\r\nauthorization: AWS x\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    socket.write("GET /media/next HTTP/1.1\r\nhost: h\r\n\r\n");
    await run.traces.waitFor(({ operation }) => operation === "GET /media/next");
    socket.destroy();

    assert.deepEqual(
      run.traces.recent().map(({ status }) => status),
      [400, 200],
    );
  });

  it("lets S3 prepare the answer before the signature is judged", async () => {
    const access = createAccessControl({ clock: new VirtualClock() });
    const gateway = createGateway({
      clock: new VirtualClock(),
      access,
      traces: new TraceLog(),
      uniqueId: () => "x",
      services: [
        {
          name: "s3",
          models: [],
          prepare: ({ response, rawPath, method }) =>
            void response.setHeader("access-control-allow-origin", `${method} ${rawPath}`),
        },
      ],
    });
    await gateway.start(0, "127.0.0.1");

    const answer = await send(`${gateway.origin}/b/k`, { headers: { authorization: "AWS x" } });
    await gateway.stop();

    assert.equal(answer.status, 400);
    assert.equal(answer.headers["access-control-allow-origin"], "GET /b/k");
  });

  it("answers the CloudWatch client in its protocol", async () => {
    await assert.rejects(
      new CloudWatchClient(client()).send(
        new PutMetricDataCommand({ Namespace: "n", MetricData: [{ MetricName: "m", Value: 1 }] }),
      ),
      /monitoring is not simulated/,
    );
  });

  it("rejects a port that is taken", async () => {
    const second = createGateway({
      clock: run.clock,
      access: run.access,
      traces: run.traces,
      services: [],
      uniqueId: () => "x",
    });

    await assert.rejects(second.start(Number(new URL(run.gateway.origin).port), "127.0.0.1"), PortInUseError);
    assert.throws(() => second.origin, /has not started/);
  });

  it("closes all its listeners, even with open connections", async () => {
    const accelerate = await run.gateway.serveAccelerate(0, "127.0.0.1");
    const { origin } = run.gateway;
    const idle = connect(Number(new URL(origin).port), "127.0.0.1");
    await once(idle, "connect");
    idle.on("error", () => undefined);

    await run.gateway.stop();

    await assert.rejects(send(origin), /ECONNREFUSED/);
    await assert.rejects(send(accelerate.origin), /ECONNREFUSED/);
  });
});

describe("error rendering", () => {
  const error = new AwsError("NoSuchKey", 'a <b> & "c"\u0001', 404, { Key: "k&" });
  const request = (contentType?: string) =>
    ({ headers: contentType === undefined ? {} : { "content-type": [contentType] } }) as never;

  it("finds the protocol by service and content type", () => {
    assert.equal(protocolOf(request("application/x-amz-json-1.1"), "s3"), "s3-xml");
    assert.equal(protocolOf(request("application/x-amz-json-1.0"), "dynamodb"), "json-1.0");
    assert.equal(protocolOf(request("application/x-amz-json-1.1"), "logs"), "json-1.1");
    assert.equal(protocolOf(request("application/x-www-form-urlencoded; charset=utf-8"), "monitoring"), "query");
    assert.equal(protocolOf(request(), "sns"), "query");
    assert.equal(protocolOf(request("application/json"), "lambda"), "rest-json");
  });

  it("renders S3 documents with fields and escaped text", () => {
    const { status, headers, body } = renderError(error, "s3-xml", "id-1");

    assert.deepEqual([status, headers["content-type"]], [404, "application/xml"]);
    assert.equal(
      body,
      '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>a &lt;b&gt; &amp; "c"</Message><Key>k&amp;</Key><RequestId>id-1</RequestId><HostId>id-1</HostId></Error>',
    );
  });

  it("renders query documents", () => {
    assert.equal(
      renderError(new AwsError("Throttling", "slow", 400), "query", "id-1").body,
      "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>slow</Message></Error><RequestId>id-1</RequestId></ErrorResponse>",
    );
    assert.match(
      renderError(new AwsError("InternalFailure", "x", 500), "query", "id-1").body,
      /<Type>Receiver<\/Type>/,
    );
  });

  it("renders JSON documents, with the type inside only where the protocol has it there", () => {
    const json = renderError(error, "json-1.1", "id-1");
    const rest = renderError(error, "rest-json", "id-1");

    assert.deepEqual(JSON.parse(json.body), { __type: "NoSuchKey", message: error.message, Key: "k&" });
    assert.deepEqual(JSON.parse(rest.body), { message: error.message, Key: "k&" });
    assert.deepEqual(
      [json.headers["content-type"], rest.headers["content-type"]],
      ["application/x-amz-json-1.1", "application/json"],
    );
    assert.equal(rest.headers["x-amzn-errortype"], "NoSuchKey");
  });
});
