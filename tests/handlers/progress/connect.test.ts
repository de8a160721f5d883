// Proves who may connect, and what is left of a connection afterwards.
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { authorizeConnection, toPolicy, type Handshake } from "../../../handlers/progress/authorize-connection";
import { TICKET_SECONDS, type TicketRequest } from "../../../handlers/progress/contract";
import { issueTicket } from "../../../handlers/progress/issue-ticket";
import { startLog } from "../../../handlers/progress/progress-log";
import { connectionKey, subscriberKey, subscriptionKey, ticketKey } from "../../../handlers/progress/rows";
import { numberIn } from "../../../handlers/progress/table";
import type { ServiceStub } from "../../support/json-service-stub";
import {
  collect,
  createProgressSystem,
  createRun,
  ORIGIN,
  RUN_ID,
  START_TIME,
  startProgressTable,
  type ProgressSystem,
} from "../../support/progress-handlers";

describe("Connecting", () => {
  let stub: ServiceStub;
  let system: ProgressSystem;

  beforeEach(async () => {
    stub = await startProgressTable();
    system = createProgressSystem(stub);
    await system.runs.create(createRun(), startLog(createRun()));
  });
  afterEach(() => stub.close());

  const issue = async (owner: string, request: TicketRequest = {}): Promise<string> => {
    return (await issueTicket({ ...system, socketUrl: "wss://x/dev" }, owner, request)).ticket;
  };
  const knock = (ticket?: string, origin: string | undefined = ORIGIN): ReturnType<typeof authorizeConnection> => {
    const headers: Record<string, string> = origin === "" ? {} : { Origin: origin };
    const query = ticket === undefined ? null : { ticket };
    const handshake: Handshake = { headers, queryStringParameters: query };
    return authorizeConnection({ tickets: system.tickets, allowedOrigins: [ORIGIN] }, handshake);
  };

  it("W3: admits the user of a fresh ticket from an allowed origin", async () => {
    assert.deepEqual(await knock(await issue("alice")), { viewer: { owner: "alice" } });
  });

  it("W3: rejects a missing, an unknown and a used ticket", async () => {
    const ticket = await issue("alice");
    await knock(ticket);

    for (const refused of [undefined, "", "unknown", ticket]) {
      assert.deepEqual(await knock(refused), { refused: "ticket" });
    }
  });

  it("W3: rejects all but one of those who come with the same ticket at once", async () => {
    const ticket = await issue("alice");

    const verdicts = await Promise.all([knock(ticket), knock(ticket), knock(ticket)]);

    assert.equal(verdicts.filter((verdict) => "viewer" in verdict).length, 1);
  });

  it(`W3: rejects a ticket after ${TICKET_SECONDS} s, also while its row is still there`, async () => {
    for (const late of [0, 1, 3_600_000]) {
      const ticket = await issue("alice");
      system.time += TICKET_SECONDS * 1000 + late;

      assert.deepEqual(await knock(ticket), { refused: "ticket" });
    }
  });

  it("W3: rejects a missing and a foreign origin, and leaves the ticket usable", async () => {
    const ticket = await issue("alice");

    for (const origin of ["", "https://evil.example", `${ORIGIN}.evil.example`, "null"]) {
      assert.deepEqual(await knock(ticket, origin), { refused: "origin" });
    }
    assert.ok("viewer" in (await knock(ticket)));
  });

  it("W3: a ticket for one run is given to its owner only, and carries the run", async () => {
    await assert.rejects(issue("mallory", { executionId: RUN_ID }), { code: "NotFound", status: 404 });
    await assert.rejects(issue("alice", { executionId: "unknown" }), { code: "NotFound", status: 404 });

    const ticket = await issue("alice", { executionId: RUN_ID });

    assert.deepEqual(await knock(ticket), { viewer: { owner: "alice", scope: RUN_ID } });
  });

  it("W3: the policy allows or denies what was asked for, and nothing else", () => {
    const arn = "arn:aws:execute-api:eu-west-1:123456789012:api/dev/$connect";

    assert.deepEqual(toPolicy(arn, { viewer: { owner: "alice" } }), {
      principalId: "alice",
      policyDocument: {
        Version: "2012-10-17",
        Statement: [{ Action: "execute-api:Invoke", Effect: "Allow", Resource: arn }],
      },
      context: { owner: "alice" },
    });
    assert.deepEqual(toPolicy(arn, { refused: "ticket" }), {
      principalId: "nobody",
      policyDocument: {
        Version: "2012-10-17",
        Statement: [{ Action: "execute-api:Invoke", Effect: "Deny", Resource: arn }],
      },
    });
  });

  it("keeps tickets by their hash, with a time to live", async () => {
    const ticket = await issue("alice");

    assert.equal(ticket.length, 43);
    assert.equal(await system.table.get(ticketKey(ticket)), undefined);
    const row = await system.table.get(ticketKey(hash("sha256", ticket)));
    assert.equal(numberIn(row!, "expiresAt"), START_TIME / 1000 + TICKET_SECONDS);
  });

  it("W8: rows of a connection have a time to live just above the longest connection", async () => {
    await system.connections.add("c1", { owner: "alice" });
    await system.connections.subscribe("c1", RUN_ID);

    for (const key of [connectionKey("c1"), subscriberKey(RUN_ID, "c1"), subscriptionKey("c1", RUN_ID)]) {
      const row = await system.table.get(key);
      assert.equal(numberIn(row!, "expiresAt"), START_TIME / 1000 + 7200 + 300);
    }
  });

  it("W8: forgetting a connection removes all its rows and those of no other", async () => {
    for (const id of ["c1", "c2"]) {
      await system.connections.add(id, { owner: "alice" });
      await system.connections.subscribe(id, RUN_ID);
      await system.connections.subscribe(id, "run-2");
    }

    await system.connections.forget("c1");
    await system.connections.forget("c1");

    assert.deepEqual(await collect(system.connections.subscribers(RUN_ID)), ["c2"]);
    assert.deepEqual(await collect(system.connections.subscribers("run-2")), ["c2"]);
    assert.equal(await system.table.get(connectionKey("c1")), undefined);
    assert.equal(await system.table.get(subscriptionKey("c1", RUN_ID)), undefined);
    assert.ok(await system.table.get(connectionKey("c2")));
  });
});
