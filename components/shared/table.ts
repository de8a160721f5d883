// One table, as all components make theirs: on demand, with time to live, recoverable, protected.
import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

/** Keys of a table and its optional index. All are strings. */
export interface TableLayout {
  readonly partitionKey: string;
  readonly sortKey?: string;
  /** Attribute of time to live, seconds since the epoch. */
  readonly timeToLive: string;
  /** Holds keys only. */
  readonly index?: { readonly name: string; readonly partitionKey: string; readonly sortKey: string };
}

/** What the tables of a component have in common. */
export interface TableSettings {
  /** Customer managed key; left out: a key of AWS. */
  readonly kmsKeyArn?: pulumi.Input<string> | undefined;
  readonly deletionProtection: boolean;
  readonly tags: Readonly<Record<string, pulumi.Input<string>>>;
  readonly region: string | undefined;
}

/** Creates a table. */
export function createKeyedTable(
  name: string,
  { partitionKey, sortKey, timeToLive, index }: TableLayout,
  { kmsKeyArn, deletionProtection, tags, region }: TableSettings,
  parent: pulumi.Resource,
): aws.dynamodb.Table {
  const keys = [partitionKey, sortKey, index?.partitionKey, index?.sortKey].filter((key) => key !== undefined);
  return new aws.dynamodb.Table(
    name,
    {
      billingMode: "PAY_PER_REQUEST",
      attributes: keys.map((key) => ({ name: key, type: "S" })),
      hashKey: partitionKey,
      ...(sortKey === undefined ? {} : { rangeKey: sortKey }),
      ...(index === undefined
        ? {}
        : {
            globalSecondaryIndexes: [
              {
                name: index.name,
                hashKey: index.partitionKey,
                rangeKey: index.sortKey,
                projectionType: "KEYS_ONLY",
              },
            ],
          }),
      ttl: { attributeName: timeToLive, enabled: true },
      pointInTimeRecovery: { enabled: true },
      ...(kmsKeyArn === undefined ? {} : { serverSideEncryption: { enabled: true, kmsKeyArn } }),
      deletionProtectionEnabled: deletionProtection,
      tags,
      ...(region === undefined ? {} : { region }),
    },
    { parent },
  );
}
