// A whole embedded cloud for tests, on free ports, and resources declared in it as the engine would.
import { startCloud } from "../../local/cloud";
import type { Cloud, CloudOptions } from "../../local/cloud";
import type { PropertyMap } from "../../local/cloud/core/resource-model";
import { createCloudProvider } from "../../local/run/provider";
import type { ResourceRequest } from "../../local/engine";

/** A resource that exists. */
export interface DeclaredResource {
  readonly id: string;
  readonly outputs: PropertyMap;
}

/** A cloud with a shortcut to declare resources. */
export interface RunningCloud {
  readonly cloud: Cloud;
  declare(type: string, inputs: PropertyMap, name?: string): Promise<DeclaredResource>;
}

/** Starts a cloud. Stop it with `cloud.stop()`. */
export async function startTestCloud(options: CloudOptions = {}): Promise<RunningCloud> {
  const cloud = await startCloud(options);
  const provider = createCloudProvider(() => Promise.resolve(cloud));
  return {
    cloud,
    declare: async (type, inputs, name = "thing") => {
      const request = requestOf(type, inputs, name);
      const checked = (await provider.check?.({ ...request })) ?? request.inputs;
      const { id = "", outputs } = await provider.create({ ...request, inputs: checked });
      return { id, outputs: { ...checked, ...outputs } };
    },
  };
}

/** What the engine would send for a resource. @param provider configuration of its provider. */
export function requestOf(
  type: string,
  inputs: PropertyMap,
  name = "thing",
  provider: PropertyMap = {},
): ResourceRequest {
  return {
    urn: `urn:pulumi:dev::tests::${type}::${name}`,
    type,
    name,
    inputs,
    preview: false,
    parents: [],
    provider: { package: "aws", urn: "", version: "", inputs: provider },
    options: {} as ResourceRequest["options"],
  };
}
