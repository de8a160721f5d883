// A stand-in for the server side of ProgressTrackedWorkflow that speaks its contract, in memory or over real HTTP and WebSockets: tickets,
// subscriptions, replays, pushes, and what can go wrong with them. For tests of the clients only.

import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import type { OpenSocket } from "../../clients/progress";
import {
  type ClientMessage,
  type ExpectedDurations,
  FINAL_KINDS,
  PROGRESS_PROTOCOL_VERSION,
  type ProgressErrorCode,
  type ProgressEvent,
  type ProgressStep,
  type RunDescription,
  type RunState,
  TICKET_PARAMETER,
  type TicketRequest,
  type TicketResponse,
} from "../../handlers/progress/contract";
import type { VirtualClock } from "../../local/cloud/core/clock";

/** The post's workflow. */
export const ORDER_STEPS: readonly ProgressStep[] = [
  { step: "Check inventory", label: "Items reserved", weight: 2 },
  { step: "Take payment", label: "Payment taken", weight: 3 },
  { step: "Print label", label: "Label printed", weight: 1 },
  { step: "Ship", label: "Handed to the carrier", weight: 4 },
];

/** One side of a connection, as the server sees it. */
export interface FakeConnection {
  readonly id: string;
  readonly owner: string;
  readonly scope: string | undefined;
  readonly subscriptions: Set<string>;
  /** Sends a text, unless the connection is dead. */
  send(text: string): void;
  /** Closes it from the server's side. */
  close(): void;
  /** Nothing goes through any more, and nobody is told. */
  isDead: boolean;
}

/** A run of the fake. */
export interface FakeRun {
  readonly owner: string;
  run: RunDescription;
  readonly events: ProgressEvent[];
  readonly input: unknown;
}

/** What an event says beyond its place in the log. */
export type EventFacts = Pick<ProgressEvent, "kind"> & Partial<ProgressEvent>;

const ALLOWED: readonly ClientMessage["action"][] = ["subscribe", "unsubscribe", "detail", "ping"];

/** The server. Bearer tokens are the names of users; "expired" is refused. */
export class ProgressFake {
  readonly runs = new Map<string, FakeRun>();
  readonly connections = new Set<FakeConnection>();
  /** Messages that arrived, in order. */
  readonly received: (ClientMessage & { readonly connectionId: string })[] = [];
  /** Bodies of the ticket requests. */
  readonly ticketRequests: TicketRequest[] = [];
  /** Events per replay. */
  page = 50;
  /** Numbers that are given out and whose events are still being written. */
  readonly unwritten = new Set<number>();
  /** Refuses messages instead of acting on them. */
  refuse: (message: ClientMessage) => ProgressErrorCode | undefined = () => undefined;
  /** Whether a reply is sent: false loses it. */
  replies: (message: ClientMessage) => boolean = () => true;
  /** Answer of the ticket service instead of the right one. */
  ticketStatus: number | undefined;
  /** Times at which an event is pushed after it was stored, in milliseconds from now; none: it is lost. */
  pushes: (event: ProgressEvent, connection: FakeConnection) => readonly number[] = () => [0];
  /** What happens after a run was started. */
  onStart: (run: FakeRun) => void = () => undefined;
  onRedrive: (run: FakeRun) => void = () => undefined;
  /** What is known of runs before, for answers about one that is under way. */
  expected: Omit<ExpectedDurations, "sentAt"> | undefined;
  /** Details that are kept apart from their events, by step. */
  readonly details = new Map<string, unknown>();
  readonly #tickets = new Map<string, { readonly owner: string; readonly scope: string | undefined }>();

  constructor(
    private readonly now: () => number,
    private readonly later: (delayMs: number, callback: () => void) => void,
    private readonly steps: readonly ProgressStep[] = ORDER_STEPS,
    public socketUrl = "wss://sockets.example/dev",
  ) {}

  /** POST /tickets. */
  ticket(authorization: string | null | undefined, body: TicketRequest): { status: number; body: unknown } {
    if (this.ticketStatus !== undefined) return { status: this.ticketStatus, body: {} };
    const owner = /^Bearer (.+)$/.exec(authorization ?? "")?.[1];
    if (owner === undefined || owner === "expired") return { status: 401, body: { message: "Unauthorized" } };
    this.ticketRequests.push(body);
    const ticket = randomUUID();
    this.#tickets.set(ticket, { owner, scope: body.executionId });
    const expiresAt = new Date(this.now() + 60_000).toISOString();
    const answer: TicketResponse = { ticket, expiresAt, url: this.socketUrl };
    return { status: 201, body: answer };
  }

  /** $connect; undefined when the ticket does not open it. */
  connect(url: string, send: (text: string) => void, close: () => void): FakeConnection | undefined {
    const ticket = new URL(url, "ws://any").searchParams.get(TICKET_PARAMETER) ?? "";
    const grant = this.#tickets.get(ticket);
    if (!grant || !this.#tickets.delete(ticket)) return undefined;
    const connection: FakeConnection = {
      id: randomUUID(),
      ...grant,
      subscriptions: new Set(),
      isDead: false,
      send: (text) => {
        if (!connection.isDead) send(text);
      },
      close: () => {
        this.disconnect(connection);
        close();
      },
    };
    this.connections.add(connection);
    return connection;
  }

  /** $disconnect. */
  disconnect(connection: FakeConnection): void {
    this.connections.delete(connection);
  }

  /** A message of a client. */
  receive(connection: FakeConnection, text: string): void {
    if (connection.isDead) return;
    const message = JSON.parse(text) as ClientMessage;
    this.received.push({ ...message, connectionId: connection.id });
    const { requestId } = message;
    const answer = this.#answer(connection, message);
    if (!this.replies(message)) return;
    const reply =
      typeof answer === "string"
        ? { ok: false, error: { code: answer, message: `${answer}, says the server.` } }
        : { ok: true, ...answer };
    connection.send(JSON.stringify({ version: PROGRESS_PROTOCOL_VERSION, type: "reply", requestId, ...reply }));
  }

  /** Adds a run. */
  addRun(owner: string, executionId: string, input: unknown = {}): FakeRun {
    const startedAt = new Date(this.now()).toISOString();
    const run = { executionId, startedAt, state: "running", percent: 0, sequence: 0, steps: this.steps } as const;
    const added: FakeRun = { owner, run, events: [], input };
    this.runs.set(executionId, added);
    this.emit(executionId, { kind: "started" });
    return added;
  }

  /** Stores the next event of a run and pushes it. */
  emit(executionId: string, facts: EventFacts): void {
    const found = this.find(executionId);
    const { kind, percent = kind === "succeeded" ? 100 : found.run.percent } = facts;
    const sequence = found.run.sequence + 1;
    const at = new Date(this.now()).toISOString();
    const { version, type } = { version: PROGRESS_PROTOCOL_VERSION, type: "progress" } as const;
    const event: ProgressEvent = { version, type, executionId, sequence, at, ...facts, percent };
    const state: RunState = (FINAL_KINDS as readonly string[]).includes(kind) ? (kind as RunState) : "running";
    found.run = { ...found.run, state, percent, sequence };
    found.events.push(event);
    const text = JSON.stringify(event);
    for (const connection of this.connections) {
      if (!connection.subscriptions.has(executionId)) continue;
      for (const delay of this.pushes(event, connection)) {
        if (delay === 0) connection.send(text);
        else this.later(delay, () => connection.send(text));
      }
    }
  }

  /** A marked state of the workflow is done. */
  finishStep(executionId: string, index: number): void {
    const whole = this.steps.reduce((sum, { weight }) => sum + weight, 0);
    const done = this.steps.slice(0, index + 1).reduce((sum, { weight }) => sum + weight, 0);
    const { step, label } = this.steps[index] ?? { step: "?", label: "?" };
    this.emit(executionId, { kind: "step", percent: Math.floor((99 * done) / whole), step, label });
  }

  /** A number is given out and its event never written. */
  skipNumber(executionId: string): void {
    const found = this.find(executionId);
    found.run = { ...found.run, sequence: found.run.sequence + 1 };
  }

  find(executionId: string): FakeRun {
    return this.runs.get(executionId) ?? failWith(`no run ${executionId}`);
  }

  #describe({ run }: FakeRun): RunDescription {
    if (run.state !== "running" || !this.expected) return run;
    return { ...run, expected: { ...this.expected, sentAt: new Date(this.now()).toISOString() } };
  }

  #answer(connection: FakeConnection, message: ClientMessage): ProgressErrorCode | Readonly<Record<string, unknown>> {
    const refusal = this.refuse(message);
    if (refusal) return refusal;
    const { owner, scope, subscriptions } = connection;
    if (message.action === "ping") return {};
    if (scope !== undefined && !ALLOWED.includes(message.action)) return "Forbidden";
    if (message.action === "list") {
      const own = [...this.runs.values()].filter((run) => run.owner === owner).map(({ run }) => run);
      return { runs: own.sort((one, other) => (one.startedAt < other.startedAt ? 1 : -1)).slice(0, 20) };
    }
    if (message.action === "start") {
      const executionId = createHash("sha256").update(`${owner} ${message.idempotencyKey}`).digest("hex");
      const isNew = !this.runs.has(executionId);
      subscriptions.add(executionId);
      const run = isNew ? this.addRun(owner, executionId, message.input) : this.find(executionId);
      if (isNew) this.onStart(run);
      return { run: this.#describe(run) };
    }
    const found = this.runs.get(message.executionId);
    if (!found || (scope === undefined ? found.owner !== owner : scope !== message.executionId)) return "NotFound";
    if (message.action === "unsubscribe") subscriptions.delete(message.executionId);
    if (message.action === "subscribe") {
      subscriptions.add(message.executionId);
      const newer = found.events.filter(({ sequence }) => sequence > message.since);
      const bound = Math.min(Infinity, ...this.unwritten) - 1;
      const events = newer.slice(0, this.page).filter(({ sequence }) => sequence <= bound);
      const last = newer.length > this.page ? (newer[this.page - 1]?.sequence ?? 0) : found.run.sequence;
      const completeTo = Math.min(last, bound);
      return { run: this.#describe(found), events, completeTo };
    }
    if (message.action === "detail") {
      return this.details.has(message.step) ? { detail: this.details.get(message.step) } : "NotFound";
    }
    if (message.action === "cancel") {
      if (found.run.state !== "running") return "Conflict";
      this.emit(message.executionId, { kind: "aborted", error: { name: "Cancelled", cause: "by its owner" } });
    }
    if (message.action === "redrive") {
      if (found.run.state === "running" || found.run.state === "succeeded") return "Conflict";
      this.emit(message.executionId, { kind: "redriven" });
      this.onRedrive(found);
    }
    return { run: found.run };
  }
}

/** A fake on a virtual clock, and what a client needs to reach it; every message takes a millisecond each way. */
export interface FakeNetwork {
  readonly fake: ProgressFake;
  readonly fetch: typeof fetch;
  readonly openSocket: OpenSocket;
  readonly now: () => number;
  /** Whether new connections succeed. */
  up: boolean;
  /** Sockets opened so far. */
  opened: number;
}

/** Connects clients with a fake in memory. */
export function createFakeNetwork(clock: VirtualClock): FakeNetwork {
  const fake = new ProgressFake(
    () => clock.now(),
    (delay, callback) => void clock.setTimer(delay, callback),
  );
  const network: FakeNetwork = {
    fake,
    now: () => clock.now(),
    up: true,
    opened: 0,
    fetch: async (_url, init) => {
      if (!network.up) throw new TypeError("fetch failed");
      const { status, body } = fake.ticket(
        new Headers(init?.headers).get("authorization"),
        JSON.parse(String(init?.body)) as TicketRequest,
      );
      return new Response(JSON.stringify(body), { status });
    },
    openSocket(url, handlers) {
      network.opened++;
      let connection: FakeConnection | undefined;
      let isClosed = false;
      const close = (): void => {
        if (isClosed) return;
        isClosed = true;
        if (connection) fake.disconnect(connection);
        clock.setTimer(1, handlers.close);
      };
      const deliver = (text: string): void => void clock.setTimer(1, () => isClosed || handlers.message(text));
      clock.setTimer(1, () => {
        if (isClosed) return;
        if (network.up) connection = fake.connect(url, deliver, close);
        if (connection) handlers.open();
        else close();
      });
      return {
        send: (text) => void clock.setTimer(1, () => isClosed || (connection && fake.receive(connection, text))),
        close,
      };
    },
  };
  return network;
}

/** A fake behind real sockets on 127.0.0.1. */
export interface FakeServer {
  readonly fake: ProgressFake;
  readonly origin: string;
  readonly ticketUrl: string;
  /** Origins that connections came with. */
  readonly origins: (string | undefined)[];
  /** Whether connections are accepted. */
  accepts: boolean;
  stop(): Promise<void>;
}

/** Starts one. @param serve answers requests other than those for tickets */
export async function startFakeServer(
  serve: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.writeHead(404).end(),
): Promise<FakeServer> {
  const fake = new ProgressFake(
    () => Date.now(),
    (delay, callback) => void setTimeout(callback, delay),
  );
  const http = createServer((request, response) => {
    if (request.url !== "/tickets") serve(request, response);
    else void answerTicket(fake, request, response);
  });
  const sockets = new WebSocketServer({ noServer: true });
  const server = { fake, origins: [] as (string | undefined)[], accepts: true };
  http.on("upgrade", (request, socket, head) => {
    server.origins.push(request.headers.origin);
    const refuse = (): void => void socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    if (!server.accepts) {
      refuse();
      return;
    }
    let send = (_text: string): void => undefined;
    let close = (): void => undefined;
    const connection = fake.connect(
      request.url ?? "",
      (text) => send(text),
      () => close(),
    );
    if (!connection) {
      refuse();
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      send = (text) => client.send(text);
      close = () => client.terminate();
      client.on("message", (data: Buffer) => fake.receive(connection, data.toString()));
      client.on("close", () => fake.disconnect(connection));
    });
  });
  const origin = await listen(http);
  fake.socketUrl = `${origin.replace("http:", "ws:")}/dev`;
  return Object.assign(server, {
    origin,
    ticketUrl: `${origin}/tickets`,
    stop: async () => {
      for (const client of sockets.clients) client.terminate();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  });
}

async function answerTicket(fake: ProgressFake, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = "";
  for await (const part of request) text += String(part);
  const { status, body } = fake.ticket(request.headers.authorization, JSON.parse(text) as TicketRequest);
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function failWith(message: string): never {
  throw new Error(message);
}
