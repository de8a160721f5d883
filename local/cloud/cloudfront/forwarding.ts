// What CloudFront forwards to an origin: cache policies and origin request policies, AWS's managed ones included.
import { InputReader } from "../core/input-reader";
import type { PropertyMap } from "../core/resource-model";

/** Which headers, cookies or query parameters pass. Names in lower case for headers. */
export type Selection =
  | { readonly kind: "none" }
  | { readonly kind: "all" }
  | { readonly kind: "only"; readonly names: readonly string[] }
  | { readonly kind: "except"; readonly names: readonly string[] };

/** What a policy lets pass to the origin. */
export interface ForwardingRules {
  readonly headers: Selection;
  readonly cookies: Selection;
  readonly query: Selection;
}

/** A cache policy. Nothing is cached locally, so its lifetimes have no effect. */
export interface CacheRules extends ForwardingRules {
  readonly gzip: boolean;
  readonly brotli: boolean;
}

const none: Selection = { kind: "none" };
const all: Selection = { kind: "all" };
const only = (...names: readonly string[]): Selection => ({ kind: "only", names });
const nothing: ForwardingRules = { headers: none, cookies: none, query: none };
const corsHeaders = only("origin", "access-control-request-headers", "access-control-request-method");

/** AWS's managed cache policies, by id. Their ids are the same in every account. */
export const managedCachePolicies: ReadonlyMap<string, CacheRules> = new Map([
  ["658327ea-f89d-4fab-a63d-7e88639e58f6", { ...nothing, gzip: true, brotli: true }], // CachingOptimized
  ["b2884449-e4de-46a7-ac36-70bc7f1ddd6d", { ...nothing, gzip: false, brotli: false }], // …ForUncompressedObjects
  ["4135ea2d-6df8-44a3-9df3-4b5a84be39ad", { ...nothing, gzip: false, brotli: false }], // CachingDisabled
  [
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65", // UseOriginCacheControlHeaders
    {
      headers: only("host", "origin", "x-http-method-override", "x-http-method", "x-method-override"),
      cookies: all,
      query: none,
      gzip: true,
      brotli: true,
    },
  ],
  [
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe", // UseOriginCacheControlHeaders-QueryStrings
    {
      headers: only("host", "origin", "x-http-method-override", "x-http-method", "x-method-override"),
      cookies: all,
      query: all,
      gzip: true,
      brotli: true,
    },
  ],
]);

/** AWS's managed origin request policies, by id. */
export const managedOriginRequestPolicies: ReadonlyMap<string, ForwardingRules> = new Map([
  ["216adef6-5c7f-47e4-b989-5492eafa07d3", { headers: all, cookies: all, query: all }], // AllViewer
  ["33f36d7e-f396-46d9-90e0-52428a34d9dc", { headers: all, cookies: all, query: all }], // …AndCloudFrontHeaders-2022-06
  [
    "b689b0a8-53d0-40ab-baf2-68738e2966ac", // AllViewerExceptHostHeader
    { headers: { kind: "except", names: ["host"] }, cookies: all, query: all },
  ],
  ["88a5eaf4-2fd4-4709-b370-b4c650ea3fcf", { ...nothing, headers: corsHeaders }], // CORS-S3Origin
  ["59781a5b-3903-41f3-afcb-af62929ccde1", { ...nothing, headers: only("origin") }], // CORS-CustomOrigin
  ["acba4595-bd28-49b8-b9fe-13317c0390fa", { ...nothing, headers: only("user-agent", "referer") }], // UserAgentRefererHeaders
]);

/** Whether a name passes. */
export function selects(selection: Selection, name: string): boolean {
  switch (selection.kind) {
    case "none":
      return false;
    case "all":
      return true;
    case "only":
      return selection.names.includes(name);
    case "except":
      return !selection.names.includes(name);
  }
}

/** Rules of a declared cache policy (`parametersInCacheKeyAndForwardedToOrigin`). */
export function cacheRulesOf(parameters: PropertyMap): CacheRules {
  const reader = new InputReader(parameters);
  return {
    headers: selection(reader.nested("headersConfig"), "headerBehavior", "headers", true),
    cookies: selection(reader.nested("cookiesConfig"), "cookieBehavior", "cookies", false),
    query: selection(reader.nested("queryStringsConfig"), "queryStringBehavior", "queryStrings", false),
    gzip: reader.flag("enableAcceptEncodingGzip") ?? false,
    brotli: reader.flag("enableAcceptEncodingBrotli") ?? false,
  };
}

/** Rules of a declared origin request policy. */
export function originRequestRulesOf(inputs: PropertyMap): ForwardingRules {
  const { headers, cookies, query } = cacheRulesOf(inputs);
  return { headers, cookies, query };
}

/** Rules of the older `forwardedValues` of a behaviour. */
export function forwardedValuesOf(values: InputReader): CacheRules {
  const headers = values.texts("headers").map((name) => name.toLowerCase());
  const cookies = values.nested("cookies");
  const names = cookies?.texts("whitelistedNames") ?? [];
  const forward = cookies?.text("forward");
  return {
    headers: headers.includes("*") ? all : headers.length > 0 ? only(...headers) : none,
    cookies: forward === "all" ? all : forward === "whitelist" ? only(...names) : none,
    query: values.flag("queryString") ? all : none,
    gzip: true,
    brotli: false,
  };
}

function selection(reader: InputReader | undefined, behaviour: string, list: string, lowerCase: boolean): Selection {
  const items = reader?.nested(list)?.texts("items") ?? [];
  const names = lowerCase ? items.map((name) => name.toLowerCase()) : items;
  switch (reader?.text(behaviour)) {
    case "whitelist":
      return { kind: "only", names };
    case "all":
    case "allViewer":
    case "allViewerAndWhitelistCloudFront":
      return all;
    case "allExcept":
      return { kind: "except", names };
    default:
      return none;
  }
}
