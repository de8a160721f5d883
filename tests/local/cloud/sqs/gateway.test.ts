// Proves SQS behind the real gateway: signatures, roles, queue policies, URLs that the SDK follows, long polls that end with their
// client, and what is refused as not simulated.
import assert from "node:assert/strict";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { Credentials } from "../../../../local/cloud/core/access";
import { servicePrincipal } from "../../../../local/cloud/core/principal";
import { type RunningCloud, startTestCloud } from "../../../support/running-cloud";

const QUEUE = "aws:sqs/queue:Queue";

describe("SQS behind the gateway", () => {
  let running: RunningCloud;
  let client: SQSClient;
  let url: string;
  let arn: string;

  beforeEach(async () => {
    running = await startTestCloud();
    client = clientOf(running.cloud.rootCredentials());
    const { outputs } = await running.declare(QUEUE, { name: "work" });
    url = String(outputs.url);
    arn = String(outputs.arn);
  });

  afterEach(async () => {
    client.destroy();
    await running.cloud.stop();
  });

  const clientOf = (credentials: Credentials, endpoint?: string): SQSClient => {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    return new SQSClient({
      region: "eu-west-1",
      endpoint: endpoint ?? running.cloud.gatewayOrigin,
      maxAttempts: 1,
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
    });
  };
  const declareRole = async (name: string, statements: readonly unknown[]): Promise<Credentials> => {
    const trust = { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" };
    const { outputs } = await running.declare(
      "aws:iam/role:Role",
      { name, assumeRolePolicy: JSON.stringify({ Version: "2012-10-17", Statement: [trust] }) },
      name,
    );
    if (statements.length > 0) {
      const policy = JSON.stringify({ Version: "2012-10-17", Statement: statements });
      await running.declare("aws:iam/rolePolicy:RolePolicy", { role: name, policy }, `${name}-policy`);
    }
    return running.cloud.context.access.assumeRole(String(outputs.arn), "worker", "lambda.amazonaws.com");
  };

  it("keeps AWS's URL in outputs and maps it to the gateway", () => {
    assert.equal(url, "https://sqs.eu-west-1.amazonaws.com/000000000000/work");
    assert.equal(running.cloud.localise(url), `${running.cloud.gatewayOrigin}/000000000000/work`);
  });

  it("carries a message from sender to receiver and deletes it", async () => {
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: "work" }));
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: "hello" }));

    const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
    const [message] = Messages ?? [];
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));

    assert.equal(message?.Body, "hello");
    const operations = running.cloud.traces.recent().map(({ operation, resource }) => `${operation} ${resource}`);
    assert.deepEqual(operations, [
      `GetQueueUrl ${arn}`,
      `SendMessage ${arn}`,
      `ReceiveMessage ${arn}`,
      `DeleteMessage ${arn}`,
    ]);
  });

  it("wakes a long poll when another client sends", async () => {
    const poll = client.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20 }));
    await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "hello" }));

    assert.equal((await poll).Messages?.[0]?.Body, "hello");
  });

  it("ends a long poll when its client goes away, so that it takes no message", async () => {
    const gone = new AbortController();
    const { access } = running.cloud.context;
    const decide = access.decide.bind(access);
    // The poll waits as soon as the turn in which it was allowed is over.
    access.decide = (question) => {
      if (question.action === "sqs:ReceiveMessage") setImmediate(() => gone.abort());
      return decide(question);
    };
    const poll = client.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20 }), {
      abortSignal: gone.signal,
    });
    await assert.rejects(poll, { name: "AbortError" });
    await running.cloud.traces.waitFor(({ operation, status }) => operation === "ReceiveMessage" && status === 499);
    await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "hello" }));

    const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 1 }));

    assert.equal(Messages?.[0]?.Body, "hello");
  });

  it("lets a role do what its policy says, and rejects the rest in AWS's words", async () => {
    const producer = clientOf(
      await declareRole("producer", [{ Effect: "Allow", Action: "sqs:SendMessage", Resource: arn }]),
    );

    await producer.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "hello" }));

    await assert.rejects(producer.send(new ReceiveMessageCommand({ QueueUrl: url })), {
      name: "AccessDenied",
      message:
        /User: arn:aws:sts::000000000000:assumed-role\/producer\/worker is not authorized to perform: sqs:receivemessage on resource: arn:aws:sqs:eu-west-1:000000000000:work/i,
    });
    producer.destroy();
  });

  it("Q18: rejects plain HTTP in the queue policy without refusing the local run, and admits whom the policy names", async () => {
    const credentials = await declareRole("stranger", []);
    const stranger = clientOf(credentials);
    const policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Deny",
          Principal: "*",
          Action: "sqs:*",
          Resource: arn,
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
        {
          Effect: "Allow",
          Principal: { AWS: "arn:aws:iam::000000000000:role/stranger" },
          Action: "sqs:SendMessage",
          Resource: arn,
        },
      ],
    });
    const send = () => stranger.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "hello" }));
    await assert.rejects(send(), { name: "AccessDenied" });

    await running.declare("aws:sqs/queuePolicy:QueuePolicy", { queueUrl: url, policy });

    await send();
    stranger.destroy();
  });

  it("Q18: admits a service only for the resource that the policy names", async () => {
    const rule = "arn:aws:events:eu-west-1:000000000000:rule/mine";
    const Statement = {
      Effect: "Allow",
      Principal: { Service: "events.amazonaws.com" },
      Action: "sqs:SendMessage",
      Resource: arn,
      Condition: { ArnEquals: { "aws:SourceArn": rule } },
    };
    const policy = JSON.stringify({ Version: "2012-10-17", Statement });
    await running.declare("aws:sqs/queuePolicy:QueuePolicy", { queueUrl: url, policy });
    const { queues } = running.cloud.context;
    const sendFor = (source: string) =>
      queues.send(arn, { body: "x" }, servicePrincipal("events.amazonaws.com", source, "000000000000"));

    sendFor(rule);

    assert.throws(() => sendFor(`${rule}-other`), { code: "AccessDenied" });
  });

  it("rejects a wrong signature", async () => {
    const forged = clientOf({ ...running.cloud.rootCredentials(), secretAccessKey: "wrong" });

    await assert.rejects(forged.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "x" })), {
      name: "InvalidSignatureException",
    });
    forged.destroy();
  });

  it("rejects queues made by calls: they are declared", async () => {
    await assert.rejects(client.send(new CreateQueueCommand({ QueueName: "other" })), /not simulated by the local run/);
  });
});
