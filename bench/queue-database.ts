// The embedded cloud's DynamoDB in a process of its own, so that its CPU is not taken for that of its callers. Forked by
// bench/queue-overhead.ts; sends the environment that a function would have.
import { startTestCloud } from "../tests/support/running-cloud";

async function main(): Promise<void> {
  const { cloud, declare } = await startTestCloud();
  for (const [name, key] of [
    ["powertools", "id"],
    ["kit", "pk"],
  ] as const) {
    const attributes = [{ name: key, type: "S" }];
    await declare("aws:dynamodb/table:Table", { name, billingMode: "PAY_PER_REQUEST", hashKey: key, attributes }, name);
  }
  const { accessKeyId, secretAccessKey } = cloud.rootCredentials();
  process.send?.({
    AWS_REGION: cloud.region,
    AWS_ENDPOINT_URL: cloud.gatewayOrigin,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  });
  process.once("disconnect", () => void cloud.stop().then(() => process.exit(0)));
}

void main();
