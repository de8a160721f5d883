// Pulumi's ResourceMonitor and Engine services on top of a deployment, free of any transport. Uses internals of the SDK.
import * as engineProtocol from "@pulumi/pulumi/proto/engine_pb";
import * as protocol from "@pulumi/pulumi/proto/resource_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { failureFrom, messageOf } from "../errors";
import { STACK_TYPE } from "../urn";
import * as messages from "./messages";
import { callHook, transformInvoke, transformResource } from "./transforms";
import type { Callback } from "@pulumi/pulumi/proto/callback_pb";
import type { Message } from "google-protobuf";
import type { Deployment } from "../deployment";
import type { EngineOptions, LogLine } from "../types";
import type { CallbackPort } from "./transforms";

/** One method of a service: message in, message out. */
export type Handler = (message: never) => Message | Promise<Message>;
/** A service by method name. */
export type Handlers = Readonly<Record<string, Handler>>;

const Feature = protocol.ResourceMonitorFeature;
const FEATURES = [
  Feature.RESOURCE_MONITOR_FEATURE_SECRETS,
  Feature.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
  Feature.RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES,
  Feature.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
  Feature.RESOURCE_MONITOR_FEATURE_REPLACEMENT_TRIGGER,
  Feature.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
  Feature.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
  Feature.RESOURCE_MONITOR_FEATURE_TRANSFORMS,
  Feature.RESOURCE_MONITOR_FEATURE_INVOKE_TRANSFORMS,
  Feature.RESOURCE_MONITOR_FEATURE_RESOURCE_HOOKS,
  Feature.RESOURCE_MONITOR_FEATURE_INVOKE_DEPENDS_ON,
];

/** The two services of one evaluation. */
export interface Services {
  readonly monitor: Handlers;
  readonly engine: Handlers;
}

/**
 * Makes the services.
 * @param port how to reach callbacks of the program.
 * @param onShutdown called when the program has said that it will register nothing more.
 */
export function createServices(
  deployment: Deployment,
  port: CallbackPort,
  onShutdown: () => Promise<void> = () => Promise.resolve(),
): Services {
  const callbacks = new Callbacks(deployment, port);
  deployment.hookRunner = (name, event, preview) => callbacks.runHook(name, event, preview);
  return { monitor: monitorService(deployment, callbacks, onShutdown), engine: engineService(deployment) };
}

/** Transforms and hooks the program has registered. */
class Callbacks {
  readonly stackTransforms: Callback[] = [];
  readonly invokeTransforms: Callback[] = [];
  readonly hooks = new Map<string, protocol.RegisterResourceHookRequest>();
  readonly #ofResource = new Map<string, readonly Callback[]>();

  constructor(
    private readonly deployment: Deployment,
    private readonly port: CallbackPort,
  ) {}

  async register(message: protocol.RegisterResourceRequest): Promise<protocol.RegisterResourceResponse> {
    const own = message.getTransformsList();
    if (message.getType() !== STACK_TYPE) await this.#transform(message, own);
    const answer = this.deployment.register(messages.fromRegister(message));
    // Children can register as soon as the program knows the URN, which is after this.
    return messages.toRegisterResponse(await answer.then((done) => (this.#ofResource.set(done.urn, own), done)));
  }

  async #transform(message: protocol.RegisterResourceRequest, own: readonly Callback[]): Promise<void> {
    const parent = message.getParent() || this.deployment.rootUrn;
    const parents = parent === "" ? [] : [parent, ...this.deployment.parentsOf(parent)];
    const inherited = parents.flatMap((urn) => this.#ofResource.get(urn) ?? []);
    const all = [...own, ...inherited, ...this.stackTransforms];
    try {
      await transformResource(message, all, this.port);
    } catch (cause) {
      const failed = failureFrom("transform", { type: message.getType(), name: message.getName() }, cause);
      this.deployment.failures.add(failed.detail);
      throw failed;
    }
  }

  async call(message: protocol.ResourceInvokeRequest): Promise<protocol.ResourceInvokeResponse> {
    await transformInvoke(message, this.invokeTransforms, this.port);
    return messages.toInvokeResponse(await this.deployment.call(messages.fromInvoke(message)));
  }

  async runHook(name: string, event: Parameters<typeof callHook>[1], preview: boolean): Promise<void> {
    const hook = this.hooks.get(name);
    const callback = hook?.getCallback();
    if (!hook || !callback) throw new Error(`hook "${name}" was not registered`);
    if (preview && !hook.getOnDryRun()) return;
    try {
      await callHook(callback, event, this.port);
    } catch (cause) {
      if (!hook.getIgnoreErrors()) throw cause;
      const message = `hook "${name}" failed, which it allows: ${messageOf(cause)}`;
      this.deployment.log({ severity: "warning", message, urn: event.urn });
    }
  }
}

function monitorService(deployment: Deployment, callbacks: Callbacks, onShutdown: () => Promise<void>): Handlers {
  return {
    getDeploymentInfo: () => deploymentInfo(deployment.options),
    supportsFeature: () => new protocol.SupportsFeatureResponse(),
    registerResource: (message: protocol.RegisterResourceRequest) => callbacks.register(message),
    registerResourceOutputs: (message: protocol.RegisterResourceOutputsRequest) => {
      deployment.registerOutputs(message.getUrn(), messages.fromStruct(message.getOutputs()));
      return new Empty();
    },
    readResource: async (message: protocol.ReadResourceRequest) =>
      messages.toReadResponse(await deployment.read(messages.fromRead(message))),
    invoke: (message: protocol.ResourceInvokeRequest) => callbacks.call(message),
    call: (message: protocol.ResourceCallRequest) => unsupported(`the resource method ${message.getTok()}`),
    existsResource: (message: protocol.ExistsResourceRequest) => unsupported(`\`exists\` of ${message.getType()}`),
    registerPackage: (message: protocol.RegisterPackageRequest) =>
      unsupported(`parameterized package ${message.getName()}`),
    registerErrorHook: () => unsupported("error hooks"),
    registerStackTransform: (message: Callback) => remember(callbacks.stackTransforms, message),
    registerStackInvokeTransform: (message: Callback) => remember(callbacks.invokeTransforms, message),
    registerResourceHook: (message: protocol.RegisterResourceHookRequest) => {
      callbacks.hooks.set(message.getName(), message);
      return new Empty();
    },
    signalAndWaitForShutdown: async () => {
      await onShutdown();
      return new Empty();
    },
  } satisfies Record<string, (message: never) => Message | Promise<Message>>;
}

function remember(list: Callback[], callback: Callback): Empty {
  list.push(callback);
  return new Empty();
}

function unsupported(what: string): never {
  throw new Error(`${what}: not supported by this engine`);
}

const SEVERITIES: readonly LogLine["severity"][] = ["debug", "info", "warning", "error"];

function engineService(deployment: Deployment): Handlers {
  return {
    log: (message: engineProtocol.LogRequest) => {
      const severity = SEVERITIES[message.getSeverity()] ?? "info";
      if (severity !== "debug") deployment.log({ severity, message: message.getMessage(), urn: message.getUrn() });
      return new Empty();
    },
    getRootResource: () => {
      const response = new engineProtocol.GetRootResourceResponse();
      response.setUrn(deployment.rootUrn);
      return response;
    },
    setRootResource: () => new engineProtocol.SetRootResourceResponse(),
    startDebugging: () => new Empty(),
    requirePulumiVersion: () => new engineProtocol.RequirePulumiVersionResponse(),
  } satisfies Record<string, (message: never) => Message>;
}

function deploymentInfo(options: EngineOptions): protocol.DeploymentInfo {
  const info = new protocol.DeploymentInfo();
  info.setProject(options.project);
  info.setStack(options.stack);
  info.setOrganization(options.organization ?? "organization");
  info.setDryrun(options.preview ?? false);
  info.setParallel(options.parallel ?? 32);
  for (const [key, value] of Object.entries(options.config ?? {})) info.getConfigMap().set(key, value);
  info.setConfigsecretkeysList([...(options.secretConfigKeys ?? [])]);
  info.setSupportedfeaturesList(FEATURES);
  return info;
}
