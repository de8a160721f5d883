// Who may send: rules over producers, and their statements in the policies of queue and claim checks. Pure.
import { CLAIM_CHECK_PREFIX, PRODUCER_PERMISSIONS } from "../../handlers/queue/contract";
import type { Statement } from "../shared/iam";
import type { Rule } from "../shared/validation";
import type { QueueProducerArgs } from "./args";

/** A producer whose values are known. */
export interface KnownQueueProducer {
  readonly serviceName?: string | undefined;
  readonly sourceArn?: string | undefined;
  readonly sourceAccount?: string | undefined;
  readonly organizationId?: string | undefined;
  readonly roleArn?: string | undefined;
  readonly accountId?: string | undefined;
}

/** Rules over which members are given; no value of an Output is looked at. */
export function producerRules(producers: Readonly<Record<string, QueueProducerArgs>>): Rule[] {
  return Object.entries(producers).flatMap(([key, producer]) => rulesOf(key, producer));
}

function rulesOf(key: string, producer: QueueProducerArgs): Rule[] {
  const { serviceName, sourceArn, sourceAccount, organizationId, roleArn, accountId } = producer;
  const property = `producers.${key}`;
  const isService = serviceName !== undefined;
  const given = Object.keys(producer).sort();
  return [
    {
      property,
      holds: /^[A-Za-z0-9]{1,48}$/.test(key),
      rule: "have a key of letters and digits",
      got: key,
      remedy: 'write "orders" say',
    },
    {
      property,
      holds: [serviceName, roleArn, accountId].filter((one) => one !== undefined).length === 1,
      rule: "have exactly one of serviceName, roleArn, accountId",
      got: given,
      remedy: "make one producer for each sender",
    },
    {
      property: `${property}.serviceName`,
      holds: !isService || /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?$/.test(serviceName),
      rule: "be a service principal",
      got: serviceName,
      remedy: 'write "events.amazonaws.com" say',
    },
    {
      property,
      holds: !isService || sourceArn !== undefined || sourceAccount !== undefined || organizationId !== undefined,
      rule: "have sourceArn, sourceAccount or organizationId with serviceName",
      got: given,
      remedy: "a service acts for every customer of AWS: without one of them, anybody's resource could send",
    },
    {
      property,
      holds: isService || (sourceArn === undefined && sourceAccount === undefined),
      rule: "have sourceArn and sourceAccount with serviceName only",
      got: given,
      remedy: "no such key comes with a role's or an account's own calls; they would never match",
    },
    {
      property,
      holds: organizationId !== undefined || (roleArn === undefined && accountId === undefined),
      rule: "have organizationId with roleArn or accountId",
      got: given,
      remedy:
        "it keeps the permission within your organization; a role of this account needs no producer: grantSend, or attach producerPolicy",
    },
    accountRule(key, producer),
    ...valueRules(key, knownOf(producer)),
  ];
}

/** ARNs of buckets name no account: whoever has the name next could send. */
function accountRule(
  key: string,
  { serviceName, sourceArn, sourceAccount, organizationId }: QueueProducerArgs | KnownQueueProducer,
): Rule {
  const anonymous = serviceName !== undefined && typeof sourceArn === "string" && sourceArn.split(":")[4] === "";
  return {
    property: `producers.${key}.sourceArn`,
    holds: !anonymous || sourceAccount !== undefined || organizationId !== undefined,
    rule: "come with sourceAccount or organizationId when it names no account",
    got: sourceArn,
    remedy: "add the account that the resource is in: names of buckets are given away again",
  };
}

/** Members that are known at once. */
function knownOf(producer: QueueProducerArgs): KnownQueueProducer {
  return Object.fromEntries(Object.entries(producer).filter(([, value]) => typeof value === "string"));
}

/** Rules over values that were not known at once. */
export function knownProducerRules(producers: Readonly<Record<string, KnownQueueProducer>>): Rule[] {
  return Object.entries(producers).flatMap(([key, producer]) => [
    accountRule(key, producer),
    ...valueRules(key, producer),
  ]);
}

function valueRules(key: string, producer: KnownQueueProducer): Rule[] {
  const matches = (member: keyof KnownQueueProducer, pattern: RegExp, rule: string, remedy: string): Rule => {
    const value = producer[member];
    const property = `producers.${key}.${member}`;
    return { property, holds: value === undefined || pattern.test(value), rule, got: value, remedy };
  };
  return [
    matches(
      "sourceArn",
      /^arn:aws[\w-]*:[\w-]+:[\w-]*:\d{0,12}:[^*?\s]+\*?$/,
      'be an ARN whose service, Region and account hold no wildcard, nor its resource only "*"',
      'name the resource; a "*" may end it',
    ),
    matches("sourceAccount", /^\d{12}$/, "be an account id", "write its 12 digits"),
    matches("organizationId", /^o-[a-z0-9]{10,32}$/, "be the id of an organization", 'write "o-a1b2c3d4e5" say'),
    matches("roleArn", /^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, "be the ARN of one role", "name the role"),
    matches("accountId", /^\d{12}$/, "be an account id", "write its 12 digits"),
  ];
}

/** The statement of one producer in the queue's policy. */
export function buildProducerStatement(
  key: string,
  producer: KnownQueueProducer,
  queueArn: string,
  partition: string,
): Statement {
  return {
    Sid: `AllowSend${capitalize(key)}`,
    Effect: "Allow",
    Principal: principalOf(producer, partition),
    Action: "sqs:SendMessage",
    Resource: queueArn,
    Condition: conditionOf(producer),
  };
}

/** Lets producers of other accounts put claim checks: their own policies do not reach a bucket of this one. Services put none. */
export function buildClaimCheckStatements(
  producers: Readonly<Record<string, KnownQueueProducer>>,
  bucketArn: string,
  partition: string,
): Statement[] {
  return Object.entries(producers)
    .filter(([, { serviceName }]) => serviceName === undefined)
    .map(([key, producer]) => ({
      Sid: `AllowClaimChecks${capitalize(key)}`,
      Effect: "Allow",
      Principal: principalOf(producer, partition),
      Action: PRODUCER_PERMISSIONS.claimCheck,
      Resource: `${bucketArn}/${CLAIM_CHECK_PREFIX}*`,
      Condition: conditionOf(producer),
    }));
}

function capitalize(key: string): string {
  return `${key.charAt(0).toUpperCase()}${key.slice(1)}`;
}

function principalOf(
  { serviceName, roleArn, accountId }: KnownQueueProducer,
  partition: string,
): NonNullable<Statement["Principal"]> {
  if (serviceName !== undefined) return { Service: serviceName };
  return { AWS: roleArn ?? `arn:${partition}:iam::${accountId ?? ""}:root` };
}

function conditionOf(producer: KnownQueueProducer): NonNullable<Statement["Condition"]> {
  const { serviceName, sourceArn, sourceAccount, organizationId } = producer;
  const organizationKey = serviceName === undefined ? "aws:PrincipalOrgID" : "aws:SourceOrgID";
  const equals = {
    ...(sourceAccount === undefined ? {} : { "aws:SourceAccount": sourceAccount }),
    ...(organizationId === undefined ? {} : { [organizationKey]: organizationId }),
  };
  return {
    ...(sourceArn === undefined ? {} : { ArnLike: { "aws:SourceArn": sourceArn } }),
    ...(Object.keys(equals).length === 0 ? {} : { StringEquals: equals }),
  };
}
