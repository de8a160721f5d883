// One alarm, as all components make theirs: silent when it ends, and when there are no data.
import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

/** What the alarms of a component have in common. */
export interface AlarmSettings {
  /** Topic that is told when the alarm begins. */
  readonly topicArn: pulumi.Input<string> | undefined;
  readonly tags: Readonly<Record<string, pulumi.Input<string>>>;
  readonly region: string | undefined;
}

/** Creates an alarm. Given arguments come before what is common. */
export function createAlarm(
  name: string,
  args: aws.cloudwatch.MetricAlarmArgs,
  { topicArn, tags, region }: AlarmSettings,
  parent: pulumi.Resource,
): aws.cloudwatch.MetricAlarm {
  return new aws.cloudwatch.MetricAlarm(
    name,
    {
      treatMissingData: "notBreaching",
      ...(topicArn === undefined ? {} : { alarmActions: [topicArn] }),
      tags,
      ...(region === undefined ? {} : { region }),
      ...args,
    },
    { parent },
  );
}
