// The resource types of S3 that may be declared.
import type { ResourceModel } from "../../core/resource-model";
import type { S3Environment } from "../environment";
import { accessModels } from "./access-settings";
import { bucketModel } from "./bucket";
import { dataModels } from "./data-settings";
import { notificationModel } from "./notification";
import { objectModels } from "./object";
import { recordedModels } from "./recorded";

/** Models of every resource type of S3. */
export function createModels(environment: S3Environment): readonly ResourceModel[] {
  return [
    bucketModel(environment),
    ...accessModels(environment),
    ...dataModels(environment),
    notificationModel(environment),
    ...objectModels(environment),
    ...recordedModels(environment),
  ];
}
