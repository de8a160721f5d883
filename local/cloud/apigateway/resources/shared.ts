// What the models of API Gateway have in common.
import { AwsError, InvalidInputsError } from "../../core/errors";
import { InputReader, regionOf, textIn } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import type { CloudContext } from "../../core/service";
import type { ApiRecord, ApiRegistry } from "../api";

/** What a model needs. */
export interface ModelSettings {
  readonly context: CloudContext;
  readonly apis: ApiRegistry;
}

/** A part of an API: how its model is written. */
export interface PartSettings {
  readonly type: string;
  readonly summary: string;
  /** Property with the API's id, "restApi" or "restApiId". */
  readonly apiProperty: string;
  readonly known: readonly string[];
  readonly check: (reader: InputReader, inputs: PropertyMap) => void;
  /** Creates or replaces the part; returns its id and the outputs beyond the inputs. */
  readonly put: (api: ApiRecord, inputs: PropertyMap, resource: ResourceContext, old?: PropertyMap) => RealisedResource;
  readonly remove: (api: ApiRecord, outputs: PropertyMap, id: string) => void;
}

/** The model of a part of an API. */
export function partModel({ apis }: ModelSettings, settings: PartSettings): ResourceModel {
  const { type, summary, apiProperty, known, check, put, remove } = settings;
  const realise = (inputs: PropertyMap, resource: ResourceContext, old?: PropertyMap): Promise<RealisedResource> =>
    attempt(resource, apiProperty, () => {
      const api = requireApi(apis, inputs[apiProperty]);
      const { id, outputs } = put(api, inputs, resource, old);
      return { id, outputs: { ...inputs, region: regionOf(inputs, resource), ...outputs, id } };
    });
  return {
    type,
    fidelity: "realised",
    summary,
    check(inputs) {
      const reader = new InputReader(inputs);
      reader.allowOnly("region", apiProperty, ...known);
      reader.requiredText(apiProperty);
      check(reader, inputs);
      return reader.problems;
    },
    create: (inputs, resource) => realise(inputs, resource),
    update: (id, inputs, old, resource) => realise(inputs, resource, { ...old, id }),
    delete(id, outputs) {
      const api = apis.get(textIn(outputs, apiProperty));
      if (api) remove(api, outputs, id);
      return Promise.resolve();
    },
  };
}

/** @throws AwsError NotFoundException, as AWS words it. */
export function requireApi(apis: ApiRegistry, id: unknown): ApiRecord {
  const api = apis.get(String(id));
  if (api) return api;
  throw new AwsError("NotFoundException", `Invalid API identifier specified: ${String(id)}`, 404);
}

/** The path of a resource id. @throws AwsError NotFoundException */
export function requirePath(api: ApiRecord, resourceId: unknown): string {
  const path = api.own.paths.get(String(resourceId)) ?? api.imported.paths.get(String(resourceId));
  if (path !== undefined) return path;
  throw new AwsError("NotFoundException", "Invalid Resource identifier specified", 404);
}

/** Runs `work`; what AWS would refuse becomes a problem of the resource's inputs. */
export function attempt<T>(resource: ResourceContext, property: string, work: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    try {
      resolve(work());
    } catch (error) {
      const refused = error instanceof AwsError && !(error instanceof InvalidInputsError);
      const problems = [{ property, reason: (error as Error).message }];
      reject(refused ? new InvalidInputsError(resource.urn, problems) : (error as Error));
    }
  });
}
