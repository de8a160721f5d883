// aws:iam/role:Role
import { AwsError, type InputProblem, NotSimulatedError } from "../../core/errors";
import type {
  PropertyMap,
  PropertyValue,
  RealisedResource,
  ResourceContext,
  ResourceModel,
} from "../../core/resource-model";
import { isAwsManaged, knowsAwsManaged } from "../managed-policies";
import { policySize } from "../policy-check";
import type { RoleRecord, RoleRegistry } from "../registry";
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
import { maxPoliciesPerRole, putInlinePolicy } from "./limits";

const type = "aws:iam/role:Role";

/** Longest name of a role. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
export const maxRoleNameLength = 64;
/** Longest trust policy, in characters without white space (the default quota). */
export const maxTrustPolicySize = 2048;
/** Shortest and longest maximum session of a role, in seconds. */
export const sessionDurationRange = { min: 3600, max: 43_200 };

const known = [
  "assumeRolePolicy",
  "description",
  "forceDetachPolicies",
  "inlinePolicies",
  "managedPolicyArns",
  "maxSessionDuration",
  "name",
  "namePrefix",
  "path",
  "permissionsBoundary",
  "tags",
  "tagsAll",
];

interface InlineInput {
  readonly name: string;
  readonly policy: string;
}

const inlineInputs = (value: PropertyValue): readonly InlineInput[] =>
  (Array.isArray(value) ? (value as readonly PropertyMap[]) : [])
    .map(({ name, policy }) => ({ name: optionalText(name) ?? "", policy: policyText(policy ?? "") }))
    .filter(({ name }) => name !== "");
const arns = (value: PropertyValue): readonly string[] => (Array.isArray(value) ? (value as readonly string[]) : []);

/** What the model needs from the run. */
export interface RoleModelOptions {
  readonly roles: RoleRegistry;
  readonly now: () => number;
  readonly uniqueId: (length: number) => string;
}

/** Model of a role: its trust policy and sessions are enforced. */
export function createRoleModel(options: RoleModelOptions): ResourceModel {
  return {
    type,
    fidelity: "realised",
    summary: "Sessions are issued to whom the trust policy admits, and live under the role's policies and boundary.",
    check: (inputs, context) => checkRole(inputs, context, options.roles),
    create: async (inputs, context) => createRole(inputs, context, options),
    update: async (id, inputs, old, context) => updateRole(id, inputs, old, context, options.roles),
    delete: async (id, outputs, context) => deleteRole(id, outputs, context, options.roles),
  };
}

function checkRole(inputs: PropertyMap, context: ResourceContext, roles: RoleRegistry): InputProblem[] {
  return [
    ...unknownInputs(inputs, known, type),
    ...nameProblems(inputs, maxRoleNameLength),
    ...pathProblems(inputs.path),
    ...descriptionProblems(inputs.description),
    ...tagProblems(inputs, context),
    ...trustProblems(inputs.assumeRolePolicy, context, roles),
    ...durationProblems(inputs.maxSessionDuration),
    ...inlineInputs(inputs.inlinePolicies).flatMap(({ policy }, index) =>
      policyProblems(policy, `inlinePolicies[${index}].policy`, "identity"),
    ),
    ...policyArnProblems(optionalText(inputs.permissionsBoundary), "permissionsBoundary", roles),
    ...arns(inputs.managedPolicyArns).flatMap((arn, index) =>
      policyArnProblems(arn, `managedPolicyArns[${index}]`, roles),
    ),
  ];
}

function trustProblems(value: PropertyValue, context: ResourceContext, roles: RoleRegistry): InputProblem[] {
  const property = "assumeRolePolicy";
  const problems = policyProblems(value, property, "trust");
  if (problems.length > 0) return problems;
  const size = policySize(policyText(value));
  if (size > maxTrustPolicySize) {
    problems.push({
      property,
      reason: `LimitExceeded: Cannot exceed quota for ACLSizePerRole: ${maxTrustPolicySize}, got ${size}`,
    });
  }
  // IAM resolves the roles that a trust policy names; of another account's roles nothing is known here.
  const mentioned = policyText(value).matchAll(new RegExp(`"(arn:aws:iam::${context.accountId}:role/[^"]+)"`, "g"));
  for (const [, arn = ""] of mentioned) {
    if (!roles.get(arn) && !arn.includes("*")) {
      problems.push({
        property,
        reason: `MalformedPolicyDocument: Invalid principal in policy: "AWS":"${arn}"; no such role`,
      });
    }
  }
  return problems;
}

function durationProblems(value: PropertyValue): InputProblem[] {
  const { min, max } = sessionDurationRange;
  if (value === undefined || (typeof value === "number" && value >= min && value <= max)) return [];
  return [
    {
      property: "maxSessionDuration",
      reason: `must be between ${min} and ${max} seconds, got ${JSON.stringify(value)}`,
    },
  ];
}

/** Problems of the ARN of a managed policy. */
export function policyArnProblems(arn: string | undefined, property: string, roles: RoleRegistry): InputProblem[] {
  if (arn === undefined) return [];
  if (isAwsManaged(arn)) {
    if (knowsAwsManaged(arn)) return [];
    return [
      {
        property,
        reason: `the AWS managed policy ${arn} is not simulated; add it in local/cloud/iam/managed-policies.ts`,
      },
    ];
  }
  if (!/^arn:[^:]+:iam::\d{12}:policy\/.+$/.test(arn)) return [{ property, reason: `ARN ${arn} is not valid.` }];
  return roles.findPolicy(arn)
    ? []
    : [{ property, reason: `NoSuchEntity: Policy ${arn} does not exist or is not attachable.` }];
}

function createRole(inputs: PropertyMap, context: ResourceContext, options: RoleModelOptions): RealisedResource {
  const { roles, uniqueId } = options;
  const name = physicalName(inputs, context, maxRoleNameLength, uniqueId(12));
  const path = optionalText(inputs.path) ?? "/";
  const role: RoleRecord = {
    arn: `arn:aws:iam::${context.accountId}:role${path}${name}`,
    name,
    accountId: context.accountId,
    uniqueId: `AROA${uniqueId(17).toUpperCase()}`,
    trustPolicy: { Statement: [] },
    maxSessionDurationSeconds: sessionDurationRange.min,
    inline: new Map(),
    attached: new Map(),
  };
  applyInputs(role, inputs, context, roles);
  roles.add(role);
  const createDate = new Date(options.now()).toISOString().replace(/\.\d{3}Z$/, "Z");
  return { id: name, outputs: { ...outputsOf(role, inputs, context), createDate, path, uniqueId: role.uniqueId } };
}

function applyInputs(role: RoleRecord, inputs: PropertyMap, context: ResourceContext, roles: RoleRegistry): void {
  role.trustPolicy = parsePolicy(inputs.assumeRolePolicy, "assumeRolePolicy", "trust", context.urn);
  role.maxSessionDurationSeconds = (inputs.maxSessionDuration as number | undefined) ?? sessionDurationRange.min;
  const boundary = optionalText(inputs.permissionsBoundary);
  role.permissionsBoundary = boundary === undefined ? undefined : roles.requirePolicy(boundary);
  for (const { name, policy } of inlineInputs(inputs.inlinePolicies)) {
    putInlinePolicy(role, name, policy, parsePolicy(policy, "inlinePolicies", "identity", context.urn));
  }
  const managed = arns(inputs.managedPolicyArns);
  if (managed.length > maxPoliciesPerRole) {
    throw new AwsError("LimitExceeded", `Cannot exceed quota for PoliciesPerRole: ${maxPoliciesPerRole}`, 409);
  }
  for (const arn of managed) role.attached.set(arn, roles.requirePolicy(arn));
}

function outputsOf(role: RoleRecord, inputs: PropertyMap, context: ResourceContext): PropertyMap {
  return {
    ...inputs,
    arn: role.arn,
    name: role.name,
    namePrefix: optionalText(inputs.namePrefix) ?? "",
    assumeRolePolicy: policyText(inputs.assumeRolePolicy),
    description: optionalText(inputs.description) ?? "",
    forceDetachPolicies: inputs.forceDetachPolicies ?? false,
    inlinePolicies: inputs.inlinePolicies ?? [],
    managedPolicyArns: inputs.managedPolicyArns ?? [],
    maxSessionDuration: role.maxSessionDurationSeconds,
    tagsAll: allTags(inputs, context),
  };
}

function updateRole(
  id: string,
  inputs: PropertyMap,
  old: PropertyMap,
  context: ResourceContext,
  roles: RoleRegistry,
): RealisedResource {
  const role = roles.require(context.accountId, id);
  const renamed = (optionalText(inputs.name) ?? id) !== id || (optionalText(inputs.path) ?? "/") !== (old.path ?? "/");
  if (renamed)
    throw new NotSimulatedError(
      `Changing the name or path of ${type} (a replacement on AWS)`,
      "local/cloud/iam/resources/role.ts",
    );
  for (const { name } of inlineInputs(old.inlinePolicies)) role.inline.delete(name);
  for (const arn of arns(old.managedPolicyArns)) role.attached.delete(arn);
  applyInputs(role, inputs, context, roles);
  const { createDate, path, uniqueId } = old;
  return { id, outputs: { ...outputsOf(role, inputs, context), createDate, path, uniqueId } };
}

function deleteRole(id: string, outputs: PropertyMap, context: ResourceContext, roles: RoleRegistry): void {
  const role = roles.byName(context.accountId, id);
  if (!role) return;
  const ownInline = inlineInputs(outputs.inlinePolicies).map(({ name }) => name);
  const ownManaged = arns(outputs.managedPolicyArns);
  const forced = outputs.forceDetachPolicies === true;
  if (!forced && [...role.attached.keys()].some((arn) => !ownManaged.includes(arn))) {
    throw new AwsError("DeleteConflict", "Cannot delete entity, must detach all policies first.", 409);
  }
  if (!forced && [...role.inline.keys()].some((name) => !ownInline.includes(name))) {
    throw new AwsError("DeleteConflict", "Cannot delete entity, must delete policies first.", 409);
  }
  roles.remove(role.arn);
}
