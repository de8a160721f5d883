// Resource models of state machines and their aliases.
import { AwsError, InvalidInputsError } from "../../core/errors";
import { InputReader, nameOf, regionOf, tagOutputs, textIn } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import type { CloudContext } from "../../core/service";
import { uuidFrom } from "../../core/uuid";
import { resourceProblem } from "../integrations/registry";
import { innerOf } from "../language/graph";
import { findingsOf, parseDefinition } from "../language/validate";
import type { State, StatesDefinition } from "../language/types";
import type { StateMachine, StateMachineLogging, StateMachineRevision, StateMachines } from "../state-machines";

const ROLE_ARN = /^arn:aws:iam::\d{12}:role\/.+$/;
const LOG_DESTINATION = /^arn:aws:logs:[a-z0-9-]+:\d{12}:log-group:([^:]+):\*$/;

/** Model of `aws.sfn.StateMachine`, type STANDARD. @param endExecutions of a machine that is deleted */
export function stateMachineModel(
  context: CloudContext,
  machines: StateMachines,
  endExecutions: (machine: StateMachine) => void,
): ResourceModel {
  return {
    type: "aws:sfn/stateMachine:StateMachine",
    fidelity: "realised",
    summary:
      "A Standard workflow, interpreted: all state types in JSONPath and JSONata, with lambda, dynamodb, sqs, events and apigateway " +
      "as tasks. Express workflows, distributed Maps and activities are refused; tracing is only shown.",
    check: checkMachine,
    create: async (inputs, resource) => {
      const name = nameOf(inputs, resource, 80);
      const region = regionOf(inputs, resource);
      const arn = `arn:aws:states:${region}:${resource.accountId}:stateMachine:${name}`;
      const latest = revise(context, inputs, resource, arn);
      const machine: StateMachine = {
        arn,
        name,
        accountId: resource.accountId,
        region,
        urn: resource.urn,
        createdAt: context.clock.now(),
        latest,
        versions: new Map(),
        aliases: new Map(),
      };
      machines.add(machine);
      return realise(machine, inputs, resource);
    },
    update: async (id, inputs, _old, resource) => {
      const machine = machines.get(id);
      if (!machine) throw new Error(`no state machine ${id}`);
      machine.latest = revise(context, inputs, resource, machine.arn);
      return realise(machine, inputs, resource);
    },
    delete: async (id) => {
      const machine = machines.get(id);
      if (machine) endExecutions(machine);
      machines.remove(id);
    },
  };
}

function checkMachine(inputs: PropertyMap): InputReader["problems"] {
  const reader = new InputReader(inputs);
  reader.allowOnly(
    "definition",
    "encryptionConfiguration",
    "loggingConfiguration",
    "name",
    "publish",
    "region",
    "roleArn",
    "tags",
    "tracingConfiguration",
    "type",
  );
  reader.matching("name", /^[A-Za-z0-9_-]{1,80}$/, "1 to 80 letters, digits, '-' or '_'");
  reader.requiredText("roleArn");
  reader.matching("roleArn", ROLE_ARN, "the ARN of a role");
  if ((reader.choice("type", ["STANDARD", "EXPRESS"]) ?? "STANDARD") === "EXPRESS") {
    reader.refuse("type", "EXPRESS is not simulated by the local run; run this part on AWS");
  }
  reader.flag("publish");
  reader.nested("tracingConfiguration")?.flag("enabled");
  checkLogging(reader.nested("loggingConfiguration"));
  const text = reader.requiredText("definition");
  if (text !== undefined) for (const problem of definitionProblems(text)) reader.refuse("definition", problem);
  return reader.problems;
}

function checkLogging(logging: InputReader | undefined): void {
  if (!logging) return;
  const level = logging.choice("level", ["ALL", "ERROR", "FATAL", "OFF"]) ?? "OFF";
  const destination = logging.text("logDestination");
  if (level !== "OFF" && destination === undefined) logging.refuse("logDestination", `is required with level ${level}`);
  if (destination !== undefined) {
    logging.matching("logDestination", LOG_DESTINATION, 'the ARN of a log group with ":*" at the end');
  }
}

function definitionProblems(text: string): readonly string[] {
  const findings = findingsOf(text);
  if (findings.length > 0) return findings.map(({ code, message }) => `${code}: ${message}`);
  return resourcesOf(JSON.parse(text) as StatesDefinition).flatMap((resource) => resourceProblem(resource) ?? []);
}

function resourcesOf(definition: StatesDefinition): readonly string[] {
  return Object.values(definition.States).flatMap((state: State) => [
    ...(state.Resource === undefined ? [] : [state.Resource]),
    ...innerOf(state).flatMap(resourcesOf),
  ]);
}

/** A new revision, after checking that Step Functions may assume the role. */
function revise(
  context: CloudContext,
  inputs: PropertyMap,
  resource: ResourceContext,
  arn: string,
): StateMachineRevision {
  const roleArn = textIn(inputs, "roleArn");
  try {
    context.access.assumeRole(roleArn, "validation", "states.amazonaws.com", undefined, { sourceArn: arn });
  } catch {
    const reason =
      "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role.";
    throw new InvalidInputsError(resource.urn, [{ property: "roleArn", reason }]);
  }
  const reader = new InputReader(inputs);
  const text = textIn(inputs, "definition");
  return {
    revisionId: uuidFrom(context.uniqueId(32)),
    text,
    definition: parseDefinition(text),
    roleArn,
    logging: readLogging(reader.nested("loggingConfiguration")),
    tracing: reader.nested("tracingConfiguration")?.flag("enabled") === true,
    updatedAt: context.clock.now(),
  };
}

function readLogging(logging: InputReader | undefined): StateMachineLogging {
  return {
    level: (logging?.text("level") ?? "OFF") as StateMachineLogging["level"],
    includeExecutionData: logging?.flag("includeExecutionData") === true,
    group: LOG_DESTINATION.exec(logging?.text("logDestination") ?? "")?.[1],
  };
}

function realise(machine: StateMachine, inputs: PropertyMap, resource: ResourceContext): RealisedResource {
  const { arn, name, latest, versions } = machine;
  let published = [...versions.keys()].at(-1) ?? 0;
  // A version is published for each revision.
  if (inputs.publish === true && versions.get(published)?.text !== latest.text) versions.set(++published, latest);
  return {
    id: arn,
    outputs: {
      type: "STANDARD",
      ...inputs,
      id: arn,
      arn,
      name,
      region: machine.region,
      creationDate: new Date(machine.createdAt).toISOString(),
      revisionId: latest.revisionId,
      stateMachineVersionArn: published === 0 ? "" : `${arn}:${published}`,
      status: "ACTIVE",
      ...tagOutputs(inputs, resource),
    },
  };
}

/** Model of `aws.sfn.Alias`. */
export function aliasModel(context: CloudContext, machines: StateMachines): ResourceModel {
  const put = (inputs: PropertyMap, resource: ResourceContext, oldName?: string): RealisedResource => {
    const name = oldName ?? textIn(inputs, "name");
    const routes = new InputReader(inputs).list("routingConfigurations").map((route) => ({
      versionArn: route.text("stateMachineVersionArn") ?? "",
      weight: route.number("weight") ?? 0,
    }));
    const [machineArn] = /^arn:aws:states:[^:]+:\d+:stateMachine:[^:]+/.exec(routes[0]?.versionArn ?? "") ?? [];
    const machine = machines.get(machineArn ?? "");
    const versions = routes.map(({ versionArn, weight }) => ({
      version: Number(versionArn.slice((machineArn?.length ?? 0) + 1)),
      weight,
    }));
    if (!machine || versions.some(({ version }) => !machine.versions.has(version))) {
      const reason = new AwsError("ResourceNotFound", "Request references a resource that does not exist.").message;
      throw new InvalidInputsError(resource.urn, [{ property: "routingConfigurations", reason }]);
    }
    machine.aliases.set(name, versions);
    const arn = `${machine.arn}:${name}`;
    const creationDate = new Date(context.clock.now()).toISOString();
    return { id: arn, outputs: { ...inputs, id: arn, arn, name, creationDate, region: machine.region } };
  };
  return {
    type: "aws:sfn/alias:Alias",
    fidelity: "realised",
    summary: "An alias that shares executions between one or two versions by weight.",
    check: (inputs) => {
      const reader = new InputReader(inputs);
      reader.allowOnly("description", "name", "region", "routingConfigurations");
      reader.requiredText("name");
      reader.matching(
        "name",
        /^(?=.*[A-Za-z_-])[A-Za-z0-9_-]{1,80}$/,
        "1 to 80 letters, digits, '-' or '_', not digits alone",
      );
      const routes = reader.list("routingConfigurations");
      if (routes.length < 1 || routes.length > 2) reader.refuse("routingConfigurations", "needs one or two versions");
      for (const route of routes) {
        route.requiredText("stateMachineVersionArn");
        route.integer("weight", 0, 100);
      }
      const total = routes.reduce((sum, route) => sum + (route.number("weight") ?? 0), 0);
      if (total !== 100) reader.refuse("routingConfigurations", `the weights must add up to 100, got ${total}`);
      return reader.problems;
    },
    create: async (inputs, resource) => put(inputs, resource),
    update: async (_id, inputs, old, resource) => put(inputs, resource, textIn(old, "name")),
    delete: async (id) => {
      const separator = id.lastIndexOf(":");
      machines.get(id.slice(0, separator))?.aliases.delete(id.slice(separator + 1));
    },
  };
}
