// CloudWatch alone, driven by the real SDK.
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { createMonitoringService, type MonitoringService } from "../../local/cloud/monitoring/service";
import { serveStub, testContext, type ServiceStub, type TestContext } from "./json-service-stub";

/** Type of metric alarms. */
export const ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm";
export const MINUTE_MS = 60_000;

/** A running CloudWatch. */
export interface MonitoringRun {
  readonly context: TestContext;
  readonly service: MonitoringService;
  readonly stub: ServiceStub;
  readonly client: CloudWatchClient;
  stop(): Promise<void>;
}

/** Starts CloudWatch on a virtual clock. */
export async function startMonitoring(): Promise<MonitoringRun> {
  const context = testContext();
  const service = createMonitoringService(context);
  const stub = await serveStub(service);
  const client = new CloudWatchClient(stub.client);
  return {
    context,
    service,
    stub,
    client,
    stop: async () => {
      client.destroy();
      await stub.close();
    },
  };
}
