// Operations that read and set up queues.
import { AwsError } from "../../core/errors";
import { isJsonObject, type JsonObject, type JsonOperation, textOf, textsOf } from "../../core/json-api";
import type { GatewayCall } from "../../core/service";
import { authorizeQueue } from "../access";
import { missingParameter } from "../errors";
import type { Queue } from "../queue";
import { queueArn } from "../queues";
import { COMPUTED_ATTRIBUTES, SETTABLE_ATTRIBUTES } from "../settings";
import { askOf, authorizedQueue, pageOf, required, type SqsParts } from "./input";

const MAX_RESULTS = 1000;

/** Operations on queues. Queues come and go with their declarations, not by calls. */
export function queueOperations(parts: SqsParts): Readonly<Record<string, JsonOperation>> {
  const { queues, context } = parts;
  /** Callers send to the URL that they are given: it must be the local one. */
  const urlOf = (queue: Queue): string => context.hosts.localise(queue.identity.url);
  return {
    GetQueueUrl(input, call) {
      const name = required(input, "QueueName");
      const accountId = textOf(input, "QueueOwnerAWSAccountId") ?? call.principal.accountId;
      const queue = queues.require(queueArn({ region: call.region, accountId, name }));
      call.describe({ resource: queue.arn });
      authorizeQueue(askOf(call), queue, "sqs:GetQueueUrl");
      return { QueueUrl: urlOf(queue) };
    },
    ListQueues(input, call) {
      const { accountId } = call.principal;
      const resource = queueArn({ region: call.region, accountId, name: "*" });
      call.authorize({ action: "sqs:ListQueues", resource, resourceAccountId: accountId });
      const prefix = textOf(input, "QueueNamePrefix") ?? "";
      const found = queues.all().filter((queue) => isListed(queue, call, prefix));
      return listAnswer("QueueUrls", input, found.map(urlOf));
    },
    GetQueueAttributes(input, call) {
      const queue = authorizedQueue(parts, input, call, "sqs:GetQueueAttributes");
      return attributesAnswer(queue, textsOf(input, "AttributeNames"), context.clock.now());
    },
    SetQueueAttributes(input, call) {
      const queue = authorizedQueue(parts, input, call, "sqs:SetQueueAttributes");
      if (!isJsonObject(input.Attributes)) throw missingParameter("Attributes");
      const changes: Record<string, string> = {};
      for (const [name, value] of Object.entries(input.Attributes)) {
        if (!SETTABLE_ATTRIBUTES.includes(name) || name === "FifoQueue") {
          throw new AwsError("InvalidAttributeName", `Unknown Attribute ${name}.`);
        }
        changes[name] = String(value);
      }
      queues.configure(queue, changes);
      return {};
    },
    ListDeadLetterSourceQueues(input, call) {
      const queue = authorizedQueue(parts, input, call, "sqs:ListDeadLetterSourceQueues");
      return listAnswer("queueUrls", input, queues.sourcesOf(queue.arn).map(urlOf));
    },
    ListQueueTags(input, call) {
      const queue = authorizedQueue(parts, input, call, "sqs:ListQueueTags");
      return Object.keys(queue.tags).length > 0 ? { Tags: queue.tags } : {};
    },
  };
}

function isListed({ identity }: Queue, call: GatewayCall, prefix: string): boolean {
  const isHere = identity.region === call.region && identity.accountId === call.principal.accountId;
  return isHere && identity.name.startsWith(prefix);
}

function listAnswer(member: string, input: JsonObject, urls: readonly string[]): JsonObject {
  const { page, next } = pageOf(input, urls, MAX_RESULTS);
  return { ...(page.length > 0 && { [member]: page }), ...(next !== undefined && { NextToken: next }) };
}

function attributesAnswer(queue: Queue, names: readonly string[], now: number): JsonObject {
  const unknown = names.find(
    (name) => name !== "All" && !SETTABLE_ATTRIBUTES.includes(name) && !COMPUTED_ATTRIBUTES.includes(name),
  );
  if (unknown !== undefined) throw new AwsError("InvalidAttributeName", `Unknown Attribute ${unknown}.`);
  queue.settle(now);
  const all: Readonly<Record<string, string>> = {
    ...queue.settings.texts,
    ApproximateNumberOfMessages: String(queue.visible),
    ApproximateNumberOfMessagesDelayed: String(queue.delayed),
    ApproximateNumberOfMessagesNotVisible: String(queue.inFlight),
    CreatedTimestamp: String(Math.floor(queue.createdAt / 1000)),
    LastModifiedTimestamp: String(Math.floor(queue.modifiedAt / 1000)),
    QueueArn: queue.arn,
  };
  const chosen = Object.entries(all).filter(([name]) => names.includes("All") || names.includes(name));
  return chosen.length > 0 ? { Attributes: Object.fromEntries(chosen) } : {};
}
