// Calls back into the program: transforms of resources and functions, and hooks. Uses internals of @pulumi/pulumi.
import * as protocol from "@pulumi/pulumi/proto/resource_pb";
import { toStruct } from "./messages";
import type { Callback } from "@pulumi/pulumi/proto/callback_pb";
import type { HookEvent } from "../lifecycle";

/** Delivers a message to a callback of the program and returns its answer. */
export type CallbackPort = (callback: Callback, request: Uint8Array) => Promise<Uint8Array>;

/** Lets each transform change the registration in place, in order. */
export async function transformResource(
  message: protocol.RegisterResourceRequest,
  transforms: readonly Callback[],
  port: CallbackPort,
): Promise<void> {
  for (const transform of transforms) {
    const answer = await port(transform, transformRequest(message).serializeBinary());
    const response = protocol.TransformResponse.deserializeBinary(answer);
    const properties = response.getProperties();
    if (properties) message.setObject(properties);
    const options = response.getOptions();
    if (options) takeOptions(message, options);
  }
}

function transformRequest(message: protocol.RegisterResourceRequest): protocol.TransformRequest {
  const request = new protocol.TransformRequest();
  request.setType(message.getType());
  request.setName(message.getName());
  request.setCustom(message.getCustom());
  request.setParent(message.getParent());
  request.setProperties(message.getObject());
  request.setOptions(giveOptions(message));
  return request;
}

function giveOptions(message: protocol.RegisterResourceRequest): protocol.TransformResourceOptions {
  const options = new protocol.TransformResourceOptions();
  options.setDependsOnList(message.getDependenciesList());
  if (message.hasProtect()) options.setProtect(message.getProtect() ?? false);
  options.setIgnoreChangesList(message.getIgnorechangesList());
  options.setReplaceOnChangesList(message.getReplaceonchangesList());
  options.setVersion(message.getVersion());
  options.setAliasesList(message.getAliasesList());
  options.setProvider(message.getProvider());
  options.setCustomTimeouts(message.getCustomtimeouts());
  options.setPluginDownloadUrl(message.getPlugindownloadurl());
  if (message.hasRetainondelete()) options.setRetainOnDelete(message.getRetainondelete() ?? false);
  options.setDeletedWith(message.getDeletedwith());
  options.setReplaceWithList(message.getReplaceWithList());
  if (message.hasReplacementTrigger()) options.setReplacementTrigger(message.getReplacementTrigger());
  if (message.getDeletebeforereplacedefined()) options.setDeleteBeforeReplace(message.getDeletebeforereplace());
  options.setAdditionalSecretOutputsList(message.getAdditionalsecretoutputsList());
  for (const [key, reference] of message.getProvidersMap().entries()) options.getProvidersMap().set(key, reference);
  options.setHooks(message.getHooks());
  options.setImport(message.getImportid());
  options.setHideDiffList(message.getHidediffsList());
  return options;
}

function takeOptions(message: protocol.RegisterResourceRequest, options: protocol.TransformResourceOptions): void {
  message.setDependenciesList(options.getDependsOnList());
  if (options.hasProtect()) message.setProtect(options.getProtect() ?? false);
  message.setIgnorechangesList(options.getIgnoreChangesList());
  message.setReplaceonchangesList(options.getReplaceOnChangesList());
  message.setVersion(options.getVersion());
  message.setAliasesList(options.getAliasesList());
  message.setProvider(options.getProvider());
  if (options.getCustomTimeouts()) message.setCustomtimeouts(options.getCustomTimeouts());
  if (options.hasRetainOnDelete()) message.setRetainondelete(options.getRetainOnDelete() ?? false);
  message.setDeletedwith(options.getDeletedWith());
  message.setReplaceWithList(options.getReplaceWithList());
  if (options.hasReplacementTrigger()) message.setReplacementTrigger(options.getReplacementTrigger());
  if (options.hasDeleteBeforeReplace()) {
    message.setDeletebeforereplace(options.getDeleteBeforeReplace() ?? false);
    message.setDeletebeforereplacedefined(true);
  }
  message.setAdditionalsecretoutputsList(options.getAdditionalSecretOutputsList());
  if (options.getHooks()) message.setHooks(options.getHooks());
  message.setImportid(options.getImport());
}

/** Lets each transform change the arguments and provider of a function call in place, in order. */
export async function transformInvoke(
  message: protocol.ResourceInvokeRequest,
  transforms: readonly Callback[],
  port: CallbackPort,
): Promise<void> {
  for (const transform of transforms) {
    const request = new protocol.TransformInvokeRequest();
    const options = new protocol.TransformInvokeOptions();
    options.setProvider(message.getProvider());
    options.setVersion(message.getVersion());
    request.setToken(message.getTok());
    request.setArgs(message.getArgs());
    request.setOptions(options);
    const response = protocol.TransformInvokeResponse.deserializeBinary(
      await port(transform, request.serializeBinary()),
    );
    message.setArgs(response.getArgs() ?? message.getArgs());
    message.setProvider(response.getOptions()?.getProvider() ?? message.getProvider());
    message.setVersion(response.getOptions()?.getVersion() ?? message.getVersion());
  }
}

/**
 * Runs a hook of the program.
 * @throws Error with the hook's own message when it fails.
 */
export async function callHook(callback: Callback, event: HookEvent, port: CallbackPort): Promise<void> {
  const request = new protocol.ResourceHookRequest();
  request.setUrn(event.urn);
  request.setId(event.id);
  request.setName(event.name);
  request.setType(event.type);
  if (event.newInputs) request.setNewInputs(toStruct(event.newInputs));
  if (event.oldInputs) request.setOldInputs(toStruct(event.oldInputs));
  if (event.newOutputs) request.setNewOutputs(toStruct(event.newOutputs));
  if (event.oldOutputs) request.setOldOutputs(toStruct(event.oldOutputs));
  const answer = await port(callback, request.serializeBinary());
  const error = protocol.ResourceHookResponse.deserializeBinary(answer).getError();
  if (error !== "") throw new Error(error);
}
