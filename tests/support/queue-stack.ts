// The real component through the engine on the real embedded cloud, its functions in processes of their own, in real time unless a test
// brings a clock; and what the tests of it ask.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import * as aws from "@pulumi/aws";
import { ThrottledQueueConsumer, type ThrottledQueueConsumerArgs } from "../../components";
import type { RoleRegistry } from "../../local/cloud/iam/registry";
import { startCloud, type Cloud, type CloudOptions } from "../../local/cloud";
import type { TraceEvent } from "../../local/cloud/core/trace";
import type { LambdaControl, MappingInfo } from "../../local/cloud/lambda/control";
import type { QueueControl, QueueInfo } from "../../local/cloud/sqs/control";
import type { EvaluatedResource, Evaluation } from "../../local/engine";
import { createCloudProvider } from "../../local/run/provider";
import { evaluateProgram } from "./engine-run";
import { writeFolder } from "./queue-component";

/** What a message asks of the consumer. */
export type Order = { readonly kind: "good" | "invalid" } | { readonly kind: "waits"; readonly mended: string };

/** A team's file: it fails for as long as a file is missing that the message names. */
const CONSUMER = `
import { existsSync } from "node:fs";
import { NonRetryableError, type ProcessMessage } from "serverless-patterns/queue";
export const processMessage: ProcessMessage<{ kind: string; mended: string }> = async ({ body }, { log }) => {
  if (body.kind === "invalid") throw new NonRetryableError("the order has no lines");
  if (body.kind === "waits" && !existsSync(body.mended)) throw new Error("the downstream cannot take this one yet");
  log.info("processed", { kind: body.kind });
};
`;

/** A running system. */
export interface QueueStack {
  readonly cloud: Cloud;
  readonly lambda: LambdaControl;
  readonly roles: RoleRegistry;
  readonly traces: readonly TraceEvent[];
  /** An output of the program. */
  output(name: string): string;
  /** A resource by its logical name, as it was evaluated last. */
  resource(name: string): EvaluatedResource;
  /** Settings for a client of the real SDK, as the account's administrator. */
  readonly client: object;
  queue(): QueueInfo;
  deadLetters(): QueueInfo;
  mapping(): MappingInfo;
  /** A path that no file has yet; the file appears with `mend`. */
  readonly mended: string;
  mend(): void;
  /** Resolves as soon as something is true; asked again after each call and each change of a queue. */
  until(holds: () => boolean, what: string): Promise<void>;
  /** Evaluates the program anew with other arguments. */
  update(args: Partial<ThrottledQueueConsumerArgs>): Promise<Evaluation>;
  stop(): Promise<void>;
}

const LONGEST_WAIT_MS = 15_000;

/** Starts the cloud and deploys the component with an alarm of its downstream and a sender's role. */
export async function startQueueStack(options: CloudOptions = {}): Promise<QueueStack> {
  const { folder, remove } = writeFolder({ "consume.ts": CONSUMER });
  const cloud = await startCloud(options);
  const provider = createCloudProvider(() => Promise.resolve(cloud));
  const program = (args: Partial<ThrottledQueueConsumerArgs>) => (): object => {
    const alarm = new aws.cloudwatch.MetricAlarm("downstream", {
      namespace: "Warehouse",
      metricName: "Failures",
      comparisonOperator: "GreaterThanThreshold",
      threshold: 0,
      evaluationPeriods: 1,
      period: 60,
      statistic: "Sum",
      treatMissingData: "ignore",
    });
    const work = new ThrottledQueueConsumer("work", {
      entry: path.join(folder, "consume.ts"),
      functionTimeoutSeconds: 5,
      backoff: { baseSeconds: 1, maximumSeconds: 1 },
      circuitBreaker: { alarmArn: alarm.arn, cooldownSeconds: 60 },
      deletionProtection: false,
      ...args,
    });
    const assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" });
    const sender = new aws.iam.Role("sender", { assumeRolePolicy });
    work.grantSend("shop", sender);
    return {
      queueUrl: work.queueUrl,
      queueArn: work.queueArn,
      queueName: work.queueName,
      deadLetterQueueUrl: work.deadLetterQueueUrl,
      deadLetterQueueArn: work.deadLetterQueueArn,
      consumerRole: work.role.arn,
      senderRole: sender.arn,
      alarmName: alarm.name,
    };
  };
  const evaluate = async (args: Partial<ThrottledQueueConsumerArgs>, previous?: Evaluation): Promise<Evaluation> => {
    const done = await evaluateProgram(program(args), { provider, ...(previous && { previous: previous.snapshot }) });
    assert.deepEqual(
      done.errors.map(({ message }) => message),
      [],
    );
    return done;
  };
  let evaluation = await evaluate({});
  const service = (name: string): unknown => cloud.services.find((one) => one.name === name);
  const queues = service("sqs") as QueueControl;
  const lambda = service("lambda") as LambdaControl;
  const output = (name: string): string => String(evaluation.outputs[name]?.value);
  const find = (arn: string): QueueInfo => queues.queues().find((one) => one.arn === arn) ?? assert.fail(arn);
  const traces: TraceEvent[] = [];
  cloud.traces.subscribe((trace) => traces.push(trace));
  const credentials = cloud.rootCredentials();
  return {
    cloud,
    lambda,
    roles: (cloud.context.access as unknown as { readonly roles: RoleRegistry }).roles,
    traces,
    output,
    resource: (name) => evaluation.resources.find((one) => one.name === name) ?? assert.fail(`no resource ${name}`),
    client: { endpoint: cloud.gatewayOrigin, region: cloud.region, credentials, maxAttempts: 1 },
    queue: () => find(output("queueArn")),
    deadLetters: () => find(output("deadLetterQueueArn")),
    mapping: () => lambda.mappings()[0] ?? assert.fail("no mapping"),
    mended: path.join(folder, "mended"),
    mend: () => fs.writeFileSync(path.join(folder, "mended"), ""),
    until: (holds, what) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!holds()) return;
          end();
          resolve();
        };
        const ends = [cloud.traces.subscribe(check), queues.subscribe(check)];
        const timer = setTimeout(() => {
          end();
          const last = traces
            .slice(-12)
            .map(({ operation, status, errorCode }) => [operation, status, errorCode ?? ""]);
          reject(new Error(`waited in vain until ${what}; the last calls: ${JSON.stringify(last)}`));
        }, LONGEST_WAIT_MS);
        const end = (): void => {
          clearTimeout(timer);
          for (const stop of ends) stop();
        };
        check();
      }),
    update: async (args) => (evaluation = await evaluate(args, evaluation)),
    stop: async () => {
      await cloud.stop();
      remove();
    },
  };
}
