// Where a component lives: account, Region and partition, asked of the provider.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** Where the component lives. */
export interface Placement {
  readonly accountId: pulumi.Output<string>;
  readonly region: pulumi.Output<string>;
  readonly partition: pulumi.Output<string>;
}

/** Asks the parent's provider. @param region the component's own Region, if it has one. */
export function findPlacement(region: string | undefined, parent: pulumi.Resource): Placement {
  return {
    accountId: aws.getCallerIdentityOutput({}, { parent }).accountId,
    region: region === undefined ? aws.getRegionOutput({}, { parent }).region : pulumi.output(region),
    partition: aws.getPartitionOutput({}, { parent }).partition,
  };
}
