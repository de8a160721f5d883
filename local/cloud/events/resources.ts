// Resource models of EventBridge: bus, bus policy, rule.
import { AwsError, NotSimulatedError } from "../core/errors";
import type { PolicyDocument } from "../core/access";
import { InputReader, nameOf, regionOf, tagOutputs, textIn } from "../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../core/resource-model";
import { type Bus, busArn, placeOf, type Rule, ruleArn, type Target } from "./buses";
import { busNameIn, busOf, checkJson, RULE_NAME } from "./event-inputs";
import { compilePattern } from "./pattern";
import type { EventRouter } from "./router";
import { parseSchedule } from "./schedule";
import { targetModel } from "./targets";

const BUS_NAME = /^[.\-_A-Za-z0-9/]{1,256}$/;
const RULE_MEMBERS = [
  "name",
  "namePrefix",
  "description",
  "eventBusName",
  "eventPattern",
  "scheduleExpression",
  "state",
  "isEnabled",
  "roleArn",
  "forceDestroy",
  "region",
  "tags",
] as const;
const RULE_STATES = ["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"];

/** Models of `aws.cloudwatch.EventBus`, `EventBusPolicy`, `EventRule` and `EventTarget`. */
export function eventModels(router: EventRouter): readonly ResourceModel[] {
  return [busModel(router), busPolicyModel(router), ruleModel(router), targetModel(router)];
}

function busModel(router: EventRouter): ResourceModel {
  return {
    type: "aws:cloudwatch/eventBus:EventBus",
    fidelity: "realised",
    summary:
      "A bus with rules. Its description and key are only shown; partner sources, logs and dead letters are refused.",
    check(inputs) {
      const reader = new InputReader(inputs);
      reader.allowOnly("name", "description", "kmsKeyIdentifier", "region", "tags");
      const name = reader.matching("name", BUS_NAME, "1 to 256 letters, digits, '.', '-', '_' or '/'");
      if (name === "default") reader.refuse("name", "must not be default: that bus always exists");
      if ((reader.text("description") ?? "").length > 512)
        reader.refuse("description", "must be at most 512 characters");
      return reader.problems;
    },
    async create(inputs, context) {
      const name = nameOf(inputs, context, 256);
      const place = { accountId: context.accountId, region: regionOf(inputs, context), name };
      router.buses.create(place);
      return realisedBus(inputs, context, name, busArn(place));
    },
    async update(id, inputs, old, context) {
      return realisedBus(inputs, context, id, textIn(old, "arn"));
    },
    async delete(_id, outputs) {
      router.buses.delete(textIn(outputs, "arn"));
    },
  };
}

function realisedBus(inputs: PropertyMap, context: ResourceContext, name: string, arn: string): RealisedResource {
  const region = regionOf(inputs, context);
  return { id: name, outputs: { ...inputs, id: name, name, arn, region, ...tagOutputs(inputs, context) } };
}

function busPolicyModel(router: EventRouter): ResourceModel {
  const apply = (inputs: PropertyMap, context: ResourceContext): RealisedResource => {
    const bus = busOf(router, inputs, context);
    bus.policy = { name: `policy of ${bus.arn}`, document: JSON.parse(textIn(inputs, "policy")) as PolicyDocument };
    return { id: bus.name, outputs: { ...inputs, id: bus.name, eventBusName: bus.name, region: bus.region } };
  };
  return {
    type: "aws:cloudwatch/eventBusPolicy:EventBusPolicy",
    fidelity: "realised",
    summary: "The resource policy of a bus, evaluated for PutEvents.",
    check(inputs) {
      const reader = new InputReader(inputs);
      reader.allowOnly("policy", "eventBusName", "region");
      checkJson(reader, "policy", true);
      return reader.problems;
    },
    create: async (inputs, context) => apply(inputs, context),
    update: async (_id, inputs, _old, context) => apply(inputs, context),
    async delete(_id, outputs, context) {
      busOf(router, outputs, context).policy = undefined;
    },
  };
}

function ruleModel(router: EventRouter): ResourceModel {
  return {
    type: "aws:cloudwatch/eventRule:EventRule",
    fidelity: "realised",
    summary: "A rule with an event pattern or a schedule on the local clock. Its role is only shown.",
    check: (inputs) => checkRule(inputs),
    async create(inputs, context) {
      const bus = busOf(router, inputs, context);
      const name =
        typeof inputs.namePrefix === "string" ? prefixed(inputs.namePrefix, context) : nameOf(inputs, context, 64);
      if (bus.rules.has(name)) throw new AwsError("ResourceAlreadyExistsException", `Rule ${name} already exists.`);
      return putRule(router, bus, name, inputs, context);
    },
    async update(_id, inputs, old, context) {
      const given = inputs.name ?? old.name;
      if (given !== old.name || busNameIn(inputs) !== busNameIn(old)) {
        throw new NotSimulatedError("moving or renaming an event rule in place", "local/cloud/events/resources.ts");
      }
      return putRule(router, busOf(router, old, context), textIn(old, "name"), inputs, context);
    },
    async delete(_id, outputs, context) {
      const bus = busOf(router, outputs, context);
      const rule = bus.rules.get(textIn(outputs, "name"));
      if (rule && rule.targets.size > 0 && outputs.forceDestroy !== true) {
        throw new AwsError("ValidationException", "Rule can't be deleted since it has targets.");
      }
      rule?.timer?.cancel();
      bus.rules.delete(textIn(outputs, "name"));
    },
  };
}

function prefixed(prefix: string, context: ResourceContext): string {
  return prefix + context.autoname(64).slice(-7);
}

function checkRule(inputs: PropertyMap): InputReader["problems"] {
  const reader = new InputReader(inputs);
  reader.allowOnly(...RULE_MEMBERS);
  reader.matching("name", RULE_NAME, "1 to 64 letters, digits, '.', '-' or '_'");
  reader.choice("state", RULE_STATES);
  if (reader.has("state") && reader.has("isEnabled")) reader.refuse("isEnabled", "must be left out beside state");
  if ((reader.text("description") ?? "").length > 512) reader.refuse("description", "must be at most 512 characters");
  const pattern = reader.text("eventPattern");
  const schedule = reader.text("scheduleExpression");
  if (!pattern && !schedule) reader.refuse("eventPattern", "or scheduleExpression is required");
  if (pattern) refuseThrown(reader, "eventPattern", () => compilePattern(pattern));
  if (schedule) refuseThrown(reader, "scheduleExpression", () => parseSchedule(schedule, 0));
  if (schedule && placeOf(busNameIn(inputs), "", "").name !== "default") {
    reader.refuse("scheduleExpression", "is supported only on the default event bus");
  }
  return reader.problems;
}

function refuseThrown(reader: InputReader, property: string, run: () => unknown): void {
  try {
    run();
  } catch (error) {
    reader.refuse(property, error instanceof Error ? error.message : String(error));
  }
}

function putRule(
  router: EventRouter,
  bus: Bus,
  name: string,
  inputs: PropertyMap,
  context: ResourceContext,
): RealisedResource {
  const { eventPattern, scheduleExpression } = inputs;
  const existing = bus.rules.get(name);
  existing?.timer?.cancel();
  const state = stateOf(inputs);
  const rule: Rule = {
    bus,
    name,
    arn: ruleArn(bus, name),
    enabled: state !== "DISABLED",
    matches: typeof eventPattern === "string" ? compilePattern(eventPattern) : undefined,
    schedule: typeof scheduleExpression === "string" ? router.schedule(scheduleExpression) : undefined,
    targets: existing?.targets ?? new Map<string, Target>(),
    timer: undefined,
  };
  bus.rules.set(name, rule);
  router.plan(rule);
  const id = bus.name === "default" ? name : `${bus.name}/${name}`;
  const facts = { id, name, namePrefix: "", arn: rule.arn, eventBusName: busNameIn(inputs), state, region: bus.region };
  return {
    id,
    outputs: { forceDestroy: false, isEnabled: rule.enabled, ...inputs, ...facts, ...tagOutputs(inputs, context) },
  };
}

function stateOf(inputs: PropertyMap): string {
  if (typeof inputs.state === "string") return inputs.state;
  return inputs.isEnabled === false ? "DISABLED" : "ENABLED";
}
