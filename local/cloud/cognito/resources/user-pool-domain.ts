// aws:cognito/userPoolDomain:UserPoolDomain
import { AwsError } from "../../core/errors";
import type { InputProblem } from "../../core/errors";
import { InputReader } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import { createDomainHandler } from "../domain";
import type { CognitoState } from "../state";

/** Model of user pool domains. */
export function userPoolDomainModel(state: CognitoState): ResourceModel {
  return {
    type: "aws:cognito/userPoolDomain:UserPoolDomain",
    fidelity: "realised",
    summary:
      "The sign-in page and the OAuth 2.0 endpoints, on a listener of their own. Custom domains are not simulated.",
    check,
    create: (inputs, context) => create(state, inputs, context),
    delete: async (id, outputs) => {
      const pool = state.store.pools.get(String(outputs.userPoolId));
      if (pool) delete pool.domain;
      const open = state.domains.get(id);
      state.domains.delete(id);
      open?.withdraw();
      await open?.listener.close();
    },
  };
}

function check(inputs: PropertyMap): readonly InputProblem[] {
  const reader = new InputReader(inputs);
  reader.requiredText("userPoolId");
  reader.requiredText("domain");
  if (reader.has("certificateArn") || reader.text("domain")?.includes(".")) {
    const property = reader.has("certificateArn") ? "certificateArn" : "domain";
    reader.refuse(property, "custom domains are not simulated by the local run; use a domain prefix in stack dev");
    return reader.problems;
  }
  reader.matching(
    "domain",
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    "1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end",
  );
  const reserved = /aws|amazon|cognito/.exec(reader.text("domain") ?? "");
  if (reserved) reader.refuse("domain", `must not contain the reserved word ${reserved[0]}`);
  reader.integer("managedLoginVersion", 1, 2);
  return reader.problems;
}

async function create(state: CognitoState, inputs: PropertyMap, context: ResourceContext): Promise<RealisedResource> {
  const domain = String(inputs.domain);
  const pool = state.pool(String(inputs.userPoolId));
  if (state.domains.has(domain)) {
    throw new AwsError("InvalidParameterException", "Domain already associated with another user pool.");
  }
  if (pool.domain !== undefined)
    throw new AwsError("InvalidParameterException", "User pool already has a domain configured.");
  pool.domain = domain;
  const listener = await state.context.listen(createDomainHandler(state.context, pool, state.refreshTokens), "sign-in");
  const awsUrl = `https://${domain}.auth.${pool.region}.amazoncognito.com`;
  state.context.hosts.add(awsUrl, listener.origin);
  const hide = state.context.announce({ label: "Sign-in", url: listener.origin, urn: context.urn });
  const withdraw = (): void => {
    hide();
    state.context.hosts.remove(awsUrl);
  };
  state.domains.set(domain, { listener, withdraw });
  return {
    id: domain,
    outputs: {
      managedLoginVersion: 1,
      ...inputs,
      region: pool.region,
      awsAccountId: pool.accountId,
      cloudfrontDistribution: `d${state.context.uniqueId(13)}.cloudfront.net`,
      cloudfrontDistributionArn: `d${state.context.uniqueId(13)}.cloudfront.net`,
      cloudfrontDistributionZoneId: "Z2FDTNDATAQYW2",
      s3Bucket: `aws-cognito-prod-${pool.region}-assets`,
      version: "1",
    },
  };
}
