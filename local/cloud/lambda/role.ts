// The execution role of a function, as Lambda assumes it.
import type { Credentials } from "../core/access";
import { AwsError } from "../core/errors";
import type { CloudContext } from "../core/service";
import type { FunctionDefinition } from "./definition";

/** Temporary credentials of the function's role. @throws AwsError AccessDeniedException, as AWS words it. */
export function assumeRole(
  context: CloudContext,
  definition: Pick<FunctionDefinition, "roleArn" | "name">,
): Credentials {
  try {
    return context.access.assumeRole(definition.roleArn, definition.name, "lambda.amazonaws.com");
  } catch (cause) {
    const message = "The role defined for the function cannot be assumed by Lambda.";
    throw Object.assign(new AwsError("AccessDeniedException", message, 403), { cause });
  }
}
