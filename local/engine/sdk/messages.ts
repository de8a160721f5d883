// Between the SDK's protobuf messages and the engine's own requests. Uses internals of @pulumi/pulumi: pinned exactly.
import type * as aliases from "@pulumi/pulumi/proto/alias_pb";
import * as protocol from "@pulumi/pulumi/proto/resource_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { SourcePosition } from "@pulumi/pulumi/proto/source_pb";
import type {
  AliasRequest,
  CallFunctionRequest,
  ReadResourceRequest,
  RegisterRequest,
  ResourceAnswer,
} from "../requests";
import type { HookMoment, ResourceOptions, WireMap } from "../types";

/** Properties of a message. */
export const fromStruct = (struct: Struct | undefined): WireMap => struct?.toJavaScript() ?? {};

/** Properties for a message. */
export const toStruct = (values: WireMap): Struct => Struct.fromJavaScript(values);

/** Reads a registration. */
export function fromRegister(message: protocol.RegisterResourceRequest): RegisterRequest {
  const position = fromPosition(message.getSourceposition());
  return {
    type: message.getType(),
    name: message.getName(),
    custom: message.getCustom(),
    remote: message.getRemote(),
    parent: message.getParent(),
    inputs: fromStruct(message.getObject()),
    dependencies: message.getDependenciesList(),
    propertyDependencies: Object.fromEntries(
      [...message.getPropertydependenciesMap().entries()].map(([key, urns]) => [key, urns.getUrnsList()]),
    ),
    provider: message.getProvider(),
    providers: Object.fromEntries(message.getProvidersMap().entries()),
    version: message.getVersion(),
    aliases: [...message.getAliasesList().map(fromAlias), ...message.getAliasurnsList().map((urn) => ({ urn }))],
    options: fromOptions(message),
    ...(message.hasReplacementTrigger() && {
      replacementTrigger: message.getReplacementTrigger()?.toJavaScript() ?? null,
    }),
    ...(position !== undefined && { sourcePosition: position }),
  };
}

function fromOptions(message: protocol.RegisterResourceRequest): ResourceOptions {
  return {
    protect: message.getProtect() ?? false,
    retainOnDelete: message.getRetainondelete() ?? false,
    ...(message.getDeletebeforereplacedefined() && { deleteBeforeReplace: message.getDeletebeforereplace() }),
    ignoreChanges: message.getIgnorechangesList(),
    replaceOnChanges: message.getReplaceonchangesList(),
    additionalSecretOutputs: message.getAdditionalsecretoutputsList(),
    hideDiffs: message.getHidediffsList(),
    replaceWith: message.getReplaceWithList(),
    deletedWith: message.getDeletedwith(),
    importId: message.getImportid(),
    customTimeouts: fromTimeouts(message.getCustomtimeouts()),
    hooks: fromHooks(message.getHooks()),
  };
}

function fromTimeouts(message: protocol.RegisterResourceRequest.CustomTimeouts | undefined): Record<string, string> {
  const given = Object.entries(message?.toObject() ?? {});
  return Object.fromEntries(given.filter(([, value]) => value !== ""));
}

function fromHooks(
  message?: protocol.RegisterResourceRequest.ResourceHooksBinding,
): Record<HookMoment, readonly string[]> {
  return {
    beforeCreate: message?.getBeforeCreateList() ?? [],
    afterCreate: message?.getAfterCreateList() ?? [],
    beforeUpdate: message?.getBeforeUpdateList() ?? [],
    afterUpdate: message?.getAfterUpdateList() ?? [],
    beforeDelete: message?.getBeforeDeleteList() ?? [],
    afterDelete: message?.getAfterDeleteList() ?? [],
    onError: message?.getOnErrorList() ?? [],
  };
}

function fromAlias(message: aliases.Alias): AliasRequest {
  const spec = message.getSpec();
  if (message.hasUrn() || !spec) return { urn: message.getUrn() };
  const given = Object.entries({
    name: spec.getName(),
    type: spec.getType(),
    stack: spec.getStack(),
    project: spec.getProject(),
  });
  return {
    ...Object.fromEntries(given.filter(([, value]) => value !== "")),
    ...(spec.getNoparent() && { parent: "" }),
    ...(spec.getParenturn() !== "" && { parent: spec.getParenturn() }),
  };
}

function fromPosition(message: SourcePosition | undefined): string | undefined {
  return message && `${message.getUri()}:${message.getLine()}`;
}

/** Reads a read. */
export function fromRead(message: protocol.ReadResourceRequest): ReadResourceRequest {
  const position = fromPosition(message.getSourceposition());
  return {
    type: message.getType(),
    name: message.getName(),
    id: message.getId(),
    parent: message.getParent(),
    inputs: fromStruct(message.getProperties()),
    dependencies: message.getDependenciesList(),
    provider: message.getProvider(),
    version: message.getVersion(),
    additionalSecretOutputs: message.getAdditionalsecretoutputsList(),
    ...(position !== undefined && { sourcePosition: position }),
  };
}

/** Reads a call of a provider function. */
export function fromInvoke(message: protocol.ResourceInvokeRequest): CallFunctionRequest {
  return {
    token: message.getTok(),
    args: fromStruct(message.getArgs()),
    provider: message.getProvider(),
    version: message.getVersion(),
    dependencies: message.getDependsonList(),
  };
}

/** Writes the answer to a registration. */
export function toRegisterResponse({ urn, id, outputs }: ResourceAnswer): protocol.RegisterResourceResponse {
  const message = new protocol.RegisterResourceResponse();
  message.setUrn(urn);
  message.setId(id);
  message.setObject(toStruct(outputs));
  return message;
}

/** Writes the answer to a read. */
export function toReadResponse({ urn, outputs }: ResourceAnswer): protocol.ReadResourceResponse {
  const message = new protocol.ReadResourceResponse();
  message.setUrn(urn);
  message.setProperties(toStruct(outputs));
  return message;
}

/** Writes the answer to a call; `undefined` when the result cannot be known yet. */
export function toInvokeResponse(result: WireMap | undefined): protocol.ResourceInvokeResponse {
  const message = new protocol.ResourceInvokeResponse();
  if (result) message.setReturn(toStruct(result));
  else message.setUnknown(true);
  return message;
}
