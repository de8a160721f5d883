// Errors as AWS puts them on the wire: REST XML of S3, JSON, query XML.
import { AwsError } from "../core/errors";
import { type ArrivedRequest, headerOf } from "./arrival";

/** Wire format of a service's answers. */
export type Protocol = "s3-xml" | "json-1.0" | "json-1.1" | "rest-json" | "query";

/** An answer, ready to be written. */
export interface RenderedError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Which protocol a request speaks: S3 by its service, the others by their content type. */
export function protocolOf(request: ArrivedRequest, service: string): Protocol {
  if (service === "s3") return "s3-xml";
  const contentType = headerOf(request, "content-type") ?? "";
  if (/^application\/x-amz-json-1\.0/i.test(contentType)) return "json-1.0";
  if (/^application\/x-amz-json-1\.1/i.test(contentType)) return "json-1.1";
  if (/^application\/x-www-form-urlencoded/i.test(contentType)) return "query";
  return service === "sts" || service === "iam" || service === "sns" ? "query" : "rest-json";
}

/** Maps anything thrown to an error of AWS. What is no AwsError becomes InternalFailure without detail. */
export function asAwsError(error: unknown, protocol: Protocol): AwsError {
  if (error instanceof AwsError) return error;
  return protocol === "s3-xml"
    ? new AwsError("InternalError", "We encountered an internal error. Please try again.", 500)
    : new AwsError(
        "InternalFailure",
        "The request processing has failed because of an unknown error, exception or failure.",
        500,
      );
}

/** Renders an error in a protocol. Header and document both carry the request id. */
export function renderError(error: AwsError, protocol: Protocol, requestId: string): RenderedError {
  if (protocol === "s3-xml") return renderS3(error, requestId);
  return protocol === "query" ? renderQuery(error, requestId) : renderJson(error, protocol);
}

const escapeXml = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    // Control characters have no place in XML 1.0, not even escaped.

    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "");

const element = (name: string, value: unknown): string => `<${name}>${escapeXml(String(value))}</${name}>`;

function renderS3(error: AwsError, requestId: string): RenderedError {
  const members: Readonly<Record<string, unknown>> = {
    Code: error.code,
    Message: error.message,
    ...error.fields,
    RequestId: requestId,
    HostId: requestId,
  };
  const content = Object.entries(members)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => element(name, value))
    .join("");
  return {
    status: error.statusCode,
    headers: { "content-type": "application/xml" },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${content}</Error>`,
  };
}

function renderQuery(error: AwsError, requestId: string): RenderedError {
  const type = element("Type", error.statusCode >= 500 ? "Receiver" : "Sender");
  const content = type + element("Code", error.code) + element("Message", error.message);
  return {
    status: error.statusCode,
    headers: { "content-type": "text/xml" },
    body: `<ErrorResponse><Error>${content}</Error>${element("RequestId", requestId)}</ErrorResponse>`,
  };
}

/** The gateway speaks of these errors by their query-protocol names; the JSON protocols have others. */
const jsonCodes: Readonly<Record<string, string>> = {
  AccessDenied: "AccessDeniedException",
  AuthorizationHeaderMalformed: "IncompleteSignatureException",
  ExpiredToken: "ExpiredTokenException",
  InvalidClientTokenId: "UnrecognizedClientException",
  MissingAuthenticationToken: "MissingAuthenticationTokenException",
  SignatureDoesNotMatch: "InvalidSignatureException",
};

const codesOfRefusals = new Set(Object.values(jsonCodes));

function renderJson(error: AwsError, protocol: "json-1.0" | "json-1.1" | "rest-json"): RenderedError {
  const code = jsonCodes[error.code] ?? error.code;
  // Services with an RPC protocol answer refusals with 400 where the others answer 403.
  const status = protocol !== "rest-json" && codesOfRefusals.has(code) ? 400 : error.statusCode;
  const members = { message: error.message, ...error.fields };
  const document = protocol === "rest-json" ? members : { __type: code, ...members };
  const contentType = protocol === "rest-json" ? "application/json" : `application/x-amz-${protocol}`;
  return {
    status,
    headers: { "content-type": contentType, "x-amzn-errortype": code },
    body: JSON.stringify(document),
  };
}
