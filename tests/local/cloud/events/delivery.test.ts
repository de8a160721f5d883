// Proves deliveries of EventBridge: queues as targets, retries with back-off on the clock, dead-letter queues with AWS's attributes.
import assert from "node:assert/strict";
import { AwsError } from "../../../../local/cloud/core/errors";
import type { Principal } from "../../../../local/cloud/core/principal";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import type { OutgoingMessage } from "../../../../local/cloud/core/service";
import { createEventsService, type EventsService } from "../../../../local/cloud/events/service";
import { declare, testContext, type TestContext } from "../../../support/json-service-stub";

const queueArn = "arn:aws:sqs:eu-west-1:123456789012:work";
const deadLetterArn = "arn:aws:sqs:eu-west-1:123456789012:dead";
const functionArn = "arn:aws:lambda:eu-west-1:123456789012:function:worker";
const ruleArn = "arn:aws:events:eu-west-1:123456789012:rule/orders";

interface Sent {
  readonly arn: string;
  readonly message: OutgoingMessage;
  readonly principal: Principal;
}

describe("EventBridge deliveries", () => {
  let context: TestContext;
  let service: EventsService;
  let sent: Sent[];
  let failure: ((arn: string) => AwsError | undefined) | undefined;

  beforeEach(() => {
    sent = [];
    failure = undefined;
    const base = testContext();
    context = testContext({
      queues: {
        ...base.queues,
        send: (arn, message, principal) => {
          const error = failure?.(arn);
          if (error) throw error;
          sent.push({ arn, message, principal });
          return "m-1";
        },
      },
    });
    service = createEventsService(context);
  });

  const route = async (target: PropertyMap): Promise<void> => {
    await declare(service, "aws:cloudwatch/eventRule:EventRule", {
      name: "orders",
      eventPattern: '{"source":["shop"]}',
    });
    await declare(service, "aws:cloudwatch/eventTarget:EventTarget", { rule: "orders", targetId: "t", ...target });
    const event = { source: "shop", detailType: "Order", detail: { id: 7 }, resources: [] };
    service.publish({ ...event, accountId: "123456789012", region: "eu-west-1" });
  };
  const counted = (name: string): number => context.measured.filter((datum) => datum.name === name).length;

  it("sends to a queue as the rule, in the group that the target names", async () => {
    await route({ arn: `${queueArn}.fifo`, sqsTarget: { messageGroupId: "g" } });

    assert.equal(sent[0]?.arn, `${queueArn}.fifo`);
    assert.equal(sent[0].message.groupId, "g");
    assert.deepEqual((JSON.parse(sent[0].message.body) as { detail: unknown }).detail, { id: 7 });
    assert.equal(sent[0].principal.service, "events.amazonaws.com");
    assert.equal(sent[0].principal.sourceArn, ruleArn);
  });

  it("puts an event that a queue's policy refuses into the dead-letter queue at once, with AWS's attributes", async () => {
    failure = (arn) => (arn === queueArn ? new AwsError("AccessDenied", "no policy", 403) : undefined);

    await route({ arn: queueArn, deadLetterConfig: { arn: deadLetterArn } });

    const values = Object.entries(sent[0]?.message.attributes ?? {}).map(([name, { stringValue }]) => [
      name,
      stringValue,
    ]);
    assert.equal(sent[0]?.arn, deadLetterArn);
    assert.deepEqual(Object.fromEntries(values), {
      RULE_ARN: ruleArn,
      TARGET_ARN: queueArn,
      ERROR_CODE: "NO_PERMISSIONS",
      ERROR_MESSAGE: "no policy",
      RETRY_ATTEMPTS: "0",
    });
    assert.equal(counted("InvocationsSentToDlq"), 1);
    assert.equal(counted("FailedInvocations"), 1);
  });

  it("loses a refused event without a dead-letter queue, and says so", async () => {
    failure = () => new AwsError("AccessDenied", "no policy", 403);

    await route({ arn: queueArn });
    await context.clock.advance(86_400_000);

    assert.equal(sent.length, 0);
    assert.equal(counted("RetryInvocationAttempts"), 0);
    assert.equal(context.traces.recent().at(-1)?.errorCode, "AccessDenied");
  });

  it("retries what passes, with back-off, until it succeeds", async () => {
    const until = context.clock.now() + 5000;
    failure = () => (context.clock.now() < until ? new AwsError("InternalError", "busy", 500) : undefined);

    await route({ arn: queueArn });
    await context.clock.advance(60_000);

    assert.equal(sent.length, 1);
    assert.equal(counted("RetryInvocationAttempts"), 3);
    assert.equal(counted("FailedInvocations"), 0);
  });

  const limits: readonly [string, PropertyMap, string, string][] = [
    ["attempts", { maximumRetryAttempts: 2 }, "MaximumRetryAttempts", "2"],
    ["age", { maximumEventAgeInSeconds: 60 }, "MaximumEventAgeInSeconds", "5"],
  ];
  for (const [what, retryPolicy, condition, retries] of limits) {
    it(`gives up at the largest ${what} of the retry policy`, async () => {
      context.invocationError = new AwsError("ServiceException", "down", 500);

      await route({ arn: functionArn, retryPolicy, deadLetterConfig: { arn: deadLetterArn } });
      await context.clock.advance(3_600_000);

      assert.equal(sent.length, 1);
      assert.equal(sent[0]?.message.attributes?.EXHAUSTED_RETRY_CONDITION?.stringValue, condition);
      assert.equal(sent[0].message.attributes.RETRY_ATTEMPTS?.stringValue, retries);
    });
  }
});
