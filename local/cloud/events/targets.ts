// Resource model of an EventBridge target.
import { AwsError } from "../core/errors";
import { InputReader, textIn } from "../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../core/resource-model";
import type { Target } from "./buses";
import { busNameIn, busOf, checkJson, RULE_NAME } from "./event-inputs";
import { isQueue, logGroupOf } from "./delivery";
import type { EventRouter } from "./router";
import { isPath, templateProblem } from "./transformer";

const LAMBDA_ARN = /^arn:aws:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+(:[\w$-]+)?$/;
const MAX_TARGETS = 5;
const MAX_INPUT_LENGTH = 8192;
const MAX_INPUT_PATHS = 100;
const MAX_RETRIES = 185;
const MAX_AGE_SECONDS = 86_400;
const TARGET_EXTRAS = ["retryPolicy", "deadLetterConfig", "sqsTarget", "forceDestroy", "region"] as const;

/** Model of `aws.cloudwatch.EventTarget`. */
export function targetModel(router: EventRouter): ResourceModel {
  const put = (inputs: PropertyMap, context: ResourceContext, targetId: string): RealisedResource => {
    const bus = busOf(router, inputs, context);
    const name = textIn(inputs, "rule");
    const rule = bus.rules.get(name);
    if (!rule) {
      throw new AwsError("ResourceNotFoundException", `Rule ${name} does not exist on EventBus ${bus.name}.`);
    }
    if (!rule.targets.has(targetId) && rule.targets.size >= MAX_TARGETS) {
      throw new AwsError("LimitExceededException", "The requested resource exceeds the maximum number allowed.");
    }
    rule.targets.set(targetId, targetOf(inputs, targetId));
    const id = bus.name === "default" ? `${name}-${targetId}` : `${bus.name}-${name}-${targetId}`;
    const facts = { id, targetId, eventBusName: busNameIn(inputs), region: bus.region };
    return { id, outputs: { forceDestroy: false, ...inputs, ...facts } };
  };
  return {
    type: "aws:cloudwatch/eventTarget:EventTarget",
    fidelity: "realised",
    summary:
      "Sends a rule's events to a Lambda function (which retries by itself), a queue or a log group, with retries and a dead-letter queue. Other targets are refused.",
    check: (inputs) => checkTarget(inputs),
    create: async (inputs, context) => {
      const given = inputs.targetId;
      return put(inputs, context, typeof given === "string" ? given : context.autoname(64));
    },
    update: async (_id, inputs, old, context) => put(inputs, context, textIn(old, "targetId")),
    async delete(_id, outputs, context) {
      busOf(router, outputs, context).rules.get(textIn(outputs, "rule"))?.targets.delete(textIn(outputs, "targetId"));
    },
  };
}

function checkTarget(inputs: PropertyMap): InputReader["problems"] {
  const reader = new InputReader(inputs);
  reader.allowOnly(
    "rule",
    "arn",
    "targetId",
    "eventBusName",
    "input",
    "inputPath",
    "inputTransformer",
    ...TARGET_EXTRAS,
  );
  reader.requiredText("rule");
  reader.matching("targetId", RULE_NAME, "1 to 64 letters, digits, '.', '-' or '_'");
  const arn = reader.requiredText("arn");
  if (arn && !LAMBDA_ARN.test(arn) && !isQueue(arn) && logGroupOf(arn) === undefined) {
    reader.refuse(
      "arn",
      "must name a Lambda function, a queue or a log group; other targets are not simulated by the local run",
    );
  }
  const shapes = ["input", "inputPath", "inputTransformer"].filter((name) => reader.has(name));
  if (shapes.length > 1) reader.refuse(shapes[1] ?? "", `must be left out beside ${shapes[0]}`);
  checkJson(reader, "input");
  if ((reader.text("input") ?? "").length > MAX_INPUT_LENGTH) {
    reader.refuse("input", `must be at most ${MAX_INPUT_LENGTH} characters`);
  }
  const path = reader.text("inputPath");
  if (path !== undefined && !isPath(path))
    reader.refuse("inputPath", `must be a JSON path in dot notation, got ${path}`);
  checkTransformer(reader);
  const retry = reader.nested("retryPolicy");
  retry?.allowOnly("maximumEventAgeInSeconds", "maximumRetryAttempts");
  retry?.integer("maximumEventAgeInSeconds", 60, MAX_AGE_SECONDS);
  retry?.integer("maximumRetryAttempts", 0, MAX_RETRIES);
  checkQueues(reader, arn ?? "");
  return reader.problems;
}

function checkQueues(reader: InputReader, arn: string): void {
  const queue = reader.nested("sqsTarget");
  queue?.allowOnly("messageGroupId");
  queue?.matching("messageGroupId", /^\S{1,100}$/, "1 to 100 characters without spaces");
  if (queue && !isQueue(arn)) reader.refuse("sqsTarget", "is only for a queue as target");
  if (isQueue(arn) && arn.endsWith(".fifo") && !queue?.has("messageGroupId")) {
    reader.refuse("sqsTarget.messageGroupId", "is required for a FIFO queue");
  }
  const deadLetters = reader.nested("deadLetterConfig");
  deadLetters?.allowOnly("arn");
  const deadLetterArn = deadLetters?.requiredText("arn");
  if (deadLetterArn && (!isQueue(deadLetterArn) || deadLetterArn.endsWith(".fifo"))) {
    deadLetters?.refuse("arn", "must be the ARN of a standard queue");
  }
}

function checkTransformer(reader: InputReader): void {
  const transformer = reader.nested("inputTransformer");
  if (!transformer) return;
  transformer.allowOnly("inputPaths", "inputTemplate");
  const inputTemplate = transformer.requiredText("inputTemplate");
  const inputPaths = transformer.textMap("inputPaths");
  if (Object.keys(inputPaths).length > MAX_INPUT_PATHS) {
    transformer.refuse("inputPaths", `must be at most ${MAX_INPUT_PATHS}`);
  }
  for (const [name, path] of Object.entries(inputPaths)) {
    if (name.startsWith("AWS")) transformer.refuse(`inputPaths.${name}`, 'must not start with "AWS"');
    if (!isPath(path)) transformer.refuse(`inputPaths.${name}`, `must be a JSON path in dot notation, got ${path}`);
  }
  if (inputTemplate === undefined) return;
  if (inputTemplate.length > MAX_INPUT_LENGTH) {
    transformer.refuse("inputTemplate", `must be at most ${MAX_INPUT_LENGTH} characters`);
  }
  const problem = templateProblem({ inputPaths, inputTemplate });
  if (problem) transformer.refuse("inputTemplate", problem);
}

function targetOf(inputs: PropertyMap, id: string): Target {
  const reader = new InputReader(inputs);
  const transformer = reader.nested("inputTransformer");
  const retry = reader.nested("retryPolicy");
  return {
    id,
    messageGroupId: reader.nested("sqsTarget")?.text("messageGroupId"),
    deadLetterArn: reader.nested("deadLetterConfig")?.text("arn"),
    retry: {
      attempts: retry?.number("maximumRetryAttempts") ?? MAX_RETRIES,
      ageMs: (retry?.number("maximumEventAgeInSeconds") ?? MAX_AGE_SECONDS) * 1000,
    },
    arn: textIn(inputs, "arn"),
    input: reader.text("input"),
    inputPath: reader.text("inputPath"),
    inputTransformer: transformer && {
      inputPaths: transformer.textMap("inputPaths"),
      inputTemplate: transformer.text("inputTemplate") ?? "",
    },
  };
}
