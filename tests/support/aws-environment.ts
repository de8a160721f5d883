// The environment of a person who works on AWS, with the embedded cloud in AWS's place: the SDK's own chain of settings runs as it does on
// AWS, and no call can leave this machine.
import assert from "node:assert/strict";
import os from "node:os";
import type { Cloud } from "../../local/cloud";
import type { RunningCloud } from "./running-cloud";

/** Credentials as the SDK reads them from the environment. */
export interface AwsKeys {
  readonly AWS_ACCESS_KEY_ID: string;
  readonly AWS_SECRET_ACCESS_KEY: string;
  readonly AWS_SESSION_TOKEN?: string;
}

/**
 * Does something with this environment: the cloud as the only endpoint, no profile files, no metadata service; and no variable of the
 * person who runs the tests.
 */
export async function withAwsEnvironment<T>(
  cloud: Cloud,
  variables: Readonly<Record<string, string>> | AwsKeys,
  work: () => Promise<T>,
): Promise<T> {
  const before = new Map(Object.entries(process.env).filter(([name]) => name.startsWith("AWS_")));
  const replace = (next: Iterable<readonly [string, string | undefined]>): void => {
    for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
    for (const [name, value] of next) if (value !== undefined) process.env[name] = value;
  };
  replace(
    Object.entries({
      AWS_ENDPOINT_URL: cloud.gatewayOrigin,
      AWS_CONFIG_FILE: os.devNull,
      AWS_SHARED_CREDENTIALS_FILE: os.devNull,
      AWS_EC2_METADATA_DISABLED: "true",
      ...variables,
    }),
  );
  try {
    for (const [name, value = ""] of Object.entries(process.env)) {
      if (!name.startsWith("AWS_ENDPOINT_URL")) continue;
      assert.equal(new URL(value).hostname, "127.0.0.1", `${name} must stay on this machine`);
    }
    return await work();
  } finally {
    replace(before);
  }
}

/** The account's administrator. */
export function administratorKeys(cloud: Cloud): AwsKeys {
  const { accessKeyId, secretAccessKey } = cloud.rootCredentials();
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}

/** A session of a new role that may do this and nothing else. */
export async function roleKeys(
  { cloud, declare }: RunningCloud,
  name: string,
  actions: readonly string[],
): Promise<AwsKeys> {
  const Version = "2012-10-17";
  const trust = { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" };
  await declare("aws:iam/role:Role", { name, assumeRolePolicy: JSON.stringify({ Version, Statement: [trust] }) }, name);
  if (actions.length > 0) {
    const statement = { Effect: "Allow", Action: actions, Resource: "*" };
    const policy = JSON.stringify({ Version, Statement: [statement] });
    await declare("aws:iam/rolePolicy:RolePolicy", { name: "may", role: name, policy }, name);
  }
  const arn = `arn:aws:iam::${cloud.accountId}:role/${name}`;
  const session = cloud.context.access.assumeRole(arn, "person", "lambda.amazonaws.com");
  return {
    AWS_ACCESS_KEY_ID: session.accessKeyId,
    AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
    ...(session.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: session.sessionToken }),
  };
}
