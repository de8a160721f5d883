// Recorded models of KMS: keys and aliases have ARNs to refer to; nothing is encrypted with them.
import { InputReader, nameOf, regionOf, tagOutputs } from "../core/input-reader";
import type { ResourceModel } from "../core/resource-model";
import type { CloudContext } from "../core/service";
import { checkPolicyText, recorded } from "./recorded-model";

const KEY_USAGES = ["ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"];
const ALIAS = /^alias\/[a-zA-Z0-9/_-]{1,250}$/;

/** Model of `aws.kms.Key`. */
export function keyModel(cloud: CloudContext): ResourceModel {
  return recorded({
    type: "aws:kms/key:Key",
    summary: "A key with an ARN. Nothing is encrypted with it, and its policy is not evaluated.",
    check(reader) {
      reader.allowOnly(
        "description",
        "keyUsage",
        "customerMasterKeySpec",
        "policy",
        "bypassPolicyLockoutSafetyCheck",
        "isEnabled",
        "enableKeyRotation",
        "rotationPeriodInDays",
        "deletionWindowInDays",
        "multiRegion",
        "region",
        "tags",
      );
      reader.choice("keyUsage", KEY_USAGES);
      reader.integer("deletionWindowInDays", 7, 30);
      reader.integer("rotationPeriodInDays", 90, 2560);
      if (reader.has("rotationPeriodInDays") && reader.flag("enableKeyRotation") !== true) {
        reader.refuse("rotationPeriodInDays", "needs enableKeyRotation: true");
      }
      checkPolicyText(reader, "policy");
    },
    outputs(inputs, context, old) {
      const region = regionOf(inputs, context);
      const made = inputs.multiRegion === true ? `mrk-${hex(cloud, 32)}` : uuid(cloud);
      const keyId = typeof old?.keyId === "string" ? old.keyId : made;
      const arn = `arn:aws:kms:${region}:${context.accountId}:key/${keyId}`;
      const defaults = { isEnabled: true, keyUsage: "ENCRYPT_DECRYPT", customerMasterKeySpec: "SYMMETRIC_DEFAULT" };
      return { id: keyId, outputs: { ...defaults, ...inputs, keyId, arn, region, ...tagOutputs(inputs, context) } };
    },
  });
}

/** Model of `aws.kms.Alias`. */
export function aliasModel(): ResourceModel {
  return recorded({
    type: "aws:kms/alias:Alias",
    summary: "A name for a key.",
    check(reader) {
      reader.allowOnly("name", "namePrefix", "targetKeyId", "region");
      reader.requiredText("targetKeyId");
      const name = reader.matching("name", ALIAS, '"alias/" and 1 to 250 letters, digits, "/", "_" or "-"');
      if (name?.startsWith("alias/aws/"))
        reader.refuse("name", "must not begin with alias/aws/, which AWS keeps for itself");
    },
    outputs(inputs, context, old) {
      const region = regionOf(inputs, context);
      const given = nameOf(inputs, context, 250, old);
      const name = given.startsWith("alias/") ? given : `alias/${given}`;
      const target = new InputReader(inputs).text("targetKeyId") ?? "";
      const keyId = target.slice(target.lastIndexOf("/") + 1);
      const targetKeyArn = `arn:aws:kms:${region}:${context.accountId}:key/${keyId}`;
      const arn = `arn:aws:kms:${region}:${context.accountId}:${name}`;
      return { id: name, outputs: { ...inputs, name, namePrefix: "", arn, region, targetKeyId: keyId, targetKeyArn } };
    },
  });
}

function hex(cloud: CloudContext, length: number): string {
  return Buffer.from(cloud.uniqueId(length)).toString("hex").slice(-length);
}

function uuid(cloud: CloudContext): string {
  const digits = hex(cloud, 32);
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
    "-",
  );
}
