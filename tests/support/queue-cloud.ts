// SQS on a virtual clock, without a gateway: queues declared as the engine would, used as another service uses them.
import type { AccessQuestion } from "../../local/cloud/core/access";
import { accountRoot, type Principal } from "../../local/cloud/core/principal";
import type { PropertyMap } from "../../local/cloud/core/resource-model";
import type { MessageQueues, OutgoingMessage, ReceivedMessage } from "../../local/cloud/core/service";
import type { QueueInfo } from "../../local/cloud/sqs/control";
import { createSqsService, type SqsService } from "../../local/cloud/sqs/service";
import { accountId, declare, region, testContext, type TestContext } from "./json-service-stub";

/** Where the local URLs of the tests point to. */
export const queueOrigin = "http://127.0.0.1:4566";

/** One queue, as the account's administrator uses it. */
export interface TestQueue {
  readonly arn: string;
  readonly url: string;
  send(message: string | OutgoingMessage): string;
  /** Receives at once. */
  receive(maximumMessages?: number, visibilityTimeoutMs?: number): Promise<readonly ReceivedMessage[]>;
  delete(message: ReceivedMessage): void;
  changeVisibility(message: ReceivedMessage, timeoutMs: number): void;
  info(): QueueInfo;
}

/** SQS with a shortcut to declare queues. */
export interface QueueCloud {
  readonly context: TestContext;
  readonly service: SqsService & MessageQueues;
  readonly root: Principal;
  declare(inputs?: PropertyMap, name?: string): Promise<TestQueue>;
}

/** Creates SQS. @param allows decides on questions of callers without a gateway; allows everything when left out. */
export function createQueueCloud(allows: (question: AccessQuestion) => boolean = () => true): QueueCloud {
  const unused = (): never => {
    throw new Error("not part of this test");
  };
  const context = testContext({
    gatewayOrigin: () => queueOrigin,
    access: {
      assumeRole: unused,
      issue: unused,
      find: () => undefined,
      decide: (question) => {
        const { action, resource } = question;
        return { allowed: allows(question), action, resource, reason: "the test says so", statements: [] };
      },
    },
  });
  const service = createSqsService(context);
  const root = accountRoot(accountId);
  return {
    context,
    service,
    root,
    declare: async (inputs = {}, name = "work") => {
      const { outputs } = await declare(service, "aws:sqs/queue:Queue", inputs, name);
      return testQueue(service, root, String(outputs.arn), String(outputs.url));
    },
  };
}

/** ARN of a queue of the tests. */
export function arnOf(name: string): string {
  return `arn:aws:sqs:${region}:${accountId}:${name}`;
}

function testQueue(service: SqsService, root: Principal, arn: string, url: string): TestQueue {
  return {
    arn,
    url,
    send: (message) => service.send(arn, typeof message === "string" ? { body: message } : message, root),
    receive: (maximumMessages = 10, visibilityTimeoutMs) =>
      service.receive(
        arn,
        { maximumMessages, waitTimeMs: 0, ...(visibilityTimeoutMs !== undefined && { visibilityTimeoutMs }) },
        root,
      ),
    delete: (message) => service.delete(arn, [message.receiptHandle], root),
    changeVisibility: (message, timeoutMs) => service.changeVisibility(arn, [message.receiptHandle], timeoutMs, root),
    info: () => {
      const info = service.queues().find((queue) => queue.arn === arn);
      if (!info) throw new Error(`no queue ${arn}`);
      return info;
    },
  };
}
