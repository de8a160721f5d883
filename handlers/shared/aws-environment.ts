// What the Lambda runtime tells a function about AWS: Region, credentials, endpoints. Read in one place.
import type { Credentials } from "./sigv4";

/** Environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The Region that the function runs in. Throws when the environment names none. */
export function readRegion(environment: Environment): string {
  const region = environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION;
  if (!region) throw new Error("AWS_REGION is not set");
  return region;
}

/** The credentials of the function's role, as Lambda sets them when it starts the environment. */
export function readCredentials(environment: Environment): Credentials {
  const accessKeyId = environment.AWS_ACCESS_KEY_ID;
  const secretAccessKey = environment.AWS_SECRET_ACCESS_KEY;
  const sessionToken = environment.AWS_SESSION_TOKEN;
  if (!accessKeyId || !secretAccessKey) throw new Error("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set");
  return sessionToken ? { accessKeyId, secretAccessKey, sessionToken } : { accessKeyId, secretAccessKey };
}

/** An endpoint set by the SDKs' own variables (AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL), without a trailing slash. */
export function readEndpointOverride(environment: Environment, service: string): string | undefined {
  const endpoint = environment[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] ?? environment.AWS_ENDPOINT_URL;
  return endpoint ? endpoint.replace(/\/+$/, "") : undefined;
}

/** Domain of AWS's hosts in the partition of a Region. */
export function domainOf(region: string): string {
  return region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}
