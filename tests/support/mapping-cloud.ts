// Functions simulated on the virtual clock behind queues: for tests of event source mappings.
import type { PolicyStatement } from "../../local/cloud/core/access";
import { sleep, VirtualClock } from "../../local/cloud/core/clock";
import { accountRoot } from "../../local/cloud/core/principal";
import type { PropertyMap, RealisedResource } from "../../local/cloud/core/resource-model";
import type { SimulatedFunction, SimulatedInvocation } from "../../local/cloud/cloud";
import { createLambdaService, type LambdaService } from "../../local/cloud/lambda/service";
import { FakeQueues } from "./fake-queues";
import { ACCOUNT, type FunctionCloud, REGION, ROLE, startFunctionCloud } from "./function-cloud";
import { createFunction } from "./rest-api";

export const QUEUE_ARN = `arn:aws:sqs:${REGION}:${ACCOUNT}:jobs`;
export const FIFO_ARN = `${QUEUE_ARN}.fifo`;
export const MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping";
export const root = accountRoot(ACCOUNT);

/** Lets a role poll any queue. */
export const ALLOW_POLLING = {
  Effect: "Allow",
  Action: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
  Resource: "*",
} as const;

/** A record of Lambda's event, as far as tests look at it. */
export interface EventRecord {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Records of an event. */
export function recordsOf({ event }: Pick<SimulatedInvocation, "event">): readonly EventRecord[] {
  return (event as { Records: readonly EventRecord[] }).Records;
}

/** A function that works for as long as it is told, on the clock. */
export function takes(milliseconds: number): SimulatedFunction {
  return async ({ clock }) => sleep(clock, milliseconds);
}

/** A cloud with one function, "fn". */
export interface MappingCloud extends FunctionCloud {
  readonly clock: VirtualClock;
  readonly lambda: LambdaService;
  readonly queues: FakeQueues;
  /** Maps the queue to the function; batches of one when nothing else is said. */
  map(inputs?: PropertyMap): Promise<RealisedResource>;
  /** Replaces what the function's role may do. */
  allow(statement: PolicyStatement): void;
  /** Sends bodies "1" to "count". */
  send(count: number, queueArn?: string): void;
  /** Sum of a metric of Lambda's. */
  sum(name: string): number;
  /** Highest value of a metric of Lambda's. */
  highest(name: string): number;
}

/** Starts the cloud with the queue; stop it in afterEach. @param inputs of the function. */
export async function startMappingCloud(simulate: SimulatedFunction, inputs: PropertyMap = {}): Promise<MappingCloud> {
  const clock = new VirtualClock();
  const cloud = startFunctionCloud(clock);
  const queues = new FakeQueues(clock, cloud.access);
  const lambda = createLambdaService(cloud.context, { simulateFunction: simulate });
  cloud.use(lambda);
  cloud.useFunctions(lambda);
  cloud.useQueues(queues);
  cloud.addRole("fn", "lambda.amazonaws.com", [ALLOW_POLLING]);
  await createFunction(cloud, "", { role: ROLE, timeout: 15, ...inputs });
  const values = (name: string): readonly number[] =>
    cloud.metrics.filter((metric) => metric.name === name).map(({ value }) => value);
  return {
    ...cloud,
    clock,
    lambda,
    queues,
    map: (settings = {}) =>
      cloud.create(MAPPING, { eventSourceArn: QUEUE_ARN, functionName: "fn", batchSize: 1, ...settings }, "mapping"),
    allow(statement) {
      const policy = { name: "inline", document: { Version: "2012-10-17", Statement: [statement] } };
      cloud.access.roles.get(ROLE)?.inline.set("inline", { policy, size: 100 });
    },
    send(count, queueArn = QUEUE_ARN) {
      for (let number = 1; number <= count; number++) queues.send(queueArn, { body: String(number) }, root);
    },
    sum: (name) => values(name).reduce((total, value) => total + value, 0),
    highest: (name) => values(name).reduce((most, value) => Math.max(most, value), 0),
  };
}
