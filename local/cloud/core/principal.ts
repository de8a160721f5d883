// Who makes a call to the embedded cloud.

/** The identity behind a request, as IAM sees it. */
export interface Principal {
  readonly kind: "root" | "user" | "assumed-role" | "service" | "anonymous";
  /** `arn:aws:sts::<account>:assumed-role/<role>/<session>`, `arn:aws:iam::<account>:root`, a service name, or "*". */
  readonly arn: string;
  /** Twelve digits; empty for services and anonymous callers. */
  readonly accountId: string;
  /** For assumed roles: the ARN of the role, whose policies apply. */
  readonly roleArn?: string;
  /** Value of `aws:userid`. */
  readonly userId: string;
  /** For service principals: "apigateway.amazonaws.com" say. */
  readonly service?: string;
  /** For service principals: value of `aws:SourceArn`. */
  readonly sourceArn?: string;
  /** For service principals: value of `aws:SourceAccount`. */
  readonly sourceAccount?: string;
}

/** A caller without credentials. */
export const anonymous: Principal = { kind: "anonymous", arn: "*", accountId: "", userId: "anonymous" };

/** A call that an AWS service makes on behalf of one of its resources. */
export function servicePrincipal(service: string, sourceArn: string, sourceAccount: string): Principal {
  return { kind: "service", arn: service, accountId: "", userId: service, service, sourceArn, sourceAccount };
}

/** The administrator of an account: deploys the stack and signs the commands of this repository. */
export function accountRoot(accountId: string): Principal {
  return { kind: "root", arn: `arn:aws:iam::${accountId}:root`, accountId, userId: accountId };
}
