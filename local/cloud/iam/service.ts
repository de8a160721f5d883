// IAM as a service of the embedded cloud: declared roles and policies. Its API has no data plane here; nothing calls it at run time.
import type { CloudContext, Service } from "../core/service";
import type { LocalAccessControl } from "./access-control";
import { iamInvokes } from "./invokes";
import { createPolicyModel, createRolePolicyAttachmentModel, createRolePolicyModel } from "./resources/policies";
import { createRoleModel } from "./resources/role";

/**
 * Creates the IAM service.
 * @param access the run's access layer, whose roles the declared resources fill.
 */
export function createIamService(
  context: Pick<CloudContext, "clock" | "uniqueId">,
  access: LocalAccessControl,
): Service {
  const { roles } = access;
  const uniqueId = (length: number): string => context.uniqueId(length);
  return {
    name: "iam",
    models: [
      createRoleModel({ roles, uniqueId, now: () => context.clock.now() }),
      createRolePolicyModel({ roles, uniqueId }),
      createPolicyModel({ roles, uniqueId }),
      createRolePolicyAttachmentModel({ roles, uniqueId }),
    ],
    invokes: iamInvokes,
  };
}
