// What the models of EventBridge share: which bus is meant, and JSON inputs.
import type { InputReader } from "../core/input-reader";
import { regionOf } from "../core/input-reader";
import type { PropertyMap, ResourceContext } from "../core/resource-model";
import type { Bus } from "./buses";
import type { EventRouter } from "./router";

/** Names of rules and ids of targets. */
export const RULE_NAME = /^[.\-_A-Za-z0-9]{1,64}$/;

/** Bus that a rule or target names. */
export function busNameIn(values: PropertyMap): string {
  return typeof values.eventBusName === "string" ? values.eventBusName : "default";
}

/** That bus, or ResourceNotFoundException. */
export function busOf(router: EventRouter, values: PropertyMap, context: ResourceContext): Bus {
  return router.buses.require(busNameIn(values), context.accountId, regionOf(values, context));
}

/** Refuses a text that is not JSON. */
export function checkJson(reader: InputReader, name: string, required = false): void {
  const text = required ? reader.requiredText(name) : reader.text(name);
  if (text === undefined) return;
  try {
    JSON.parse(text);
  } catch {
    reader.refuse(name, "must be valid JSON");
  }
}
