// The request that CloudFront sends to an origin, signed where an origin access control says so.
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { servicePrincipal } from "../core/principal";
import type { Credentials } from "../core/access";
import type { CloudContext } from "../core/service";
import { signRequest } from "../gateway/sign";
import type { Behavior, Distribution, Origin } from "./definition";
import { selects } from "./forwarding";

/** A request of a viewer. */
export interface ViewerRequest {
  readonly method: string;
  /** Percent-encoded path. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Absent when a custom error page is fetched. */
  readonly body?: IncomingMessage;
  readonly id: string;
  readonly sourceIp: string;
}

/** An AWS origin that serves many customers and refuses a host that is not its own. */
export class ForeignHostError extends Error {
  constructor() {
    super("Forbidden");
    this.name = "ForeignHostError";
  }
}

/** An origin cannot be reached. CloudFront answers 502. */
export class OriginUnreachableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "OriginUnreachableError";
  }
}

const service = "cloudfront.amazonaws.com";
const sessionSeconds = 3600;
/** Headers that concern one connection only, or that CloudFront sets itself. */
const neverForwarded = new Set(
  (
    "connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding upgrade " +
    "host cookie user-agent via x-amz-cf-id x-forwarded-for x-real-ip accept-encoding expect"
  ).split(" "),
);
/** Headers that reach the origin whatever the policies say. */
const alwaysForwarded = new Set([
  "content-type",
  "content-length",
  "content-md5",
  "range",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "if-range",
  "x-amz-content-sha256",
]);

/** Sends requests of one distribution to its origins. */
export class OriginClient {
  private credentials: Credentials | undefined;

  constructor(
    private readonly context: CloudContext,
    readonly distribution: Distribution,
  ) {}

  /** The origin's answer. @throws OriginUnreachableError, ForeignHostError. */
  async fetch(behavior: Behavior, viewer: ViewerRequest): Promise<IncomingMessage> {
    const { origin } = behavior;
    const query = this.forwardedQuery(behavior, viewer);
    const url = new URL(this.baseUrl(origin) + origin.path + viewer.path + (query === "" ? "" : `?${query}`));
    const headers = this.forwardedHeaders(behavior, viewer);
    const foreignHost = headers.host !== undefined && headers.host !== origin.domainName;
    if (foreignHost && /\.(?:execute-api|lambda-url)\./.test(origin.domainName)) throw new ForeignHostError();
    const signed = this.sign(origin, viewer, url, headers);
    return send(url, viewer, signed ?? { ...headers, host: headers.host ?? originHost(origin, url) });
  }

  /** Local address of an origin's AWS host. */
  private baseUrl(origin: Origin): string {
    const bucket = bucketOf(origin);
    if (bucket) return `${this.context.gatewayOrigin()}/${bucket.name}`;
    const awsUrl = `https://${origin.domainName}`;
    const exact = this.context.hosts.localise(awsUrl + origin.path);
    // An API's stage may be mapped with its path: then the local URL stands for both.
    if (exact !== awsUrl + origin.path)
      return exact.endsWith(origin.path) ? exact.slice(0, -origin.path.length || undefined) : exact;
    throw new OriginUnreachableError(
      `origin ${origin.id} (${origin.domainName}) is not part of this local run; declare it in the same program`,
    );
  }

  private forwardedQuery({ cache, originRequest }: Behavior, viewer: ViewerRequest): string {
    const query = new URLSearchParams();
    for (const [name, value] of viewer.query) {
      if (selects(cache.query, name) || (originRequest && selects(originRequest.query, name)))
        query.append(name, value);
    }
    return query.toString();
  }

  private forwardedHeaders({ cache, originRequest, origin }: Behavior, viewer: ViewerRequest): Record<string, string> {
    const wanted = (name: string): boolean =>
      selects(cache.headers, name) || (originRequest !== undefined && selects(originRequest.headers, name));
    const headers: Record<string, string> = {
      "user-agent": wanted("user-agent") ? (viewer.headers["user-agent"] ?? "") : "Amazon CloudFront",
      via: "1.1 cloudfront.local (CloudFront)",
      "x-amz-cf-id": viewer.id,
      "x-forwarded-for": viewer.sourceIp,
    };
    for (const [name, value] of Object.entries(viewer.headers)) {
      if (neverForwarded.has(name)) continue;
      if (alwaysForwarded.has(name) || wanted(name) || this.passesAuthorization(name, viewer)) headers[name] = value;
    }
    if (viewer.headers.host !== undefined && wanted("host")) headers.host = viewer.headers.host;
    const cookies = (viewer.headers.cookie ?? "").split(/; */).filter((pair) => {
      const name = pair.split("=", 1)[0] ?? "";
      return name !== "" && (selects(cache.cookies, name) || (originRequest && selects(originRequest.cookies, name)));
    });
    if (cookies.length > 0) headers.cookie = cookies.join("; ");
    return { ...headers, ...origin.customHeaders };
  }

  /** CloudFront removes Authorization from GET and HEAD requests, and from OPTIONS, unless a policy names it. */
  private passesAuthorization(name: string, viewer: ViewerRequest): boolean {
    return name === "authorization" && !["GET", "HEAD", "OPTIONS"].includes(viewer.method);
  }

  private sign(
    origin: Origin,
    viewer: ViewerRequest,
    url: URL,
    headers: Record<string, string>,
  ): Record<string, string> | undefined {
    const control = origin.accessControl;
    if (!control || control.signingBehavior === "never") return undefined;
    if (control.signingBehavior === "no-override" && viewer.headers.authorization !== undefined) return undefined;
    const { host: _, authorization: __, ...toSign } = headers;
    const bucket = bucketOf(origin);
    return signRequest({
      method: viewer.method,
      url: url.href,
      headers: toSign,
      payloadHash: viewer.headers["x-amz-content-sha256"] ?? "UNSIGNED-PAYLOAD",
      credentials: this.currentCredentials(),
      service: control.originType,
      region: bucket?.region ?? this.context.region,
      at: this.context.clock.now(),
    });
  }

  /** Credentials of CloudFront acting for this distribution, renewed a minute before they end. */
  private currentCredentials(): Credentials {
    const ends = this.credentials?.expiresAt ?? 0;
    if (!this.credentials || ends - 60_000 <= this.context.clock.now()) {
      const principal = servicePrincipal(service, this.distribution.arn, this.distribution.accountId);
      this.credentials = this.context.access.issue(principal, sessionSeconds);
    }
    return this.credentials;
  }
}

/** Bucket behind an origin's host name; undefined when it is no S3 host. */
export function bucketOf(origin: Origin): { readonly name: string; readonly region: string | undefined } | undefined {
  const match = /^(.+)\.s3(?:[.-]([a-z]{2}(?:-[a-z]+)+-\d))?\.amazonaws\.com$/.exec(origin.domainName);
  return match?.[1] === undefined ? undefined : { name: match[1], region: match[2] };
}

/** The local S3 finds the bucket in the path; other origins see their own AWS host name. */
function originHost(origin: Origin, url: URL): string {
  return bucketOf(origin) ? url.host : origin.domainName;
}

function send(url: URL, viewer: ViewerRequest, headers: Record<string, string>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: url.hostname,
        port: url.port,
        path: url.pathname + url.search,
        method: viewer.method,
        headers,
        agent: false,
      },
      resolve,
    );
    request.on("error", (error) =>
      reject(new OriginUnreachableError("the origin closed the connection", { cause: error })),
    );
    if (viewer.body) viewer.body.pipe(request);
    else request.end();
  });
}
