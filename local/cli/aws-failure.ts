// What the SDK fails with when AWS cannot be used as the person meant it: no credentials, refused ones, no right, no Region, no answer.

/** A failure in the words of the commands. */
export interface AwsFailure {
  readonly kind: "credentials" | "region" | "access" | "network";
  readonly seen: string;
  /** What to do about it. */
  readonly fix: string;
}

/** Codes with which AWS's services refuse a key, a signature or a token. */
const REFUSED_CREDENTIALS: ReadonlySet<string> = new Set([
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidAccessKeyId",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "InvalidToken",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException",
]);
const REFUSED_ACCESS: ReadonlySet<string> = new Set(["AccessDenied", "AccessDeniedException"]);
const NETWORK: ReadonlySet<string> = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "ENETUNREACH",
  "ENOTFOUND",
  "ETIMEDOUT",
]);

/**
 * Recognises what the SDK threw. @param profile in whose name it looked for credentials.
 * @returns undefined when it is about something else.
 */
export function describeAwsFailure(error: unknown, profile = process.env.AWS_PROFILE): AwsFailure | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  if (name === "CredentialsProviderError") {
    const whose = profile ? ` for the profile ${profile}` : "";
    // A session of SSO that has ended tells so; that nothing was found anywhere says nothing more.
    const detail = message.startsWith("Could not load credentials from any providers")
      ? ""
      : `: ${withoutStop(message)}`;
    return {
      kind: "credentials",
      seen: `no AWS credentials were found${whose}${detail}`,
      fix: "sign in (aws sso login), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    };
  }
  if (message === "Region is missing") {
    return { kind: "region", seen: "no AWS Region is set", fix: "give --region REGION, or set AWS_REGION" };
  }
  if (REFUSED_CREDENTIALS.has(name)) {
    return {
      kind: "credentials",
      seen: `AWS refuses the credentials: ${withoutStop(message)}`,
      fix: "sign in again (aws sso login), or use other credentials (AWS_PROFILE)",
    };
  }
  if (REFUSED_ACCESS.has(name)) {
    const [, action = "what it needs"] = /perform: ([\w-]+:\w+)/.exec(message) ?? [];
    return {
      kind: "access",
      seen: withoutStop(message),
      fix: `allow ${action} to these credentials, or use others (AWS_PROFILE)`,
    };
  }
  const code = "code" in error ? String(error.code) : name;
  if (NETWORK.has(code) || name === "TimeoutError") {
    return {
      kind: "network",
      seen: `AWS does not answer: ${code}`,
      fix: "check the Region's name, AWS_ENDPOINT_URL, the network and its proxy",
    };
  }
  return undefined;
}

function withoutStop(message: string): string {
  return message.replace(/\.$/, "");
}
