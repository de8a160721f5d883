// Credentials of a container: from the environment, or from the endpoint that ECS and EKS offer, renewed before they expire.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
import { readFileSync } from "node:fs";
import type { Environment } from "../../shared/aws-environment";
import { createHttpClient, type SendHttp } from "../../shared/http-client";

/** An environment whose credentials stay valid. */
export interface LiveEnvironment {
  /** Read its credentials at each call. */
  readonly environment: Environment;
  /** Ends the renewal. */
  stop(): void;
}

/** What a test replaces. */
export interface CredentialPorts {
  readonly send?: SendHttp;
  readonly now?: () => number;
  readonly onError?: (error: unknown) => void;
  /** Calls back after so many milliseconds. Returns what cancels it. */
  readonly schedule?: (milliseconds: number, callback: () => void) => () => void;
}

const ECS_ORIGIN = "http://169.254.170.2";
/** Besides loopback, the addresses of the agents of ECS and EKS: plain HTTP leaves the machine nowhere else. */
const PLAIN_HOSTS: ReadonlySet<string> = new Set([
  "169.254.170.2",
  "169.254.170.23",
  "[fd00:ec2::23]",
  "localhost",
  "[::1]",
]);
const RENEW_BEFORE_MS = 300_000;
const SHORTEST_PAUSE_MS = 30_000;

/** The environment with credentials; waits for the first ones. Throws when there are none to be had. */
export async function keepCredentials(environment: Environment, ports: CredentialPorts = {}): Promise<LiveEnvironment> {
  const url = credentialsUrl(environment);
  if (environment.AWS_ACCESS_KEY_ID || !url) return { environment, stop: () => undefined };
  const { now = Date.now, schedule = scheduleTimer, onError = () => undefined } = ports;
  const send = ports.send ?? createHttpClient(url.protocol);
  const live: Record<string, string | undefined> = { ...environment };
  let cancel = (): void => undefined;
  const renew = async (): Promise<void> => {
    const { expiresAt, ...credentials } = await fetchCredentials(url, environment, send);
    Object.assign(live, credentials);
    plan(expiresAt - now() - RENEW_BEFORE_MS);
  };
  const plan = (milliseconds: number): void => {
    cancel = schedule(Math.max(SHORTEST_PAUSE_MS, milliseconds), () => {
      renew().catch((error: unknown) => {
        onError(error);
        plan(0);
      });
    });
  };
  await renew();
  return { environment: live, stop: () => cancel() };
}

function credentialsUrl(environment: Environment): URL | undefined {
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative, AWS_CONTAINER_CREDENTIALS_FULL_URI: full } = environment;
  if (relative) return new URL(relative, ECS_ORIGIN);
  if (!full) return undefined;
  const url = new URL(full);
  const local = PLAIN_HOSTS.has(url.hostname) || url.hostname.startsWith("127.");
  if (url.protocol !== "https:" && !local) {
    throw new Error("AWS_CONTAINER_CREDENTIALS_FULL_URI must be HTTPS, or an address of this machine");
  }
  return url;
}

async function fetchCredentials(
  url: URL,
  environment: Environment,
  send: SendHttp,
): Promise<{
  readonly AWS_ACCESS_KEY_ID: string;
  readonly AWS_SECRET_ACCESS_KEY: string;
  readonly AWS_SESSION_TOKEN: string | undefined;
  readonly expiresAt: number;
}> {
  const token = readToken(environment);
  const headers = { accept: "application/json", ...(token ? { authorization: token } : {}) };
  const { status, body } = await send({ method: "GET", url, headers, body: "", timeoutMs: 5000 });
  if (status !== 200) throw new Error(`the credentials endpoint answered with status ${status}`);
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = parse(body);
  if (!AccessKeyId || !SecretAccessKey) throw new Error("the credentials endpoint answered without credentials");
  const expiresAt = Date.parse(Expiration ?? "");
  return {
    AWS_ACCESS_KEY_ID: AccessKeyId,
    AWS_SECRET_ACCESS_KEY: SecretAccessKey,
    AWS_SESSION_TOKEN: Token,
    expiresAt: Number.isNaN(expiresAt) ? 0 : expiresAt,
  };
}

/** The file wins: EKS renews it. */
function readToken(environment: Environment): string | undefined {
  const file = environment.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  return file ? readFileSync(file, "utf8").trim() : environment.AWS_CONTAINER_AUTHORIZATION_TOKEN;
}

/** The error must not quote the text. */
function parse(body: string): Readonly<Record<string, string | undefined>> {
  try {
    return JSON.parse(body) as Record<string, string>;
  } catch {
    return {};
  }
}

function scheduleTimer(milliseconds: number, callback: () => void): () => void {
  const timer = setTimeout(callback, milliseconds);
  timer.unref();
  return () => clearTimeout(timer);
}
