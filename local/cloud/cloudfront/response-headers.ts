// Response headers policies: security headers, CORS, custom and removed headers; AWS's managed ones included.
import { InputReader } from "../core/input-reader";
import type { PropertyMap } from "../core/resource-model";

/** A header that CloudFront adds. */
export interface AddedHeader {
  readonly name: string;
  readonly value: string;
  /** Replaces the origin's; otherwise the origin's stays. */
  readonly override: boolean;
}

/** CORS headers that CloudFront adds to answers for cross-origin requests. */
export interface CorsRules {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposed: readonly string[];
  readonly credentials: boolean;
  /** Seconds. */
  readonly maxAge: number | undefined;
  readonly override: boolean;
}

/** A response headers policy. */
export interface ResponseHeaderRules {
  readonly added: readonly AddedHeader[];
  /** Lower case. */
  readonly removed: readonly string[];
  readonly cors?: CorsRules;
}

const securityHeaders: readonly AddedHeader[] = [
  { name: "referrer-policy", value: "strict-origin-when-cross-origin", override: false },
  { name: "strict-transport-security", value: "max-age=31536000", override: false },
  { name: "x-content-type-options", value: "nosniff", override: true },
  { name: "x-frame-options", value: "SAMEORIGIN", override: false },
  { name: "x-xss-protection", value: "1; mode=block", override: false },
];
const simpleCors: CorsRules = {
  origins: ["*"],
  methods: [],
  headers: [],
  exposed: [],
  credentials: false,
  maxAge: undefined,
  override: false,
};
const preflightCors: CorsRules = {
  ...simpleCors,
  methods: ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
  exposed: ["*"],
};

/** AWS's managed response headers policies, by id. */
export const managedResponseHeadersPolicies: ReadonlyMap<string, ResponseHeaderRules> = new Map<
  string,
  ResponseHeaderRules
>([
  ["67f7725c-6f97-4210-82d7-5512b31e9d03", { added: securityHeaders, removed: [] }],
  ["60669652-455b-4ae9-85a4-c4c02393f86c", { added: [], removed: [], cors: simpleCors }],
  ["5cc3b908-e619-4b99-88e5-2cf7f45965bd", { added: [], removed: [], cors: preflightCors }],
  ["e61eb60c-9c35-4d20-a928-2b84e02af89c", { added: securityHeaders, removed: [], cors: simpleCors }],
  ["eaab4381-ed33-4a86-88ca-d9558dc6cd63", { added: securityHeaders, removed: [], cors: preflightCors }],
]);

/** Rules of a declared policy. */
export function responseHeaderRulesOf(inputs: PropertyMap): ResponseHeaderRules {
  const reader = new InputReader(inputs);
  const custom = (reader.nested("customHeadersConfig")?.list("items") ?? []).map((item) => ({
    name: (item.text("header") ?? "").toLowerCase(),
    value: item.text("value") ?? "",
    override: item.flag("override") ?? false,
  }));
  const removed = (reader.nested("removeHeadersConfig")?.list("items") ?? []).map((item) => item.text("header") ?? "");
  const cors = reader.nested("corsConfig");
  return {
    added: [...securityHeadersOf(reader.nested("securityHeadersConfig")), ...custom],
    removed: removed.map((name) => name.toLowerCase()),
    ...(cors ? { cors: corsRulesOf(cors) } : {}),
  };
}

function securityHeadersOf(config: InputReader | undefined): readonly AddedHeader[] {
  const headers: AddedHeader[] = [];
  const add = (name: string, part: InputReader | undefined, value: string | undefined): void => {
    if (part && value !== undefined) headers.push({ name, value, override: part.flag("override") ?? false });
  };
  const transport = config?.nested("strictTransportSecurity");
  const flags = [
    `max-age=${transport?.number("accessControlMaxAgeSec") ?? 0}`,
    ...(transport?.flag("includeSubdomains") ? ["includeSubDomains"] : []),
    ...(transport?.flag("preload") ? ["preload"] : []),
  ];
  add("strict-transport-security", transport, flags.join("; "));
  const content = config?.nested("contentSecurityPolicy");
  add("content-security-policy", content, content?.text("contentSecurityPolicy"));
  add("x-content-type-options", config?.nested("contentTypeOptions"), "nosniff");
  const frame = config?.nested("frameOptions");
  add("x-frame-options", frame, frame?.text("frameOption"));
  const referrer = config?.nested("referrerPolicy");
  add("referrer-policy", referrer, referrer?.text("referrerPolicy"));
  const xss = config?.nested("xssProtection");
  add("x-xss-protection", xss, xss?.flag("protection") ? (xss.flag("modeBlock") ? "1; mode=block" : "1") : "0");
  return headers;
}

function corsRulesOf(reader: InputReader): CorsRules {
  const items = (name: string): readonly string[] => reader.nested(name)?.texts("items") ?? [];
  return {
    origins: items("accessControlAllowOrigins"),
    methods: items("accessControlAllowMethods"),
    headers: items("accessControlAllowHeaders"),
    exposed: items("accessControlExposeHeaders"),
    credentials: reader.flag("accessControlAllowCredentials") ?? false,
    maxAge: reader.number("accessControlMaxAgeSec"),
    override: reader.flag("originOverride") ?? false,
  };
}

type Headers = Record<string, string | readonly string[]>;

/** Applies a policy to an origin's headers. Names are lower case; `origin` is the viewer's `Origin` header. */
export function applyResponseHeaders(
  rules: ResponseHeaderRules,
  headers: Readonly<Headers>,
  origin: string | undefined,
): Headers {
  const kept = without(headers, (name) => rules.removed.includes(name));
  const result = rules.cors && origin !== undefined ? applyCors(rules.cors, kept, origin) : kept;
  for (const { name, value, override } of rules.added) if (override || !(name in result)) result[name] = value;
  return result;
}

function applyCors(cors: CorsRules, given: Headers, origin: string): Headers {
  const isCors = (name: string): boolean => name.startsWith("access-control-");
  if (!cors.override && Object.keys(given).some(isCors)) return given;
  const headers = without(given, isCors);
  const any = cors.origins.includes("*");
  if (!any && !cors.origins.some((pattern) => matchesOrigin(pattern, origin))) return headers;
  headers["access-control-allow-origin"] = any && !cors.credentials ? "*" : origin;
  if (!any || cors.credentials) headers.vary = "Origin";
  if (cors.methods.length > 0) {
    const every = cors.methods.includes("ALL");
    headers["access-control-allow-methods"] = (every ? preflightCors.methods : cors.methods).join(", ");
  }
  if (cors.headers.length > 0) headers["access-control-allow-headers"] = cors.headers.join(", ");
  if (cors.exposed.length > 0) headers["access-control-expose-headers"] = cors.exposed.join(", ");
  if (cors.credentials) headers["access-control-allow-credentials"] = "true";
  if (cors.maxAge !== undefined) headers["access-control-max-age"] = String(cors.maxAge);
  return headers;
}

function without(headers: Readonly<Headers>, drops: (name: string) => boolean): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !drops(name)));
}

/** "https://*.example.com" stands for any subdomain. */
function matchesOrigin(pattern: string, origin: string): boolean {
  const [before, after] = pattern.split("*");
  if (after === undefined) return pattern === origin;
  return origin.startsWith(before ?? "") && origin.endsWith(after) && origin.length > pattern.length - 1;
}
