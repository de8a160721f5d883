// Proves the deployed bundles: events of AWS in, an embedded DynamoDB and stubs of Step Functions and @connections behind. Every call
// that they make is one that the contract grants, and the contract grants no other.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import {
  PROGRESS_HANDLERS,
  REPORT_EVENT,
  type ProgressEvent,
  type ProgressHandler,
  type ProgressHandlerName,
  type ServerReply,
  type TicketResponse,
} from "../../../handlers/progress/contract";
import type { ServiceStub } from "../../support/json-service-stub";
import {
  PROGRESS_HANDLER_NAMES,
  startAwsStub,
  writeProgressBundles,
  type AwsStub,
  type StubAnswer,
} from "../../support/progress-bundles";
import {
  createProgressEnvironment,
  createReport,
  MACHINE_ARN,
  ORIGIN,
  startProgressTable,
} from "../../support/progress-handlers";
import { createEvent, createRequestContext } from "../../support/upload-handlers";

type Handler = (event: unknown, context: unknown) => Promise<unknown>;

const METHOD_ARN = "arn:aws:execute-api:eu-west-1:123456789012:sockets/dev/$connect";
const context = { awsRequestId: "request-1", getRemainingTimeInMillis: () => 60_000 };
const foreverAgo = (Date.now() - 86_400_000) / 1000;

describe("Progress handlers as deployed", function () {
  this.timeout(60_000);
  const saved = new Map<string, string | undefined>();
  const handlers = new Map<ProgressHandlerName, Handler>();
  /** IAM actions that each handler has used. */
  const used = new Map<ProgressHandlerName, Set<string>>(PROGRESS_HANDLER_NAMES.map((name) => [name, new Set()]));
  const lines: string[] = [];
  const secrets: string[] = [];
  let database: ServiceStub;
  let machine: AwsStub;
  let sockets: AwsStub;
  let bundles: ReturnType<typeof writeProgressBundles>;

  before(async () => {
    [database, machine, sockets] = await Promise.all([startProgressTable(), startAwsStub(), startAwsStub()]);
    const environment = createProgressEnvironment({
      AWS_ENDPOINT_URL_DYNAMODB: database.endpoint,
      AWS_ENDPOINT_URL_SFN: machine.endpoint,
      CONNECTIONS_URL: `${sockets.endpoint}/dev`,
      STARTS_PER_MINUTE: "1000",
    });
    for (const [name, value] of Object.entries(environment)) {
      saved.set(name, process.env[name]);
      process.env[name] = value;
    }
    bundles = writeProgressBundles();
    const load = createRequire(__filename);
    for (const name of PROGRESS_HANDLER_NAMES) {
      handlers.set(name, (load(bundles.paths[name]) as { handler: Handler }).handler);
    }
  });

  after(async () => {
    for (const [name, value] of saved) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
    bundles.remove();
    await Promise.all([database.close(), machine.close(), sockets.close()]);
  });

  /** Runs a handler; notes what it logs and which actions it needs. */
  async function invoke(name: ProgressHandlerName, event: unknown): Promise<unknown> {
    database.questions.length = machine.requests.length = sockets.requests.length = 0;
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (line: string | Uint8Array) => lines.push(String(line)) > 0;
    try {
      return await handlers.get(name)?.(event, context);
    } finally {
      process.stdout.write = write;
      const actions = used.get(name)!;
      for (const { action, resource } of database.questions) {
        actions.add(resource.includes("/index/") ? `${action} on the index` : action);
      }
      for (const { operation } of machine.requests) actions.add(`states:${operation}`);
      if (sockets.requests.length > 0) actions.add("execute-api:ManageConnections");
    }
  }

  const socketEvent = (eventType: string, connectionId: string, owner: string, body?: object): object => ({
    requestContext: { eventType, connectionId, requestId: "request-1", authorizer: { owner, principalId: owner } },
    ...(body ? { body: JSON.stringify({ requestId: "r", ...body }) } : {}),
    isBase64Encoded: false,
  });

  async function send(connectionId: string, owner: string, body: object): Promise<ServerReply & { ok: true }> {
    const answer = await invoke("messages", socketEvent("MESSAGE", connectionId, owner, body));
    const reply = JSON.parse((answer as { body: string }).body) as ServerReply;
    assert.ok(reply.ok, JSON.stringify(reply));
    return reply;
  }

  async function takeTicket(user: string, body: object): Promise<TicketResponse> {
    const requestContext = createRequestContext({ claims: { sub: user } });
    const answer = await invoke("tickets", createEvent({ requestContext, body: JSON.stringify(body) }));
    const { statusCode, body: text } = answer as { statusCode: number; body: string };
    assert.equal(statusCode, 201, text);
    const response = JSON.parse(text) as TicketResponse;
    secrets.push(response.ticket);
    return response;
  }

  async function connect(connectionId: string, user: string): Promise<void> {
    const { ticket } = await takeTicket(user, {});
    const event = { methodArn: METHOD_ARN, headers: { origin: ORIGIN }, queryStringParameters: { ticket } };
    const verdict = (await invoke("authorize", event)) as { context: { owner: string } };
    assert.equal(verdict.context.owner, user);
    const again = (await invoke("authorize", event)) as { policyDocument: { Statement: { Effect: string }[] } };
    assert.equal(again.policyDocument.Statement[0]?.Effect, "Deny");
    await invoke("connections", socketEvent("CONNECT", connectionId, user));
  }

  const startRun = async (connectionId: string, user: string): Promise<string> => {
    const { run } = await send(connectionId, user, { action: "start", idempotencyKey: connectionId, input: {} });
    return run!.executionId;
  };
  const status = (name: string, changes: object): object => ({
    source: "aws.states",
    "detail-type": "Step Functions Execution Status Change",
    detail: { name, stateMachineArn: MACHINE_ARN, startDate: Date.now(), stopDate: Date.now(), ...changes },
  });
  const pushed = (): ProgressEvent[] => sockets.requests.map(({ body }) => JSON.parse(body) as ProgressEvent);
  const execution = (changes: object): (() => StubAnswer) => {
    return () => ({ body: { startDate: foreverAgo, stopDate: foreverAgo, redriveCount: 0, ...changes } });
  };

  it("carry a run from the ticket to its end", async () => {
    await connect("c1", "alice");
    const executionId = await startRun("c1", "alice");
    assert.deepEqual(JSON.parse(machine.requests[0]!.body), {
      stateMachineArn: `${MACHINE_ARN}:live`,
      name: executionId,
      input: "{}",
    });
    assert.match(machine.requests[0]!.authorization, /\/eu-west-1\/states\/aws4_request/);

    await invoke("report", createReport({ executionId, at: new Date().toISOString() }));
    assert.deepEqual(
      pushed().map(({ sequence, percent, step }) => [sequence, percent, step]),
      [[2, 24, "Reserve"]],
    );
    assert.equal(sockets.requests[0]?.path, "/dev/@connections/c1");
    assert.match(sockets.requests[0]?.authorization ?? "", /\/eu-west-1\/execute-api\/aws4_request/);

    await invoke("status", status(executionId, { status: "SUCCEEDED" }));
    assert.deepEqual(
      pushed().map(({ kind, percent }) => [kind, percent]),
      [["succeeded", 100]],
    );

    await takeTicket("alice", { executionId });
    const { events, completeTo } = await send("c1", "alice", { action: "subscribe", executionId, since: 1 });
    assert.deepEqual([events?.length, completeTo], [2, 3]);
    await send("c1", "alice", { action: "unsubscribe", executionId });
    await invoke("connections", socketEvent("DISCONNECT", "c1", "alice"));
    assert.equal((await send("c2", "alice", { action: "list" })).runs?.length, 1);
  });

  it("W26: tell with the next run how long the one before has taken", async () => {
    const { run } = await send("c1", "alice", { action: "start", idempotencyKey: "next", input: {} });
    const { runs, totalSeconds = Infinity, secondsAfter = {} } = run?.expected ?? {};

    assert.deepEqual([runs, Object.keys(secondsAfter)], [1, ["Reserve"]]);
    assert.ok(totalSeconds < 60 && Number(secondsAfter.Reserve) < 60, JSON.stringify(run));
  });

  it("report takes events of the EventBridge transport, with the same bytes to the viewer", async () => {
    const executionId = await startRun("c3", "bob");
    const report = createReport({ executionId });
    await invoke("report", {
      source: REPORT_EVENT.source,
      "detail-type": REPORT_EVENT.detailType,
      detail: { ...report, stateMachineArn: MACHINE_ARN },
    });
    const first = sockets.requests[0]?.body;
    await invoke("report", report);

    assert.equal(first, JSON.stringify(JSON.parse(first ?? "")));
    assert.deepEqual(sockets.requests, [], "a report that comes again is not pushed again");
  });

  it("rejects a report that is none, so that the rule tries again and the alarm counts it", async () => {
    for (const payload of [null, "x", {}, { ...createReport(), share: -1 }, { ...createReport(), kind: "failed" }]) {
      lines.length = 0;
      await assert.rejects(invoke("report", payload), { name: "InvalidReportError" });
      assert.match(lines.join(""), /"ReportsFailed":1/);
    }
  });

  it("W8: 410 removes the connection, and 403, 429 and 500 remove nothing", async () => {
    for (const [code, left] of [
      [403, 1],
      [429, 1],
      [500, 1],
      [410, 0],
    ] as const) {
      const user = `viewer-${code}`;
      const executionId = await startRun(`c-${code}`, user);
      sockets.answer = () => ({ status: code, body: { message: "no" } });
      await invoke("report", createReport({ executionId }));
      sockets.answer = () => ({});

      await invoke("report", createReport({ executionId, step: "Charge" }));
      assert.equal(sockets.requests.length, left, `after ${code}`);
    }
  });

  it("W13: cancel and redrive reach Step Functions and the viewers", async () => {
    const executionId = await startRun("c4", "carol");
    machine.answer = execution({ status: "ABORTED", error: "Cancelled", cause: "by the user" });
    const cancelled = await send("c4", "carol", { action: "cancel", executionId });
    assert.deepEqual(
      machine.requests.map(({ operation }) => operation),
      ["StopExecution", "DescribeExecution"],
    );
    assert.deepEqual([cancelled.run?.state, pushed()[0]?.error?.cause], ["aborted", "by the user"]);

    const redriven = await send("c4", "carol", { action: "redrive", executionId });
    machine.answer = () => ({});
    assert.deepEqual([redriven.run?.state, pushed()[0]?.kind], ["running", "redriven"]);
    const { executionArn } = JSON.parse(machine.requests[0]!.body) as { executionArn: string };
    assert.equal(executionArn, `arn:aws:states:eu-west-1:123456789012:execution:orders:${executionId}`);
  });

  for (const [code, expected] of [
    ["InvalidExecutionInput", "BadRequest"],
    ["ExecutionLimitExceeded", "TooManyRequests"],
    ["AccessDeniedException", "InternalError"],
  ] as const) {
    it(`answers ${expected} when Step Functions answers ${code}`, async () => {
      machine.answer = () => ({ status: 400, body: { __type: code, message: "no" } });
      const body = { action: "start", idempotencyKey: code, input: {} };
      const answer = await invoke("messages", socketEvent("MESSAGE", "c5", "dave", body));
      machine.answer = () => ({});

      const reply = JSON.parse((answer as { body: string }).body) as ServerReply & { ok: false };
      assert.equal(reply.error.code, expected);
    });
  }

  it("W9: reconcile finds the end of a run whose event was lost", async () => {
    const executionId = "started-elsewhere";
    await invoke("status", status(executionId, { status: "RUNNING", startDate: foreverAgo * 1000, stopDate: null }));
    machine.answer = execution({ status: "TIMED_OUT" });

    const result = (await invoke("reconcile", {})) as { reconciled: number };
    machine.answer = () => ({});

    assert.equal(result.reconciled, 1);
    assert.match(lines.join(""), /"RunsReconciled":1/);
  });

  it("status passes over the events of another machine", async () => {
    await invoke("status", status("x", { status: "RUNNING", stateMachineArn: `${MACHINE_ARN}2` }));

    assert.deepEqual(database.questions, []);
  });

  it("every handler reaches what it may do", async () => {
    // What the tests above do not come to: gone viewers of a status event and of a reconciliation, and $default.
    const run = async (name: string): Promise<string> => {
      const id = `gone-${name}`;
      await invoke("status", status(id, { status: "RUNNING", startDate: foreverAgo * 1000, stopDate: null }));
      const key = { pk: { S: `run#${id}` }, sk: { S: "subscriber#gone" } };
      await putRow({ ...key, connectionId: { S: "gone" } });
      return id;
    };
    sockets.answer = () => ({ status: 410 });
    await invoke("status", status(await run("status"), { status: "FAILED" }));
    await run("reconcile");
    machine.answer = execution({ status: "SUCCEEDED" });
    await invoke("reconcile", {});
    sockets.answer = machine.answer = () => ({});
    const answer = await invoke("messages", socketEvent("MESSAGE", "c6", "erin", { action: "unknown" }));

    assert.match((answer as { body: string }).body, /BadRequest/);
  });

  async function putRow(row: object): Promise<void> {
    const response = await fetch(`${database.endpoint}/`, {
      method: "POST",
      headers: { "x-amz-target": "DynamoDB_20120810.PutItem", "content-type": "application/x-amz-json-1.0" },
      body: JSON.stringify({ TableName: "progress", Item: row }),
    });
    assert.equal(response.status, 200, await response.text());
  }

  for (const name of PROGRESS_HANDLER_NAMES) {
    it(`${name} uses exactly the actions that the contract grants it`, () => {
      const { tableActions, indexActions, machineActions, executionActions, posts }: ProgressHandler =
        PROGRESS_HANDLERS[name];
      const granted = [
        ...tableActions,
        ...indexActions.map((action) => `${action} on the index`),
        ...machineActions,
        ...executionActions,
        ...(posts ? ["execute-api:ManageConnections"] : []),
      ];

      assert.deepEqual([...used.get(name)!].sort(), granted.sort());
    });
  }

  it("W18: no line of a log contains a ticket", () => {
    assert.ok(secrets.length >= 2);
    for (const secret of secrets) assert.ok(!lines.some((line) => line.includes(secret)));
  });
});
