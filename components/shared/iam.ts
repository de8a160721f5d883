// Policy documents as plain data: built by pure functions, compared deep-equal in tests.

/** A statement of an identity, trust or resource policy. */
export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: "*" | Readonly<Record<string, string | readonly string[]>>;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** A policy document with the current language version. */
export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly Statement[];
}

/** Puts statements into a document. */
export function buildPolicy(statements: readonly Statement[]): PolicyDocument {
  return { Version: "2012-10-17", Statement: statements };
}

/** Trust policy that lets one AWS service assume a role, within one account where the service says so. */
export function buildTrustPolicy(service: string, condition?: Statement["Condition"]): PolicyDocument {
  return buildPolicy([
    {
      Sid: "AllowService",
      Effect: "Allow",
      Principal: { Service: service },
      Action: "sts:AssumeRole",
      ...(condition ? { Condition: condition } : {}),
    },
  ]);
}

/** Lets a function write to its own log group, and to no other. The stream names are Lambda's, hence the ":*". */
export function buildLogStatement(logGroupArn: string): Statement {
  return {
    Sid: "WriteOwnLogs",
    Effect: "Allow",
    Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
    Resource: `${logGroupArn}:*`,
  };
}

/** Denies whoever comes without TLS: a statement of resource policies. @param action All of the service, "sqs:*". */
export function denyInsecureTransport(action: string, resource: string | readonly string[]): Statement {
  return {
    Sid: "DenyInsecureTransport",
    Effect: "Deny",
    Principal: "*",
    Action: action,
    Resource: resource,
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
}
