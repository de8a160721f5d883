// API Gateway's WebSocket APIs in the embedded cloud. HTTP APIs of the same resource types are refused.
import type { CloudContext, Service } from "../core/service";
import { domainNameOf, type WebSocketApi, type WebSocketApis } from "./api";
import type { Connection } from "./connection";
import { apiModel } from "./resources/api";
import { partModels } from "./resources/parts";
import { deploymentModel, stageModel } from "./resources/stages";
import { WebSocketHost } from "./server";

/** The service, with what the console and the tests look at. */
export interface WebSocketService extends Service {
  /** Open connections. */
  connections(): readonly Connection[];
}

/** One listener for each API, from its creation on: functions that are declared before the stage are told its local address too. */
export function createWebSocketService(context: CloudContext): WebSocketService {
  const apis: WebSocketApis = new Map();
  const host = new WebSocketHost(context);
  const withdrawals = new Map<string, () => void>();

  const open = async (api: WebSocketApi): Promise<void> => {
    api.listener = await context.listen(
      (message, response) => void host.management.handle(api, message, response),
      "api",
      (message, socket, head) => host.upgrade(api, message, socket, head),
    );
    context.hosts.add(`wss://${domainNameOf(api)}`, socketOriginOf(api));
    context.hosts.add(`https://${domainNameOf(api)}`, api.listener.origin);
  };
  const announceStage = (api: WebSocketApi, stageName: string, urn: string): void => {
    const key = `${api.id}/${stageName}`;
    withdrawals.get(key)?.();
    withdrawals.set(key, context.announce({ label: api.name, url: `${socketOriginOf(api)}/${stageName}`, urn }));
  };
  const closeStage = (api: WebSocketApi, stageName: string): void => {
    host.closeStage(api, stageName);
    api.stages.delete(stageName);
    const key = `${api.id}/${stageName}`;
    withdrawals.get(key)?.();
    withdrawals.delete(key);
  };
  const close = async (api: WebSocketApi): Promise<void> => {
    for (const stageName of [...api.stages.keys()]) closeStage(api, stageName);
    const { listener } = api;
    api.listener = undefined;
    context.hosts.remove(`wss://${domainNameOf(api)}`);
    context.hosts.remove(`https://${domainNameOf(api)}`);
    await listener?.close();
  };

  return {
    name: "apigatewayv2",
    models: [
      apiModel(context, apis, { open, close }),
      ...partModels(context, apis),
      deploymentModel(context, apis),
      stageModel(apis, { announceStage, closeStage }),
    ],
    connections: () => host.list(),
    async stop() {
      await host.stop();
      for (const api of apis.values()) await close(api);
    },
  };
}

function socketOriginOf({ listener }: WebSocketApi): string {
  return (listener?.origin ?? "").replace("http://", "ws://");
}
