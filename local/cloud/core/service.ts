// The contract of one AWS service inside the embedded cloud, and what the cloud offers to it.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex, Readable } from "node:stream";
import type { AccessControl, AccessQuestion, Decision } from "./access";
import type { Clock } from "./clock";
import type { HostMap } from "./hosts";
import type { Principal } from "./principal";
import type { InvokeModel, ResourceModel } from "./resource-model";
import type { TraceEvent, TraceLog } from "./trace";

/** A service: the described half (models) and the running half (data plane). One folder each. */
export interface Service {
  /** Signing name and folder: "s3", "dynamodb", "lambda", "events", … */
  readonly name: string;
  readonly models: readonly ResourceModel[];
  readonly invokes?: Readonly<Record<string, InvokeModel>>;
  /**
   * Sees every call that will be routed to this service, before its signature is judged. S3 sets its CORS headers here, so that a
   * browser can read a refusal. Must neither answer nor read the body.
   */
  prepare?(arrival: GatewayArrival): void;
  /** Answers a call at the gateway whose signature names this service. The gateway has verified the signature. */
  handle?(call: GatewayCall): Promise<void>;
  /** Further listeners, timers and processes start here; called once, after the gateway listens. */
  start?(): Promise<void>;
  /** Ends everything that `start` or a model began. Called once, in reverse order, also after a failed start. */
  stop?(): Promise<void>;
}

/** A call that has arrived and is not verified yet. */
export interface GatewayArrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** Path as sent, still percent-encoded. */
  readonly rawPath: string;
  readonly endpoint: GatewayEndpoint;
}

/** The listener that a call came in by: the regional endpoints of AWS, or S3 Transfer Acceleration. */
export type GatewayEndpoint = "gateway" | "accelerate";

/** A verified call at the gateway. */
export interface GatewayCall {
  readonly endpoint: GatewayEndpoint;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Request id; also sent as `x-amzn-requestid`. */
  readonly id: string;
  readonly method: string;
  /** Path as sent, still percent-encoded. */
  readonly rawPath: string;
  readonly query: URLSearchParams;
  /** Lower-case names; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly principal: Principal;
  /** Region of the credential scope. */
  readonly region: string;
  readonly auth: CallAuthentication;
  /** Address of the client, `aws:SourceIp`. */
  readonly sourceIp: string;
  /**
   * The body, decoded from `aws-chunked` where used. It fails with XAmzContentSHA256Mismatch at its end when the content is
   * not what the signature covers. S3 streams it to disk.
   */
  readonly body: Readable;
  /** The whole body, at most `limitBytes`; AwsError RequestEntityTooLarge beyond. */
  readBody(limitBytes: number): Promise<Buffer>;
  /** Trailing headers of an aws-chunked body (x-amz-checksum-…), known once the body has ended. */
  trailers(): Readonly<Record<string, string>>;
  /** Asks for permission: throws AwsError AccessDenied (403) when refused. Adds global condition keys. Kept for the trace. */
  authorize(question: Omit<AccessQuestion, "principal">): Decision;
  /** Names the operation, resource and details for the trace of this call; later calls add to earlier ones. */
  describe(facts: Partial<Pick<TraceEvent, "operation" | "resource" | "errorCode" | "detail">>): void;
}

/** How a call proved its identity. */
export interface CallAuthentication {
  readonly type: "REST-HEADER" | "REST-QUERY-STRING" | "NONE";
  /** For signed calls: age of the signature, in milliseconds (`s3:signatureAge`). */
  readonly signatureAgeMs?: number;
  /** For signed calls: names of the signed headers, lower case. */
  readonly signedHeaders?: readonly string[];
}

/** A listener of its own (an API, a distribution, a sign-in domain): its own origin, as on AWS. */
export interface Listener {
  /** "http://127.0.0.1:41234" */
  readonly origin: string;
  close(): Promise<void>;
}

/** Takes over the connection of a request to upgrade, to a WebSocket say. `head` holds what was already read. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** What a listener serves. Each kind has ports of its own, so that a stack has the same URLs in every run. */
export type ListenerKind = "console" | "website" | "sign-in" | "api" | "other";

/** An endpoint that a person or a program can call, for the console and the table of `npm start`. */
export interface EndpointInfo {
  /** "Website", "Upload API", "Sign-in", "AWS APIs", "S3 Transfer Acceleration" */
  readonly label: string;
  readonly url: string;
  /** URN of the resource that opened it; empty for the cloud's own. */
  readonly urn: string;
  /** Shown first in the table: a page for people. */
  readonly page?: boolean;
}

/** Invokes functions. Implemented by `local/cloud/lambda`. */
export interface FunctionInvoker {
  /**
   * Invokes synchronously as `principal`, after checking the function's resource policy (services) or lambda:InvokeFunction
   * (others). A handler's own error is a result with `functionError`, not an exception.
   */
  invoke(functionArn: string, payload: Buffer, principal: Principal): Promise<InvocationResult>;
  /** Queues an asynchronous invocation with Lambda's two retries. */
  invokeAsync(functionArn: string, payload: Buffer, principal: Principal): void;
  /** Whether `principal` may invoke the function: S3 asks before it accepts a notification. Left out: nobody checks. */
  mayInvoke?(functionArn: string, principal: Principal): boolean;
}

/** What came back from a function. */
export interface InvocationResult {
  readonly payload: Buffer;
  readonly functionError?: "Unhandled" | "Handled";
  readonly requestId: string;
  readonly durationMs: number;
}

/** Puts events on a bus. Implemented by `local/cloud/events`. */
export interface EventPublisher {
  publish(event: CloudEvent): void;
}

/** An event as EventBridge delivers it, without the members that the bus fills in. */
export interface CloudEvent {
  readonly source: string;
  readonly detailType: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly resources: readonly string[];
  readonly accountId: string;
  readonly region: string;
  /** Name of the bus, "default" when left out. */
  readonly busName?: string;
}

/** Queues, for services that send to one or poll one. Implemented by `local/cloud/sqs`. */
export interface MessageQueues {
  /** What a caller must know of a queue before it uses it; undefined when there is no such queue. */
  describe(queueArn: string): QueueFacts | undefined;
  /**
   * Sends one message as `principal` (needs sqs:SendMessage; a service principal needs the queue policy).
   * @returns the message id.
   * @throws AwsError as SendMessage would.
   */
  send(queueArn: string, message: OutgoingMessage, principal: Principal): string;
  /**
   * Receives as `principal` (needs sqs:ReceiveMessage), waiting up to `waitTimeMs` for a first message. At most
   * `maximumMessages`, which may exceed the ten of the public API: Lambda's pollers join several receives. An abort ends the wait
   * with an empty list.
   */
  receive(queueArn: string, request: ReceiveSettings, principal: Principal): Promise<readonly ReceivedMessage[]>;
  /** Deletes as `principal` (needs sqs:DeleteMessage). Unknown handles are ignored, as SQS does. */
  delete(queueArn: string, receiptHandles: readonly string[], principal: Principal): void;
  /** Changes visibility as `principal` (needs sqs:ChangeMessageVisibility). Handles that are no longer in flight are ignored. */
  changeVisibility(queueArn: string, receiptHandles: readonly string[], timeoutMs: number, principal: Principal): void;
}

/** What callers must know of a queue. */
export interface QueueFacts {
  readonly url: string;
  readonly fifo: boolean;
  readonly visibilityTimeoutSeconds: number;
  /** KMS key, where the queue has one. */
  readonly kmsKeyArn?: string;
}

/** A message to send. */
export interface OutgoingMessage {
  readonly body: string;
  readonly attributes?: Readonly<Record<string, MessageAttribute>>;
  readonly groupId?: string;
  readonly deduplicationId?: string;
  readonly delaySeconds?: number;
  /** AWSTraceHeader. */
  readonly traceHeader?: string;
}

/** A message attribute as SQS and Lambda spell it. */
export interface MessageAttribute {
  /** "String", "Number", "Binary", or one of them with ".custom". */
  readonly dataType: string;
  readonly stringValue?: string;
  /** Base64. */
  readonly binaryValue?: string;
}

/** How to receive. */
export interface ReceiveSettings {
  readonly maximumMessages: number;
  readonly waitTimeMs: number;
  /** @default - the queue's own */
  readonly visibilityTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A message that was received. */
export interface ReceivedMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly md5OfBody: string;
  /** System attributes with AWS's names: ApproximateReceiveCount, SentTimestamp, SenderId, MessageGroupId, AWSTraceHeader, … */
  readonly systemAttributes: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, MessageAttribute>>;
}

/** Log groups and streams. Implemented by `local/cloud/logs`; metrics in embedded metric format are read from here. */
export interface LogStore {
  append(group: string, stream: string, message: string): void;
}

/** Metric data. Implemented by `local/cloud/monitoring`. */
export interface MetricStore {
  put(datum: MetricDatum): void;
  /** Adds values that were summed up before, all of the minute of `at`. Left out: only `put` is there. */
  add?(metric: Omit<MetricDatum, "value" | "unit" | "at">, unit: string, at: number, summary: MetricSummary): void;
}

/** Values that were summed up before they were stored. */
export interface MetricSummary {
  readonly sum: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly count: number;
}

/** One measurement, with AWS's own namespace, name and dimensions. */
export interface MetricDatum {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly value: number;
  /** "Count", "Bytes", "Milliseconds", … */
  readonly unit: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Verifies the tokens of user pools. Implemented by `local/cloud/cognito`. */
export interface TokenVerifier {
  /**
   * Claims of a token that one of the pools issued: signature, issuer and expiry hold. Who asks decides what `token_use` and
   * scopes it needs.
   * @throws any error when the token is not valid; its text is never shown to the caller.
   */
  verify(token: string, userPoolArns: readonly string[]): Promise<Readonly<Record<string, unknown>>>;
}

/** What the cloud offers to every service. */
export interface CloudContext {
  readonly clock: Clock;
  /** Unseeded uniqueness for ids that AWS makes up: lower-case letters and digits. */
  uniqueId(length: number): string;
  readonly traces: TraceLog;
  readonly access: AccessControl;
  readonly hosts: HostMap;
  /** Folder for bodies and unpacked code; removed at the end. */
  readonly dataDirectory: string;
  /** Account of resources whose provider names no other. */
  readonly accountId: string;
  /** Default Region, from the stack's `aws:region`. */
  readonly region: string;
  /** "http://127.0.0.1:<port>": what functions get as AWS_ENDPOINT_URL. Known once the gateway listens. */
  gatewayOrigin(): string;
  /** "http://127.0.0.1:<port>" of the S3 Transfer Acceleration listener. Known once the gateway listens. */
  accelerateOrigin(): string;
  /** Opens a listener on the next port of the plan (or a free one). Requests to upgrade are refused unless `onUpgrade` takes them. */
  listen(
    handler: (request: IncomingMessage, response: ServerResponse) => void,
    kind?: ListenerKind,
    onUpgrade?: UpgradeHandler,
  ): Promise<Listener>;
  /** Adds an endpoint to the console and the table; returns the function that removes it. */
  announce(endpoint: EndpointInfo): () => void;
  /** Services of which there is one each. Available once all services are constructed. */
  readonly functions: FunctionInvoker;
  readonly events: EventPublisher;
  readonly logs: LogStore;
  readonly metrics: MetricStore;
  readonly tokens: TokenVerifier;
  readonly queues: MessageQueues;
}
