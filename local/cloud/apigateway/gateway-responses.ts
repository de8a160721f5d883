// What API Gateway itself answers when a request does not reach a backend, or the backend fails.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
import type { GatewayResponse } from "./definition";

/** A refusal on the way through the gateway. */
export class GatewayError extends Error {
  /**
   * @param type type of gateway response, "UNAUTHORIZED" say.
   * @param text message of the answer; the type's own when left out.
   * @param key name of the member with the message: authorization by policy spells it "Message".
   */
  constructor(
    readonly type: GatewayErrorType,
    readonly text: string = DEFAULTS[type].message,
    readonly key: "message" | "Message" = "message",
  ) {
    super(text);
    this.name = type;
  }

  get statusCode(): number {
    return DEFAULTS[this.type].status;
  }

  /** Value of x-amzn-ErrorType. */
  get errorType(): string {
    return DEFAULTS[this.type].errorType;
  }
}

interface DefaultResponse {
  readonly status: number;
  readonly message: string;
  readonly errorType: string;
}

const INTERNAL = "Internal server error";

const DEFAULTS = {
  ACCESS_DENIED: { status: 403, message: "Forbidden", errorType: "AccessDeniedException" },
  API_CONFIGURATION_ERROR: { status: 500, message: INTERNAL, errorType: "InternalServerErrorException" },
  AUTHORIZER_CONFIGURATION_ERROR: { status: 500, message: INTERNAL, errorType: "InternalServerErrorException" },
  AUTHORIZER_FAILURE: { status: 500, message: INTERNAL, errorType: "InternalServerErrorException" },
  BAD_REQUEST_BODY: { status: 400, message: "Invalid request body", errorType: "BadRequestException" },
  BAD_REQUEST_PARAMETERS: { status: 400, message: "Invalid request parameters", errorType: "BadRequestException" },
  EXPIRED_TOKEN: {
    status: 403,
    message: "The security token included in the request is expired",
    errorType: "ExpiredTokenException",
  },
  /** Not a type of its own on AWS: a malformed or failed answer of a function, to which only DEFAULT_5XX applies. */
  BAD_GATEWAY: { status: 502, message: INTERNAL, errorType: "InternalServerErrorException" },
  /** Likewise: a stage that does not exist. */
  FORBIDDEN: { status: 403, message: "Forbidden", errorType: "ForbiddenException" },
  INTEGRATION_FAILURE: { status: 504, message: INTERNAL, errorType: "InternalServerErrorException" },
  INTEGRATION_TIMEOUT: {
    status: 504,
    message: "Endpoint request timed out",
    errorType: "InternalServerErrorException",
  },
  INVALID_SIGNATURE: { status: 403, message: "Forbidden", errorType: "InvalidSignatureException" },
  MISSING_AUTHENTICATION_TOKEN: {
    status: 403,
    message: "Missing Authentication Token",
    errorType: "MissingAuthenticationTokenException",
  },
  REQUEST_TOO_LARGE: { status: 413, message: "Request Too Long", errorType: "RequestEntityTooLargeException" },
  THROTTLED: { status: 429, message: "Too Many Requests", errorType: "TooManyRequestsException" },
  UNAUTHORIZED: { status: 401, message: "Unauthorized", errorType: "UnauthorizedException" },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, message: "Unsupported Media Type", errorType: "BadRequestException" },
} as const satisfies Readonly<Record<string, DefaultResponse>>;

/** Types that are raised here. */
export type GatewayErrorType = keyof typeof DEFAULTS;

/** Types that a program may customise. */
export const CUSTOMISABLE_TYPES: readonly string[] = [
  "ACCESS_DENIED",
  "API_CONFIGURATION_ERROR",
  "AUTHORIZER_CONFIGURATION_ERROR",
  "AUTHORIZER_FAILURE",
  "BAD_REQUEST_BODY",
  "BAD_REQUEST_PARAMETERS",
  "DEFAULT_4XX",
  "DEFAULT_5XX",
  "EXPIRED_TOKEN",
  "INTEGRATION_FAILURE",
  "INTEGRATION_TIMEOUT",
  "INVALID_API_KEY",
  "INVALID_SIGNATURE",
  "MISSING_AUTHENTICATION_TOKEN",
  "QUOTA_EXCEEDED",
  "REQUEST_TOO_LARGE",
  "RESOURCE_NOT_FOUND",
  "THROTTLED",
  "UNAUTHORIZED",
  "UNSUPPORTED_MEDIA_TYPE",
  "WAF_FILTERED",
];

/** The customisation that applies: of the type itself, else of its class. */
export function customisationOf(
  responses: ReadonlyMap<string, GatewayResponse>,
  error: GatewayError,
): GatewayResponse | undefined {
  return responses.get(error.type) ?? responses.get(error.statusCode < 500 ? "DEFAULT_4XX" : "DEFAULT_5XX");
}
