// API Gateway's REST APIs in the embedded cloud: declared with an OpenAPI body or with single resources, served on loopback.
import type { CloudContext, Service } from "../core/service";
import type { ApiRecord, ApiRegistry } from "./api";
import type { StageDefinition } from "./definition";
import { partModels } from "./resources/parts";
import { restApiModel, restApiPolicyModel } from "./resources/rest-api";
import { routeModels } from "./resources/routes";
import type { ModelSettings } from "./resources/shared";
import { deploymentModel, methodSettingsModel, stageModel } from "./resources/stages";
import { ApiServer } from "./server";
import { createSignatureCheck } from "./signature";

/** The service: one listener for each API that has a stage. */
export function createApiGatewayService(context: CloudContext): Service {
  const apis: ApiRegistry = new Map();
  const settings: ModelSettings = { context, apis };
  const hosting = new Hosting(context);
  return {
    name: "apigateway",
    models: [
      restApiModel(settings, (api) => hosting.closeAll(api)),
      restApiPolicyModel(settings),
      ...routeModels(settings),
      ...partModels(settings),
      deploymentModel(settings),
      stageModel(settings, hosting),
      methodSettingsModel(settings),
    ],
    async stop() {
      for (const api of apis.values()) await hosting.closeAll(api);
    },
  };
}

/** Listeners and announced endpoints. */
class Hosting {
  private readonly server: ApiServer;
  private readonly withdrawals = new Map<string, () => void>();

  constructor(private readonly context: CloudContext) {
    this.server = new ApiServer(context, createSignatureCheck(context));
  }

  async open(api: ApiRecord, stage: StageDefinition): Promise<void> {
    api.listener ??= await this.context.listen(
      (request, response) => void this.server.handle(api, request, response),
      "api",
    );
    const { origin } = api.listener;
    this.context.hosts.add(awsOrigin(api), origin);
    const key = `${api.id}/${stage.name}`;
    this.withdrawals.get(key)?.();
    this.withdrawals.set(
      key,
      this.context.announce({ label: api.name, url: `${origin}/${stage.name}`, urn: stage.urn }),
    );
  }

  async close(api: ApiRecord, stageName: string): Promise<void> {
    api.stages.delete(stageName);
    api.throttles.delete(stageName);
    const key = `${api.id}/${stageName}`;
    this.withdrawals.get(key)?.();
    this.withdrawals.delete(key);
    if (api.stages.size > 0 || !api.listener) return;
    const { listener } = api;
    api.listener = undefined;
    this.context.hosts.remove(awsOrigin(api));
    await listener.close();
  }

  async closeAll(api: ApiRecord): Promise<void> {
    for (const stageName of [...api.stages.keys()]) await this.close(api, stageName);
  }
}

function awsOrigin(api: ApiRecord): string {
  return `https://${api.id}.execute-api.${api.region}.amazonaws.com`;
}
