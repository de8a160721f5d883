// A WebSocket API as it is declared: routes, integrations, authorizers, stages.
import type { AwsError } from "../core/errors";
import type { Listener } from "../core/service";

/** A function behind a route. */
export interface WebSocketIntegration {
  readonly functionArn: string;
  readonly timeoutMs: number;
}

/** A route: "$connect", "$disconnect", "$default" or a value of the selection expression. */
export interface WebSocketRoute {
  readonly id: string;
  readonly routeKey: string;
  readonly integrationId: string | undefined;
  readonly authorization: "NONE" | "AWS_IAM" | "CUSTOM";
  readonly authorizerId: string | undefined;
  /** Whether the function's answer goes back on the connection: the route has a response selection expression. */
  readonly answers: boolean;
}

/** A Lambda authorizer of $connect. */
export interface WebSocketAuthorizer {
  readonly id: string;
  readonly functionArn: string;
  /** "route.request.header.Origin", "route.request.querystring.ticket", … All must be present. */
  readonly identitySources: readonly string[];
}

/** Limits of one route, or of all of a stage. */
export interface RouteThrottle {
  readonly rate: number;
  readonly burst: number;
}

/** A stage: a base path with limits, variables and an access log. Routes are live at once (auto-deploy) or by deployment. */
export interface WebSocketStage {
  readonly name: string;
  readonly urn: string;
  readonly autoDeploy: boolean;
  readonly deploymentId: string | undefined;
  readonly variables: Readonly<Record<string, string>>;
  readonly throttle: RouteThrottle | undefined;
  /** By route key. */
  readonly routeThrottles: ReadonlyMap<string, RouteThrottle>;
  readonly accessLog: { readonly group: string; readonly stream: string; readonly format: string } | undefined;
}

/** What a stage serves: the routes by key, with their integrations and authorizers. */
export interface WebSocketSnapshot {
  readonly routes: ReadonlyMap<string, WebSocketRoute>;
  readonly integrations: ReadonlyMap<string, WebSocketIntegration>;
  readonly authorizers: ReadonlyMap<string, WebSocketAuthorizer>;
}

/** A WebSocket API with everything that belongs to it. */
export interface WebSocketApi {
  readonly id: string;
  name: string;
  readonly accountId: string;
  readonly region: string;
  readonly urn: string;
  /** Path below the message's body: ["action"] for "$request.body.action". */
  selection: readonly string[];
  /** By id. */
  readonly routes: Map<string, WebSocketRoute>;
  readonly integrations: Map<string, WebSocketIntegration>;
  readonly authorizers: Map<string, WebSocketAuthorizer>;
  readonly deployments: Map<string, WebSocketSnapshot>;
  readonly stages: Map<string, WebSocketStage>;
  listener?: Listener | undefined;
}

/** All WebSocket APIs by id. */
export type WebSocketApis = Map<string, WebSocketApi>;

/** "arn:aws:execute-api:<region>:<account>:<api>" */
export function executionArnOf(api: Pick<WebSocketApi, "id" | "region" | "accountId">): string {
  return `arn:aws:execute-api:${api.region}:${api.accountId}:${api.id}`;
}

/** "abc.execute-api.eu-west-1.amazonaws.com" */
export function domainNameOf(api: Pick<WebSocketApi, "id" | "region">): string {
  return `${api.id}.execute-api.${api.region}.amazonaws.com`;
}

/** What the API declares now. */
export function snapshotOf(api: WebSocketApi): WebSocketSnapshot {
  return {
    routes: new Map([...api.routes.values()].map((route) => [route.routeKey, route])),
    integrations: new Map(api.integrations),
    authorizers: new Map(api.authorizers),
  };
}

/** What a stage serves now; a stage without deployment serves nothing. */
export function servedBy(api: WebSocketApi, stage: WebSocketStage): WebSocketSnapshot {
  if (stage.autoDeploy) return snapshotOf(api);
  const deployed = stage.deploymentId === undefined ? undefined : api.deployments.get(stage.deploymentId);
  return deployed ?? { routes: new Map(), integrations: new Map(), authorizers: new Map() };
}

/** A refusal of a handshake: the status line is all that the client learns. */
export class HandshakeRefusal extends Error {
  constructor(
    readonly status: number,
    readonly errorCode: string,
    options?: { readonly cause: AwsError },
  ) {
    super(errorCode, options);
  }
}
