// Calls of AWS's JSON protocols (DynamoDB, EventBridge, SQS) without the SDK: signed, retried, with kept-alive connections.
import { domainOf, readCredentials, readEndpointOverride, readRegion, type Environment } from "./aws-environment";
import { AwsCallError } from "./errors";
import { createHttpClient } from "./http-client";
import { signHeaders, type Credentials } from "./sigv4";

/** Which service, and how it is called. */
export interface JsonService {
  /** Signing name and host prefix: "dynamodb", "events". */
  readonly name: string;
  /** Name in AWS_ENDPOINT_URL_…: "DYNAMODB", "EVENTBRIDGE". */
  readonly endpointVariable: string;
  /** "DynamoDB_20120810" */
  readonly target: string;
  readonly contentType: string;
}

/** Amazon DynamoDB. */
export const DYNAMODB: JsonService = {
  name: "dynamodb",
  endpointVariable: "DYNAMODB",
  target: "DynamoDB_20120810",
  contentType: "application/x-amz-json-1.0",
};

/** Amazon EventBridge. */
export const EVENTBRIDGE: JsonService = {
  name: "events",
  endpointVariable: "EVENTBRIDGE",
  target: "AWSEvents",
  contentType: "application/x-amz-json-1.1",
};

/** Amazon SQS. */
export const SQS: JsonService = {
  name: "sqs",
  endpointVariable: "SQS",
  target: "AmazonSQS",
  contentType: "application/x-amz-json-1.0",
};

/** Amazon CloudWatch. */
export const CLOUDWATCH: JsonService = {
  name: "monitoring",
  endpointVariable: "CLOUDWATCH",
  target: "GraniteServiceVersion20100801",
  contentType: "application/x-amz-json-1.0",
};

/** One HTTP exchange. */
export type Exchange = (
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
) => Promise<{ readonly status: number; readonly body: string }>;

/** Where and as whom to call. */
export interface JsonClientSettings {
  readonly region: string;
  /** Without a trailing slash. */
  readonly endpoint: string;
  readonly credentials: Credentials;
  readonly now: () => number;
  readonly exchange?: Exchange;
  /** Waits between two attempts, in milliseconds. */
  readonly pause?: (milliseconds: number) => Promise<void>;
  readonly random?: () => number;
}

/** Attempts per call, the first included. */
export const ATTEMPTS = 4;
/** Longest wait before the second attempt; it doubles with each further one. Full jitter. */
const FIRST_PAUSE_MS = 50;
/** A JSON call takes milliseconds; a connection that is silent this long is lost. */
const SOCKET_TIMEOUT_MS = 3000;

/** Settings of a client for a service from the environment of a Lambda function. */
export function readJsonClientSettings(
  service: JsonService,
  environment: Environment,
  now: () => number,
): JsonClientSettings {
  const region = readRegion(environment);
  return {
    region,
    endpoint:
      readEndpointOverride(environment, service.endpointVariable) ??
      `https://${service.name}.${region}.${domainOf(region)}`,
    credentials: readCredentials(environment),
    now,
  };
}

/** A client of one service. Every call is safe to repeat: callers make them conditional or pass a token. */
export class AwsJsonClient {
  private readonly exchange: Exchange;
  private readonly url: URL;

  constructor(
    private readonly service: JsonService,
    private readonly settings: JsonClientSettings,
  ) {
    this.url = new URL(`${settings.endpoint}/`);
    this.exchange = settings.exchange ?? createExchange(this.url.protocol);
  }

  /**
   * Calls an operation. Throws AwsCallError.
   * @param isRetryable further answers after which to try again, beside throttling, failures inside and lost connections.
   */
  async call(
    operation: string,
    input: unknown,
    isRetryable: (error: AwsCallError) => boolean = () => false,
  ): Promise<Readonly<Record<string, unknown>>> {
    const body = JSON.stringify(input);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.callOnce(operation, body);
      } catch (error) {
        if (!(error instanceof AwsCallError)) throw error;
        if (attempt >= ATTEMPTS || !(error.retryable || isRetryable(error))) throw error;
        await this.pause(attempt);
      }
    }
  }

  private async callOnce(operation: string, body: string): Promise<Readonly<Record<string, unknown>>> {
    const { region, credentials, now } = this.settings;
    const headers = signHeaders(
      {
        method: "POST",
        url: this.url,
        headers: { "content-type": this.service.contentType, "x-amz-target": `${this.service.target}.${operation}` },
        body,
        at: now(),
        region,
        service: this.service.name,
      },
      credentials,
    );
    const answer = await this.exchange(this.url, headers, body).catch((cause: unknown) => {
      throw new AwsCallError("NetworkError", 0, `${this.service.name} did not answer ${operation}`, {}, { cause });
    });
    const document = parseObject(answer.body);
    if (answer.status === 200 && document) return document;
    throw toAwsError(answer.status, document ?? {});
  }

  private async pause(attempt: number): Promise<void> {
    const { random = Math.random, pause = waitMilliseconds } = this.settings;
    await pause(random() * FIRST_PAUSE_MS * 2 ** (attempt - 1));
  }
}

function toAwsError(status: number, document: Readonly<Record<string, unknown>>): AwsCallError {
  const type = document.__type;
  const code = typeof type === "string" ? type.slice(type.indexOf("#") + 1) : `Http${status}`;
  const message = document.message ?? document.Message;
  // An answer of 200 that is no JSON object was cut off on the way: as good as none.
  return new AwsCallError(code, status === 200 ? 0 : status, typeof message === "string" ? message : "", document);
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = text === "" ? {} : JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function createExchange(protocol: string): Exchange {
  const send = createHttpClient(protocol);
  return (url, headers, body) => send({ method: "POST", url, headers, body, timeoutMs: SOCKET_TIMEOUT_MS });
}

function waitMilliseconds(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
