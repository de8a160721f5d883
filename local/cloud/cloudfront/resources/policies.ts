// What distributions refer to: origin access controls and policies.
import { InputReader, nameOf } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import { cacheRulesOf, originRequestRulesOf } from "../forwarding";
import { responseHeaderRulesOf } from "../response-headers";
import type { CloudFrontState } from "../state";

const notSimulated =
  "is not simulated by the local run; leave it out in stack dev, or add it in local/cloud/cloudfront";
const frameOptions = ["DENY", "SAMEORIGIN"];

/** Models of access controls and policies. */
export function policyModels(state: CloudFrontState): readonly ResourceModel[] {
  return [
    accessControlModel(state),
    responseHeadersModel(state),
    cachePolicyModel(state),
    originRequestModel(state),
    functionModel(),
  ];
}

function accessControlModel(state: CloudFrontState): ResourceModel {
  return {
    type: "aws:cloudfront/originAccessControl:OriginAccessControl",
    fidelity: "realised",
    summary: "CloudFront signs its requests to the origin; the bucket's policy is evaluated with aws:SourceArn.",
    check: (inputs) => {
      const reader = new InputReader(inputs);
      for (const name of ["originAccessControlOriginType", "signingBehavior", "signingProtocol"])
        reader.requiredText(name);
      reader.matching("name", /^.{1,64}$/, "1 to 64 characters");
      reader.choice("originAccessControlOriginType", ["s3", "lambda"]);
      reader.choice("signingBehavior", ["always", "never", "no-override"]);
      reader.choice("signingProtocol", ["sigv4"]);
      return reader.problems;
    },
    ...stored(state, state.accessControls, "origin-access-control", 64, (inputs, id) => ({
      id,
      originType: String(inputs.originAccessControlOriginType),
      signingBehavior: String(inputs.signingBehavior),
    })),
  };
}

function responseHeadersModel(state: CloudFrontState): ResourceModel {
  return {
    type: "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
    fidelity: "realised",
    summary: "Security, CORS, custom and removed headers. Server-Timing is refused.",
    check: (inputs) => {
      const reader = new InputReader(inputs);
      if (reader.has("serverTimingHeadersConfig")) reader.refuse("serverTimingHeadersConfig", notSimulated);
      const security = reader.nested("securityHeadersConfig");
      security?.nested("frameOptions")?.choice("frameOption", frameOptions);
      for (const header of reader.nested("customHeadersConfig")?.list("items") ?? []) {
        header.requiredText("header");
        header.matching("header", /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, "a header name");
      }
      const cors = reader.nested("corsConfig");
      const origins = cors?.nested("accessControlAllowOrigins")?.texts("items") ?? [];
      if (cors?.flag("accessControlAllowCredentials") && origins.includes("*")) {
        cors.refuse("accessControlAllowOrigins", "must name origins when accessControlAllowCredentials is true, got *");
      }
      const parts = ["securityHeadersConfig", "corsConfig", "customHeadersConfig", "removeHeadersConfig"];
      if (!parts.some((name) => reader.has(name)) && !reader.has("serverTimingHeadersConfig")) {
        reader.refuse("securityHeadersConfig", `one of ${parts.join(", ")} must be given`);
      }
      return reader.problems;
    },
    ...stored(state, state.responseHeadersPolicies, "response-headers-policy", 128, responseHeaderRulesOf),
  };
}

function cachePolicyModel(state: CloudFrontState): ResourceModel {
  return {
    type: "aws:cloudfront/cachePolicy:CachePolicy",
    fidelity: "realised",
    summary: "What the origin gets of a request, and which encodings are compressed. Nothing is cached locally.",
    check: (inputs) => {
      const reader = new InputReader(inputs);
      const parameters = reader.nested("parametersInCacheKeyAndForwardedToOrigin");
      if (!parameters) reader.refuse("parametersInCacheKeyAndForwardedToOrigin", "is required");
      parameters?.nested("headersConfig")?.choice("headerBehavior", ["none", "whitelist"]);
      parameters?.nested("cookiesConfig")?.choice("cookieBehavior", ["none", "whitelist", "allExcept", "all"]);
      parameters
        ?.nested("queryStringsConfig")
        ?.choice("queryStringBehavior", ["none", "whitelist", "allExcept", "all"]);
      const [minimum, fallback] = [reader.number("minTtl") ?? 0, reader.number("defaultTtl") ?? 86_400];
      const maximum = reader.number("maxTtl") ?? 31_536_000;
      if (minimum > fallback || fallback > maximum) {
        reader.refuse("defaultTtl", `must be between minTtl and maxTtl, got ${minimum}, ${fallback}, ${maximum}`);
      }
      return reader.problems;
    },
    ...stored(state, state.cachePolicies, "cache-policy", 128, (inputs) => {
      const parameters = new InputReader(inputs).map("parametersInCacheKeyAndForwardedToOrigin");
      return cacheRulesOf(parameters ?? {});
    }),
  };
}

function originRequestModel(state: CloudFrontState): ResourceModel {
  return {
    type: "aws:cloudfront/originRequestPolicy:OriginRequestPolicy",
    fidelity: "realised",
    summary: "What the origin gets of a request besides the cache key.",
    check: (inputs) => {
      const reader = new InputReader(inputs);
      const headers = ["none", "whitelist", "allViewer", "allViewerAndWhitelistCloudFront", "allExcept"];
      reader.nested("headersConfig")?.choice("headerBehavior", headers);
      reader.nested("cookiesConfig")?.choice("cookieBehavior", ["none", "whitelist", "allExcept", "all"]);
      reader.nested("queryStringsConfig")?.choice("queryStringBehavior", ["none", "whitelist", "allExcept", "all"]);
      return reader.problems;
    },
    ...stored(state, state.originRequestPolicies, "origin-request-policy", 128, originRequestRulesOf),
  };
}

function functionModel(): ResourceModel {
  return {
    type: "aws:cloudfront/function:Function",
    fidelity: "recorded",
    summary: "Not simulated: declaring one is refused.",
    check: () => [{ property: "code", reason: `CloudFront functions: ${notSimulated}` }],
    create: () => Promise.reject(new Error("CloudFront functions are not simulated")),
  };
}

/** Creates, updates and deletes an entry of one of the state's maps. */
function stored<T>(
  state: CloudFrontState,
  entries: Map<string, T>,
  kind: string,
  nameLimit: number,
  read: (inputs: PropertyMap, id: string) => T,
): Required<Pick<ResourceModel, "create" | "update" | "delete">> {
  const put = (id: string, inputs: PropertyMap, context: ResourceContext, old?: PropertyMap): RealisedResource => {
    entries.set(id, read(inputs, id));
    const name = nameOf(inputs, context, nameLimit, old);
    const arn = `arn:aws:cloudfront::${context.accountId}:${kind}/${id}`;
    return { id, outputs: { ...inputs, name, arn, etag: `E${state.context.uniqueId(13).toUpperCase()}` } };
  };
  return {
    create: async (inputs, context) => put(newId(state, kind), inputs, context),
    update: async (id, inputs, old, context) => put(id, inputs, context, old),
    delete: async (id) => {
      entries.delete(id);
    },
  };
}

function newId(state: CloudFrontState, kind: string): string {
  if (kind === "origin-access-control") return `E${state.context.uniqueId(13).toUpperCase()}`;
  const hex = Buffer.from(state.context.uniqueId(16)).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}
