// Posts through API Gateway's management API. The SDK makes a bundle of 322 kB (16 kB without it). To load it takes 50 ms of CPU more than
// the bundle itself (20 ms): that comes with the first post, and not at all in functions that nobody watches. A post takes 1 ms of CPU.
import type * as Sdk from "@aws-sdk/client-apigatewaymanagementapi";
import { readCredentials, readRegion, type Environment } from "../shared/aws-environment";
import { MAXIMUM_MESSAGE_BYTES } from "./contract";
import type { PostMessage } from "./ports";

interface LoadedSdk {
  readonly sdk: typeof Sdk;
  readonly client: Sdk.ApiGatewayManagementApiClient;
}

/** A post that takes longer is tried again, in milliseconds. */
const TIMEOUT_MS = 1500;
const ATTEMPTS = 2;

/** Posts to the connections of one stage. @param url "https://<api>.execute-api.<region>.amazonaws.com/<stage>" */
export function createPoster(url: string, environment: Environment, timeoutMs: number = TIMEOUT_MS): PostMessage {
  let loaded: Promise<LoadedSdk> | undefined;
  const load = async (): Promise<LoadedSdk> => {
    const sdk = await import("@aws-sdk/client-apigatewaymanagementapi");
    const client = new sdk.ApiGatewayManagementApiClient({
      endpoint: url,
      region: readRegion(environment),
      credentials: readCredentials(environment),
      maxAttempts: ATTEMPTS,
      requestHandler: { connectionTimeout: timeoutMs, requestTimeout: timeoutMs, throwOnRequestTimeout: true },
    });
    return { sdk, client };
  };
  return async (connectionId, text) => {
    const bytes = Buffer.byteLength(text);
    if (bytes > MAXIMUM_MESSAGE_BYTES) throw new Error(`a message of ${bytes} bytes is too large`);
    loaded ??= load();
    const { sdk, client } = await loaded;
    try {
      await client.send(new sdk.PostToConnectionCommand({ ConnectionId: connectionId, Data: text }));
      return "sent";
    } catch (error) {
      if (isGone(error)) return "gone";
      throw error;
    }
  };
}

/** Status 410 and nothing else: a throttled or failed post says nothing about the connection. */
function isGone(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
  return $metadata?.httpStatusCode === 410;
}
