// ARNs among the arguments: those that are known at once and those that are known later obey the same rules.
import type * as pulumi from "@pulumi/pulumi";
import { enforceLater, type Rule } from "../shared/validation";
import type { ThrottledQueueConsumerSettings } from "./settings";

interface ArnKind {
  readonly pattern: RegExp;
  readonly rule: string;
  readonly remedy: string;
}

const KEY: ArnKind = {
  pattern: /^arn:aws[\w-]*:kms:[\w-]+:\d{12}:key\/[\w-]+$/,
  rule: "be the ARN of a KMS key",
  remedy: "pass the key's arn; IAM policies take neither aliases nor bare ids",
};
const ALARM: ArnKind = {
  pattern: /^arn:aws[\w-]*:cloudwatch:[\w-]+:\d{12}:alarm:.+$/,
  rule: "be the ARN of a CloudWatch alarm",
  remedy: "pass the alarm's arn; anything else never rings",
};
const TOPIC: ArnKind = {
  pattern: /^arn:aws[\w-]*:sns:[\w-]+:\d{12}:[\w.-]+$/,
  rule: "be the ARN of an SNS topic",
  remedy: "pass the topic's arn",
};

/** Rules over the ARNs that are known at once. */
export function arnRules(settings: ThrottledQueueConsumerSettings): Rule[] {
  const { kmsKeyArn, filtersKmsKeyArn, circuitBreaker, alarms } = settings;
  return [
    ruleOf("kmsKeyArn", kmsKeyArn, KEY),
    ruleOf("filtersKmsKeyArn", filtersKmsKeyArn, KEY),
    ruleOf("circuitBreaker.alarmArn", circuitBreaker?.alarmArn, ALARM),
    ruleOf("alarms.topicArn", alarms.topicArn, TOPIC),
  ];
}

/** The same settings, whose ARNs that are known later are checked before they reach AWS. */
export function checkLaterArns(name: string, settings: ThrottledQueueConsumerSettings): ThrottledQueueConsumerSettings {
  const check = (property: string, value: pulumi.Input<string>, kind: ArnKind): pulumi.Input<string> =>
    typeof value === "string" ? value : enforceLater<string>(name, value, (known) => [ruleOf(property, known, kind)]);
  const { kmsKeyArn, filtersKmsKeyArn, circuitBreaker, alarms } = settings;
  return {
    ...settings,
    kmsKeyArn: kmsKeyArn && check("kmsKeyArn", kmsKeyArn, KEY),
    filtersKmsKeyArn: filtersKmsKeyArn && check("filtersKmsKeyArn", filtersKmsKeyArn, KEY),
    circuitBreaker: circuitBreaker && {
      ...circuitBreaker,
      alarmArn: check("circuitBreaker.alarmArn", circuitBreaker.alarmArn, ALARM),
    },
    alarms: { ...alarms, topicArn: alarms.topicArn && check("alarms.topicArn", alarms.topicArn, TOPIC) },
  };
}

function ruleOf(property: string, value: pulumi.Input<string> | undefined, { pattern, rule, remedy }: ArnKind): Rule {
  return { property, holds: typeof value !== "string" || pattern.test(value), rule, got: value, remedy };
}
