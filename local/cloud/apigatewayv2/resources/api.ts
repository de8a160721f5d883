// Resource model of a WebSocket API.
import { InputReader, nameOf, regionOf, tagOutputs } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import type { CloudContext } from "../../core/service";
import { domainNameOf, executionArnOf, type WebSocketApi, type WebSocketApis } from "../api";

const SELECTION = /^\$request\.body\.([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)$/;

/** Opens and closes the listener of an API. */
export interface ApiHosting {
  open(api: WebSocketApi): Promise<void>;
  close(api: WebSocketApi): Promise<void>;
}

/** Model of `aws.apigatewayv2.Api` with protocol WEBSOCKET. */
export function apiModel(context: CloudContext, apis: WebSocketApis, hosting: ApiHosting): ResourceModel {
  return {
    type: "aws:apigatewayv2/api:Api",
    fidelity: "realised",
    summary: "A WebSocket API with routes, authorizers and @connections, on a port of its own. HTTP APIs are refused.",
    check: checkApi,
    create: async (inputs, resource) => {
      const api: WebSocketApi = {
        id: context.uniqueId(10),
        name: nameOf(inputs, resource, 128),
        accountId: resource.accountId,
        region: regionOf(inputs, resource),
        urn: resource.urn,
        selection: selectionOf(inputs),
        routes: new Map(),
        integrations: new Map(),
        authorizers: new Map(),
        deployments: new Map(),
        stages: new Map(),
      };
      await hosting.open(api);
      apis.set(api.id, api);
      return realise(api, inputs, resource);
    },
    update: async (id, inputs, old, resource) => {
      const api = apis.get(id);
      if (!api) throw new Error(`no WebSocket API ${id}`);
      api.name = nameOf(inputs, resource, 128, old);
      api.selection = selectionOf(inputs);
      return realise(api, inputs, resource);
    },
    delete: async (id) => {
      const api = apis.get(id);
      if (!api) return;
      await hosting.close(api);
      apis.delete(id);
    },
  };
}

function checkApi(inputs: PropertyMap): InputReader["problems"] {
  const reader = new InputReader(inputs);
  reader.allowOnly("name", "protocolType", "routeSelectionExpression", "description", "region", "tags", "version");
  const protocol = reader.requiredText("protocolType");
  if (protocol !== undefined && protocol !== "WEBSOCKET") {
    reader.refuse("protocolType", "only WEBSOCKET is simulated by the local run; run this part on AWS");
  }
  const expression = reader.requiredText("routeSelectionExpression");
  if (expression !== undefined && !SELECTION.test(expression)) {
    reader.refuse("routeSelectionExpression", `must have the form $request.body.action here, got ${expression}`);
  }
  return reader.problems;
}

function selectionOf(inputs: PropertyMap): readonly string[] {
  const expression = String(inputs.routeSelectionExpression);
  return (SELECTION.exec(expression)?.[1] ?? "").split(".");
}

function realise(api: WebSocketApi, inputs: PropertyMap, resource: ResourceContext): RealisedResource {
  return {
    id: api.id,
    outputs: {
      apiKeySelectionExpression: "$request.header.x-api-key",
      ...inputs,
      id: api.id,
      name: api.name,
      region: api.region,
      arn: `arn:aws:apigateway:${api.region}::/apis/${api.id}`,
      executionArn: executionArnOf(api),
      apiEndpoint: `wss://${domainNameOf(api)}`,
      ...tagOutputs(inputs, resource),
    },
  };
}
