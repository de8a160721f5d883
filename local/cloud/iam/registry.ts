// Roles and managed policies that the program has declared, by account.
import type { NamedPolicy, PolicyDocument } from "../core/access";
import { AwsError } from "../core/errors";
import { awsManagedPolicy } from "./managed-policies";

/** A declared role. */
export interface RoleRecord {
  readonly arn: string;
  readonly name: string;
  readonly accountId: string;
  /** AROA… */
  readonly uniqueId: string;
  trustPolicy: PolicyDocument;
  /** 3600 to 43200. */
  maxSessionDurationSeconds: number;
  permissionsBoundary?: NamedPolicy | undefined;
  /** Inline policies by name, with their size in characters without white space. */
  readonly inline: Map<string, { readonly policy: NamedPolicy; readonly size: number }>;
  /** Managed policies by ARN. */
  readonly attached: Map<string, NamedPolicy>;
}

/** A customer managed policy. */
export interface ManagedPolicyRecord {
  readonly arn: string;
  readonly name: string;
  policy: NamedPolicy;
}

/** The policies that apply to a role's sessions. */
export function identityPoliciesOf(role: RoleRecord): readonly NamedPolicy[] {
  return [...[...role.inline.values()].map(({ policy }) => policy), ...role.attached.values()];
}

/** Everything that IAM knows in this run. */
export class RoleRegistry {
  private readonly roles = new Map<string, RoleRecord>();
  private readonly policies = new Map<string, ManagedPolicyRecord>();

  get(roleArn: string): RoleRecord | undefined {
    return this.roles.get(roleArn);
  }

  all(): readonly RoleRecord[] {
    return [...this.roles.values()];
  }

  /** Finds a role by its name, which is unique in its account whatever its path. */
  byName(accountId: string, name: string): RoleRecord | undefined {
    return this.all().find((role) => role.accountId === accountId && role.name === name);
  }

  /** Like `byName`. Throws NoSuchEntity (404) when there is no such role. */
  require(accountId: string, name: string): RoleRecord {
    const role = this.byName(accountId, name);
    if (!role) throw new AwsError("NoSuchEntity", `The role with name ${name} cannot be found.`, 404);
    return role;
  }

  /** Throws EntityAlreadyExists (409) when the name is taken. */
  add(role: RoleRecord): void {
    if (this.byName(role.accountId, role.name)) {
      throw new AwsError("EntityAlreadyExists", `Role with name ${role.name} already exists.`, 409);
    }
    this.roles.set(role.arn, role);
  }

  remove(roleArn: string): void {
    this.roles.delete(roleArn);
  }

  addPolicy(record: ManagedPolicyRecord): void {
    if (this.policies.has(record.arn)) {
      throw new AwsError(
        "EntityAlreadyExists",
        `A policy called ${record.name} already exists. Duplicate names are not allowed.`,
        409,
      );
    }
    this.policies.set(record.arn, record);
  }

  /** Gives a managed policy a new document, also where it is attached. */
  replacePolicy(arn: string, policy: NamedPolicy): void {
    const record = this.policies.get(arn);
    const replaced = record?.policy;
    if (record) record.policy = policy;
    for (const role of this.roles.values()) {
      if (role.attached.has(arn)) role.attached.set(arn, policy);
      if (replaced && role.permissionsBoundary === replaced) role.permissionsBoundary = policy;
    }
  }

  /** Throws DeleteConflict (409) while the policy is attached. */
  removePolicy(arn: string): void {
    if (this.all().some((role) => role.attached.has(arn))) {
      throw new AwsError("DeleteConflict", "Cannot delete a policy attached to entities.", 409);
    }
    this.policies.delete(arn);
  }

  /** A customer managed policy of this run, or one of AWS's own that the local run knows. */
  findPolicy(arn: string): NamedPolicy | undefined {
    return this.policies.get(arn)?.policy ?? awsManagedPolicy(arn);
  }

  /** Like `findPolicy`. Throws NoSuchEntity (404), or NotSimulated for AWS managed policies whose text is not known here. */
  requirePolicy(arn: string): NamedPolicy {
    const policy = this.findPolicy(arn);
    if (!policy) throw new AwsError("NoSuchEntity", `Policy ${arn} does not exist or is not attachable.`, 404);
    return policy;
  }
}
