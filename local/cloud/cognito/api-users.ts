// cognito-idp operations on users. Admin operations ask IAM; the others ask the access token.
import { AwsError } from "../core/errors";
import { objectsOf, requiredText, textOf } from "../core/json-api";
import type { JsonObject, JsonOperation } from "../core/json-api";
import type { GatewayCall } from "../core/service";
import type { Pool, PoolUser } from "./pool";
import type { CognitoState } from "./state";
import { verifyToken } from "./tokens";
import { createUser, requireUser, setPassword } from "./users";

const invalid = "InvalidParameterException";
const pageSize = 60;

/** Operations on users. */
export function userOperations(state: CognitoState): Readonly<Record<string, JsonOperation>> {
  return {
    AdminCreateUser: (input, call) => adminCreateUser(state, input, call),
    AdminSetUserPassword: (input, call) => {
      const { pool, user } = adminUser(state, input, call, "AdminSetUserPassword");
      setPassword(state.context.clock, pool, user, requiredText(input, "Password", invalid), input.Permanent === true);
      return {};
    },
    AdminGetUser: (input, call) => {
      const { user } = adminUser(state, input, call, "AdminGetUser");
      return { ...describeUser(user), Attributes: undefined, UserAttributes: attributesOf(user) };
    },
    AdminDeleteUser: (input, call) => {
      const { pool, user } = adminUser(state, input, call, "AdminDeleteUser");
      pool.users.delete(user.sub);
      return {};
    },
    AdminDisableUser: (input, call) => {
      adminUser(state, input, call, "AdminDisableUser").user.enabled = false;
      return {};
    },
    AdminEnableUser: (input, call) => {
      adminUser(state, input, call, "AdminEnableUser").user.enabled = true;
      return {};
    },
    AdminAddUserToGroup: (input, call) => {
      const { pool, user } = adminUser(state, input, call, "AdminAddUserToGroup");
      const group = requiredText(input, "GroupName", invalid);
      if (!pool.groups.has(group)) throw new AwsError("ResourceNotFoundException", "Group not found.");
      user.groups.add(group);
      return {};
    },
    AdminUserGlobalSignOut: (input, call) => {
      const { pool, user } = adminUser(state, input, call, "AdminUserGlobalSignOut");
      state.refreshTokens.revokeUser(pool, user.sub);
      return {};
    },
    ListUsers: (input, call) => listUsers(authorizedPool(state, input, call, "ListUsers"), input),
    GetUser: async (input) => {
      const { user } = await tokenUser(state, input);
      return { Username: user.username, UserAttributes: attributesOf(user) };
    },
    GlobalSignOut: async (input) => {
      const { pool, user } = await tokenUser(state, input);
      state.refreshTokens.revokeUser(pool, user.sub);
      return {};
    },
  };
}

/** The pool that `UserPoolId` names, after IAM has allowed the operation on it. */
export function authorizedPool(state: CognitoState, input: JsonObject, call: GatewayCall, operation: string): Pool {
  const id = requiredText(input, "UserPoolId", invalid);
  const pool = state.store.pools.get(id);
  const accountId = pool?.accountId ?? call.principal.accountId;
  const resource = pool?.arn ?? `arn:aws:cognito-idp:${call.region}:${accountId}:userpool/${id}`;
  call.describe({ resource });
  call.authorize({ action: `cognito-idp:${operation}`, resource, resourceAccountId: accountId });
  if (!pool) throw new AwsError("ResourceNotFoundException", `User pool ${id} does not exist.`);
  return pool;
}

function adminUser(
  state: CognitoState,
  input: JsonObject,
  call: GatewayCall,
  operation: string,
): { pool: Pool; user: PoolUser } {
  const pool = authorizedPool(state, input, call, operation);
  return { pool, user: requireUser(pool, requiredText(input, "Username", invalid)) };
}

function adminCreateUser(state: CognitoState, input: JsonObject, call: GatewayCall): JsonObject {
  const pool = authorizedPool(state, input, call, "AdminCreateUser");
  const attributes: Record<string, string> = {};
  for (const attribute of objectsOf(input, "UserAttributes")) {
    attributes[requiredText(attribute, "Name", invalid)] = textOf(attribute, "Value") ?? "";
  }
  const password = textOf(input, "TemporaryPassword");
  const user = createUser(state.context.clock, pool, {
    username: requiredText(input, "Username", invalid),
    attributes,
    ...(password === undefined ? {} : { password }),
  });
  return { User: describeUser(user) };
}

function listUsers(pool: Pool, input: JsonObject): JsonObject {
  const filter = textOf(input, "Filter");
  const match = /^\s*([\w:"-]+)\s*(=|\^=)\s*"([^"]*)"\s*$/.exec(filter ?? "");
  if (filter && !match) throw new AwsError(invalid, `Error while parsing filter: ${filter}`);
  const [, name = "", operator = "=", wanted = ""] = match ?? [];
  const fits = (user: PoolUser): boolean => {
    if (!match) return true;
    const key = name.replaceAll('"', "");
    const value = key === "username" ? user.username : key === "sub" ? user.sub : (user.attributes[key] ?? "");
    return operator === "=" ? value === wanted : value.startsWith(wanted);
  };
  const limit = typeof input.Limit === "number" ? Math.min(input.Limit, pageSize) : pageSize;
  const start = Number(textOf(input, "PaginationToken") ?? 0);
  const users = [...pool.users.values()].filter(fits);
  const next = start + limit;
  return {
    Users: users.slice(start, next).map(describeUser),
    ...(next < users.length ? { PaginationToken: String(next) } : {}),
  };
}

async function tokenUser(state: CognitoState, input: JsonObject): Promise<{ pool: Pool; user: PoolUser }> {
  const token = requiredText(input, "AccessToken", invalid);
  for (const pool of state.store.pools.values()) {
    const claims = await verifyToken(state.context.clock, pool, token).catch(() => undefined);
    const user = claims?.token_use === "access" ? pool.users.get(String(claims.sub)) : undefined;
    if (user) return { pool, user };
  }
  throw new AwsError("NotAuthorizedException", "Invalid Access Token");
}

function describeUser(user: PoolUser): JsonObject {
  return {
    Username: user.username,
    Attributes: attributesOf(user),
    UserCreateDate: user.createdAt / 1000,
    UserLastModifiedDate: user.modifiedAt / 1000,
    Enabled: user.enabled,
    UserStatus: user.status,
  };
}

function attributesOf(user: PoolUser): readonly JsonObject[] {
  const all = { sub: user.sub, ...user.attributes };
  return Object.entries(all).map(([Name, Value]) => ({ Name, Value }));
}
