// The console's server: one page, the state as JSON, and what happens as server-sent events. On 127.0.0.1, without secrets.
import * as fs from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import * as path from "node:path";
import * as esbuild from "esbuild";
import type { Cloud } from "../cloud";
import type { Listener } from "../cloud/core/service";
import type { TraceEvent } from "../cloud/core/trace";
import type { LogsService } from "../cloud/logs/service";
import type { LogLine } from "../cloud/logs/store";
import type { EvaluatedResource, Evaluation } from "../engine";
import { layOut, type Layout } from "./layout";
import { buildTopology, type Topology } from "./topology";
import { describeLive } from "./live";
import type { LiveState, ConsoleState as PageState } from "./web/state";

/** What the console shows. */
export interface ConsoleOptions {
  readonly cloud: Cloud;
  readonly evaluation: Pick<Evaluation, "resources" | "outputs">;
  readonly project: string;
  readonly stack: string;
}

/** The state that the page loads at first. */
export interface ConsoleState {
  readonly project: string;
  readonly stack: string;
  readonly endpoints: ReturnType<Cloud["endpoints"]>;
  readonly outputs: readonly { readonly name: string; readonly value: string }[];
  readonly topology: Topology;
  readonly layout: Layout;
  readonly resources: readonly ConsoleResource[];
  readonly traces: readonly TraceEvent[];
  readonly logs: readonly LogLine[];
}

/** A row of the list of resources. */
export interface ConsoleResource {
  readonly urn: string;
  readonly name: string;
  readonly type: string;
  /** "realised", "recorded", or "component". */
  readonly fidelity: string;
  /** What the local run does with it, one sentence. */
  readonly summary: string;
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  "/": "text/html; charset=utf-8",
  "/app.js": "text/javascript; charset=utf-8",
  "/app.css": "text/css; charset=utf-8",
};
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:";
/** Traces and log lines that a page gets at first. */
const HISTORY = 300;

/** Opens the console on its port of the plan. */
export async function startConsole(options: ConsoleOptions): Promise<Listener> {
  const files = buildFiles();
  const topology = buildTopology(options.evaluation.resources);
  const layout = layOut(topology);
  const streams = new Set<ServerResponse>();
  const { cloud } = options;
  const logs = cloud.services.find((service): service is LogsService => service.name === "logs");
  const send = (kind: string, value: unknown): void => {
    for (const stream of streams) stream.write(`event: ${kind}\ndata: ${JSON.stringify(value)}\n\n`);
  };
  const endTraces = cloud.traces.subscribe((trace) => send("trace", trace));
  const endLogs = logs?.subscribe((line) => send("log", line));

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://console");
    const file = files.get(pathname);
    if (request.method !== "GET") {
      refuse(response, 405);
      return;
    }
    if (file !== undefined) {
      reply(response, MEDIA_TYPES[pathname] ?? "text/plain", file);
      return;
    }
    if (pathname === "/api/state") {
      const state = describeState(options, topology, layout, logs);
      reply(response, "application/json", JSON.stringify(state satisfies PageState));
      return;
    }
    if (pathname === "/api/live") {
      const live = describeLive(cloud, searchParams);
      if (live) reply(response, "application/json", JSON.stringify(live satisfies LiveState));
      else refuse(response, 400);
      return;
    }
    if (pathname === "/api/events") {
      openStream(request, response, streams);
      return;
    }
    refuse(response, 404);
  };
  const listener = await cloud.context.listen(answer, "console");
  return {
    origin: listener.origin,
    close: async () => {
      endTraces();
      endLogs?.();
      for (const stream of streams) stream.end();
      await listener.close();
    },
  };
}

function describeState(
  { cloud, evaluation, project, stack }: ConsoleOptions,
  topology: Topology,
  layout: Layout,
  logs: LogsService | undefined,
): ConsoleState {
  return {
    project,
    stack,
    endpoints: cloud.endpoints(),
    outputs: Object.entries(evaluation.outputs).map(([name, { value, secret }]) => ({
      name,
      value: secret ? "[secret]" : show(cloud.localise(value)),
    })),
    topology,
    layout,
    resources: evaluation.resources
      .filter(({ parent }) => parent !== "")
      .map((resource) => describeResource(cloud, resource)),
    traces: cloud.traces.recent().slice(-HISTORY),
    logs: (logs?.lines() ?? []).slice(-HISTORY),
  };
}

function describeResource(cloud: Cloud, { urn, name, type, custom }: EvaluatedResource): ConsoleResource {
  const model = cloud.model(type);
  return {
    urn,
    name,
    type,
    fidelity: custom ? (model?.fidelity ?? "engine") : "component",
    summary: model?.summary ?? "",
  };
}

function show(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function openStream(request: IncomingMessage, response: ServerResponse, streams: Set<ServerResponse>): void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write("retry: 1000\n\n");
  streams.add(response);
  request.on("close", () => streams.delete(response));
}

function reply(response: ServerResponse, contentType: string, body: string): void {
  response.writeHead(200, {
    "content-type": contentType,
    "cache-control": "no-store",
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
  });
  response.end(body);
}

const REFUSALS: Readonly<Record<number, string>> = {
  400: "section must be one of the page's sections, minutes a whole number from 1 to 1440, after one from 0",
  404: "not found",
  405: "only GET is answered",
};

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { "content-type": "text/plain" });
  response.end(REFUSALS[status]);
}

function buildFiles(): ReadonlyMap<string, string> {
  const folder = path.join(__dirname, "web");
  const built = esbuild.buildSync({
    entryPoints: [path.join(folder, "app.ts")],
    bundle: true,
    write: false,
    platform: "browser",
    target: "es2022",
    format: "esm",
    minify: true,
    logLevel: "silent",
  });
  return new Map([
    ["/", fs.readFileSync(path.join(folder, "index.html"), "utf8")],
    ["/app.css", fs.readFileSync(path.join(folder, "app.css"), "utf8")],
    ["/app.js", built.outputFiles[0]?.text ?? ""],
  ]);
}
