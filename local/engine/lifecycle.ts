// What happens to one custom resource: check, diff, then create, update, replace or nothing.
import { failure, failureFrom, messageOf } from "./errors";
import { keepOld, names } from "./paths";
import { toResourceRequest } from "./registration";
import { changedKeys, containsUnknown, equal, makeSecret, toPlainMap, encodeLike } from "./values";
import type { Limiter } from "./limiter";
import type { Registration } from "./registration";
import type {
  CreatedResource,
  HookMoment,
  LogLine,
  ResourceProvider,
  SnapshotResource,
  UpdateRequest,
  WireMap,
} from "./types";

/** What a hook is told. Inputs and outputs keep their secrets. */
export interface HookEvent {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly id: string;
  readonly newInputs?: WireMap;
  readonly oldInputs?: WireMap;
  readonly newOutputs?: WireMap;
  readonly oldOutputs?: WireMap;
}

/** What the lifecycle needs from the running deployment. */
export interface LifecycleContext {
  readonly provider: ResourceProvider;
  readonly preview: boolean;
  readonly limiter: Limiter;
  parentsOf(urn: string): readonly string[];
  wasReplaced(urn: string): boolean;
  log(line: LogLine): void;
  /** Runs one hook of the program; resolves without a call when it does not run in previews. */
  runHook(name: string, event: HookEvent): Promise<void>;
  /** Remembers that the old resource is to be deleted once everything else is done. */
  deleteLater(old: SnapshotResource): void;
  deleteNow(old: SnapshotResource): Promise<void>;
}

/**
 * Takes a registered custom resource to its outputs.
 * @throws EngineFailure naming resource and property.
 */
export async function deploy(registration: Registration, context: LifecycleContext): Promise<void> {
  const old = registration.old?.external === false ? registration.old : undefined;
  if (old) registration.inputs = keepOld(registration.inputs, old.inputs, registration.options.ignoreChanges);
  await check(registration, old, context);
  registration.changed = old ? changedKeys(old.inputs, registration.inputs) : [];
  registration.operation = old ? await decide(registration, old, context) : "create";
  if (old && registration.operation === "same") {
    registration.outputs = old.outputs;
    if (old.id !== undefined) registration.id = old.id;
    return;
  }
  if (registration.options.importId !== "" && !old) {
    throw failure("unsupported", registration, "the `import` option is not supported by this engine");
  }
  if (old && registration.operation === "update") await update(registration, old, context);
  else await create(registration, old, context);
}

async function check(
  registration: Registration,
  old: SnapshotResource | undefined,
  context: LifecycleContext,
): Promise<void> {
  const { provider, limiter, preview } = context;
  if (!provider.check) return;
  const request = {
    ...toResourceRequest(registration, context.parentsOf(registration.urn), preview),
    ...(old && { oldInputs: toPlainMap(old.inputs) }),
  };
  const checked = await attempt(registration, () => limiter.run(() => provider.check?.(request)));
  if (checked) registration.inputs = encodeLike(checked, registration.inputs);
}

async function decide(
  registration: Registration,
  old: SnapshotResource,
  context: LifecycleContext,
): Promise<"same" | "update" | "replace"> {
  const { options, changed, replacementTrigger } = registration;
  const mustReplace =
    otherProvider(registration, old) ||
    changed.some((property) => names(options.replaceOnChanges, property)) ||
    (old.replacementTrigger !== undefined && !equal(old.replacementTrigger, replacementTrigger)) ||
    options.replaceWith.some((urn) => context.wasReplaced(urn));
  if (mustReplace) return "replace";
  if (changed.length === 0) return "same";
  const { provider, limiter } = context;
  if (!provider.update) return "replace";
  if (!provider.diff) return "update";
  const request = { ...updateRequest(registration, old, context), changed };
  return (await attempt(registration, () => limiter.run(() => provider.diff?.(request)))) ?? "update";
}

const isDefault = (urn: string): boolean => /::default(?:_[^:]*)?$/.test(urn);
function otherProvider({ provider }: Registration, old: SnapshotResource): boolean {
  if (provider.urn === old.provider.urn) return false;
  return !(isDefault(provider.urn) && isDefault(old.provider.urn));
}

function updateRequest(registration: Registration, old: SnapshotResource, context: LifecycleContext): UpdateRequest {
  return {
    ...toResourceRequest(registration, context.parentsOf(registration.urn), context.preview),
    id: old.id ?? "",
    oldInputs: toPlainMap(old.inputs),
    oldOutputs: toPlainMap(old.outputs),
  };
}

async function create(
  registration: Registration,
  old: SnapshotResource | undefined,
  context: LifecycleContext,
): Promise<void> {
  const { provider, limiter, preview } = context;
  if (old) await retire(registration, old, context);
  await runHooks("beforeCreate", registration, context);
  const request = toResourceRequest(registration, context.parentsOf(registration.urn), preview);
  const made = await attempt(registration, () => limiter.run(() => provider.create(request)));
  takeOutputs(registration, made, preview);
  if (!preview) registration.id = made.id === undefined || made.id === "" ? missingId(registration) : made.id;
  await runHooks("afterCreate", registration, context);
}

/** Removes what is replaced: now, or once the new one is in place. */
async function retire(registration: Registration, old: SnapshotResource, context: LifecycleContext): Promise<void> {
  if (old.options.protect) {
    throw failure("protected", registration, "it would have to be replaced, but it is protected");
  }
  if (registration.options.deleteBeforeReplace && !context.preview) await context.deleteNow(old);
  else context.deleteLater(old);
}

async function update(registration: Registration, old: SnapshotResource, context: LifecycleContext): Promise<void> {
  const { provider, limiter, preview } = context;
  await runHooks("beforeUpdate", registration, context);
  const request = updateRequest(registration, old, context);
  const made = await attempt(registration, () => limiter.run(() => provider.update?.(request)));
  takeOutputs(registration, made ?? { outputs: {} }, preview);
  registration.id = (preview ? undefined : made?.id) ?? old.id ?? missingId(registration);
  await runHooks("afterUpdate", registration, context);
}

function takeOutputs(registration: Registration, { outputs }: CreatedResource, preview: boolean): void {
  const { inputs, options } = registration;
  const merged: Record<string, WireMap[string]> = { ...inputs, ...encodeLike(outputs, inputs) };
  for (const key of options.additionalSecretOutputs) {
    const value = merged[key];
    if (value !== undefined) merged[key] = makeSecret(value);
  }
  const unknown = preview ? undefined : Object.keys(merged).find((key) => containsUnknown(merged[key] ?? null));
  if (unknown !== undefined)
    throw failure("provider", registration, `output "${unknown}" is unknown after the deployment`);
  registration.outputs = merged;
}

function missingId(registration: Registration): never {
  throw failure("provider", registration, "the provider returned no id");
}

async function attempt<T>(registration: Registration, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (cause) {
    throw failureFrom("provider", registration, cause);
  }
}

/** Runs the hooks of one moment in order. A failing "before" hook stops the resource, a failing "after" hook only warns. */
export async function runHooks(
  moment: HookMoment,
  registration: Registration,
  context: LifecycleContext,
): Promise<void> {
  const { urn, type, name, id, inputs, outputs, old } = registration;
  const isAfter = moment.startsWith("after");
  const event: HookEvent = {
    urn,
    type,
    name,
    id: id ?? old?.id ?? "",
    newInputs: inputs,
    ...(isAfter && { newOutputs: outputs }),
    ...(old && { oldInputs: old.inputs, oldOutputs: old.outputs }),
  };
  for (const hook of registration.options.hooks[moment]) await runHook(hook, moment, event, context);
}

/** Runs one hook for a resource that need not be registered any more. */
export async function runHook(
  hook: string,
  moment: HookMoment,
  event: HookEvent,
  context: LifecycleContext,
): Promise<void> {
  try {
    await context.runHook(hook, event);
  } catch (cause) {
    const reason = `hook "${hook}" (${moment}) failed: ${messageOf(cause)}`;
    if (!moment.startsWith("after")) throw failure("hook", event, reason);
    context.log({ severity: "warning", message: reason, urn: event.urn });
  }
}
