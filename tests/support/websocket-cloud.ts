// A WebSocket API on a virtual clock, with functions that tests write as callbacks and the real access control.
import { once } from "node:events";
import { WebSocket } from "ws";
import { createWebSocketService, type WebSocketService } from "../../local/cloud/apigatewayv2/service";
import { VirtualClock } from "../../local/cloud/core/clock";
import type { PropertyMap } from "../../local/cloud/core/resource-model";
import type { MetricDatum } from "../../local/cloud/core/service";
import { createAccessControl, type LocalAccessControl } from "../../local/cloud/iam";
import { createTestContext, declare, type TestContext } from "./cloud-context";

/** A function of a test: its result, or an exception for a function error. */
export type TestHandler = (event: SocketEvent) => unknown;

/** What tests read of an event. */
export interface SocketEvent {
  readonly type?: string;
  readonly methodArn?: string;
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly queryStringParameters?: Readonly<Record<string, string>>;
  readonly requestContext: Readonly<Record<string, unknown>>;
}

/** A running API. */
export interface SocketCloud {
  readonly context: TestContext;
  readonly clock: VirtualClock;
  readonly access: LocalAccessControl;
  readonly service: WebSocketService;
  readonly apiId: string;
  readonly logs: string[];
  readonly metrics: MetricDatum[];
  /** Declares one more resource of the API. */
  add(type: string, inputs: PropertyMap, name?: string): Promise<string>;
  /** Adds a route with a function behind it. */
  route(routeKey: string, handler: TestHandler, inputs?: PropertyMap): Promise<string>;
  /** "http://127.0.0.1:<port>" of the API's listener. */
  origin(): string;
  /** Opens a client; rejects with the handshake's status code as a number. */
  open(query?: string, headers?: Readonly<Record<string, string>>): Promise<WebSocket>;
  stop(): Promise<void>;
}

const REGION = "eu-west-1";

/** Starts an API with stage "dev". @param stage further inputs of the stage. */
export async function startSocketCloud(stage: PropertyMap = {}): Promise<SocketCloud> {
  const clock = new VirtualClock();
  const access = createAccessControl({ clock });
  const handlers = new Map<string, TestHandler>();
  const logs: string[] = [];
  const metrics: MetricDatum[] = [];
  const clients = new Set<WebSocket>();
  const context = createTestContext({
    clock,
    access,
    logs: { append: (_group, _stream, message) => logs.push(message) },
    metrics: { put: (datum) => metrics.push(datum) },
    functions: {
      invoke: async (functionArn, payload) => {
        const handler = handlers.get(functionArn);
        if (!handler) throw new Error(`no function ${functionArn}`);
        const facts = { requestId: "request", durationMs: 1 };
        try {
          const result = await handler(JSON.parse(payload.toString()) as SocketEvent);
          return { ...facts, payload: Buffer.from(JSON.stringify(result ?? null)) };
        } catch (error) {
          const text = JSON.stringify({ errorMessage: (error as Error).message });
          return { ...facts, payload: Buffer.from(text), functionError: "Unhandled" };
        }
      },
      invokeAsync: () => undefined,
    },
  });
  const service = createWebSocketService(context);
  const add = async (type: string, inputs: PropertyMap, name = "thing"): Promise<string> =>
    (await declare(service, `aws:apigatewayv2/${type}`, inputs, name)).id;
  const apiId = await add("api:Api", {
    name: "sockets",
    protocolType: "WEBSOCKET",
    routeSelectionExpression: "$request.body.action",
  });
  await add("stage:Stage", { apiId, name: "dev", autoDeploy: true, ...stage });
  const origin = (): string => context.hosts.localise(`https://${apiId}.execute-api.${REGION}.amazonaws.com`);
  return {
    context,
    clock,
    access,
    service,
    apiId,
    logs,
    metrics,
    add,
    async route(routeKey, handler, inputs = {}) {
      const functionArn = `arn:aws:lambda:${REGION}:123456789012:function:fn-${handlers.size}`;
      handlers.set(functionArn, handler);
      const integration = await add("integration:Integration", {
        apiId,
        integrationType: "AWS_PROXY",
        integrationUri: invokeArn(functionArn),
      });
      return add("route:Route", { apiId, routeKey, target: `integrations/${integration}`, ...inputs });
    },
    origin,
    async open(query = "", headers = {}) {
      const client = new WebSocket(`${origin().replace("http:", "ws:")}/dev${query}`, { headers: { ...headers } });
      clients.add(client);
      client.on("error", () => undefined);
      const refused = once(client, "unexpected-response").then(([, response]) => {
        client.terminate();
        throw Object.assign(new Error("refused"), { status: (response as { statusCode: number }).statusCode });
      });
      await Promise.race([once(client, "open"), refused]);
      return client;
    },
    async stop() {
      for (const client of clients) client.terminate();
      await service.stop?.();
      await context.close();
    },
  };

  function invokeArn(functionArn: string): string {
    return `arn:aws:apigateway:${REGION}:lambda:path/2015-03-31/functions/${functionArn}/invocations`;
  }
}

/** `invokeArn` of a function that `route` registered, by its number. */
export function invokeArnOf(number: number): string {
  return `arn:aws:apigateway:${REGION}:lambda:path/2015-03-31/functions/arn:aws:lambda:${REGION}:123456789012:function:fn-${number}/invocations`;
}

/** The next message that a client receives, parsed. */
export async function nextMessage(client: WebSocket): Promise<Readonly<Record<string, unknown>>> {
  const [data] = (await once(client, "message")) as [Buffer];
  return JSON.parse(data.toString()) as Readonly<Record<string, unknown>>;
}
