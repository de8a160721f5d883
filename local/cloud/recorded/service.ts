// Resource types without a local effect: their inputs are checked, their outputs can be referred to, and the console shows them.
import type { CloudContext, Service } from "../core/service";
import { aliasModel, keyModel } from "./keys";
import { apiGatewayAccountModel, malwareProtectionPlanModel, webAclAssociationModel } from "./protection";
import { topicModel, topicPolicyModel } from "./topics";

/** The recorded types of the embedded cloud. */
export function createRecordedService(context: CloudContext): Service {
  return {
    name: "recorded",
    models: [
      aliasModel(),
      apiGatewayAccountModel(),
      keyModel(context),
      malwareProtectionPlanModel(context),
      topicModel(),
      topicPolicyModel(),
      webAclAssociationModel(),
    ],
  };
}
