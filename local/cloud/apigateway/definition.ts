// A REST API as the running half knows it: what a deployment freezes.
import type { PolicyDocument } from "../core/access";

/** JSON schema of draft 4, as API Gateway's models are written. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** How a method proves who calls. */
export type MethodAuthorization =
  | { readonly type: "NONE" | "AWS_IAM" }
  | {
      readonly type: "COGNITO_USER_POOLS";
      /** Lower-case name of the header with the token. */
      readonly header: string;
      readonly userPoolArns: readonly string[];
      /** One of them must be in an access token; empty: an ID token is needed. */
      readonly scopes: readonly string[];
    };

/** A request parameter that must be there. */
export interface RequiredParameter {
  readonly location: "querystring" | "header" | "path";
  readonly name: string;
}

/** Hands the request to a function and its answer back. */
export interface ProxyIntegration {
  readonly kind: "lambda-proxy";
  /** ARN of the function; may contain `${stageVariables.name}`. */
  readonly functionArn: string;
  readonly timeoutMs: number;
}

/** Answers without a backend. */
export interface MockIntegration {
  readonly kind: "mock";
  /** By content type: the text from which the status is read. */
  readonly requestTemplates: Readonly<Record<string, string>>;
  readonly passthroughBehavior: string;
  readonly responses: readonly MockResponse[];
}

/** One answer of a mock. */
export interface MockResponse {
  readonly statusCode: number;
  /** Regular expression on the status; undefined: the default. */
  readonly selectionPattern?: string;
  /** Header name to mapping expression: `'text'`, `context.requestId`, `stageVariables.name`. */
  readonly headers: Readonly<Record<string, string>>;
  /** By content type. */
  readonly templates: Readonly<Record<string, string>>;
}

/** One method on one path. */
export interface MethodDefinition {
  /** "/uploads/{id}" */
  readonly path: string;
  /** "POST" or "ANY" */
  readonly httpMethod: string;
  readonly resourceId: string;
  readonly operationName?: string;
  readonly authorization: MethodAuthorization;
  /** Empty unless a validator checks parameters. */
  readonly requiredParameters: readonly RequiredParameter[];
  /** Schema by content type; undefined unless a validator checks the body. */
  readonly bodySchemas?: Readonly<Record<string, JsonSchema>>;
  readonly integration: ProxyIntegration | MockIntegration;
}

/** A customised answer of the gateway itself. */
export interface GatewayResponse {
  readonly statusCode?: number;
  /** Header name to mapping expression. */
  readonly headers: Readonly<Record<string, string>>;
  /** By content type. */
  readonly templates: Readonly<Record<string, string>>;
}

/** What a deployment freezes. */
export interface ApiSnapshot {
  readonly methods: readonly MethodDefinition[];
  /** All paths, those without methods included. */
  readonly paths: readonly string[];
  readonly gatewayResponses: ReadonlyMap<string, GatewayResponse>;
  readonly binaryMediaTypes: readonly string[];
  readonly policy?: PolicyDocument;
}

/** A frozen API under its id. */
export interface Deployment {
  readonly id: string;
  readonly snapshot: ApiSnapshot;
}

/** Throttling of methods, requests per second and tokens; undefined: the account's own. */
export interface Throttle {
  readonly rate: number;
  readonly burst: number;
}

/** A stage: a deployment under a base path. */
export interface StageDefinition {
  readonly name: string;
  readonly urn: string;
  readonly deployment: Deployment;
  readonly variables: Readonly<Record<string, string>>;
  readonly accessLog?: { readonly group: string; readonly stream: string; readonly format: string };
}
