// Quotas of a role's policies.
import type { PolicyDocument } from "../../core/access";
import { AwsError } from "../../core/errors";
import { policySize } from "../policy-check";
import type { RoleRecord } from "../registry";

/** Inline policies of one role together, in characters without white space. */
export const maxInlinePolicySize = 10_240;
/** A managed policy, in characters without white space. */
export const maxManagedPolicySize = 6144;
/** Managed policies attached to one role (the default quota). */
export const maxPoliciesPerRole = 10;

/** Adds or replaces an inline policy. Throws LimitExceeded (409) when all of the role's together become too large. */
export function putInlinePolicy(role: RoleRecord, name: string, text: string, document: PolicyDocument): void {
  const others = [...role.inline].filter(([each]) => each !== name).reduce((sum, [, { size }]) => sum + size, 0);
  const size = policySize(text);
  if (others + size > maxInlinePolicySize) {
    throw new AwsError(
      "LimitExceeded",
      `Maximum policy size of ${maxInlinePolicySize} bytes exceeded for role ${role.name}`,
      409,
    );
  }
  role.inline.set(name, { policy: { name, document }, size });
}
