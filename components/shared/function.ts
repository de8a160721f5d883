// A Lambda function from a bundled handler, with its own log group, role and least-privilege policy.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { HANDLER_RUNTIME, loadHandler } from "./bundle";
import { buildLogStatement, buildPolicy, buildTrustPolicy, type Statement } from "./iam";

/** What a handler function needs. Internal: components build it from their settings. */
export interface HandlerFunctionSettings {
  /** Path below `handlers/` without extension. */
  readonly handler: string;
  readonly description: string;
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
  readonly timeoutSeconds: number;
  readonly memorySize: number;
  readonly logRetentionDays: number;
  readonly tags: Readonly<Record<string, pulumi.Input<string>>>;
  readonly region: pulumi.Input<string> | undefined;
  /** Statements beyond its own logs. */
  readonly statements: pulumi.Input<readonly Statement[]>;
}

/** The resources behind one handler. */
export interface HandlerFunction {
  readonly function: aws.lambda.Function;
  readonly role: aws.iam.Role;
  readonly policy: aws.iam.RolePolicy;
  readonly logGroup: aws.cloudwatch.LogGroup;
}

/** Creates `${name}-log-group`, `${name}-role`, `${name}-policy` and `${name}-function`. */
export function createHandlerFunction(
  name: string,
  settings: HandlerFunctionSettings,
  parent: pulumi.Resource,
): HandlerFunction {
  const regional = settings.region === undefined ? {} : { region: settings.region };
  const logGroup = new aws.cloudwatch.LogGroup(
    `${name}-log-group`,
    {
      retentionInDays: settings.logRetentionDays,
      tags: settings.tags,
      ...regional,
    },
    { parent },
  );
  const role = new aws.iam.Role(
    `${name}-role`,
    {
      description: settings.description,
      assumeRolePolicy: JSON.stringify(buildTrustPolicy("lambda.amazonaws.com")),
      tags: settings.tags,
    },
    { parent },
  );
  const policy = new aws.iam.RolePolicy(
    `${name}-policy`,
    {
      role: role.id,
      policy: pulumi
        .output({ logGroupArn: logGroup.arn, statements: settings.statements })
        .apply(({ logGroupArn, statements }) =>
          JSON.stringify(buildPolicy([buildLogStatement(logGroupArn), ...(statements as readonly Statement[])])),
        ),
    },
    { parent },
  );
  const created = new aws.lambda.Function(
    `${name}-function`,
    {
      description: settings.description,
      runtime: HANDLER_RUNTIME,
      architectures: ["arm64"],
      handler: "index.handler",
      code: new pulumi.asset.AssetArchive({ "index.js": new pulumi.asset.StringAsset(loadHandler(settings.handler)) }),
      role: role.arn,
      timeout: settings.timeoutSeconds,
      memorySize: settings.memorySize,
      environment: { variables: settings.environment },
      loggingConfig: { logFormat: "JSON", logGroup: logGroup.name },
      tags: settings.tags,
      ...regional,
    },
    // The policy first: a function that starts before it may write its logs would lose them.
    { parent, dependsOn: [policy] },
  );
  return { function: created, role, policy, logGroup };
}
