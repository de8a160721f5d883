// What other services of the embedded cloud do with queues: they send, and Lambda's pollers receive.
import { type Act, recordAct } from "../core/acts";
import { AwsError } from "../core/errors";
import type { Principal } from "../core/principal";
import type { CloudContext, MessageQueues, OutgoingMessage } from "../core/service";
import { askAs, authorizeQueue, authorizeReceive, authorizeSend, keyArnOf } from "./access";
import { prepareMessage } from "./drafts";
import type { Messaging } from "./messaging";
import type { Queue } from "./queue";
import type { Queues } from "./queues";

/** `MessageQueues` over the queues that exist. */
export function createMessageQueues(context: CloudContext, queues: Queues, messaging: Messaging): MessageQueues {
  const send = (queue: Queue, message: OutgoingMessage, principal: Principal): string => {
    authorizeSend(askAs(context, principal), principal, queue);
    const [sent] = messaging.send(queue, [prepareMessage(queue, message, principal.userId)]);
    return sent?.messageId ?? "";
  };
  return {
    describe(queueArn) {
      const queue = queues.get(queueArn);
      if (!queue) return undefined;
      const kmsKeyArn = keyArnOf(queue);
      return {
        url: queue.identity.url,
        fifo: queue.fifo,
        visibilityTimeoutSeconds: queue.settings.visibilitySeconds,
        ...(kmsKeyArn !== undefined && { kmsKeyArn }),
      };
    },
    send(queueArn, message, principal) {
      try {
        const messageId = send(queues.require(queueArn), message, principal);
        recordAct(context, { ...sendOf(queueArn, principal), detail: { messageId } });
        return messageId;
      } catch (error) {
        if (error instanceof AwsError) recordAct(context, { ...sendOf(queueArn, principal), error });
        throw error;
      }
    },
    async receive(queueArn, { maximumMessages, waitTimeMs, visibilityTimeoutMs, signal }, principal) {
      const queue = queues.require(queueArn);
      authorizeReceive(askAs(context, principal), principal, queue);
      return messaging.receive(queue, {
        limit: maximumMessages,
        waitMs: waitTimeMs,
        visibilityMs: visibilityTimeoutMs ?? queue.settings.visibilitySeconds * 1000,
        ...(signal && { signal }),
      });
    },
    delete(queueArn, receiptHandles, principal) {
      const queue = queues.require(queueArn);
      authorizeQueue(askAs(context, principal), queue, "sqs:DeleteMessage");
      for (const handle of receiptHandles) ignoringStale(() => messaging.delete(queue, handle));
    },
    changeVisibility(queueArn, receiptHandles, timeoutMs, principal) {
      const queue = queues.require(queueArn);
      authorizeQueue(askAs(context, principal), queue, "sqs:ChangeMessageVisibility");
      for (const handle of receiptHandles) ignoringStale(() => messaging.changeVisibility(queue, handle, timeoutMs));
    },
  };
}

/** Handles that have gone stale are no concern of a poller. */
function ignoringStale(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
  }
}

function sendOf(resource: string, principal: Principal): Act {
  return { service: "sqs", caller: principal.arn, operation: "SendMessage", resource };
}
