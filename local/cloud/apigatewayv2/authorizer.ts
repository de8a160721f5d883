// Who may connect: nobody in particular, a signed request, or whom a Lambda authorizer admits.
import type { IncomingMessage } from "node:http";
import type { SignatureCheck } from "../apigateway/signature";
import { GatewayError } from "../apigateway/gateway-responses";
import type { Decision, PolicyDocument } from "../core/access";
import { AwsError } from "../core/errors";
import { anonymous, servicePrincipal } from "../core/principal";
import type { CloudContext } from "../core/service";
import {
  executionArnOf,
  HandshakeRefusal,
  type WebSocketAuthorizer,
  type WebSocketRoute,
  type WebSocketSnapshot,
} from "./api";
import type { ConnectionFacts } from "./connection";
import { authorizerEvent, type Occurrence, targetOf } from "./events";
import { within } from "./integration";

const ACTION = "execute-api:Invoke";
/** Most bytes of an authorizer's answer. */
const MAXIMUM_RESULT_BYTES = 8 * 1024;
const TIMEOUT_MS = 29_000;

/** A handshake that is to be judged. */
export interface Handshake {
  readonly message: IncomingMessage;
  readonly connection: ConnectionFacts;
  readonly occurrence: Occurrence;
  readonly decisions: Decision[];
  /** Aborts when the run ends. */
  readonly signal: AbortSignal;
}

/** Judges a handshake; gives the connection its authorizer's context. @throws HandshakeRefusal 401, 403 or 500. */
export async function admit(
  context: CloudContext,
  verify: SignatureCheck,
  snapshot: WebSocketSnapshot,
  route: WebSocketRoute,
  handshake: Handshake,
): Promise<void> {
  if (route.authorization === "NONE") return;
  if (route.authorization === "AWS_IAM") {
    admitSigned(context, verify, handshake);
    return;
  }
  const authorizer = snapshot.authorizers.get(route.authorizerId ?? "");
  if (!authorizer) throw new HandshakeRefusal(500, "AuthorizerConfigurationException");
  await admitByFunction(context, authorizer, handshake);
}

function admitSigned(context: CloudContext, verify: SignatureCheck, handshake: Handshake): void {
  const { connection, message, decisions } = handshake;
  let principal;
  try {
    ({ principal } = verify({ message, body: Buffer.alloc(0), api: connection.api }));
  } catch (error) {
    if (error instanceof GatewayError) throw new HandshakeRefusal(error.statusCode, error.errorType);
    throw error;
  }
  const decision = context.access.decide({
    principal,
    action: ACTION,
    resource: connectArn(connection),
    resourceAccountId: connection.api.accountId,
    context: { "aws:SourceIp": connection.sourceIp },
  });
  decisions.push(decision);
  if (!decision.allowed) throw new HandshakeRefusal(403, "AccessDeniedException");
}

async function admitByFunction(
  context: CloudContext,
  authorizer: WebSocketAuthorizer,
  handshake: Handshake,
): Promise<void> {
  const { message, connection, occurrence, decisions, signal } = handshake;
  if (!authorizer.identitySources.every((source) => isPresent(message, source))) {
    throw new HandshakeRefusal(401, "UnauthorizedException");
  }
  const { api } = connection;
  const caller = servicePrincipal(
    "apigateway.amazonaws.com",
    `${executionArnOf(api)}/authorizers/${authorizer.id}`,
    api.accountId,
  );
  const payload = Buffer.from(JSON.stringify(authorizerEvent(message, connection, occurrence)));
  const invoked = context.functions.invoke(authorizer.functionArn, payload, caller);
  const result = await within(context, TIMEOUT_MS, signal, invoked).catch((error: unknown) => {
    if (!(error instanceof AwsError)) throw error;
    throw new HandshakeRefusal(500, "AuthorizerConfigurationException", { cause: error });
  });
  if (!result) throw new HandshakeRefusal(500, "AuthorizerTimeout");
  const verdict = result.functionError === undefined ? readVerdict(result.payload) : undefined;
  // A function that throws the text "Unauthorized" refuses with 401; any other failure is its own fault.
  if (!verdict) throw refusalOf(result.payload);
  const decision = context.access.decide({
    principal: anonymous,
    action: ACTION,
    resource: connectArn(connection),
    resourceAccountId: api.accountId,
    resourcePolicy: { name: `answer of the authorizer ${authorizer.id}`, document: verdict.policy },
  });
  decisions.push(decision);
  if (!decision.allowed) throw new HandshakeRefusal(403, "AccessDeniedException");
  connection.authorizer = {
    principalId: verdict.principalId,
    integrationLatency: result.durationMs,
    ...verdict.context,
  };
}

interface Verdict {
  readonly principalId: string;
  readonly policy: PolicyDocument;
  readonly context: Readonly<Record<string, unknown>>;
}

function readVerdict(payload: Buffer): Verdict | undefined {
  if (payload.length > MAXIMUM_RESULT_BYTES) return undefined;
  const answer = parse(payload);
  const document = answer?.policyDocument as PolicyDocument | undefined;
  if (typeof answer?.principalId !== "string" || document?.Statement === undefined) return undefined;
  const context = (answer.context ?? {}) as Readonly<Record<string, unknown>>;
  // Nested values make API Gateway refuse the whole answer.
  if (Object.values(context).some((value) => value === null || typeof value === "object")) return undefined;
  const statements = [document.Statement].flat();
  // What an authorizer returns names no principal: it speaks of this one caller.
  const policy = { ...document, Statement: statements.map((statement) => ({ ...statement, Principal: "*" as const })) };
  return {
    principalId: answer.principalId,
    policy,
    // API Gateway hands all values on as text.
    context: Object.fromEntries(Object.entries(context).map(([name, value]) => [name, String(value)])),
  };
}

function refusalOf(payload: Buffer): HandshakeRefusal {
  const message = parse(payload)?.errorMessage;
  return message === "Unauthorized"
    ? new HandshakeRefusal(401, "UnauthorizedException")
    : new HandshakeRefusal(500, "AuthorizerConfigurationException");
}

function parse(payload: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString());
    return value !== null && typeof value === "object" ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function connectArn({ api, stage }: ConnectionFacts): string {
  return `${executionArnOf(api)}/${stage.name}/$connect`;
}

function isPresent(message: IncomingMessage, source: string): boolean {
  const [, , kind = "", ...rest] = source.split(".");
  const name = rest.join(".");
  if (kind === "header") return (message.headers[name.toLowerCase()] ?? "").length > 0;
  return (targetOf(message).query.get(name) ?? "").length > 0;
}
