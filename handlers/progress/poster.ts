// Posts through API Gateway's management API. The SDK weighs 430 kB and takes 70 ms to load: loaded with the first post, never before.
import { readCredentials, readRegion, type Environment } from "../shared/aws-environment";
import { WEBSOCKET_LIMITS } from "./contract";
import type { PostMessage } from "./ports";

type Sdk = typeof import("@aws-sdk/client-apigatewaymanagementapi");
type Client = InstanceType<Sdk["ApiGatewayManagementApiClient"]>;

/** A post that takes longer is tried again. */
const TIMEOUT_MS = 1500;
const ATTEMPTS = 2;

/** Posts to the connections of one stage. @param url "https://<api>.execute-api.<region>.amazonaws.com/<stage>" */
export function createPoster(url: string, environment: Environment): PostMessage {
  let loaded: Promise<{ readonly sdk: Sdk; readonly client: Client }> | undefined;
  const load = async (): Promise<{ readonly sdk: Sdk; readonly client: Client }> => {
    const sdk = await import("@aws-sdk/client-apigatewaymanagementapi");
    const client = new sdk.ApiGatewayManagementApiClient({
      endpoint: url,
      region: readRegion(environment),
      credentials: readCredentials(environment),
      maxAttempts: ATTEMPTS,
      requestHandler: { connectionTimeout: TIMEOUT_MS, requestTimeout: TIMEOUT_MS, throwOnRequestTimeout: true },
    });
    return { sdk, client };
  };
  return async (connectionId, text) => {
    const bytes = Buffer.byteLength(text);
    if (bytes > WEBSOCKET_LIMITS.maximumMessageBytes) throw new Error(`a message of ${bytes} bytes is too large`);
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
