// Reads a token without trusting it.

/** Claims of a JSON Web Token, unverified; undefined when the text is none. */
export function decodeJwt(token: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
    return payload !== null && typeof payload === "object" ? { ...payload } : undefined;
  } catch {
    return undefined;
  }
}
