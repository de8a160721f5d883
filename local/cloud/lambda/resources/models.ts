// The resource types of Lambda that the embedded cloud knows.
import type { ResourceModel } from "../../core/resource-model";
import type { CloudContext } from "../../core/service";
import type { FunctionRegistry } from "../definition";
import type { EnvironmentPool } from "../pool";
import { aliasModel } from "./alias";
import { eventInvokeConfigModel } from "./event-invoke-config";
import { functionModel } from "./function";
import { permissionModel } from "./permission";

/** All models of Lambda. */
export function createLambdaModels(
  context: CloudContext,
  registry: FunctionRegistry,
  pool: EnvironmentPool,
): readonly ResourceModel[] {
  return [
    functionModel(context, registry, pool),
    permissionModel(registry),
    aliasModel(registry),
    eventInvokeConfigModel(registry),
  ];
}
