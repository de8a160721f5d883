// Model of aws.lambda.FunctionEventInvokeConfig: retries and age of asynchronous events, and the queue for those that are given up.
import { InputReader, regionOf } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import { type FunctionRegistry, parseFunctionReference } from "../definition";
import { MAXIMUM_EVENT_AGE_SECONDS, MAXIMUM_RETRY_ATTEMPTS } from "../limits";
import { requireFunction, settle } from "./references";

const STANDARD_QUEUE = /^arn:aws:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+$/;

/** Model of the settings of asynchronous invocation. */
export function eventInvokeConfigModel(registry: FunctionRegistry): ResourceModel {
  const put = (inputs: PropertyMap, resource: ResourceContext): RealisedResource => {
    const { record, qualifier } = requireFunction(registry, inputs.functionName, inputs.qualifier, inputs, resource);
    const reader = new InputReader(inputs);
    const age = reader.number("maximumEventAgeInSeconds") ?? 0;
    const maximumEventAgeSeconds = age > 0 ? age : MAXIMUM_EVENT_AGE_SECONDS;
    const maximumRetryAttempts = reader.number("maximumRetryAttempts") ?? MAXIMUM_RETRY_ATTEMPTS;
    const onFailureArn = reader.nested("destinationConfig")?.nested("onFailure")?.text("destination");
    record.eventInvoke.set(qualifier ?? "$LATEST", {
      maximumEventAgeSeconds,
      maximumRetryAttempts,
      ...(onFailureArn === undefined ? {} : { onFailureArn }),
    });
    const id = qualifier === undefined ? record.latest.name : `${record.latest.name}:${qualifier}`;
    return { id, outputs: { ...inputs, id, maximumRetryAttempts, region: regionOf(inputs, resource) } };
  };
  return {
    type: "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    fidelity: "realised",
    summary:
      "Retries, largest age, and a queue for asynchronous events that are given up. Other destinations are refused.",
    check(inputs) {
      const reader = new InputReader(inputs);
      reader.allowOnly(
        "destinationConfig",
        "functionName",
        "maximumEventAgeInSeconds",
        "maximumRetryAttempts",
        "qualifier",
        "region",
      );
      const destinations = reader.nested("destinationConfig");
      destinations?.allowOnly("onFailure");
      const onFailure = destinations?.nested("onFailure");
      onFailure?.allowOnly("destination");
      const destination = onFailure?.requiredText("destination");
      if (destination && !STANDARD_QUEUE.test(destination)) {
        onFailure?.refuse("destination", "must be the ARN of a standard queue: other destinations are not simulated");
      }
      reader.requiredText("functionName");
      if (inputs.maximumEventAgeInSeconds !== 0)
        reader.integer("maximumEventAgeInSeconds", 60, MAXIMUM_EVENT_AGE_SECONDS);
      reader.integer("maximumRetryAttempts", 0, MAXIMUM_RETRY_ATTEMPTS);
      return reader.problems;
    },
    create: (inputs, resource) => settle(() => put(inputs, resource)),
    update: (_id, inputs, _old, resource) => settle(() => put(inputs, resource)),
    delete(id, outputs, resource) {
      const reference = parseFunctionReference(id, resource.accountId, regionOf(outputs, resource));
      registry.get(reference?.arn ?? "")?.eventInvoke.delete(reference?.qualifier ?? "$LATEST");
      return Promise.resolve();
    },
  };
}
