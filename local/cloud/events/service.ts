// EventBridge: buses, rules, schedules and targets, and PutEvents.
import { serveJson, type JsonApi } from "../core/json-api";
import type { CloudContext, EventPublisher, Service } from "../core/service";
import { putEvents } from "./put-events";
import { eventModels } from "./resources";
import { EventRouter, type RoutedEvent } from "./router";

/** Ten entries of at most a megabyte in all, with room for their JSON form. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

/** EventBridge, with what the console and the tests read. */
export interface EventsService extends Service, EventPublisher {
  /** The latest events and their deliveries, oldest first. */
  recentEvents(): readonly RoutedEvent[];
  /** Calls `listener` for every later event; returns the function that ends it. */
  subscribe(listener: (event: RoutedEvent) => void): () => void;
}

/** The EventBridge service of the embedded cloud. */
export function createEventsService(context: CloudContext): EventsService {
  const router = new EventRouter(context);
  const api: JsonApi = {
    target: "AWSEvents",
    version: "1.1",
    limitBytes: MAX_REQUEST_BYTES,
    service: "events",
    file: "local/cloud/events/service.ts",
    operations: { PutEvents: (input, call) => putEvents(router, input, call) },
  };
  return {
    name: "events",
    models: eventModels(router),
    handle: (call) => serveJson(api, call),
    publish: (event) => router.publish(event),
    recentEvents: () => router.recentEvents(),
    subscribe: (listener) => router.subscribe(listener),
    stop: async () => router.stop(),
  };
}
