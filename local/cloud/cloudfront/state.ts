// What a run knows of CloudFront: policies, access controls, distributions.
import { AwsError } from "../core/errors";
import type { CloudContext, Listener } from "../core/service";
import type { Distribution, OriginAccessControl, References } from "./definition";
import { managedCachePolicies, managedOriginRequestPolicies } from "./forwarding";
import type { CacheRules, ForwardingRules } from "./forwarding";
import { managedResponseHeadersPolicies } from "./response-headers";
import type { ResponseHeaderRules } from "./response-headers";

/** A distribution that answers. */
export interface RunningDistribution {
  definition: Distribution;
  readonly domainName: string;
  listener: Listener | undefined;
  withdraw: () => void;
}

/** State of the service. */
export class CloudFrontState implements References {
  readonly accessControls = new Map<string, OriginAccessControl>();
  readonly cachePolicies = new Map<string, CacheRules>(managedCachePolicies);
  readonly originRequestPolicies = new Map<string, ForwardingRules>(managedOriginRequestPolicies);
  readonly responseHeadersPolicies = new Map<string, ResponseHeaderRules>(managedResponseHeadersPolicies);
  readonly distributions = new Map<string, RunningDistribution>();

  constructor(readonly context: CloudContext) {}

  accessControl(id: string): OriginAccessControl {
    return lookUp(this.accessControls, id, "NoSuchOriginAccessControl", "origin access control");
  }

  cachePolicy(id: string): CacheRules {
    return lookUp(this.cachePolicies, id, "NoSuchCachePolicy", "cache policy");
  }

  originRequestPolicy(id: string): ForwardingRules {
    return lookUp(this.originRequestPolicies, id, "NoSuchOriginRequestPolicy", "origin request policy");
  }

  responseHeadersPolicy(id: string): ResponseHeaderRules {
    return lookUp(this.responseHeadersPolicies, id, "NoSuchResponseHeadersPolicy", "response headers policy");
  }
}

function lookUp<T>(map: ReadonlyMap<string, T>, id: string, code: string, kind: string): T {
  const found = map.get(id);
  if (found === undefined) throw new AwsError(code, `The specified ${kind} does not exist: ${id}`, 404);
  return found;
}
