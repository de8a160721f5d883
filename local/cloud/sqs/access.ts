// Permission to use a queue: identity policies and the queue policy, and the key of an encrypted queue.
import type { AccessQuestion, NamedPolicy } from "../core/access";
import { AwsError } from "../core/errors";
import type { Principal } from "../core/principal";
import type { CloudContext } from "../core/service";
import type { Queue } from "./queue";

/** Asks for permission. @throws AwsError AccessDenied. */
export type Ask = (question: Omit<AccessQuestion, "principal">) => void;

/** Asks for a principal that comes without a call at the gateway. */
export function askAs(context: CloudContext, principal: Principal): Ask {
  return (question) => {
    const decision = context.access.decide({ ...question, principal });
    if (decision.allowed) return;
    throw new AwsError(
      "AccessDenied",
      `User: ${principal.arn} is not authorized to perform: ${question.action} on resource: ${question.resource} because ${decision.reason}`,
      403,
    );
  };
}

/** Asks whether the caller may act on a queue. @param action "sqs:SendMessage" say. */
export function authorizeQueue(ask: Ask, queue: Queue, action: string): void {
  const { accountId } = queue.identity;
  const { policy } = queue.settings;
  ask({
    action,
    resource: queue.arn,
    resourceAccountId: accountId,
    context: { "aws:ResourceAccount": accountId },
    ...(policy && { resourcePolicy: policy }),
  });
}

/** Asks for the queue and its key to send. */
export function authorizeSend(ask: Ask, principal: Principal, queue: Queue): void {
  authorizeQueue(ask, queue, "sqs:SendMessage");
  authorizeKey(ask, principal, queue, "kms:GenerateDataKey");
  authorizeKey(ask, principal, queue, "kms:Decrypt");
}

/** Asks for the queue and its key to receive. */
export function authorizeReceive(ask: Ask, principal: Principal, queue: Queue): void {
  authorizeQueue(ask, queue, "sqs:ReceiveMessage");
  authorizeKey(ask, principal, queue, "kms:Decrypt");
}

/** ARN of the customer's key of a queue, where it has one. */
export function keyArnOf(queue: Queue): string | undefined {
  const { kmsMasterKeyId: key } = queue.settings;
  if (key === undefined || key.startsWith("arn:")) return key;
  const prefix = `arn:aws:kms:${queue.identity.region}:${queue.identity.accountId}:`;
  return key.startsWith("alias/") ? prefix + key : `${prefix}key/${key}`;
}

/** Services are let in by the key's own policy, which is not evaluated here. */
function authorizeKey(ask: Ask, principal: Principal, queue: Queue, action: string): void {
  const key = keyArnOf(queue);
  if (key === undefined || principal.kind === "service") return;
  const owner = key.split(":")[4] ?? queue.identity.accountId;
  try {
    ask({
      action,
      resource: key,
      resourceAccountId: owner,
      resourcePolicy: defaultKeyPolicy(owner),
      context: {
        "kms:ViaService": `sqs.${queue.identity.region}.amazonaws.com`,
        "kms:CallerAccount": principal.accountId,
        "kms:EncryptionContext:aws:sqs:arn": queue.arn,
      },
    });
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    throw new AwsError("KmsAccessDenied", error.message, 400);
  }
}

/** The policy that KMS gives to new keys leaves the decision to IAM. */
function defaultKeyPolicy(accountId: string): NamedPolicy {
  const Principal = { AWS: `arn:aws:iam::${accountId}:root` };
  const Statement = { Effect: "Allow" as const, Principal, Action: "kms:*", Resource: "*" };
  return { name: "default key policy", document: { Version: "2012-10-17", Statement } };
}
