// The state machine of ProgressTrackedWorkflow: the woven definition, role, log, version and alias.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { enforce } from "../shared/validation";
import { ProgressTransport, type ProgressStatementArgs } from "./args";
import { findPolicyParts, type ProgressFunctions, type ProgressParts } from "./functions";
import { buildMachinePolicy, buildMachineTrustPolicy, type KnownProgressStatement } from "./policies";
import type { ProgressTrackedWorkflowSettings } from "./settings";
import { SOCKET_STAGE } from "./sockets";
import { ALIAS_NAME } from "./storage";
import { isDistributed } from "./weave/language";
import type { ProgressDelivery } from "./weave/report";
import { weaveProgress } from "./weave/weave";

const ALL_RUNS = 100;

/** The state machine and what belongs to it. */
export interface ProgressMachine {
  readonly stateMachine: aws.sfn.StateMachine;
  readonly alias: aws.sfn.Alias;
  readonly role: aws.iam.Role;
  readonly rolePolicy: aws.iam.RolePolicy;
  readonly logGroup: aws.cloudwatch.LogGroup;
}

/** Creates `${name}-state-machine` with role, policy, log group and alias. */
export function createMachine(
  name: string,
  settings: ProgressTrackedWorkflowSettings,
  functions: ProgressFunctions,
  parts: ProgressParts,
  parent: pulumi.Resource,
): ProgressMachine {
  const { tags } = settings;
  const regional = settings.region === undefined ? {} : { region: settings.region };
  const { machine } = parts;
  const distributed = isDistributed(settings.definition);
  const role = new aws.iam.Role(
    `${name}-state-machine-role`,
    {
      description: "Runs a workflow and reports its progress",
      assumeRolePolicy: machine.arn.apply((arn) => JSON.stringify(buildMachineTrustPolicy(arn, distributed))),
      tags,
    },
    { parent },
  );
  const rolePolicy = new aws.iam.RolePolicy(
    `${name}-state-machine-policy`,
    { role: role.id, policy: buildPolicyText(name, settings, functions, parts) },
    { parent },
  );
  const logGroup = new aws.cloudwatch.LogGroup(
    `${name}-state-machine-log-group`,
    {
      // With this prefix the policy that lets AWS deliver logs does not grow with every workflow.
      name: pulumi.interpolate`/aws/vendedlogs/states/${machine.name}`,
      retentionInDays: settings.logRetentionDays,
      tags,
      ...regional,
    },
    { parent },
  );
  const stateMachine = new aws.sfn.StateMachine(
    `${name}-state-machine`,
    {
      name: machine.name,
      type: "STANDARD",
      roleArn: role.arn,
      definition: buildDefinition(name, settings, functions, parts),
      publish: true,
      loggingConfiguration: {
        level: "ERROR",
        includeExecutionData: settings.includeExecutionData,
        logDestination: pulumi.interpolate`${logGroup.arn}:*`,
      },
      tracingConfiguration: { enabled: true },
      tags,
      ...regional,
    },
    // The policy first: AWS checks that the role may deliver logs.
    { parent, dependsOn: [rolePolicy] },
  );
  const alias = new aws.sfn.Alias(
    `${name}-alias`,
    {
      name: ALIAS_NAME,
      description: "Starts runs of the published version",
      routingConfigurations: buildRouting(settings, stateMachine.stateMachineVersionArn),
      ...regional,
    },
    { parent },
  );
  return { stateMachine, alias, role, rolePolicy, logGroup };
}

/** How the alias shares new runs out between versions. */
export function buildRouting(
  { gradualShift }: Pick<ProgressTrackedWorkflowSettings, "gradualShift">,
  versionArn: pulumi.Output<string>,
): pulumi.Input<aws.types.input.sfn.AliasRoutingConfiguration[]> {
  if (!gradualShift) return [{ stateMachineVersionArn: versionArn, weight: ALL_RUNS }];
  const { previousVersionArn, percent } = gradualShift;
  return pulumi.all([versionArn, previousVersionArn]).apply(([version, previous]) =>
    // An update that changes nothing of the workflow publishes no version, and an alias cannot name one twice.
    version === previous
      ? [{ stateMachineVersionArn: version, weight: ALL_RUNS }]
      : [
          { stateMachineVersionArn: version, weight: percent },
          { stateMachineVersionArn: previous, weight: ALL_RUNS - percent },
        ],
  );
}

function buildPolicyText(
  name: string,
  settings: ProgressTrackedWorkflowSettings,
  { report }: ProgressFunctions,
  parts: ProgressParts,
): pulumi.Output<string> {
  const { region, accountId, partition } = parts.placement;
  return pulumi
    .output({
      known: findPolicyParts(parts, settings),
      reportFunctionArn: report.function.arn,
      eventBusArn: pulumi.interpolate`arn:${partition}:events:${region}:${accountId}:event-bus/default`,
      statements: checkStatements(name, settings.policyStatements),
    })
    .apply(({ known, ...more }) =>
      JSON.stringify(buildMachinePolicy({ ...known, ...more, distributed: isDistributed(settings.definition) })),
    );
}

/** Services whose ARNs begin with the resource itself where those of others have its type. */
const UNTYPED = ["execute-api", "s3"];

/** Whether a resource stands for all of a service, Region or account: "*", "arn:aws:lambda:*:*:function:*", "arn:aws:s3:::*". */
function isBroad(resource: string): boolean {
  const [, partition = "*", service = "*", region = "", account = "", ...rest] = resource.split(":");
  const all = UNTYPED.includes(service) ? /^\*+$/ : /^(?:[\w-]+[:/])?\*+$/;
  return [partition, service, region, account].some((part) => /[*?]/.test(part)) || all.test(rest.join(":"));
}

/** A resource that is not named needs a written reason; resources may be known only later. */
function checkStatements(
  name: string,
  statements: readonly ProgressStatementArgs[],
): pulumi.Output<readonly KnownProgressStatement[]> {
  return pulumi.output([...statements]).apply((known) => {
    enforce(
      name,
      known.map(({ sid, resources, wildcardReason }) => ({
        property: "policyStatements",
        holds: resources.length > 0 && (!resources.some(isBroad) || (wildcardReason ?? "").trim() !== ""),
        rule: 'name resources, and neither "*" nor all of a service, Region or account without wildcardReason',
        got: sid,
        remedy: "name the ARNs, or write down why they cannot be named",
      })),
    );
    return known;
  });
}

function buildDefinition(
  name: string,
  settings: ProgressTrackedWorkflowSettings,
  functions: ProgressFunctions,
  parts: ProgressParts,
): pulumi.Output<string> {
  const { definition } = weaveProgress(settings.definition, findDelivery(settings, functions, parts));
  const { timeoutSeconds, definitionSubstitutions } = settings;
  const timed = timeoutSeconds === undefined ? definition : { ...definition, TimeoutSeconds: timeoutSeconds };
  return pulumi.all([pulumi.output(timed), pulumi.output({ ...definitionSubstitutions })]).apply(([known, values]) => {
    const text = substitute(JSON.stringify(known), values);
    const bytes = Buffer.byteLength(text);
    enforce(name, [
      {
        property: "definition",
        holds: bytes <= MAXIMUM_DEFINITION_BYTES,
        rule: `have at most ${MAXIMUM_DEFINITION_BYTES} bytes with its reports`,
        got: bytes,
        remedy: 'mark fewer states, or choose transport "function", which adds least',
      },
    ]);
    return text;
  });
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const MAXIMUM_DEFINITION_BYTES = 1_048_576;

/** Replaces `${Name}` within the JSON text; names without a value stay, since an expression may hold such a text. */
function substitute(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{([A-Za-z]\w*)\}/g, (all, key: string) => {
    const value = Object.hasOwn(values, key) ? values[key] : undefined;
    return value === undefined ? all : JSON.stringify(value).slice(1, -1);
  });
}

function findDelivery(
  settings: ProgressTrackedWorkflowSettings,
  { report }: ProgressFunctions,
  { placement, table, socket, deadLetterQueue }: ProgressParts,
): ProgressDelivery {
  const resourceOf = (integration: string): pulumi.Output<string> =>
    pulumi.interpolate`arn:${placement.partition}:states:::${integration}`;
  const common = { resourceOf, deadLetterQueueUrl: deadLetterQueue.url };
  switch (settings.transport) {
    case ProgressTransport.Function:
      return { ...common, transport: settings.transport, functionArn: report.function.arn };
    case ProgressTransport.EventBridge:
      return { ...common, transport: settings.transport };
    case ProgressTransport.Direct:
      return {
        ...common,
        transport: settings.transport,
        tableName: table.name,
        apiEndpoint: socket.host,
        stageName: SOCKET_STAGE,
        retentionSeconds: settings.retentionSeconds,
      };
  }
}
