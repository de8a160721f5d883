// Model of aws.lambda.Alias: a name for one version.
import { InputReader, regionOf, textIn } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import type { FunctionRegistry } from "../definition";
import { requireFunction, settle } from "./references";

/** Model of an alias without weighted routing. */
export function aliasModel(registry: FunctionRegistry): ResourceModel {
  const put = (inputs: PropertyMap, resource: ResourceContext): RealisedResource => {
    const { record } = requireFunction(registry, inputs.functionName, inputs.functionVersion, inputs, resource);
    const name = textIn(inputs, "name");
    record.aliases.set(name, textIn(inputs, "functionVersion"));
    const { region, arn: functionArn } = record.latest;
    const arn = `${functionArn}:${name}`;
    const invokeArn = `arn:aws:apigateway:${region}:lambda:path/2015-03-31/functions/${arn}/invocations`;
    return { id: arn, outputs: { ...inputs, id: arn, arn, invokeArn, region: regionOf(inputs, resource) } };
  };
  return {
    type: "aws:lambda/alias:Alias",
    fidelity: "realised",
    summary: "A name for one version. Weighted routing is refused.",
    check(inputs) {
      const reader = new InputReader(inputs);
      reader.allowOnly("description", "functionName", "functionVersion", "name", "region");
      reader.requiredText("functionName");
      reader.requiredText("functionVersion");
      reader.requiredText("name");
      reader.matching(
        "name",
        /^(?![0-9]+$)[A-Za-z0-9_-]{1,128}$/,
        "1 to 128 letters, digits, hyphens or underscores, not a number",
      );
      return reader.problems;
    },
    create: (inputs, resource) => settle(() => put(inputs, resource)),
    update: (_id, inputs, _old, resource) => settle(() => put(inputs, resource)),
    delete(id) {
      const separator = id.lastIndexOf(":");
      registry.get(id.slice(0, separator))?.aliases.delete(id.slice(separator + 1));
      return Promise.resolve();
    },
  };
}
