// The state table: single rows under conditions. Attribute names are no reserved words of DynamoDB, so expressions need no aliases.
import type { AwsJsonClient } from "../shared/aws-json";
import { AwsCallError } from "../shared/errors";
import { QUEUE_STATE_TABLE } from "./contract";

/** An attribute of a row. */
export type StateValue = { readonly S: string } | { readonly N: string } | { readonly BOOL: boolean };
/** A row. */
export type StateRow = Readonly<Record<string, StateValue | undefined>>;

/** A write under a condition. */
export interface StateWrite {
  readonly operation: "PutItem" | "UpdateItem" | "DeleteItem";
  /** Value of the partition key. */
  readonly key: string;
  /** Rest of the row that PutItem writes. */
  readonly row?: StateRow;
  readonly update?: string;
  readonly condition: string;
  readonly values?: StateRow;
}

/** What became of a write. `row` is the one after an update, or the one that stood against the condition. */
export interface StateResult {
  readonly written: boolean;
  readonly row: StateRow | undefined;
}

/** One table. */
export class StateTable {
  constructor(
    private readonly client: AwsJsonClient,
    private readonly tableName: string,
  ) {}

  /** Strongly consistent read. */
  async find(key: string): Promise<StateRow | undefined> {
    const input = { TableName: this.tableName, Key: keyOf(key), ConsistentRead: true };
    return (await this.client.call("GetItem", input)).Item as StateRow | undefined;
  }

  /** Writes when the condition holds. */
  async write({ operation, key, row, update, condition, values }: StateWrite): Promise<StateResult> {
    const input = {
      TableName: this.tableName,
      ...(operation === "PutItem" ? { Item: { ...keyOf(key), ...row } } : { Key: keyOf(key) }),
      ...(update === undefined ? {} : { UpdateExpression: update, ReturnValues: "ALL_NEW" }),
      ConditionExpression: condition,
      ...(values ? { ExpressionAttributeValues: values } : {}),
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    };
    try {
      const answer = await this.client.call(operation, input);
      return { written: true, row: answer.Attributes as StateRow | undefined };
    } catch (error) {
      if (!(error instanceof AwsCallError) || error.code !== "ConditionalCheckFailedException") throw error;
      return { written: false, row: (error.body.Item as StateRow | undefined) ?? (await this.find(key)) };
    }
  }
}

/** A number of a row. */
export function numberIn(row: StateRow | undefined, name: string): number | undefined {
  const value = row?.[name];
  return value && "N" in value ? Number(value.N) : undefined;
}

/** A text of a row. */
export function textIn(row: StateRow | undefined, name: string): string | undefined {
  const value = row?.[name];
  return value && "S" in value ? value.S : undefined;
}

function keyOf(key: string): StateRow {
  return { [QUEUE_STATE_TABLE.partitionKey]: { S: key } };
}
