// What a request claims about its signature: read from the Authorization header or the query, well-formed or refused.
import { AwsError } from "../core/errors";
import { algorithm, type CredentialScope, parseAmzDate, parseQuery, scopeTerminator } from "./canonical";
import { type ArrivedRequest, headerOf } from "./arrival";

/** A signature, not yet verified. */
export interface SignatureClaim {
  readonly type: "REST-HEADER" | "REST-QUERY-STRING";
  readonly accessKeyId: string;
  readonly scope: CredentialScope;
  readonly amzDate: string;
  /** Milliseconds since the epoch. */
  readonly signedAt: number;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly sessionToken?: string;
  /** Presigned URLs only. */
  readonly expiresSeconds?: number;
  /** Presigned URLs only: X-Amz-Content-Sha256 of the query. */
  readonly payloadHash?: string;
}

/** Longest life of a presigned URL, in seconds: a week. */
export const maxExpirySeconds = 604_800;

/** Reads the claim; undefined for a request without any signature. Throws for one that is malformed. */
export function readClaim(request: ArrivedRequest): SignatureClaim | undefined {
  const authorization = headerOf(request, "authorization");
  const query = new Map(parseQuery(request.rawQuery));
  const presigned = query.has("X-Amz-Algorithm") || query.has("X-Amz-Signature") || query.has("X-Amz-Credential");
  if (authorization !== undefined && presigned) {
    throw new AwsError(
      "InvalidArgument",
      "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
      400,
      { ArgumentName: "Authorization" },
    );
  }
  if (authorization !== undefined) return readHeader(request, authorization);
  if (query.has("AWSAccessKeyId") && query.has("Signature")) throw unsupportedMechanism();
  return presigned ? readPresigned(query) : undefined;
}

function unsupportedMechanism(): AwsError {
  return new AwsError(
    "InvalidRequest",
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
  );
}

const malformed = (message: string): AwsError =>
  new AwsError("AuthorizationHeaderMalformed", `The authorization header is malformed; ${message}`);

function readHeader(request: ArrivedRequest, authorization: string): SignatureClaim {
  if (!authorization.startsWith(`${algorithm} `)) throw unsupportedMechanism();
  const fields = new Map(
    authorization
      .slice(algorithm.length + 1)
      .split(",")
      .map((field) => field.trim().split("=", 2) as [string, string]),
  );
  const need = (name: string): string => {
    const value = fields.get(name);
    if (!value) throw malformed(`the authorization header requires ${name}`);
    return value;
  };
  const { accessKeyId, scope } = readCredential(need("Credential"), malformed);
  const { amzDate, signedAt } = readDate(request);
  if (!amzDate.startsWith(scope.day)) {
    throw malformed(
      `Invalid credential date "${scope.day}". This date is not the same as X-Amz-Date: "${amzDate.slice(0, 8)}".`,
    );
  }
  const sessionToken = headerOf(request, "x-amz-security-token");
  return {
    type: "REST-HEADER",
    accessKeyId,
    scope,
    amzDate,
    signedAt,
    signedHeaders: need("SignedHeaders").split(";"),
    signature: need("Signature"),
    ...(sessionToken !== undefined && { sessionToken }),
  };
}

function readDate(request: ArrivedRequest): { amzDate: string; signedAt: number } {
  const amzDate = headerOf(request, "x-amz-date");
  const httpDate = headerOf(request, "date");
  const signedAt = amzDate === undefined ? Date.parse(httpDate ?? "") : parseAmzDate(amzDate);
  if (signedAt === undefined || Number.isNaN(signedAt)) {
    throw new AwsError("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", 403);
  }
  return { signedAt, amzDate: amzDate ?? new Date(signedAt).toISOString().replace(/[-:]|\.\d{3}/g, "") };
}

function readCredential(
  text: string,
  refuse: (message: string) => AwsError,
): { accessKeyId: string; scope: CredentialScope } {
  const parts = text.split("/");
  const [day = "", region = "", service = "", terminator] = parts.slice(-4);
  if (parts.length < 5 || !/^\d{8}$/.test(day)) {
    throw refuse(`the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`);
  }
  if (terminator !== scopeTerminator)
    throw refuse(`incorrect terminal "${terminator}". This endpoint uses "aws4_request".`);
  if (!/^[a-z]{2,}(-[a-z]+)+-\d+$/.test(region))
    throw refuse(`the region '${region}' is wrong; expecting a Region of AWS`);
  return { accessKeyId: parts.slice(0, -4).join("/"), scope: { day, region, service } };
}

const queryProblem = (message: string): AwsError => new AwsError("AuthorizationQueryParametersError", message);

function readPresigned(query: ReadonlyMap<string, string>): SignatureClaim {
  const need = (name: string): string => {
    const value = query.get(name);
    if (value !== undefined && value !== "") return value;
    throw queryProblem(
      "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
    );
  };
  if (need("X-Amz-Algorithm") !== algorithm) throw queryProblem(`X-Amz-Algorithm only supports "${algorithm}"`);
  const { accessKeyId, scope } = readCredential(need("X-Amz-Credential"), (message) =>
    queryProblem(`Error parsing the X-Amz-Credential parameter; ${message}`),
  );
  const amzDate = need("X-Amz-Date");
  const signedAt = parseAmzDate(amzDate);
  if (signedAt === undefined)
    throw queryProblem("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  if (!amzDate.startsWith(scope.day)) {
    throw queryProblem(
      `Invalid credential date "${scope.day}". This date is not the same as X-Amz-Date: "${amzDate.slice(0, 8)}".`,
    );
  }
  const sessionToken = query.get("X-Amz-Security-Token");
  const payloadHash = query.get("X-Amz-Content-Sha256");
  return {
    type: "REST-QUERY-STRING",
    accessKeyId,
    scope,
    amzDate,
    signedAt,
    signedHeaders: need("X-Amz-SignedHeaders").split(";"),
    signature: need("X-Amz-Signature"),
    expiresSeconds: readExpiry(need("X-Amz-Expires")),
    ...(sessionToken !== undefined && { sessionToken }),
    ...(payloadHash !== undefined && { payloadHash }),
  };
}

function readExpiry(text: string): number {
  if (!/^-?\d+$/.test(text)) throw queryProblem("X-Amz-Expires should be a number");
  const seconds = Number(text);
  if (seconds < 1) throw queryProblem("X-Amz-Expires must be non-negative");
  if (seconds > maxExpirySeconds) {
    throw queryProblem(
      `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${maxExpirySeconds} seconds`,
    );
  }
  return seconds;
}
