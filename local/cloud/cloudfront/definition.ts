// A distribution as the data plane needs it, made of the declared inputs.
import { InputReader } from "../core/input-reader";
import type { PropertyMap } from "../core/resource-model";
import { forwardedValuesOf } from "./forwarding";
import type { CacheRules, ForwardingRules } from "./forwarding";
import type { ResponseHeaderRules } from "./response-headers";

/** Signs requests to an origin. */
export interface OriginAccessControl {
  readonly id: string;
  readonly originType: string;
  readonly signingBehavior: string;
}

/** Where content comes from. */
export interface Origin {
  readonly id: string;
  /** AWS's own host name, "bucket.s3.eu-west-1.amazonaws.com" say. */
  readonly domainName: string;
  /** Empty, or begins with "/" and does not end with it. */
  readonly path: string;
  readonly kind: "s3" | "custom";
  readonly customHeaders: Readonly<Record<string, string>>;
  readonly accessControl?: OriginAccessControl;
}

/** What happens to requests whose path fits. */
export interface Behavior {
  /** Undefined for the default behaviour. */
  readonly pathPattern?: string;
  readonly origin: Origin;
  readonly allowedMethods: readonly string[];
  readonly compress: boolean;
  readonly cache: CacheRules;
  readonly originRequest?: ForwardingRules;
  readonly responseHeaders?: ResponseHeaderRules;
}

/** What is shown instead of an origin's error. */
export interface CustomError {
  readonly errorCode: number;
  readonly responseCode?: number;
  readonly pagePath?: string;
}

/** A distribution. */
export interface Distribution {
  readonly id: string;
  readonly arn: string;
  readonly accountId: string;
  readonly defaultRootObject: string;
  /** In order of precedence; the default behaviour is last. */
  readonly behaviors: readonly Behavior[];
  readonly customErrors: readonly CustomError[];
}

/** Resolves what a distribution refers to. Each method throws when there is nothing with that id. */
export interface References {
  accessControl(id: string): OriginAccessControl;
  cachePolicy(id: string): CacheRules;
  originRequestPolicy(id: string): ForwardingRules;
  responseHeadersPolicy(id: string): ResponseHeaderRules;
}

/** Builds a distribution from checked inputs. */
export function defineDistribution(
  inputs: PropertyMap,
  identity: Pick<Distribution, "id" | "arn" | "accountId">,
  references: References,
): Distribution {
  const reader = new InputReader(inputs);
  const origins = new Map(
    reader
      .list("origins")
      .map((origin) => defineOrigin(origin, references))
      .map((origin) => [origin.id, origin]),
  );
  const ordered = reader.list("orderedCacheBehaviors");
  const fallback = reader.nested("defaultCacheBehavior");
  return {
    ...identity,
    defaultRootObject: reader.text("defaultRootObject") ?? "",
    behaviors: [...ordered, ...(fallback ? [fallback] : [])].map((behavior) =>
      defineBehavior(behavior, origins, references),
    ),
    customErrors: reader.list("customErrorResponses").map((error) => {
      const [code, page] = [error.number("responseCode"), error.text("responsePagePath")];
      return {
        errorCode: error.number("errorCode") ?? 0,
        ...(code ? { responseCode: code } : {}),
        ...(page ? { pagePath: page } : {}),
      };
    }),
  };
}

function defineOrigin(reader: InputReader, references: References): Origin {
  const accessControlId = reader.text("originAccessControlId");
  const domainName = reader.text("domainName") ?? "";
  const headers = reader
    .list("customHeaders")
    .map((header) => [header.text("name") ?? "", header.text("value") ?? ""] as const);
  return {
    id: reader.text("originId") ?? "",
    domainName,
    path: reader.text("originPath") ?? "",
    kind: reader.has("customOriginConfig") ? "custom" : "s3",
    customHeaders: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
    ...(accessControlId ? { accessControl: references.accessControl(accessControlId) } : {}),
  };
}

function defineBehavior(reader: InputReader, origins: ReadonlyMap<string, Origin>, references: References): Behavior {
  const origin = origins.get(reader.text("targetOriginId") ?? "");
  if (!origin) throw new Error("targetOriginId names no origin");
  const pattern = reader.text("pathPattern");
  const forwarded = reader.nested("forwardedValues");
  const originRequest = reader.text("originRequestPolicyId");
  const responseHeaders = reader.text("responseHeadersPolicyId");
  return {
    ...(pattern === undefined ? {} : { pathPattern: pattern }),
    origin,
    allowedMethods: reader.texts("allowedMethods"),
    compress: reader.flag("compress") ?? false,
    cache: forwarded ? forwardedValuesOf(forwarded) : references.cachePolicy(reader.text("cachePolicyId") ?? ""),
    ...(originRequest ? { originRequest: references.originRequestPolicy(originRequest) } : {}),
    ...(responseHeaders ? { responseHeaders: references.responseHeadersPolicy(responseHeaders) } : {}),
  };
}

/** Whether a path fits a pattern: "*" is any text, "?" any one character, case counts, a leading slash is optional. */
export function matchesPath(pattern: string, path: string): boolean {
  const absolute = pattern.startsWith("/") || pattern.startsWith("*") ? pattern : `/${pattern}`;
  const source = absolute
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s").test(path);
}
