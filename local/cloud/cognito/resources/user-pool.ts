// aws:cognito/userPool:UserPool
import { AwsError } from "../../core/errors";
import type { InputProblem } from "../../core/errors";
import { InputReader, nameOf, regionOf, tagOutputs } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import { openIssuer } from "../issuer";
import { defaultPasswordPolicy, randomPassword } from "../passwords";
import type { PasswordPolicy } from "../passwords";
import type { Pool } from "../pool";
import type { CognitoState } from "../state";
import { newSigningKey } from "../tokens";
import { createUser } from "../users";

const file = "local/cloud/cognito/resources/user-pool.ts";
const attributeTypes = ["String", "Number", "DateTime", "Boolean"];

/** Model of user pools. */
export function userPoolModel(state: CognitoState): ResourceModel {
  return {
    type: "aws:cognito/userPool:UserPool",
    fidelity: "realised",
    summary:
      "Users, passwords by policy, groups and tokens. MFA, mail, text messages, threat protection and Lambda triggers have no " +
      "local effect or are refused. One demo user is created per pool.",
    check,
    create: (inputs, context) => create(state, inputs, context),
    update: async (id, inputs, old, context) => update(state, id, inputs, old, context),
    delete: async (id) => {
      const pool = state.pool(id);
      if (pool.deletionProtection) {
        const reason = "The user pool cannot be deleted because deletion protection is activated. Deactivate it first.";
        throw new AwsError("InvalidParameterException", reason);
      }
      state.store.pools.delete(id);
      state.demoUsers.delete(id);
      state.context.hosts.remove(`${pool.issuer}/.well-known`);
    },
  };
}

function check(inputs: PropertyMap): readonly InputProblem[] {
  const reader = new InputReader(inputs);
  reader.matching("name", /^[\w\s+=,.@-]{1,128}$/, "1 to 128 letters, digits, spaces or any of _+=,.@-");
  reader.choice("deletionProtection", ["ACTIVE", "INACTIVE"]);
  reader.choice("userPoolTier", ["LITE", "ESSENTIALS", "PLUS"]);
  if (reader.choice("mfaConfiguration", ["OFF", "OPTIONAL", "ON"]) === "ON") {
    reader.refuse(
      "mfaConfiguration",
      `ON is not simulated by the local run; use OPTIONAL in stack dev, or add it in ${file}`,
    );
  }
  if (reader.has("lambdaConfig")) {
    reader.refuse("lambdaConfig", `triggers are not simulated by the local run; add them in ${file}`);
  }
  checkSignIn(reader);
  checkPasswordPolicy(reader.nested("passwordPolicy"));
  for (const schema of reader.list("schemas")) {
    schema.requiredText("name");
    schema.matching("name", /^.{1,20}$/u, "at most 20 characters");
    schema.requiredText("attributeDataType");
    schema.choice("attributeDataType", attributeTypes);
  }
  const mode = reader.nested("userPoolAddOns")?.choice("advancedSecurityMode", ["OFF", "AUDIT", "ENFORCED"]);
  if ((mode === "AUDIT" || mode === "ENFORCED") && inputs.userPoolTier !== "PLUS") {
    reader.refuse("userPoolAddOns.advancedSecurityMode", `${mode} needs userPoolTier PLUS`);
  }
  return reader.problems;
}

function checkSignIn(reader: InputReader): void {
  const username = reader.texts("usernameAttributes");
  const alias = reader.texts("aliasAttributes");
  const verified = reader.texts("autoVerifiedAttributes");
  if (username.length > 0 && alias.length > 0)
    reader.refuse("aliasAttributes", "excludes usernameAttributes; set one of them");
  const rules: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["usernameAttributes", username, ["email", "phone_number"]],
    ["aliasAttributes", alias, ["email", "phone_number", "preferred_username"]],
    ["autoVerifiedAttributes", verified, ["email", "phone_number"]],
  ];
  for (const [name, values, allowed] of rules) {
    const wrong = values.filter((value) => !allowed.includes(value));
    if (wrong.length > 0) reader.refuse(name, `must hold only ${allowed.join(", ")}, got ${wrong.join(", ")}`);
  }
}

function checkPasswordPolicy(policy: InputReader | undefined): void {
  policy?.integer("minimumLength", 6, 99);
  policy?.integer("temporaryPasswordValidityDays", 0, 365);
  policy?.integer("passwordHistorySize", 0, 24);
  for (const name of ["requireLowercase", "requireUppercase", "requireNumbers", "requireSymbols"]) policy?.flag(name);
}

async function create(state: CognitoState, inputs: PropertyMap, context: ResourceContext): Promise<RealisedResource> {
  const region = regionOf(inputs, context);
  const id = `${region}_${state.context.uniqueId(9)}`;
  const reader = new InputReader(inputs);
  const pool: Pool = {
    id,
    arn: `arn:aws:cognito-idp:${region}:${context.accountId}:userpool/${id}`,
    accountId: context.accountId,
    region,
    issuer: `https://cognito-idp.${region}.amazonaws.com/${id}`,
    key: newSigningKey(),
    name: nameOf(inputs, context, 128),
    deletionProtection: inputs.deletionProtection === "ACTIVE",
    passwordPolicy: passwordPolicy(reader),
    usernameAttributes: reader.texts("usernameAttributes"),
    aliasAttributes: reader.texts("aliasAttributes"),
    caseSensitive: reader.nested("usernameConfiguration")?.flag("caseSensitive") ?? false,
    createdAt: state.context.clock.now(),
    clients: new Map(),
    users: new Map(),
    groups: new Map(),
    customScopes: new Map(),
  };
  state.store.pools.set(id, pool);
  await openIssuer(state, pool);
  addDemoUser(state, pool);
  return { id, outputs: outputs(state, pool, inputs, context) };
}

function update(
  state: CognitoState,
  id: string,
  inputs: PropertyMap,
  old: PropertyMap,
  context: ResourceContext,
): RealisedResource {
  const pool = state.pool(id);
  const fixed = ["usernameAttributes", "aliasAttributes", "usernameConfiguration"] as const;
  const changed = fixed.find((name) => JSON.stringify(inputs[name]) !== JSON.stringify(old[name]));
  if (changed)
    throw new AwsError("InvalidParameterException", `${changed} cannot be changed; the pool must be replaced`);
  pool.name = nameOf(inputs, context, 128, old);
  pool.deletionProtection = inputs.deletionProtection === "ACTIVE";
  pool.passwordPolicy = passwordPolicy(new InputReader(inputs));
  return { id, outputs: outputs(state, pool, inputs, context) };
}

/** A declared policy requires what it says; without one, Cognito's own applies. */
function passwordPolicy(reader: InputReader): PasswordPolicy {
  const policy = reader.nested("passwordPolicy");
  if (!policy) return defaultPasswordPolicy;
  return {
    minimumLength: policy.number("minimumLength") ?? defaultPasswordPolicy.minimumLength,
    requireLowercase: policy.flag("requireLowercase") ?? false,
    requireUppercase: policy.flag("requireUppercase") ?? false,
    requireNumbers: policy.flag("requireNumbers") ?? false,
    requireSymbols: policy.flag("requireSymbols") ?? false,
  };
}

function addDemoUser(state: CognitoState, pool: Pool): void {
  const email = "demo@example.com";
  const username = pool.aliasAttributes.includes("email") ? "demo" : email;
  const password = randomPassword(pool.passwordPolicy);
  const attributes = { email, email_verified: "true" };
  createUser(state.context.clock, pool, { username, attributes, password, permanent: true });
  state.demoUsers.set(pool.id, { userPoolId: pool.id, username, password });
}

function outputs(state: CognitoState, pool: Pool, inputs: PropertyMap, context: ResourceContext): PropertyMap {
  const host = pool.issuer.slice("https://".length);
  return {
    mfaConfiguration: "OFF",
    userPoolTier: "ESSENTIALS",
    deletionProtection: "INACTIVE",
    ...inputs,
    ...tagOutputs(inputs, context),
    region: pool.region,
    name: pool.name,
    arn: pool.arn,
    endpoint: host,
    domain: pool.domain ?? "",
    customDomain: "",
    creationDate: new Date(pool.createdAt).toISOString(),
    lastModifiedDate: new Date(state.context.clock.now()).toISOString(),
    estimatedNumberOfUsers: pool.users.size,
  };
}
