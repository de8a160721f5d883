// One verified call: what a service sees of it.
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { AccessControl, AccessQuestion, Decision } from "../core/access";
import { AwsError } from "../core/errors";
import type { Principal } from "../core/principal";
import type { CallAuthentication, GatewayCall, GatewayEndpoint } from "../core/service";
import type { TraceEvent } from "../core/trace";
import type { ArrivedRequest } from "./arrival";
import { type BodyPlan, type BodyStream, openBody, readAll } from "./body";
import type { ChunkSigner } from "./chunked";
import { requestKeys } from "./context-keys";

/** Facts that a call gathers for its trace. */
export interface CallRecord {
  readonly decisions: Decision[];
  facts: Partial<Pick<TraceEvent, "operation" | "resource" | "errorCode" | "detail">>;
}

/** Where the content comes from: the wire, or memory when it had to be read to verify the signature. */
export type ContentSource =
  | { readonly buffer: Buffer }
  | { readonly plan: BodyPlan; readonly signer?: ChunkSigner; readonly beforeReading: () => void };

/** What a call is made of. */
export interface CallParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly arrived: ArrivedRequest;
  readonly id: string;
  readonly endpoint: GatewayEndpoint;
  readonly service: string;
  readonly principal: Principal;
  readonly region: string;
  readonly auth: CallAuthentication;
  readonly content: ContentSource;
  readonly record: CallRecord;
  readonly access: AccessControl;
}

/** Creates the call that a service handles. */
export function createCall(parts: CallParts): GatewayCall {
  return new VerifiedCall(parts);
}

class VerifiedCall implements GatewayCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: string;
  readonly endpoint: GatewayEndpoint;
  readonly method: string;
  readonly rawPath: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly principal: Principal;
  readonly region: string;
  readonly auth: CallAuthentication;
  readonly sourceIp: string;
  readonly #parts: CallParts;
  #body: BodyStream | undefined;

  constructor(parts: CallParts) {
    const { request, response, arrived } = parts;
    this.#parts = parts;
    this.request = request;
    this.response = response;
    this.id = parts.id;
    this.endpoint = parts.endpoint;
    this.method = arrived.method;
    this.rawPath = arrived.rawPath;
    this.query = new URLSearchParams(arrived.rawQuery);
    this.headers = Object.fromEntries(
      Object.entries(arrived.headers).map(([name, values]) => [name, values.join(", ")]),
    );
    this.principal = parts.principal;
    this.region = parts.region;
    this.auth = parts.auth;
    this.sourceIp = request.socket.remoteAddress ?? "";
  }

  get body(): Readable {
    return this.#open().stream;
  }

  async readBody(limitBytes: number): Promise<Buffer> {
    const { content } = this.#parts;
    if (!("buffer" in content)) return readAll(this.body, limitBytes);
    if (content.buffer.length <= limitBytes) return content.buffer;
    throw new AwsError("RequestEntityTooLarge", `The request body must be at most ${limitBytes} bytes`, 413);
  }

  trailers(): Readonly<Record<string, string>> {
    return this.#body?.trailers() ?? {};
  }

  authorize(question: Omit<AccessQuestion, "principal">): Decision {
    const { access, record, service } = this.#parts;
    const context = { ...requestKeys(this, service), ...question.context };
    const decision = access.decide({ ...question, principal: this.principal, context });
    record.decisions.push(decision);
    if (!decision.allowed) throw accessDenied(this.principal, decision, service);
    return decision;
  }

  describe(facts: CallRecord["facts"]): void {
    const { record } = this.#parts;
    const detail = { ...record.facts.detail, ...facts.detail };
    record.facts = { ...record.facts, ...facts, ...(Object.keys(detail).length > 0 && { detail }) };
  }

  #open(): BodyStream {
    if (this.#body) return this.#body;
    const { content } = this.#parts;
    if ("buffer" in content) {
      this.#body = { stream: Readable.from([content.buffer], { objectMode: false }), trailers: () => ({}) };
    } else {
      content.beforeReading();
      this.#body = openBody(this.request, content.plan, content.signer);
    }
    return this.#body;
  }
}

function accessDenied(principal: Principal, decision: Decision, service: string): AwsError {
  // S3 tells anonymous callers nothing about the policies.
  if (principal.kind === "anonymous" && service === "s3") return new AwsError("AccessDenied", "Access Denied", 403);
  const explicit = decision.reason.startsWith("explicit deny");
  // The statement's name stays in the trace: AWS names the kind of policy, not the policy.
  const why = explicit ? `with an ${decision.reason.split(":")[0]}` : `because ${decision.reason}`;
  const resource = service === "s3" ? `"${decision.resource}"` : decision.resource;
  const who = principal.kind === "anonymous" ? "anonymous" : principal.arn;
  return new AwsError(
    "AccessDenied",
    `User: ${who} is not authorized to perform: ${decision.action} on resource: ${resource} ${why}`,
    403,
  );
}
