// Queue policies: what SQS accepts as one.
import type { PolicyDocument } from "../core/access";
import { checkPolicyDocument } from "../iam/policy-check";

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
const MAX_POLICY_BYTES = 8192;
const MAX_STATEMENTS = 20;
const MAX_PRINCIPALS = 50;

/** Reads a queue policy. */
export function readQueuePolicy(text: string): { readonly document?: PolicyDocument; readonly problem?: string } {
  if (Buffer.byteLength(text) > MAX_POLICY_BYTES) return { problem: `must be at most ${MAX_POLICY_BYTES} bytes long` };
  const { document, problems } = checkPolicyDocument(text, "resource");
  if (!document) return { problem: problems.join("; ") };
  const statements = [document.Statement].flat();
  if (statements.length > MAX_STATEMENTS) return { problem: `must hold at most ${MAX_STATEMENTS} statements` };
  const actions = statements.flatMap(({ Action, NotAction }) => [Action ?? NotAction ?? []].flat());
  const foreign = actions.find((action) => action !== "*" && !/^sqs:/i.test(action));
  if (foreign !== undefined) return { problem: `must hold actions of SQS only, got ${foreign}` };
  const principals = statements.flatMap(({ Principal }) =>
    typeof Principal === "object" ? Object.values(Principal).flat() : [],
  );
  if (principals.length > MAX_PRINCIPALS) return { problem: `must name at most ${MAX_PRINCIPALS} principals` };
  return { document };
}
