// The resource types of Lambda that the embedded cloud knows.
import type { ResourceModel } from "../../core/resource-model";
import type { CloudContext } from "../../core/service";
import type { FunctionRegistry } from "../definition";
import { eventSourceMappingModel } from "../event-source/model";
import type { Mappings } from "../event-source/mappings";
import type { FunctionRunner } from "../runner";
import { aliasModel } from "./alias";
import { eventInvokeConfigModel } from "./event-invoke-config";
import { functionModel } from "./function";
import { permissionModel } from "./permission";

/** All models of Lambda. */
export function createLambdaModels(
  context: CloudContext,
  registry: FunctionRegistry,
  runner: FunctionRunner,
  mappings: Mappings,
): readonly ResourceModel[] {
  return [
    functionModel(context, registry, runner),
    permissionModel(registry),
    aliasModel(registry),
    eventInvokeConfigModel(registry),
    eventSourceMappingModel(mappings),
  ];
}
