// What a pool contains besides clients: resource servers, groups, users, and the look of the sign-in page.
import { InputReader } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceModel } from "../../core/resource-model";
import type { PoolGroup } from "../pool";
import type { CognitoState } from "../state";
import { createUser, requireUser } from "../users";

/** Models of the contents of a pool. */
export function directoryModels(state: CognitoState): readonly ResourceModel[] {
  return [resourceServerModel(state), userGroupModel(state), userModel(state), brandingModel(state)];
}

function resourceServerModel(state: CognitoState): ResourceModel {
  const apply = async (inputs: PropertyMap): Promise<RealisedResource> => {
    const pool = state.pool(text(inputs, "userPoolId"));
    const identifier = text(inputs, "identifier");
    const scopes = new InputReader(inputs)
      .list("scopes")
      .map((scope) => `${identifier}/${scope.text("scopeName") ?? ""}`);
    pool.customScopes.set(identifier, scopes);
    return { id: `${pool.id}|${identifier}`, outputs: { ...inputs, region: pool.region, scopeIdentifiers: scopes } };
  };
  return {
    type: "aws:cognito/resourceServer:ResourceServer",
    fidelity: "realised",
    summary: "Custom scopes, which clients may be allowed and access tokens then carry.",
    check: (inputs) => {
      const reader = new InputReader(inputs);
      reader.requiredText("userPoolId");
      reader.requiredText("name");
      reader.requiredText("identifier");
      reader.matching(
        "identifier",
        /^[\x21\x23-\x5B\x5D-\x7E]{1,256}$/,
        "1 to 256 printable characters without spaces",
      );
      for (const scope of reader.list("scopes")) {
        scope.requiredText("scopeName");
        scope.requiredText("scopeDescription");
        scope.matching(
          "scopeName",
          /^[\x21\x23-\x2E\x30-\x5B\x5D-\x7E]{1,256}$/,
          "1 to 256 characters without spaces and /",
        );
      }
      return reader.problems;
    },
    create: apply,
    update: (_, inputs) => apply(inputs),
    delete: async (_, outputs) => {
      state.store.pools.get(text(outputs, "userPoolId"))?.customScopes.delete(text(outputs, "identifier"));
    },
  };
}

function userGroupModel(state: CognitoState): ResourceModel {
  return {
    type: "aws:cognito/userGroup:UserGroup",
    fidelity: "realised",
    summary: "A group; its members' tokens carry it in cognito:groups.",
    check: (inputs) => {
      const reader = new InputReader(inputs);
      reader.requiredText("userPoolId");
      reader.integer("precedence", 0, 2 ** 31 - 1);
      return reader.problems;
    },
    create: async (inputs, context) => {
      const pool = state.pool(text(inputs, "userPoolId"));
      const reader = new InputReader(inputs);
      const [description, precedence, roleArn] = [
        reader.text("description"),
        reader.number("precedence"),
        reader.text("roleArn"),
      ];
      const group: PoolGroup = {
        name: reader.text("name") ?? context.autoname(128),
        ...(description === undefined ? {} : { description }),
        ...(precedence === undefined ? {} : { precedence }),
        ...(roleArn === undefined ? {} : { roleArn }),
      };
      pool.groups.set(group.name, group);
      return { id: `${pool.id}/${group.name}`, outputs: { ...inputs, region: pool.region, name: group.name } };
    },
    delete: async (_, outputs) => {
      const pool = state.store.pools.get(text(outputs, "userPoolId"));
      const name = text(outputs, "name");
      pool?.groups.delete(name);
      for (const user of pool?.users.values() ?? []) user.groups.delete(name);
    },
  };
}

function userModel(state: CognitoState): ResourceModel {
  return {
    type: "aws:cognito/user:User",
    fidelity: "realised",
    summary: "A user of the pool. Invitations are not sent.",
    check: (inputs) => {
      const reader = new InputReader(inputs);
      reader.requiredText("userPoolId");
      reader.requiredText("username");
      reader.textMap("attributes");
      if (reader.has("password") && reader.has("temporaryPassword")) {
        reader.refuse("temporaryPassword", "excludes password; set one of them");
      }
      return reader.problems;
    },
    create: async (inputs) => {
      const pool = state.pool(text(inputs, "userPoolId"));
      const reader = new InputReader(inputs);
      const password = reader.text("password") ?? reader.text("temporaryPassword");
      const user = createUser(state.context.clock, pool, {
        username: text(inputs, "username"),
        attributes: reader.textMap("attributes"),
        ...(password === undefined ? {} : { password }),
        permanent: reader.has("password"),
      });
      user.enabled = reader.flag("enabled") ?? true;
      const at = new Date(user.createdAt).toISOString();
      return {
        id: `${pool.id}/${text(inputs, "username")}`,
        outputs: {
          ...inputs,
          region: pool.region,
          sub: user.sub,
          status: user.status,
          creationDate: at,
          lastModifiedDate: at,
        },
      };
    },
    delete: async (_, outputs) => {
      const pool = state.store.pools.get(text(outputs, "userPoolId"));
      if (pool) pool.users.delete(requireUser(pool, text(outputs, "username")).sub);
    },
  };
}

function brandingModel(state: CognitoState): ResourceModel {
  return {
    type: "aws:cognito/managedLoginBranding:ManagedLoginBranding",
    fidelity: "recorded",
    summary: "The look of AWS's sign-in page; the local page has its own.",
    check: (inputs) => {
      const reader = new InputReader(inputs);
      reader.requiredText("userPoolId");
      reader.requiredText("clientId");
      if (reader.has("settings") === (reader.flag("useCognitoProvidedValues") ?? false)) {
        reader.refuse("settings", "exactly one of settings and useCognitoProvidedValues: true must be given");
      }
      return reader.problems;
    },
    create: async (inputs) => {
      const pool = state.pool(text(inputs, "userPoolId"));
      const brandingId = state.context.uniqueId(32);
      const settings = inputs.settings ?? "{}";
      const outputs = { ...inputs, region: pool.region, managedLoginBrandingId: brandingId, settingsAll: settings };
      return { id: `${pool.id},${brandingId}`, outputs };
    },
  };
}

function text(map: PropertyMap, name: string): string {
  return String(map[name]);
}
