// What the models of WebSocket APIs have in common.
import { AwsError, InvalidInputsError } from "../../core/errors";
import { InputReader, regionOf, textIn } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import type { WebSocketApi, WebSocketApis } from "../api";

/** A part of an API: how its model is written. */
export interface PartSettings {
  readonly type: string;
  readonly summary: string;
  readonly known: readonly string[];
  readonly check: (reader: InputReader) => void;
  /** Creates or replaces the part under `id`; returns the outputs beyond the inputs. */
  readonly put: (api: WebSocketApi, id: string, inputs: PropertyMap) => PropertyMap;
  readonly remove: (api: WebSocketApi, id: string) => void;
  readonly newId: () => string;
}

/** The model of a part of an API. */
export function partModel(apis: WebSocketApis, settings: PartSettings): ResourceModel {
  const { type, summary, known, check, put, remove, newId } = settings;
  const realise = async (id: string, inputs: PropertyMap, resource: ResourceContext): Promise<RealisedResource> => {
    const outputs = refusing(resource, "apiId", () => put(requireApi(apis, inputs.apiId), id, inputs));
    return { id, outputs: { ...inputs, region: regionOf(inputs, resource), ...outputs, id } };
  };
  return {
    type,
    fidelity: "realised",
    summary,
    check(inputs) {
      const reader = new InputReader(inputs);
      reader.allowOnly("apiId", "region", ...known);
      reader.requiredText("apiId");
      check(reader);
      return reader.problems;
    },
    create: (inputs, resource) => realise(newId(), inputs, resource),
    update: (id, inputs, _old, resource) => realise(id, inputs, resource),
    delete: async (id, outputs) => {
      const api = apis.get(textIn(outputs, "apiId"));
      if (api) remove(api, id);
    },
  };
}

/** @throws AwsError NotFoundException, as AWS words it. */
export function requireApi(apis: WebSocketApis, id: unknown): WebSocketApi {
  const api = apis.get(String(id));
  if (api) return api;
  throw new AwsError("NotFoundException", `Invalid API identifier specified ${String(id)}`, 404);
}

/** Runs `work`; what AWS would refuse becomes a problem of the resource's inputs. */
export function refusing<T>(resource: ResourceContext, property: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    throw new InvalidInputsError(resource.urn, [{ property, reason: error.message }]);
  }
}
