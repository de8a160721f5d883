// The component's settings, read from the environment once per execution environment.
import { readRegion, type Environment } from "../shared/aws-environment";
import { UPLOAD_ENVIRONMENT, type UploadRules } from "./contract";

/** What the component tells its handlers. */
export interface UploadSettings {
  readonly region: string;
  readonly bucketName: string;
  readonly bucketOwner: string;
  readonly tableName: string;
  readonly keyPrefix: string;
  readonly eventBusName: string;
  readonly rules: UploadRules;
  readonly allowedOrigins: readonly string[];
}

/** Reads the settings. Throws an Error that names every variable that is missing or malformed. */
export function readSettings(environment: Environment): UploadSettings {
  const { rules, allowedOrigins, keyPrefix, ...required } = UPLOAD_ENVIRONMENT;
  const missing = [...Object.values(required), rules, allowedOrigins].filter((name) => !environment[name]);
  if (missing.length > 0) throw new Error(`Environment variables are not set: ${missing.join(", ")}`);
  const read = (name: string): string => environment[name] ?? "";
  return {
    region: readRegion(environment),
    bucketName: read(required.bucketName),
    bucketOwner: read(required.bucketOwner),
    tableName: read(required.tableName),
    eventBusName: read(required.eventBusName),
    // The one value that may be empty: objects then lie at the top of the bucket.
    keyPrefix: read(keyPrefix),
    rules: parseJson(rules, read(rules)) as UploadRules,
    allowedOrigins: parseJson(allowedOrigins, read(allowedOrigins)) as readonly string[],
  };
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`Environment variable ${name} does not hold JSON`, { cause });
  }
}
