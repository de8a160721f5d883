// A Lambda function from a bundled handler or from given code, with its own log group, role and least-privilege policy.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { HANDLER_RUNTIME, loadHandler } from "./bundle";
import { buildLogStatement, buildPolicy, buildTrustPolicy, type Statement } from "./iam";

/** Code of a function, ready for Lambda. */
export interface FunctionCode {
  readonly archive: pulumi.asset.Archive;
  /** "<file without extension>.<export>". */
  readonly handler: string;
  readonly runtime: string;
  /** "arm64" or "x86_64". */
  readonly architecture: string;
}

/** Code of one of the library's own handlers. @param name path below `handlers/` without extension. */
export function libraryCode(name: string): FunctionCode {
  return bundledCode(loadHandler(name));
}

/** Code of one bundle that exports `handler`. @param text CommonJS. */
export function bundledCode(text: string): FunctionCode {
  return {
    archive: new pulumi.asset.AssetArchive({ "index.js": new pulumi.asset.StringAsset(text) }),
    handler: "index.handler",
    runtime: HANDLER_RUNTIME,
    architecture: "arm64",
  };
}

/** What a handler function needs. Internal: components build it from their settings. */
export interface HandlerFunctionSettings {
  readonly code: FunctionCode;
  readonly description: string;
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
  readonly timeoutSeconds: number;
  readonly memorySize: number;
  readonly logRetentionDays: number;
  readonly tags: Readonly<Record<string, pulumi.Input<string>>>;
  readonly region: pulumi.Input<string> | undefined;
  /** Most copies that run at a time; left out: the account's limit is the only one. */
  readonly reservedConcurrentExecutions?: number | undefined;
  /** Statements beyond its own logs. */
  readonly statements: pulumi.Input<readonly Statement[]>;
}

/** The handlers of one component, and how they differ. */
export interface HandlerFamily<Name extends string> {
  /** Folder below `handlers/`. */
  readonly folder: string;
  readonly handlers: Readonly<Record<Name, { readonly timeoutSeconds: number }>>;
  readonly environment: HandlerFunctionSettings["environment"];
  readonly descriptions: Readonly<Record<Name, string>>;
  /** Statements of one handler beyond its own logs. */
  readonly buildStatements: (handlerName: Name) => pulumi.Input<readonly Statement[]>;
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
  const { code } = settings;
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
      runtime: code.runtime,
      architectures: [code.architecture],
      handler: code.handler,
      code: code.archive,
      role: role.arn,
      timeout: settings.timeoutSeconds,
      memorySize: settings.memorySize,
      environment: { variables: settings.environment },
      loggingConfig: { logFormat: "JSON", logGroup: logGroup.name },
      ...(settings.reservedConcurrentExecutions === undefined
        ? {}
        : { reservedConcurrentExecutions: settings.reservedConcurrentExecutions }),
      tags: settings.tags,
      ...regional,
    },
    // The policy first: a function that starts before it may write its logs would lose them.
    { parent, dependsOn: [policy] },
  );
  return { function: created, role, policy, logGroup };
}

/** Creates `${name}-<handler>-…` for every handler of a component, in the order in which they are declared. */
export function createHandlerFunctions<Name extends string>(
  name: string,
  { folder, handlers, descriptions, environment, buildStatements }: HandlerFamily<Name>,
  settings: Pick<HandlerFunctionSettings, "memorySize" | "logRetentionDays" | "tags" | "region">,
  parent: pulumi.Resource,
): Readonly<Record<Name, HandlerFunction>> {
  const { memorySize, logRetentionDays, tags, region } = settings;
  const common = { environment, memorySize, logRetentionDays, tags, region };
  const create = (handlerName: Name): HandlerFunction =>
    createHandlerFunction(
      `${name}-${handlerName}`,
      {
        ...common,
        code: libraryCode(`${folder}/${handlerName}`),
        description: descriptions[handlerName],
        timeoutSeconds: handlers[handlerName].timeoutSeconds,
        statements: buildStatements(handlerName),
      },
      parent,
    );
  const names = Object.keys(handlers) as Name[];
  return Object.fromEntries(names.map((one) => [one, create(one)])) as Record<Name, HandlerFunction>;
}
