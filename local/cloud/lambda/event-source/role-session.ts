// The function's role as its mapping's pollers use it: assumed once, and again before it expires.
import type { Principal } from "../../core/principal";
import { anonymous } from "../../core/principal";
import type { CloudContext } from "../../core/service";
import type { FunctionDefinition } from "../definition";
import { assumeRole } from "../role";

/** A session is renewed when less than this is left, in milliseconds. */
const MARGIN_MS = 300_000;

/** Sessions of one mapping. */
export class RoleSession {
  private roleArn = "";
  private expiresAt = 0;
  private principal: Principal = anonymous;

  constructor(private readonly context: CloudContext) {}

  /** @throws AwsError AccessDeniedException when the role cannot be assumed. */
  principalFor({ roleArn, name }: Pick<FunctionDefinition, "roleArn" | "name">): Principal {
    const { access, clock } = this.context;
    if (roleArn === this.roleArn && clock.now() < this.expiresAt - MARGIN_MS) return this.principal;
    const credentials = assumeRole(this.context, { roleArn, name });
    this.principal = access.find(credentials.accessKeyId)?.principal ?? anonymous;
    this.expiresAt = credentials.expiresAt ?? Infinity;
    this.roleArn = roleArn;
    return this.principal;
  }

  /** The next question assumes the role anew: a changed trust policy is noticed. */
  forget(): void {
    this.expiresAt = 0;
  }
}
