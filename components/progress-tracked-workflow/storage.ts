// Table of ProgressTrackedWorkflow, the names that follow from it, and the queue of what could not be delivered.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { PROGRESS_TABLE } from "../../handlers/progress/contract";
import type { Placement } from "../shared/placement";
import { createKeyedTable } from "../shared/table";
import type { ProgressTrackedWorkflowSettings } from "./settings";

/** Name of the alias through which runs are started. */
export const ALIAS_NAME = "live";
/** Seconds that an undelivered report is kept: the most that SQS offers. */
const DEAD_LETTER_SECONDS = 1_209_600;
/** https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const MAXIMUM_MACHINE_NAME = 80;

/** Creates `${name}-table`. */
export function createTable(
  name: string,
  settings: ProgressTrackedWorkflowSettings,
  parent: pulumi.Resource,
): aws.dynamodb.Table {
  return createKeyedTable(`${name}-table`, { ...PROGRESS_TABLE, index: PROGRESS_TABLE.runningIndex }, settings, parent);
}

/** Name and ARNs of the state machine before it exists: its functions must know it, and it must know its functions. */
export interface MachineIdentity {
  readonly name: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;
  readonly aliasArn: pulumi.Output<string>;
}

/** The name that Pulumi gave to the table is unique in account and Region; the machine's follows from it. */
export function identifyMachine(table: aws.dynamodb.Table, placement: Placement): MachineIdentity {
  const { region, accountId, partition } = placement;
  const name = table.name.apply((tableName) =>
    tableName.replace("-table-", "-workflow-").replaceAll(".", "-").slice(-MAXIMUM_MACHINE_NAME),
  );
  const arn = pulumi.interpolate`arn:${partition}:states:${region}:${accountId}:stateMachine:${name}`;
  return { name, arn, aliasArn: pulumi.interpolate`${arn}:${ALIAS_NAME}` };
}

/** Creates `${name}-dead-letter-queue`. Its policy comes with the rules that use it. */
export function createDeadLetterQueue(
  name: string,
  { tags, region }: ProgressTrackedWorkflowSettings,
  parent: pulumi.Resource,
): aws.sqs.Queue {
  return new aws.sqs.Queue(
    `${name}-dead-letter-queue`,
    {
      messageRetentionSeconds: DEAD_LETTER_SECONDS,
      sqsManagedSseEnabled: true,
      tags,
      ...(region === undefined ? {} : { region }),
    },
    { parent },
  );
}
