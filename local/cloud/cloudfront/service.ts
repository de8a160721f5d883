// Amazon CloudFront: distributions on listeners of their own.
import type { CloudContext, Service } from "../core/service";
import { distributionModel } from "./resources/distribution";
import { policyModels } from "./resources/policies";
import { CloudFrontState } from "./state";

/** Creates the service. */
export function createCloudFrontService(context: CloudContext): Service {
  const state = new CloudFrontState(context);
  return {
    name: "cloudfront",
    models: [distributionModel(state), ...policyModels(state)],
    stop: async () => {
      await Promise.all([...state.distributions.values()].map(async ({ listener }) => listener?.close()));
      state.distributions.clear();
    },
  };
}
