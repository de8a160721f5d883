// aws:iam/rolePolicy:RolePolicy, aws:iam/policy:Policy and aws:iam/rolePolicyAttachment:RolePolicyAttachment
import { AwsError, type InputProblem, NotSimulatedError } from "../../core/errors";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import { policySize } from "../policy-check";
import type { RoleRegistry } from "../registry";
import {
  allTags,
  descriptionProblems,
  nameProblems,
  optionalText,
  parsePolicy,
  pathProblems,
  physicalName,
  policyProblems,
  policyText,
  tagProblems,
  unknownInputs,
} from "./common";
import { maxInlinePolicySize, maxManagedPolicySize, maxPoliciesPerRole, putInlinePolicy } from "./limits";
import { policyArnProblems } from "./role";

/** Longest name of a policy. */
export const maxPolicyNameLength = 128;

/** What the models need from the run. */
export interface PolicyModelOptions {
  readonly roles: RoleRegistry;
  readonly uniqueId: (length: number) => string;
}

/** Roles are named by name or, where the program passes `role.arn` by mistake, refused as IAM refuses the ARN. */
function roleProblems(inputs: PropertyMap): InputProblem[] {
  const name = optionalText(inputs.role);
  if (name === undefined) return [{ property: "role", reason: "is required" }];
  if (/^[\w+=,.@-]{1,64}$/.test(name)) return [];
  return [
    {
      property: "role",
      reason: `ValidationError: The specified value for roleName is invalid, got ${name}; pass the role's name`,
    },
  ];
}

function sizeProblem(inputs: PropertyMap, limit: number): InputProblem[] {
  const size = policySize(policyText(inputs.policy ?? ""));
  if (size <= limit) return [];
  return [
    {
      property: "policy",
      reason: `LimitExceeded: must be at most ${limit} characters without white space, got ${size}`,
    },
  ];
}

/** Model of an inline policy of a role. */
export function createRolePolicyModel({ roles, uniqueId }: PolicyModelOptions): ResourceModel {
  const type = "aws:iam/rolePolicy:RolePolicy";
  const put = (inputs: PropertyMap, context: ResourceContext, name: string): RealisedResource => {
    const role = roles.require(context.accountId, optionalText(inputs.role) ?? "");
    const text = policyText(inputs.policy);
    putInlinePolicy(role, name, text, parsePolicy(inputs.policy, "policy", "identity", context.urn));
    const namePrefix = optionalText(inputs.namePrefix) ?? "";
    return { id: `${role.name}:${name}`, outputs: { ...inputs, name, namePrefix, policy: text, role: role.name } };
  };
  return {
    type,
    fidelity: "realised",
    summary: "Its statements decide every call of the role's sessions.",
    check: (inputs) => [
      ...unknownInputs(inputs, ["name", "namePrefix", "policy", "role"], type),
      ...nameProblems(inputs, maxPolicyNameLength),
      ...roleProblems(inputs),
      ...policyProblems(inputs.policy, "policy", "identity"),
      ...sizeProblem(inputs, maxInlinePolicySize),
    ],
    create: async (inputs, context) =>
      put(inputs, context, physicalName(inputs, context, maxPolicyNameLength, uniqueId(12))),
    update: async (id, inputs, _old, context) => {
      const [roleName, name = ""] = id.split(":");
      if (inputs.role !== roleName || (optionalText(inputs.name) ?? name) !== name) {
        throw new NotSimulatedError(
          `Changing the name or role of ${type} (a replacement on AWS)`,
          "local/cloud/iam/resources/policies.ts",
        );
      }
      return put(inputs, context, name);
    },
    delete: async (id, _outputs, context) => {
      const [roleName = "", name = ""] = id.split(":");
      roles.byName(context.accountId, roleName)?.inline.delete(name);
    },
  };
}

/** Model of a customer managed policy. */
export function createPolicyModel({ roles, uniqueId }: PolicyModelOptions): ResourceModel {
  const type = "aws:iam/policy:Policy";
  const outputs = (arn: string, name: string, inputs: PropertyMap, context: ResourceContext): PropertyMap => ({
    ...inputs,
    arn,
    name,
    attachmentCount: 0,
    description: optionalText(inputs.description) ?? "",
    namePrefix: optionalText(inputs.namePrefix) ?? "",
    path: optionalText(inputs.path) ?? "/",
    policy: policyText(inputs.policy),
    tagsAll: allTags(inputs, context),
  });
  return {
    type,
    fidelity: "realised",
    summary: "Decides the calls of the roles it is attached to, or bounds those that use it as a permissions boundary.",
    check: (inputs, context) => [
      ...unknownInputs(inputs, ["name", "namePrefix", "path", "description", "policy", "tags", "tagsAll"], type),
      ...nameProblems(inputs, maxPolicyNameLength),
      ...pathProblems(inputs.path),
      ...descriptionProblems(inputs.description),
      ...tagProblems(inputs, context),
      ...policyProblems(inputs.policy, "policy", "identity"),
      ...sizeProblem(inputs, maxManagedPolicySize),
    ],
    create: async (inputs, context) => {
      const name = physicalName(inputs, context, maxPolicyNameLength, uniqueId(12));
      const arn = `arn:aws:iam::${context.accountId}:policy${optionalText(inputs.path) ?? "/"}${name}`;
      const document = parsePolicy(inputs.policy, "policy", "identity", context.urn);
      roles.addPolicy({ arn, name, policy: { name, document } });
      const policyId = `ANPA${uniqueId(17).toUpperCase()}`;
      return { id: arn, outputs: { ...outputs(arn, name, inputs, context), policyId } };
    },
    update: async (id, inputs, old, context) => {
      const name = optionalText(old.name) ?? "";
      const moved =
        (optionalText(inputs.name) ?? name) !== name || (optionalText(inputs.path) ?? "/") !== (old.path ?? "/");
      if (moved)
        throw new NotSimulatedError(
          `Changing the name or path of ${type} (a replacement on AWS)`,
          "local/cloud/iam/resources/policies.ts",
        );
      const document = parsePolicy(inputs.policy, "policy", "identity", context.urn);
      roles.replacePolicy(id, { name, document });
      return { id, outputs: { ...outputs(id, name, inputs, context), policyId: old.policyId } };
    },
    delete: async (id) => roles.removePolicy(id),
  };
}

/** Model of the attachment of a managed policy to a role. */
export function createRolePolicyAttachmentModel({ roles }: PolicyModelOptions): ResourceModel {
  const type = "aws:iam/rolePolicyAttachment:RolePolicyAttachment";
  return {
    type,
    fidelity: "realised",
    summary: "The managed policy decides every call of the role's sessions.",
    check: (inputs) => [
      ...unknownInputs(inputs, ["policyArn", "role"], type),
      ...roleProblems(inputs),
      ...(optionalText(inputs.policyArn)
        ? policyArnProblems(optionalText(inputs.policyArn), "policyArn", roles)
        : [{ property: "policyArn", reason: "is required" }]),
    ],
    create: async (inputs, context) => {
      const role = roles.require(context.accountId, optionalText(inputs.role) ?? "");
      const arn = optionalText(inputs.policyArn) ?? "";
      const policy = roles.requirePolicy(arn);
      if (!role.attached.has(arn) && role.attached.size >= maxPoliciesPerRole) {
        throw new AwsError("LimitExceeded", `Cannot exceed quota for PoliciesPerRole: ${maxPoliciesPerRole}`, 409);
      }
      role.attached.set(arn, policy);
      return { id: `${role.name}/${arn}`, outputs: { ...inputs, role: role.name } };
    },
    delete: async (_id, outputs, context) => {
      const role = roles.byName(context.accountId, optionalText(outputs.role) ?? "");
      role?.attached.delete(optionalText(outputs.policyArn) ?? "");
    },
  };
}
