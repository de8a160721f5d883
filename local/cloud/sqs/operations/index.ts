// All operations of the SQS API, with their errors as clients of either protocol know them.
import { AwsError } from "../../core/errors";
import type { JsonOperation } from "../../core/json-api";
import { asJsonError, queryCode } from "../errors";
import { batchOperations } from "./batches";
import type { SqsParts } from "./input";
import { messageOperations } from "./messages";
import { moveTaskOperations } from "./move-tasks";
import { queueOperations } from "./queues";

/** Operations by name. */
export function sqsOperations(parts: SqsParts): Readonly<Record<string, JsonOperation>> {
  const operations = {
    ...messageOperations(parts),
    ...batchOperations(parts),
    ...queueOperations(parts),
    ...moveTaskOperations(parts),
  };
  return Object.fromEntries(Object.entries(operations).map(([name, run]) => [name, withQueryErrors(run)]));
}

/** SDKs that spoke the query protocol before still go by its codes, which SQS sends in a header. */
function withQueryErrors(run: JsonOperation): JsonOperation {
  return async (input, call) => {
    try {
      return await run(input, call);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      const fault = error.statusCode < 500 ? "Sender" : "Receiver";
      call.response.setHeader("x-amzn-query-error", `${queryCode(error.code)};${fault}`);
      throw asJsonError(error);
    }
  };
}
