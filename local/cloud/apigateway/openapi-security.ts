// Security schemes of an OpenAPI body, and what a method's `security` makes of them.
import type { ApiDraft, MethodDraft } from "./api";
import type { Report } from "./declarations";
import { type Json, objectOf } from "./json";

/** What a scheme stands for. */
export type SecurityScheme = { readonly kind: "iam" } | { readonly kind: "authorizer"; readonly id: string };

/** Reads `securityDefinitions` or `components.securitySchemes`; authorizers go into the draft under the scheme's name. */
export function readSecuritySchemes(
  document: Json,
  draft: ApiDraft,
  report: Report,
): ReadonlyMap<string, SecurityScheme> {
  const at = document.securityDefinitions === undefined ? "components.securitySchemes" : "securityDefinitions";
  const source = document.securityDefinitions ?? objectOf(document.components).securitySchemes;
  const schemes = new Map<string, SecurityScheme>();
  for (const [name, value] of Object.entries(objectOf(source))) {
    const scheme = readScheme(name, objectOf(value), draft, (reason) => report(`${at}.${name}`, reason));
    if (scheme) schemes.set(name, scheme);
  }
  return schemes;
}

function readScheme(
  name: string,
  scheme: Json,
  draft: ApiDraft,
  refuse: (reason: string) => void,
): SecurityScheme | undefined {
  const type = scheme["x-amazon-apigateway-authtype"];
  if (typeof type === "string" && type.toLowerCase() === "awssigv4") return { kind: "iam" };
  const authorizer = objectOf(scheme["x-amazon-apigateway-authorizer"]);
  if (authorizer.type !== "cognito_user_pools") {
    refuse(
      "is not simulated by the local run; use a cognito_user_pools authorizer or awsSigv4, or run this part on AWS",
    );
    return undefined;
  }
  const arns = authorizer.providerARNs;
  if (!Array.isArray(arns) || arns.length === 0) refuse("needs providerARNs: the ARN of at least one user pool");
  draft.authorizers.set(name, {
    name,
    userPoolArns: Array.isArray(arns) ? arns.map(String) : [],
    header: (typeof scheme.name === "string" ? scheme.name : "Authorization").toLowerCase(),
  });
  return { kind: "authorizer", id: name };
}

/** The authorization of an operation: its own `security`, else the document's. */
export function readSecurity(
  operation: Json,
  document: Json,
  schemes: ReadonlyMap<string, SecurityScheme>,
  refuse: (reason: string) => void,
): Pick<MethodDraft, "authorization" | "authorizerId" | "scopes"> {
  const auth = objectOf(operation["x-amazon-apigateway-auth"]).type;
  if (typeof auth === "string" && auth.toUpperCase() === "AWS_IAM") return { authorization: "AWS_IAM", scopes: [] };
  const security = operation.security ?? document.security;
  const requirements = Array.isArray(security)
    ? security.map(objectOf).filter((entry) => Object.keys(entry).length > 0)
    : [];
  const [first] = requirements;
  if (!first) return { authorization: "NONE", scopes: [] };
  if (requirements.length > 1 || Object.keys(first).length > 1)
    refuse("must name one scheme: a method has one authorizer");
  const [[name, scopes] = ["", []]] = Object.entries(first);
  const scheme = schemes.get(name);
  if (!scheme) refuse(`names ${name}, which is no known security scheme`);
  if (scheme?.kind === "iam") return { authorization: "AWS_IAM", scopes: [] };
  return {
    authorization: "COGNITO_USER_POOLS",
    authorizerId: name,
    scopes: Array.isArray(scopes) ? scopes.map(String) : [],
  };
}
