// What goes at the end of an evaluation: replaced resources and those the program no longer declares.
import { failure, failureFrom } from "./errors";
import { runHook } from "./lifecycle";
import { toPlainMap } from "./values";
import type { HookEvent, LifecycleContext } from "./lifecycle";
import type { HookMoment, SnapshotResource } from "./types";

/** Whether the provider has anything to do when the resource goes. */
function isManaged({ custom, external, type }: SnapshotResource): boolean {
  return custom && !external && !type.startsWith("pulumi:");
}

/**
 * Deletes one resource of the previous evaluation with its hooks.
 * @param gone URNs that go as well, for `deletedWith`.
 * @throws EngineFailure when it is protected or the provider refuses.
 */
export async function deleteResource(
  old: SnapshotResource,
  gone: ReadonlySet<string>,
  context: LifecycleContext,
): Promise<void> {
  refuseProtected(old);
  if (context.preview || !isManaged(old)) return;
  await runAll("beforeDelete", old, context);
  const { provider, limiter } = context;
  const skipped = old.options.retainOnDelete || gone.has(old.options.deletedWith);
  if (!skipped && provider.delete) {
    const { urn, type, name, id = "", inputs, outputs, options } = old;
    const request = { urn, type, name, id, options, preview: false, parents: [old.parent], provider: old.provider };
    try {
      await limiter.run(() =>
        provider.delete?.({ ...request, inputs: toPlainMap(inputs), outputs: toPlainMap(outputs) }),
      );
    } catch (cause) {
      throw failureFrom("provider", old, cause);
    }
  }
  await runAll("afterDelete", old, context);
}

/** @throws EngineFailure when the resource is protected. */
export function refuseProtected(old: SnapshotResource): void {
  if (!old.options.protect || !isManaged(old)) return;
  const remedy = "set `protect: false` and deploy once before removing it";
  throw failure("protected", old, `it cannot be deleted because it is protected; ${remedy}`);
}

async function runAll(moment: HookMoment, old: SnapshotResource, context: LifecycleContext): Promise<void> {
  const { urn, type, name, id = "", inputs, outputs } = old;
  const event: HookEvent = { urn, type, name, id, oldInputs: inputs, oldOutputs: outputs };
  for (const hook of old.options.hooks[moment]) await runHook(hook, moment, event, context);
}
