// Policy documents of ThrottledQueueConsumer. Pure functions: known names in, plain data out.
import { CLAIM_CHECK_PREFIX, PRODUCER_PERMISSIONS, QUEUE_PERMISSIONS } from "../../handlers/queue/contract";
import { buildPolicy, denyInsecureTransport, type PolicyDocument, type Statement } from "../shared/iam";
import { buildClaimCheckStatements, buildProducerStatement, type KnownQueueProducer } from "./producers";

/** Nobody reaches the queue without TLS; named producers may send. Roles of this account need no statement here. */
export function buildQueuePolicy(
  queueArn: string,
  producers: Readonly<Record<string, KnownQueueProducer>>,
  partition: string,
): PolicyDocument {
  return buildPolicy([
    denyInsecureTransport("sqs:*", queueArn),
    ...Object.entries(producers).map(([key, producer]) => buildProducerStatement(key, producer, queueArn, partition)),
  ]);
}

/** The bucket of claim checks is reached over TLS only; producers of other accounts may write. */
export function buildClaimCheckBucketPolicy(
  bucketArn: string,
  producers: Readonly<Record<string, KnownQueueProducer>>,
  partition: string,
): PolicyDocument {
  return buildPolicy([
    denyInsecureTransport("s3:*", [bucketArn, `${bucketArn}/*`]),
    ...buildClaimCheckStatements(producers, bucketArn, partition),
  ]);
}

/** ARNs that the policies of consumer and producers name. */
export interface QueuePolicyParts {
  readonly region: string;
  readonly queueArn: string;
  readonly deadLetterQueueArn: string;
  readonly stateTableArn: string | undefined;
  readonly claimCheckBucketArn: string | undefined;
  readonly kmsKeyArn: string | undefined;
}

const allow = (Sid: string, Action: readonly string[], Resource: string | readonly string[]): Statement => ({
  Sid,
  Effect: "Allow",
  Action,
  Resource,
});

/** What DynamoDB asks of whoever uses a table with a customer's key. */
const TABLE_KEY_ACTIONS = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"];

/** Through these services only: the key may protect other things as well. */
function useKey(
  parts: Pick<QueuePolicyParts, "kmsKeyArn" | "region">,
  Sid: string,
  Action: readonly string[],
  services: readonly string[],
): Statement[] {
  if (parts.kmsKeyArn === undefined || services.length === 0) return [];
  return [
    {
      ...allow(Sid, Action, parts.kmsKeyArn),
      Condition: {
        StringEquals: { "kms:ViaService": services.map((service) => `${service}.${parts.region}.amazonaws.com`) },
      },
    },
  ];
}

/** What the consumer's role may do beyond its logs; Lambda's pollers use the same role. */
export function buildConsumerStatements(parts: QueuePolicyParts, hasKit: boolean): Statement[] {
  const { queueArn, deadLetterQueueArn, stateTableArn, claimCheckBucketArn } = parts;
  return [
    allow("ConsumeQueue", QUEUE_PERMISSIONS.source, queueArn),
    ...(hasKit ? [allow("RejectMessages", QUEUE_PERMISSIONS.deadLetter, deadLetterQueueArn)] : []),
    ...(stateTableArn === undefined ? [] : [allow("UseState", QUEUE_PERMISSIONS.state, stateTableArn)]),
    ...(claimCheckBucketArn === undefined
      ? []
      : [allow("ReadClaimChecks", QUEUE_PERMISSIONS.claimCheck, `${claimCheckBucketArn}/${CLAIM_CHECK_PREFIX}*`)]),
    // To receive; to send to the dead-letter queue as well, which only the kit does.
    ...useKey(parts, "UseKeyForMessages", ["kms:Decrypt", ...(hasKit ? ["kms:GenerateDataKey"] : [])], ["sqs"]),
    ...useKey(parts, "UseKeyForState", TABLE_KEY_ACTIONS, stateTableArn === undefined ? [] : ["dynamodb"]),
    ...useKey(parts, "UseKeyForClaimChecks", ["kms:Decrypt"], claimCheckBucketArn === undefined ? [] : ["s3"]),
  ];
}

/** What a sender's role needs, and no more. */
export function buildProducerPolicy(parts: QueuePolicyParts): PolicyDocument {
  const { queueArn, claimCheckBucketArn } = parts;
  const services = ["sqs", ...(claimCheckBucketArn === undefined ? [] : ["s3"])];
  return buildPolicy([
    allow("SendMessages", PRODUCER_PERMISSIONS.queue, queueArn),
    ...(claimCheckBucketArn === undefined
      ? []
      : [allow("WriteClaimChecks", PRODUCER_PERMISSIONS.claimCheck, `${claimCheckBucketArn}/${CLAIM_CHECK_PREFIX}*`)]),
    ...useKey(parts, "UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], services),
  ]);
}

/** What the circuit breaker may do beyond its logs. */
export function buildBreakerStatements(parts: {
  readonly region: string;
  readonly mappingArn: string;
  readonly stateTableArn: string;
  readonly kmsKeyArn: string | undefined;
}): Statement[] {
  return [
    allow("SwitchMapping", QUEUE_PERMISSIONS.breakerMapping, parts.mappingArn),
    allow("ReadAlarm", QUEUE_PERMISSIONS.breakerAlarms, "*"),
    allow("UseState", QUEUE_PERMISSIONS.breakerState, parts.stateTableArn),
    ...useKey(parts, "UseKeyForState", TABLE_KEY_ACTIONS, ["dynamodb"]),
  ];
}

/** A statement of the team's own, with the resource "*" only for a written reason. */
export interface KnownQueueStatement {
  readonly sid: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

/** Statements of the team's own. */
export function buildTeamStatements(statements: readonly KnownQueueStatement[]): Statement[] {
  return statements.map(({ sid, actions, resources }) => allow(sid, actions, resources));
}
