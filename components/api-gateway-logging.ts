// ApiGatewayLogging: the account-wide role with which API Gateway writes logs.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { buildTrustPolicy } from "./shared/iam";

/** Arguments of `ApiGatewayLogging`. */
export interface ApiGatewayLoggingArgs {
  /**
   * Region whose setting is written.
   * @default - Region of the provider
   */
  readonly region?: string;
  /**
   * Tags of the role.
   * @default - none
   */
  readonly tags?: Record<string, pulumi.Input<string>>;
}

/**
 * The role with which API Gateway writes access logs to CloudWatch Logs. AWS keeps one such setting per account and Region, and
 * refuses a stage with access logs without it: declare it once, in the stack that owns the account's settings.
 *
 * Creates an `aws.iam.Role`, `aws.iam.RolePolicyAttachment` and `aws.apigateway.Account`.
 *
 * ```ts
 * const logging = new ApiGatewayLogging("api-logging");
 * export const logRoleArn = logging.role.arn;
 * ```
 *
 * Security: only API Gateway may assume the role, and it may only write logs. Cost: none.
 */
export class ApiGatewayLogging extends pulumi.ComponentResource {
  /** Type token of the component. */
  static readonly pulumiType = "serverless-patterns:index:ApiGatewayLogging";

  /** The role. */
  public readonly role: aws.iam.Role;
  /** Lets the role write logs. */
  public readonly policyAttachment: aws.iam.RolePolicyAttachment;
  /** The account's setting. */
  public readonly account: aws.apigateway.Account;

  /**
   * @param name Logical name; prefix of every child's name.
   * @param args Arguments.
   * @param opts Options of the component resource.
   */
  constructor(name: string, args: ApiGatewayLoggingArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    super(ApiGatewayLogging.pulumiType, name, {}, opts);
    this.role = new aws.iam.Role(
      `${name}-role`,
      {
        description: "Lets API Gateway write access logs",
        // AWS documents no aws:SourceAccount on this call, so a condition might shut API Gateway out: docs/verification.md.
        assumeRolePolicy: JSON.stringify(buildTrustPolicy("apigateway.amazonaws.com")),
        tags: args.tags ?? {},
      },
      { parent: this },
    );
    this.policyAttachment = new aws.iam.RolePolicyAttachment(
      `${name}-policy`,
      { role: this.role.name, policyArn: aws.iam.ManagedPolicy.AmazonAPIGatewayPushToCloudWatchLogs },
      { parent: this },
    );
    this.account = new aws.apigateway.Account(
      `${name}-account`,
      { cloudwatchRoleArn: this.role.arn, ...(args.region === undefined ? {} : { region: args.region }) },
      { parent: this, dependsOn: [this.policyAttachment] },
    );
    this.registerOutputs({ role: this.role, policyAttachment: this.policyAttachment, account: this.account });
  }
}
