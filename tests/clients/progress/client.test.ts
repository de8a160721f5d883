// Proves the progress client against a stand-in of the server on a virtual clock: connections, replays, heartbeats, replacement before the
// 2-hour limit, retries, refusals. That the server does what the stand-in does is proven by the tests of the component.

import assert from "node:assert/strict";
import {
  type ConnectionState,
  createProgressClient,
  type ProgressClient,
  type ProgressError,
  type ProgressEnvironment,
  type Watch,
} from "../../../clients/progress";
import type { ClientMessage, ProgressEvent } from "../../../handlers/progress/contract";
import { VirtualClock } from "../../../local/cloud/core/clock";
import { createFakeNetwork, type FakeNetwork, type ProgressFake } from "../../support/progress-fake";

const MINUTE = 60_000;
const TICKET_URL = "https://tickets.example/tickets";

describe("Progress client", () => {
  let clock: VirtualClock;
  let network: FakeNetwork;
  let fake: ProgressFake;
  let clients: ProgressClient[];
  let wake: () => void;
  let timers: Set<object>;

  beforeEach(() => {
    clock = new VirtualClock();
    network = createFakeNetwork(clock);
    ({ fake } = network);
    clients = [];
    timers = new Set();
  });
  afterEach(async () => {
    for (const client of clients) client.close();
    await clock.advance(0);
    assert.equal(timers.size, 0, "a closed client leaves no timer behind");
  });
  /** The clock, and which of its timers are set: one that is left keeps a process alive. */
  const counting: ProgressEnvironment["clock"] = {
    setTimer(delayMs, callback) {
      const timer = clock.setTimer(delayMs, () => {
        timers.delete(timer);
        callback();
      });
      timers.add(timer);
      return {
        cancel: () => {
          timers.delete(timer);
          timer.cancel();
        },
      };
    },
  };

  function connect(
    user = "alice",
    options: { executionId?: string; token?: (renew: boolean) => Promise<string> } & Partial<ProgressEnvironment> = {},
  ): ProgressClient {
    const { executionId, token, ...overrides } = options;
    const client = createProgressClient({
      ticketUrl: TICKET_URL,
      token: token ?? (async () => user),
      ...(executionId !== undefined && { executionId }),
      environment: {
        fetch: network.fetch,
        openSocket: network.openSocket,
        clock: counting,
        random: () => 0.5,
        onWake: (callback) => {
          wake = callback;
          return () => undefined;
        },
        ...overrides,
      },
    });
    clients.push(client);
    return client;
  }

  /** Collects what a watch brings. */
  function collect(watch: Watch): { readonly events: ProgressEvent[]; ended: boolean; error: unknown } {
    const log = { events: [] as ProgressEvent[], ended: false, error: undefined as unknown };
    void (async () => {
      for await (const event of watch) log.events.push(event);
    })().then(
      () => (log.ended = true),
      (error: unknown) => (log.error = error),
    );
    return log;
  }

  /** Outcome of a call after some time. */
  async function settle<T>(call: Promise<T>, milliseconds = 1000): Promise<T> {
    let outcome: (() => T) | undefined;
    call.then(
      (value) => (outcome = () => value),
      (error: unknown) => {
        outcome = () => {
          throw error as Error;
        };
      },
    );
    await clock.advance(milliseconds);
    return (outcome ?? assert.fail("the call is still under way"))();
  }

  const sent = (action: ClientMessage["action"]): ClientMessage[] =>
    fake.received.filter((message) => message.action === action);
  const sequences = ({ events }: { readonly events: readonly ProgressEvent[] }): number[] =>
    events.map(({ sequence }) => sequence);
  const dropAll = (): void => {
    for (const connection of fake.connections) connection.close();
  };

  describe("calls", () => {
    it("starts a run once for one key, and follows it to its end", async () => {
      const client = connect();
      const [first, second] = await settle(
        Promise.all([1, 2].map(() => client.start({ order: 1 }, { idempotencyKey: "one" }))),
      );
      const { executionId } = first!;
      const log = collect(client.watch(executionId));
      for (const index of [0, 1, 2, 3]) fake.finishStep(executionId, index);
      fake.emit(executionId, { kind: "succeeded" });

      await clock.advance(1000);

      assert.equal(second?.executionId, executionId);
      assert.equal(fake.runs.size, 1);
      assert.deepEqual(log.events, fake.find(executionId).events);
      assert.ok(log.ended);
    });

    it("opens one connection with one ticket for all calls and runs", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      fake.addRun("alice", "b");

      const calls = Promise.all([client.list(), client.cancel("a"), client.start(1, { idempotencyKey: "k" })]);
      collect(client.watch("a"));
      collect(client.watch("b"));
      const [runs] = await settle(calls);

      assert.deepEqual(runs.map(({ executionId }) => executionId).sort(), ["a", "b"]);
      assert.deepEqual([network.opened, fake.ticketRequests.length], [1, 1]);
    });

    it("brings the answers of cancel and redrive", async () => {
      const client = connect();
      fake.addRun("alice", "a");

      const cancelled = await settle(client.cancel("a"));
      const redriven = await settle(client.redrive("a"));

      assert.deepEqual([cancelled.state, redriven.state], ["aborted", "running"]);
    });

    it("W14: brings a detail that is kept apart from its event", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      fake.details.set("Ship", { parcels: 7 });

      assert.deepEqual(await settle(client.detail("a", "Ship")), { parcels: 7 });
      await assert.rejects(settle(client.detail("a", "Pack")), { code: "NotFound" });
    });

    it("W24: rejects with TooManyRequests when the server refuses a start, without trying again", async () => {
      const client = connect();
      fake.refuse = ({ action }) => (action === "start" ? "TooManyRequests" : undefined);

      await assert.rejects(settle(client.start({}, { idempotencyKey: "k" })), { code: "TooManyRequests" });

      assert.equal(sent("start").length, 1);
    });

    it("rejects a message that does not fit into one frame, before sending it", async () => {
      const client = connect();

      const call = client.start("x".repeat(33_000), { idempotencyKey: "k" });

      await assert.rejects(settle(call), { code: "BadRequest", message: /32768 bytes/ });
      assert.equal(fake.received.length, 0);
    });

    it("rejects with the signal's reason when a call is given up", async () => {
      const client = connect();
      fake.replies = () => false;
      const giveUp = new AbortController();
      const call = client.list({ signal: giveUp.signal });
      await clock.advance(10);
      giveUp.abort(new Error("enough"));

      await assert.rejects(settle(call), /enough/);
      await assert.rejects(client.list({ signal: giveUp.signal }), /enough/);
    });

    it("rejects what is under way and later calls with Closed once it is closed, and leaves no connection", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      const log = collect(client.watch("a"));
      await clock.advance(100);
      fake.replies = () => false;
      const call = client.list();
      client.close();

      await assert.rejects(settle(call), { code: "Closed" });
      await assert.rejects(settle(client.list()), { code: "Closed" });
      assert.deepEqual([fake.connections.size, log.ended, client.status.state], [0, true, "stopped"]);
    });
  });

  describe("following", () => {
    it("W6: receives each event above since exactly once and in order after a reconnect", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      for (const index of [0, 1]) fake.finishStep("a", index);
      const log = collect(client.watch("a", { since: 1 }));
      await clock.advance(100);
      dropAll();
      fake.finishStep("a", 2);
      fake.finishStep("a", 3);

      await clock.advance(MINUTE / 3);

      assert.deepEqual(sequences(log), [2, 3, 4, 5]);
      assert.deepEqual(
        sent("subscribe").map((message) => "since" in message && message.since),
        [1, 3],
      );
    });

    it("W28: gets state and log of a run that ended long ago, page by page, and then ends", async () => {
      const client = connect();
      const run = fake.addRun("alice", "a");
      fake.page = 7;
      for (let index = 0; index < 40; index++) fake.emit("a", { kind: "item", step: "Ship", label: "Parcel" });
      fake.emit("a", { kind: "failed", error: { name: "Refused", cause: "no money" } });
      const watch = client.watch("a");
      const log = collect(watch);

      await clock.advance(1000);

      assert.deepEqual(log.events, run.events);
      assert.ok(log.ended);
      assert.deepEqual([watch.run?.state, sent("subscribe").length], ["failed", 6]);
    });

    it("W28: ends at once when everything up to the end is known already", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      fake.emit("a", { kind: "succeeded" });
      const log = collect(client.watch("a", { since: 2 }));

      await clock.advance(1000);

      assert.deepEqual([log.events, log.ended], [[], true]);
    });

    it("asks again when an event is missing before one that came, and only if it stays missing", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      const log = collect(client.watch("a"));
      await clock.advance(100);
      fake.pushes = ({ sequence }) => (sequence === 2 ? [50] : sequence === 4 ? [] : [0]);
      for (const index of [0, 1]) fake.finishStep("a", index);
      await clock.advance(1000);
      const asked = sent("subscribe").length;
      for (const index of [2, 3]) fake.finishStep("a", index);

      await clock.advance(1000);

      assert.deepEqual(sequences(log), [1, 2, 3, 4, 5]);
      assert.deepEqual([asked, sent("subscribe").length], [1, 2]);
    });

    it("does not wait for a number that the server says will never come", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      const log = collect(client.watch("a"));
      await clock.advance(100);
      fake.skipNumber("a");
      fake.emit("a", { kind: "succeeded" });

      await clock.advance(1000);

      assert.deepEqual([sequences(log), log.ended], [[1, 3], true]);
    });

    it("asks again, more and more slowly, while numbers are given out whose events are not written yet", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      fake.unwritten.add(1);
      const log = collect(client.watch("a"));
      await clock.advance(5000);
      const asked = sent("subscribe").length;
      fake.unwritten.clear();

      await clock.advance(10_000);

      assert.deepEqual(sequences(log), [1]);
      assert.ok(asked > 3 && asked < 8, `${asked} times`);
    });

    it("asks for a quiet run, more and more rarely, for its last push may have got lost", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      const log = collect(client.watch("a"));
      await clock.advance(29 * MINUTE);
      const asked = sent("subscribe").length;
      fake.pushes = () => [];
      fake.emit("a", { kind: "succeeded" });

      await clock.advance(5 * MINUTE);

      assert.deepEqual([asked, sequences(log), log.ended], [9, [1, 2], true]);
    });

    it("W28: ends with the run also when the caller knows of more than there is", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      const log = collect(client.watch("a", { since: 5 }));
      await clock.advance(100);
      fake.emit("a", { kind: "succeeded" });

      await clock.advance(100);

      assert.deepEqual([log.events, log.ended], [[], true]);
    });

    it("W10: never lets the percentage of a run decrease", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      const watch = client.watch("a");
      const seen: (number | undefined)[] = [];
      for (const percent of [40, 30, 50]) {
        fake.emit("a", { kind: "item", percent });
        await clock.advance(100);
        seen.push(watch.run?.percent);
      }

      assert.deepEqual(seen, [40, 40, 50]);
    });

    it("goes on after the end when asked to, through a redrive", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      const watch = client.watch("a", { follow: true });
      const log = collect(watch);
      fake.emit("a", { kind: "failed", error: { name: "Refused", cause: "" } });
      await settle(client.redrive("a"));
      fake.emit("a", { kind: "succeeded" });

      await clock.advance(1000);

      assert.deepEqual(
        log.events.map(({ kind }) => kind),
        ["started", "failed", "redriven", "succeeded"],
      );
      assert.deepEqual([log.ended, watch.run?.state], [false, "succeeded"]);
    });

    it("knows the end also when its push overtakes the answer to the subscription", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      const watch = client.watch("a", { since: 1 });
      const log = collect(watch);
      fake.replies = (message) => {
        if (message.action !== "subscribe") return true;
        // The reply describes the run as it was before.
        const before = fake.find("a").run;
        queueMicrotask(() => {
          fake.emit("a", { kind: "succeeded" });
          for (const { send } of fake.connections) {
            const { requestId } = message;
            const reply = { version: 1, type: "reply", requestId, ok: true, run: before, events: [], completeTo: 1 };
            send(JSON.stringify(reply));
          }
        });
        return false;
      };

      await clock.advance(1000);

      assert.deepEqual([sequences(log), log.ended, watch.run?.state], [[2], true, "succeeded"]);
    });

    it("W27: any number of watches and clients end with the same log, and the last one unsubscribes", async () => {
      const [one, other] = [connect(), connect()];
      const run = fake.addRun("alice", "a");
      const early = one.watch("a");
      const logs = [collect(early), collect(one.watch("a", { follow: true })), collect(other.watch("a"))];
      await clock.advance(100);
      fake.finishStep("a", 0);
      early.stop();
      await clock.advance(100);
      const unsubscribed = sent("unsubscribe").length;
      fake.emit("a", { kind: "succeeded" });

      await clock.advance(1000);

      assert.equal(unsubscribed, 0);
      assert.deepEqual(logs[1]?.events, run.events);
      assert.deepEqual(logs[2]?.events, run.events);
      assert.equal(sent("unsubscribe").length, 1);
    });

    it("W6: subscribes again only when the unsubscription has been answered, for API Gateway does not keep them in order", async () => {
      for (const executionId of ["a", "b"]) fake.addRun("alice", executionId);
      const client = connect();
      const first = client.watch("a");
      await clock.advance(1000);
      const receive = fake.receive.bind(fake);
      fake.receive = (connection, text) => {
        if (!text.includes('"unsubscribe"')) receive(connection, text);
        else clock.setTimer(500, () => receive(connection, text));
      };

      first.stop();
      client.watch("a").stop();
      const logs = [collect(client.watch("a")), collect(client.watch("b"))];
      await clock.advance(10);
      const early = logs.map(sequences);
      await clock.advance(1500);
      fake.finishStep("a", 0);
      await clock.advance(10);

      assert.deepEqual(early, [[], [1]], "another run does not wait");
      assert.deepEqual(sequences(logs[0]!), [1, 2]);
    });

    it("ends with the iteration, and with the signal", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      const giveUp = new AbortController();
      const log = collect(client.watch("a", { signal: giveUp.signal }));
      const broken = (async () => {
        for await (const _ of client.watch("a")) break;
      })();
      await settle(broken);
      giveUp.abort(new Error("enough"));

      await clock.advance(100);

      assert.match(String(log.error), /enough/);
      assert.deepEqual(
        [...fake.connections].map(({ subscriptions }) => subscriptions.size),
        [0],
      );
    });

    it("W4: rejects with NotFound for a run of somebody else", async () => {
      const client = connect("mallory");
      fake.addRun("alice", "a");
      const log = collect(client.watch("a"));

      await clock.advance(1000);

      assert.equal((log.error as ProgressError).code, "NotFound");
      assert.deepEqual(log.events, []);
    });

    it("W32: with tickets for one run, follows that run and is refused everything else", async () => {
      const client = connect("guest", { executionId: "a" });
      fake.addRun("alice", "a");
      fake.addRun("alice", "b");
      const [own, foreign] = [collect(client.watch("a")), collect(client.watch("b"))];
      await clock.advance(1000);

      await assert.rejects(settle(client.cancel("a")), { code: "Forbidden" });
      await assert.rejects(settle(client.list()), { code: "Forbidden" });

      assert.deepEqual(fake.ticketRequests, [{ executionId: "a" }]);
      assert.deepEqual([sequences(own), (foreign.error as ProgressError).code], [[1], "NotFound"]);
    });

    it("W32: takes tickets from elsewhere, without any token", async () => {
      fake.addRun("alice", "a");
      const client = createProgressClient({
        getTicket: async () =>
          fake.ticket("Bearer service", { executionId: "a" }).body as { ticket: string; url: string },
        environment: { openSocket: network.openSocket, clock },
      });
      clients.push(client);
      const log = collect(client.watch("a"));

      await clock.advance(1000);

      assert.deepEqual(sequences(log), [1]);
    });

    it("W15: ignores unknown fields, kinds, versions and messages, and loses nothing for it", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      const log = collect(client.watch("a"));
      await clock.advance(100);
      for (const { send } of fake.connections) {
        for (const text of ["", "null", "[]", "7", "{", '{"type":"news","sequence":2,"executionId":"a"}']) send(text);
        send('{"version":9,"type":"reply","requestId":"2","ok":true}');
        send('{"version":1,"type":"progress","executionId":"a","sequence":"2","kind":"step","percent":1,"at":""}');
      }
      fake.emit("a", { kind: "step", step: "Ship", label: "Shipped", ...{ colour: "red" } });
      fake.emit("a", { kind: "celebrated" as "step" });
      fake.emit("a", { kind: "step", version: 2 });
      fake.emit("a", { kind: "succeeded" });

      await clock.advance(1000);

      assert.deepEqual([sequences(log), log.ended, log.error], [[1, 2, 5], true, undefined]);
      assert.equal(sent("subscribe").length, 1, "unknown entries are no gaps");
    });
  });

  describe("connection", () => {
    it("W7: sends a heartbeat more often than every ten minutes while nothing happens", async () => {
      const client = connect();
      await settle(client.list());

      await clock.advance(60 * MINUTE);

      assert.equal(sent("ping").length, 12);
    });

    it("W7: replaces its connection before two hours without losing an event", async () => {
      const client = connect();
      const states: ConnectionState[] = [];
      fake.addRun("alice", "a");
      const log = collect(client.watch("a"));
      await clock.advance(100);
      client.onStatus(({ state }) => states.push(state));
      const before = [...fake.connections];
      // An event in every moment of the change.
      const emitting = (): void => {
        fake.emit("a", { kind: "item", step: "Ship", label: "Parcel" });
        clock.setTimer(1, emitting);
      };
      clock.setTimer(110 * MINUTE - 120, emitting);
      await clock.advance(110 * MINUTE - 120);
      assert.deepEqual([...fake.connections], before);

      await clock.advance(400);

      const { events } = fake.find("a");
      assert.equal(fake.connections.size, 1);
      assert.notDeepEqual([...fake.connections], before);
      assert.deepEqual(sequences(log), sequences({ events }).slice(0, log.events.length));
      assert.ok(events.length - log.events.length < 5, "it keeps up");
      assert.deepEqual(states, []);
    });

    it("W7: keeps the old connection while a new one cannot be had, and until the last answer has come", async () => {
      const client = connect();
      await settle(client.list());
      network.up = false;
      await clock.advance(111 * MINUTE);
      const held = [fake.connections.size, client.status.state];
      let answer = (): void => undefined;
      fake.replies = (message) => {
        const [connection] = fake.connections;
        answer = () =>
          connection?.send(
            JSON.stringify({ version: 1, type: "reply", requestId: message.requestId, ok: true, runs: [] }),
          );
        return message.action !== "list";
      };
      const call = client.list();
      await clock.advance(10);
      network.up = true;
      await clock.advance(MINUTE / 4);
      const both = fake.connections.size;
      answer();

      const runs = await settle(call);

      assert.deepEqual([held, both, runs, fake.connections.size], [[1, "online"], 2, [], 1]);
    });

    it("W7: subscribes on the new connection also where a subscription is under way on the old one", async () => {
      const client = connect();
      await settle(client.list());
      fake.addRun("alice", "a");
      await clock.advance(110 * MINUTE - 1010);
      let answer = (): void => undefined;
      fake.replies = (message) => {
        if (message.action !== "subscribe") return true;
        const [connection] = fake.connections;
        const { requestId } = message;
        const { run, events } = fake.find("a");
        answer = () =>
          connection?.send(
            JSON.stringify({ version: 1, type: "reply", requestId, ok: true, run, events, completeTo: 1 }),
          );
        return false;
      };
      const log = collect(client.watch("a"));
      await clock.advance(100);
      fake.replies = () => true;
      answer();
      await clock.advance(1000);
      fake.finishStep("a", 0);

      await clock.advance(100);

      assert.deepEqual([fake.connections.size, sequences(log), network.opened], [1, [1, 2], 2]);
    });

    it("gives up a ticket or a handshake that does not come, and tries again", async () => {
      let calls = 0;
      const client = connect("alice", {
        fetch: (...request) =>
          ++calls > 1
            ? network.fetch(...request)
            : new Promise((_, reject) => {
                request[1]?.signal?.addEventListener("abort", () => reject(new Error("aborted")));
              }),
      });

      assert.deepEqual(await settle(client.list(), MINUTE), []);
    });

    it("gives up a token that does not come, and tries again, and leaves nothing when it is closed meanwhile", async () => {
      let calls = 0;
      const token = (): Promise<string> => (++calls === 2 ? Promise.resolve("alice") : new Promise(() => undefined));
      const client = connect("alice", { token });
      const listed = await settle(client.list(), MINUTE);
      for (const connection of fake.connections) connection.close();
      await clock.advance(5000);

      client.close();

      assert.deepEqual([listed, calls, client.status.state], [[], 3, "stopped"]);
    });

    it("detects a connection that is dead without having said so, by a heartbeat without an answer", async () => {
      const client = connect();
      await settle(client.list());
      for (const connection of fake.connections) connection.isDead = true;

      await clock.advance(5 * MINUTE + 15_000);

      assert.deepEqual([network.opened, client.status.state], [2, "online"]);
    });

    it("W15: ignores a reply of an unknown version, and takes the one that follows", async () => {
      const client = connect();
      fake.replies = ({ requestId }) => {
        for (const { send } of fake.connections)
          send(`{"version":9,"type":"reply","requestId":"${requestId}","ok":true}`);
        return true;
      };
      fake.addRun("alice", "a");

      assert.equal((await settle(client.list())).length, 1);
    });

    it("detects it earlier while a message is under way, and loses neither the answer nor an event", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      const log = collect(client.watch("a"));
      await clock.advance(100);
      for (const connection of fake.connections) connection.isDead = true;
      fake.finishStep("a", 0);

      const runs = await settle(client.list(), 35_000);

      assert.deepEqual([runs.length, sequences(log)], [1, [1, 2]]);
    });

    it("checks the connection when the device wakes up, and tries at once when it has none", async () => {
      const client = connect();
      await settle(client.list());
      wake();
      await clock.advance(10);
      const pings = sent("ping").length;
      network.up = false;
      dropAll();
      await clock.advance(5 * MINUTE);
      const { opened } = network;
      network.up = true;
      wake();

      await clock.advance(10);

      assert.deepEqual([pings, network.opened - opened, client.status.state], [1, 1, "online"]);
    });

    it("backs off exponentially with full jitter, and tells a person how it stands", async () => {
      const attempts: number[] = [];
      const client = connect("alice", {
        fetch: (...request) => {
          attempts.push(clock.now());
          return network.fetch(...request);
        },
      });
      const states: ConnectionState[] = [];
      client.onStatus(({ state }) => states.push(state));
      await settle(client.list());
      network.up = false;
      dropAll();
      await clock.advance(3 * MINUTE);
      network.up = true;
      await clock.advance(MINUTE);
      await settle(client.list());
      dropAll();
      const lostAt = clock.now();

      await clock.advance(MINUTE);

      const afterwards = attempts.at(-1)! - lostAt;
      const waits = attempts.slice(2, 9).map((at, index) => at - attempts[index + 1]!);
      assert.deepEqual(waits, [1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
      assert.equal(afterwards, 501, "a reply makes earlier failures forgotten");
      assert.deepEqual(states, ["online", "reconnecting", "offline", "online", "reconnecting", "online"]);
    });

    it("backs off also when the server accepts connections and closes them at once", async () => {
      const client = connect();
      collect(client.watch("a"));
      fake.replies = () => {
        dropAll();
        return false;
      };

      await clock.advance(MINUTE);

      assert.ok(network.opened < 12, `${network.opened} connections in a minute`);
    });

    it("sends start again after a loss, and the key makes it one run", async () => {
      const client = connect();
      fake.replies = ({ action }) => {
        if (action !== "start" || sent("start").length > 1) return true;
        dropAll();
        return false;
      };

      const run = await settle(client.start({}, { idempotencyKey: "k" }), MINUTE);

      assert.deepEqual([sent("start").length, [...fake.runs.keys()]], [2, [run.executionId]]);
    });

    it("rejects a redrive with ConnectionLost instead of sending it twice", async () => {
      const client = connect();
      fake.addRun("alice", "a");
      fake.emit("a", { kind: "failed" });
      fake.replies = ({ action }) => {
        if (action === "redrive") dropAll();
        return action !== "redrive";
      };

      await assert.rejects(settle(client.redrive("a"), MINUTE), { code: "ConnectionLost" });

      assert.equal(sent("redrive").length, 1);
    });

    it("rejects a message after it has been under way on five lost connections", async () => {
      const client = connect();
      fake.replies = () => {
        dropAll();
        return false;
      };

      await assert.rejects(settle(client.list(), 10 * MINUTE), { code: "ConnectionLost" });

      assert.equal(sent("list").length, 5);
    });

    it("sends again what API Gateway has refused by itself, on the same connection", async () => {
      const client = connect();
      fake.replies = ({ action }) => {
        if (sent(action).length > 1) return true;
        const text = JSON.stringify({ message: "Too Many Requests", connectionId: "c", requestId: "r" });
        for (const { send } of fake.connections) send(text);
        return false;
      };

      const runs = await settle(client.list(), 5000);

      assert.deepEqual([runs, sent("list").length, network.opened], [[], 2, 1]);
    });

    it("asks for a fresh token once when the token is refused", async () => {
      const renewals: boolean[] = [];
      const client = connect("", {
        token: async (renew) => {
          renewals.push(renew);
          return renew ? "alice" : "expired";
        },
      });

      await settle(client.list());

      assert.deepEqual(renewals, [false, true]);
    });

    const refusals: readonly [title: string, status: number, code: string][] = [
      ["401", 401, "SignInNeeded"],
      ["403", 403, "SignInNeeded"],
      ["404", 404, "NotFound"],
      ["400", 400, "BadRequest"],
    ];
    for (const [title, status, code] of refusals) {
      it(`rejects with ${code} when the ticket service answers ${title}, stops, and works again with the next call`, async () => {
        const client = connect();
        fake.addRun("alice", "a");
        fake.ticketStatus = status;
        const log = collect(client.watch("a"));
        await assert.rejects(settle(client.list()), { code });
        const { state, error } = client.status;
        fake.ticketStatus = undefined;

        const runs = await settle(client.list());

        assert.deepEqual(
          [state, error?.code, (log.error as ProgressError).code, runs.length],
          ["stopped", code, code, 1],
        );
      });
    }

    it("rejects with SignInNeeded when nobody is signed in, and not when only the network is missing", async () => {
      const signedOut = connect("", { token: () => Promise.reject(new Error("Sign in first.")) });
      await assert.rejects(settle(signedOut.list()), { code: "SignInNeeded" });
      const unreachable = connect("", { token: () => Promise.reject(new TypeError("fetch failed")) });
      void unreachable.list().catch(() => undefined);

      await clock.advance(MINUTE);

      assert.equal(unreachable.status.state, "offline");
    });

    for (const status of [429, 503]) {
      it(`goes on trying when the ticket service answers ${status}`, async () => {
        const client = connect();
        fake.ticketStatus = status;
        const call = client.list();
        await clock.advance(3000);
        fake.ticketStatus = undefined;

        assert.deepEqual(await settle(call, MINUTE), []);
      });
    }
  });
});
