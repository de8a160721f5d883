// Recorded models of SNS: topics have ARNs to refer to; nothing is delivered.
import { InputReader, nameOf, regionOf, tagOutputs, textIn } from "../core/input-reader";
import type { ResourceModel } from "../core/resource-model";
import { checkPolicyText, recorded } from "./recorded-model";

const TOPIC_NAME = /^[a-zA-Z0-9_-]{1,256}$/;
const FIFO_NAME = /^[a-zA-Z0-9_-]{1,251}\.fifo$/;
const TOPIC_ARN = /^arn:aws:sns:[a-z0-9-]+:\d{12}:[a-zA-Z0-9_.-]+$/;

/** Model of `aws.sns.Topic`. */
export function topicModel(): ResourceModel {
  return recorded({
    type: "aws:sns/topic:Topic",
    summary: "A topic with an ARN. Nothing is delivered: what alarms publish is kept to be shown.",
    check(reader) {
      reader.allowOnly(
        "name",
        "displayName",
        "policy",
        "deliveryPolicy",
        "kmsMasterKeyId",
        "fifoTopic",
        "contentBasedDeduplication",
        "signatureVersion",
        "tracingConfig",
        "region",
        "tags",
      );
      const fifo = reader.flag("fifoTopic") === true;
      if (fifo) reader.matching("name", FIFO_NAME, 'letters, digits, "_" or "-", ending in .fifo');
      else reader.matching("name", TOPIC_NAME, '1 to 256 letters, digits, "_" or "-"');
      if (reader.flag("contentBasedDeduplication") && !fifo) {
        reader.refuse("contentBasedDeduplication", "needs fifoTopic: true");
      }
      if ((reader.text("displayName") ?? "").length > 100)
        reader.refuse("displayName", "must be at most 100 characters");
      reader.integer("signatureVersion", 1, 2);
      reader.choice("tracingConfig", ["PassThrough", "Active"]);
      checkPolicyText(reader, "policy");
    },
    outputs(inputs, context, old) {
      const region = regionOf(inputs, context);
      const fifo = new InputReader(inputs).flag("fifoTopic") === true;
      const given = nameOf(inputs, context, fifo ? 251 : 256, old);
      const name = fifo && !given.endsWith(".fifo") ? `${given}.fifo` : given;
      const arn = `arn:aws:sns:${region}:${context.accountId}:${name}`;
      const facts = { name, arn, region, owner: context.accountId, ...tagOutputs(inputs, context) };
      return { id: arn, outputs: { fifoTopic: false, ...inputs, ...facts } };
    },
  });
}

/** Model of `aws.sns.TopicPolicy`. */
export function topicPolicyModel(): ResourceModel {
  return recorded({
    type: "aws:sns/topicPolicy:TopicPolicy",
    summary: "A topic's policy. It is not evaluated.",
    check(reader) {
      reader.allowOnly("arn", "policy", "region");
      reader.requiredText("arn");
      reader.matching("arn", TOPIC_ARN, "the ARN of a topic");
      reader.requiredText("policy");
      checkPolicyText(reader, "policy");
    },
    outputs(inputs, context) {
      const arn = textIn(inputs, "arn");
      return { id: arn, outputs: { ...inputs, owner: context.accountId, region: regionOf(inputs, context) } };
    },
  });
}
