// Between engine and cloud: every registered resource finds the model of its type.
import { randomBytes } from "node:crypto";
import { InvalidInputsError, NotSimulatedError } from "../cloud/core/errors";
import type { ResourceContext, ResourceModel } from "../cloud/core/resource-model";
import type { Cloud } from "../cloud";
import { containsUnknown } from "../engine";
import type { ResolvedProvider, ResourceProvider, ResourceRequest } from "../engine";

/**
 * A provider for the engine that realises resources in the embedded cloud.
 *
 * @param start gives the running cloud; it may still be starting while the program is being loaded.
 */
export function createCloudProvider(start: () => Promise<Cloud>): ResourceProvider {
  return {
    check: async (request) => {
      const cloud = await start();
      const model = findModel(cloud, request.type);
      const inputs = cloud.localise(request.inputs);
      // What a preview does not know cannot be judged yet.
      if (request.preview && containsUnknown(inputs)) return inputs;
      const problems = model.check(inputs, contextOf(cloud, request));
      if (problems.length > 0) throw new InvalidInputsError(request.urn, problems);
      return inputs;
    },
    diff: async (request) => (findModel(await start(), request.type).update ? "update" : "replace"),
    create: async (request) => {
      const cloud = await start();
      if (request.preview) return { outputs: {} };
      return findModel(cloud, request.type).create(request.inputs, contextOf(cloud, request));
    },
    update: async (request) => {
      const cloud = await start();
      const model = findModel(cloud, request.type);
      if (request.preview || !model.update) return { id: request.id, outputs: request.oldOutputs };
      const { id, inputs, oldOutputs } = request;
      return model.update(id, inputs, oldOutputs, contextOf(cloud, request));
    },
    delete: async (request) => {
      const cloud = await start();
      const model = findModel(cloud, request.type);
      if (!request.preview) await model.delete?.(request.id, request.outputs, contextOf(cloud, request));
    },
    invoke: async ({ token, args, provider }) => {
      const cloud = await start();
      const answer = cloud.invoke(token);
      if (!answer) throw new NotSimulatedError(`The provider function ${token}`, folderOf(token));
      return answer(cloud.localise(args), placeOf(cloud, provider));
    },
  };
}

function findModel(cloud: Cloud, type: string): ResourceModel {
  const model = cloud.model(type);
  if (!model) throw new NotSimulatedError(`The resource type ${type}`, folderOf(type));
  return model;
}

/** Folders that are not called like the module of the type. */
const folders: Readonly<Record<string, string>> = { cloudwatch: "monitoring", index: "iam" };

/** "aws:sqs/queue:Queue" belongs in local/cloud/sqs/. */
function folderOf(token: string): string {
  const [provider = "", module = ""] = token.split(":");
  const name = module.split("/", 1)[0] ?? module;
  if (provider !== "aws") return `local/cloud/${provider}/`;
  return `local/cloud/${folders[name] ?? name}/`;
}

function contextOf(cloud: Cloud, request: ResourceRequest): ResourceContext {
  const { accountId, region } = placeOf(cloud, request.provider, request.inputs.region);
  const { urn, type, name } = request;
  return {
    urn,
    type,
    name,
    accountId,
    region,
    defaultTags: defaultTagsOf(request.provider),
    autoname: (max) => autoname(name, max),
  };
}

/** Account and Region of a provider: those of the role that it assumes, or the only account that it allows. */
function placeOf(cloud: Cloud, provider: ResolvedProvider, region?: unknown): { accountId: string; region: string } {
  const { inputs } = provider;
  const roles = [...listOf(inputs.assumeRoles), ...listOf(inputs.assumeRole)];
  const roleArn = roles.map((role) => memberOf(role, "roleArn")).find((arn) => typeof arn === "string");
  const [allowed, ...others] = listOf(inputs.allowedAccountIds);
  const byRole = typeof roleArn === "string" ? roleArn.split(":")[4] : undefined;
  const byList = others.length === 0 && typeof allowed === "string" ? allowed : undefined;
  const place = [region, inputs.region, cloud.region].find((value) => typeof value === "string" && value !== "");
  return { accountId: byRole ?? byList ?? cloud.accountId, region: String(place) };
}

function defaultTagsOf({ inputs }: ResolvedProvider): Readonly<Record<string, string>> {
  const tags = memberOf(inputs.defaultTags, "tags");
  if (tags === null || typeof tags !== "object") return {};
  return Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, String(value)]));
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

function memberOf(value: unknown, name: string): unknown {
  return value !== null && typeof value === "object" ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** Pulumi's automatic names: logical name, "-", seven hex digits. */
function autoname(name: string, maxLength: number): string {
  const suffix = `-${randomBytes(4).toString("hex").slice(0, 7)}`;
  return name.slice(0, Math.max(0, maxLength - suffix.length)) + suffix;
}
