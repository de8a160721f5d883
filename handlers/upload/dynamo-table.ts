// The few DynamoDB operations that the upload store needs, with expressions made from plain attributes.
import { randomUUID } from "node:crypto";
import type { AwsJsonClient } from "../shared/aws-json";
import { AwsCallError, TryAgainError } from "../shared/errors";
import { namesOf } from "../shared/expression-names";
import type { AttributeValue, Row } from "./rows";

/** An update of one row. */
export interface RowUpdate {
  readonly key: Row;
  readonly set?: Row;
  readonly remove?: readonly string[];
  /** Numbers to add to attributes; a missing attribute counts as 0. */
  readonly add?: Readonly<Record<string, number>>;
  /** With "#name" for attributes and the names of `values`. */
  readonly condition?: string;
  readonly values?: Row;
}

/** A row that is written only under a condition. */
export interface RowPut {
  readonly item: Row;
  readonly condition: string;
  readonly values?: Row;
}

/** One write of a transaction. */
export type Write = { readonly put: RowPut } | { readonly update: RowUpdate };

/** A page of a query. */
export interface RowPage {
  readonly rows: readonly Row[];
  readonly lastKey?: Row;
}

/** One DynamoDB table. */
export class DynamoTable {
  constructor(
    private readonly client: AwsJsonClient,
    private readonly tableName: string,
  ) {}

  /** Strongly consistent read. */
  async get(key: Row): Promise<Row | undefined> {
    const answer = await this.client.call("GetItem", { TableName: this.tableName, Key: key, ConsistentRead: true });
    return answer.Item as Row | undefined;
  }

  /** Updates a row. Returns false when the condition does not hold. */
  async update(update: RowUpdate): Promise<boolean> {
    try {
      await this.client.call("UpdateItem", this.renderUpdate(update), isConflict);
      return true;
    } catch (error) {
      if (error instanceof AwsCallError && error.code === "ConditionalCheckFailedException") return false;
      throw isConflict(error) ? new TryAgainError({ cause: error }) : error;
    }
  }

  /** Writes all or nothing. Returns the positions of the writes whose condition does not hold; none: all is written. */
  async transact(writes: readonly Write[]): Promise<readonly number[]> {
    const TransactItems = writes.map((write) =>
      "put" in write ? { Put: this.renderPut(write.put) } : { Update: this.renderUpdate(write.update) },
    );
    try {
      // The token makes a repetition after a lost answer harmless.
      await this.client.call("TransactWriteItems", { TransactItems, ClientRequestToken: randomUUID() }, isConflict);
      return [];
    } catch (error) {
      const failed = cancellationCodes(error).flatMap((code, index) =>
        code === "ConditionalCheckFailed" ? [index] : [],
      );
      if (failed.length > 0) return failed;
      throw isConflict(error) ? new TryAgainError({ cause: error }) : error;
    }
  }

  /** One page of a query. */
  async query(input: Readonly<Record<string, unknown>>): Promise<RowPage> {
    const answer = await this.client.call("Query", { TableName: this.tableName, ...input });
    const lastKey = answer.LastEvaluatedKey as Row | undefined;
    return { rows: (answer.Items ?? []) as readonly Row[], ...(lastKey ? { lastKey } : {}) };
  }

  private renderPut({ item, condition, values }: RowPut): object {
    return {
      TableName: this.tableName,
      Item: item,
      ConditionExpression: condition,
      ...namesOf(condition),
      ...(values ? { ExpressionAttributeValues: values } : {}),
    };
  }

  private renderUpdate({ key, set = {}, remove = [], add = {}, condition, values = {} }: RowUpdate): object {
    const attributeValues: Record<string, AttributeValue> = { ...values };
    const clauses: string[] = [];
    for (const [name, value] of Object.entries(set)) attributeValues[`:set_${name}`] = value;
    for (const [name, value] of Object.entries(add)) attributeValues[`:add_${name}`] = { N: String(value) };
    const [setNames, addNames] = [Object.keys(set), Object.keys(add)];
    if (setNames.length > 0) clauses.push(`SET ${setNames.map((name) => `#${name} = :set_${name}`).join(", ")}`);
    if (remove.length > 0) clauses.push(`REMOVE ${remove.map((name) => `#${name}`).join(", ")}`);
    if (addNames.length > 0) clauses.push(`ADD ${addNames.map((name) => `#${name} :add_${name}`).join(", ")}`);
    const update = clauses.join(" ");
    return {
      TableName: this.tableName,
      Key: key,
      UpdateExpression: update,
      ...(condition ? { ConditionExpression: condition } : {}),
      ...namesOf(`${update} ${condition ?? ""}`),
      ...(Object.keys(attributeValues).length > 0 ? { ExpressionAttributeValues: attributeValues } : {}),
    };
  }
}

/** Whether another write to the same rows came in between: the same call can succeed at once. */
function isConflict(error: unknown): boolean {
  if (!(error instanceof AwsCallError)) return false;
  if (error.code === "TransactionConflictException") return true;
  const codes = cancellationCodes(error);
  return codes.some((code) => REPEATABLE_REASONS.has(code)) && !codes.includes("ConditionalCheckFailed");
}

const REPEATABLE_REASONS: ReadonlySet<string> = new Set([
  "TransactionConflict",
  "ThrottlingError",
  "ProvisionedThroughputExceeded",
]);

function cancellationCodes(error: unknown): readonly string[] {
  if (!(error instanceof AwsCallError) || error.code !== "TransactionCanceledException") return [];
  const reasons = error.body.CancellationReasons as readonly { readonly Code?: string }[] | undefined;
  return (reasons ?? []).map(({ Code = "None" }) => Code);
}
