// Resource models of CloudWatch Logs: the log group.
import { AwsError } from "../core/errors";
import { InputReader, nameOf, regionOf, tagOutputs, textIn } from "../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../core/resource-model";
import { groupArn, type LogGroup, type LogGroups } from "./store";

/** Retention periods that CloudWatch Logs knows, in days; 0 keeps lines forever. */
export const RETENTION_DAYS: readonly number[] = [
  0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];
const CLASSES = ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"];
const NAME = /^[.\-_/#A-Za-z0-9]{1,512}$/;
const KEY_ARN = /^arn:aws:kms:[a-z0-9-]+:\d{12}:(key|alias)\/.+$/;

/** Model of `aws.cloudwatch.LogGroup`. */
export function logGroupModel(groups: LogGroups): ResourceModel {
  return {
    type: "aws:cloudwatch/logGroup:LogGroup",
    fidelity: "realised",
    summary:
      "A group whose latest 10,000 lines are kept in memory, within its retention. Its key and class are only shown.",
    check: checkLogGroup,
    async create(inputs, context) {
      const prefix = inputs.namePrefix;
      const name = typeof prefix === "string" ? prefix + context.autoname(512).slice(-7) : nameOf(inputs, context, 512);
      const place = { accountId: context.accountId, region: regionOf(inputs, context), name };
      const found = groups.find(place);
      // A group that a function has already written to is no surprise in the local run, but AWS refuses it.
      if (found) throw new AwsError("ResourceAlreadyExistsException", "The specified log group already exists");
      return realised(groups.create(place), inputs, context);
    },
    async update(_id, inputs, old, context) {
      const name = nameOf(inputs, context, 512, old);
      const place = { accountId: context.accountId, region: regionOf(inputs, context), name };
      const before = { ...place, region: regionOf(old, context), name: textIn(old, "name") };
      if (before.name !== name || before.region !== place.region) groups.delete(before);
      return realised(groups.find(place) ?? groups.create(place), inputs, context);
    },
    async delete(_id, outputs, context) {
      if (outputs.deletionProtectionEnabled === true) {
        throw new AwsError("ValidationException", "Log group cannot be deleted while deletion protection is enabled.");
      }
      if (outputs.skipDestroy === true) return;
      const name = textIn(outputs, "name");
      groups.delete({ accountId: context.accountId, region: regionOf(outputs, context), name });
    },
  };
}

function checkLogGroup(inputs: PropertyMap): InputReader["problems"] {
  const reader = new InputReader(inputs);
  reader.allowOnly(
    "name",
    "namePrefix",
    "retentionInDays",
    "kmsKeyId",
    "logGroupClass",
    "skipDestroy",
    "deletionProtectionEnabled",
    "region",
    "tags",
  );
  reader.matching("name", NAME, "1 to 512 letters, digits, '.', '-', '_', '/' or '#'");
  if (reader.has("name") && reader.has("namePrefix")) reader.refuse("namePrefix", "must be left out beside name");
  reader.choice("logGroupClass", CLASSES);
  reader.matching("kmsKeyId", KEY_ARN, "the ARN of a KMS key");
  const days = reader.number("retentionInDays");
  if (days !== undefined && !RETENTION_DAYS.includes(days)) {
    reader.refuse("retentionInDays", `must be one of ${RETENTION_DAYS.join(", ")}, got ${days}`);
  }
  return reader.problems;
}

function realised(group: LogGroup, inputs: PropertyMap, context: ResourceContext): RealisedResource {
  const reader = new InputReader(inputs);
  group.retentionInDays = reader.number("retentionInDays") ?? 0;
  group.kmsKeyId = reader.text("kmsKeyId");
  group.logGroupClass = reader.text("logGroupClass") ?? "STANDARD";
  const outputs: PropertyMap = {
    skipDestroy: false,
    ...inputs,
    id: group.name,
    name: group.name,
    namePrefix: reader.text("namePrefix") ?? "",
    arn: groupArn(group),
    region: group.region,
    retentionInDays: group.retentionInDays,
    logGroupClass: group.logGroupClass,
    ...tagOutputs(inputs, context),
  };
  return { id: group.name, outputs };
}
