// Resource model of a composite alarm, with the checks of PutCompositeAlarm.
import { InputReader, regionOf, tagOutputs, textIn } from "../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../core/resource-model";
import { isAction } from "./alarm-actions";
import { parseAlarmRule } from "./alarm-rule";
import type { Alarms } from "./alarms";

const MAX_ACTIONS = 5;
const ACTIONS = ["alarmActions", "okActions", "insufficientDataActions"] as const;

/** Model of `aws.cloudwatch.CompositeAlarm`. */
export function compositeAlarmModel(alarms: Alarms): ResourceModel {
  const put = (inputs: PropertyMap, context: ResourceContext): RealisedResource => {
    const reader = new InputReader(inputs);
    const name = textIn(inputs, "alarmName");
    const region = regionOf(inputs, context);
    const arn = `arn:aws:cloudwatch:${region}:${context.accountId}:alarm:${name}`;
    const description = reader.text("alarmDescription");
    alarms.putComposite({
      name,
      arn,
      accountId: context.accountId,
      region,
      urn: context.urn,
      rule: parseAlarmRule(textIn(inputs, "alarmRule")),
      configuration: { ...(description ? { description } : {}), alarmRule: textIn(inputs, "alarmRule") },
      actionsEnabled: reader.flag("actionsEnabled") !== false,
      actions: {
        ALARM: reader.texts("alarmActions"),
        OK: reader.texts("okActions"),
        INSUFFICIENT_DATA: reader.texts("insufficientDataActions"),
      },
    });
    return {
      id: name,
      outputs: { actionsEnabled: true, ...inputs, id: name, arn, region, ...tagOutputs(inputs, context) },
    };
  };
  return {
    type: "aws:cloudwatch/compositeAlarm:CompositeAlarm",
    fidelity: "realised",
    summary: "An alarm over the states of other alarms, evaluated when one of them changes. Suppression is refused.",
    check: (inputs) => checkComposite(inputs),
    create: async (inputs, context) => put(inputs, context),
    update: async (_id, inputs, _old, context) => put(inputs, context),
    delete: async (_id, outputs) => alarms.delete(textIn(outputs, "arn")),
  };
}

function checkComposite(inputs: PropertyMap): InputReader["problems"] {
  const reader = new InputReader(inputs);
  reader.allowOnly("alarmName", "alarmDescription", "alarmRule", "actionsEnabled", ...ACTIONS, "region", "tags");
  reader.requiredText("alarmName");
  reader.matching("alarmName", /^.{1,255}$/s, "1 to 255 characters");
  const rule = reader.requiredText("alarmRule");
  if (rule !== undefined) {
    try {
      parseAlarmRule(rule);
    } catch (error) {
      reader.refuse("alarmRule", error instanceof Error ? error.message : String(error));
    }
  }
  for (const name of ACTIONS) checkActions(reader, name);
  return reader.problems;
}

/** Refuses too many actions, what is no ARN, and actions that nothing here can take. */
export function checkActions(reader: InputReader, name: string): void {
  const actions = reader.texts(name);
  if (actions.length > MAX_ACTIONS) reader.refuse(name, `must be at most ${MAX_ACTIONS}, got ${actions.length}`);
  for (const action of actions) {
    if (!action.startsWith("arn:")) reader.refuse(name, `must be ARNs, got ${action}`);
    else if (!isAction(action))
      reader.refuse(name, `other than topics and functions are not simulated by the local run, got ${action}`);
  }
}
