// Model of aws.lambda.Permission: one statement of a function's resource policy.
import type { PolicyStatement } from "../../core/access";
import { type InputProblem, InvalidInputsError } from "../../core/errors";
import { InputReader, regionOf, textIn } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import { type FunctionPermission, type FunctionRegistry, parseFunctionReference } from "../definition";
import { requireFunction, settle } from "./references";

const SERVICE = /^[a-z0-9.-]+\.amazonaws\.com$/;
const ACCOUNT = /^\d{12}$/;

/** Model of a permission. */
export function permissionModel(registry: FunctionRegistry): ResourceModel {
  return {
    type: "aws:lambda/permission:Permission",
    fidelity: "realised",
    summary:
      "A statement of the function's resource policy, evaluated for every invocation by a service or another account.",
    check: checkPermission,
    create: (inputs, resource) => settle(() => addPermission(registry, inputs, resource)),
    delete(id, outputs, resource) {
      const region = regionOf(outputs, resource);
      const reference = parseFunctionReference(textIn(outputs, "function"), resource.accountId, region);
      const qualifier = textIn(outputs, "qualifier") || (reference?.qualifier ?? "");
      registry.get(reference?.arn ?? "")?.permissions.delete(`${qualifier}/${id}`);
      return Promise.resolve();
    },
  };
}

function addPermission(registry: FunctionRegistry, inputs: PropertyMap, resource: ResourceContext): RealisedResource {
  const { record, qualifier } = requireFunction(registry, inputs.function, inputs.qualifier, inputs, resource);
  const id = statementId(inputs, resource);
  const key = `${qualifier ?? ""}/${id}`;
  if (record.permissions.has(key)) {
    const reason = `The statement id (${id}) provided already exists. Please provide a new statement id, or remove the existing statement.`;
    throw new InvalidInputsError(resource.urn, [{ property: "statementId", reason }]);
  }
  const arn = qualifier === undefined ? record.latest.arn : `${record.latest.arn}:${qualifier}`;
  const permission: FunctionPermission = {
    id,
    statement: buildStatement(inputs, id, arn),
    ...(qualifier === undefined ? {} : { qualifier }),
  };
  record.permissions.set(key, permission);
  const outputs = { ...inputs, id, statementId: id, region: regionOf(inputs, resource) };
  return { id, outputs };
}

function checkPermission(inputs: PropertyMap): readonly InputProblem[] {
  const reader = new InputReader(inputs);
  reader.allowOnly(
    "action",
    "function",
    "functionUrlAuthType",
    "invokedViaFunctionUrl",
    "principal",
    "principalOrgId",
    "qualifier",
    "region",
    "sourceAccount",
    "sourceArn",
    "statementId",
    "statementIdPrefix",
  );
  reader.requiredText("action");
  reader.matching("action", /^(lambda:(\*|[A-Za-z]+)|\*)$/, "an action of Lambda such as lambda:InvokeFunction");
  reader.requiredText("function");
  reader.requiredText("principal");
  reader.matching("sourceAccount", ACCOUNT, "an account id of twelve digits");
  reader.matching("sourceArn", /^arn:.+/, "an ARN");
  reader.matching("statementId", /^[A-Za-z0-9_-]{1,100}$/, "1 to 100 letters, digits, hyphens or underscores");
  reader.choice("functionUrlAuthType", ["NONE", "AWS_IAM"]);
  if (inputs.qualifier === "$LATEST") {
    reader.refuse("qualifier", "Lambda accepts no policy on $LATEST; leave it out, or name a version or an alias");
  }
  return reader.problems;
}

function statementId(inputs: PropertyMap, resource: ResourceContext): string {
  if (typeof inputs.statementId === "string") return inputs.statementId;
  const prefix = typeof inputs.statementIdPrefix === "string" ? inputs.statementIdPrefix : "";
  return prefix + resource.autoname(100 - prefix.length);
}

function buildStatement(inputs: PropertyMap, id: string, resource: string): PolicyStatement {
  const reader = new InputReader(inputs);
  const equal: Record<string, string> = {};
  const add = (key: string, value: string | undefined): void => {
    if (value !== undefined) equal[key] = value;
  };
  add("aws:SourceAccount", reader.text("sourceAccount"));
  add("aws:PrincipalOrgID", reader.text("principalOrgId"));
  add("lambda:FunctionUrlAuthType", reader.text("functionUrlAuthType"));
  const sourceArn = reader.text("sourceArn");
  const viaUrl = reader.flag("invokedViaFunctionUrl");
  const condition = {
    ...(Object.keys(equal).length > 0 ? { StringEquals: equal } : {}),
    ...(sourceArn === undefined ? {} : { ArnLike: { "aws:SourceArn": sourceArn } }),
    ...(viaUrl === undefined ? {} : { Bool: { "lambda:InvokedViaFunctionUrl": String(viaUrl) } }),
  };
  return {
    Sid: id,
    Effect: "Allow",
    Principal: principalOf(reader.text("principal") ?? ""),
    Action: reader.text("action") ?? "",
    Resource: resource,
    ...(Object.keys(condition).length > 0 ? { Condition: condition } : {}),
  };
}

function principalOf(principal: string): NonNullable<PolicyStatement["Principal"]> {
  if (principal === "*") return "*";
  if (SERVICE.test(principal)) return { Service: principal };
  return { AWS: ACCOUNT.test(principal) ? `arn:aws:iam::${principal}:root` : principal };
}
