// What the cloud offers to its services. Members that need a running listener, or another service, are looked up when used.
import { randomBytes } from "node:crypto";
import type { Clock } from "./core/clock";
import { HostMap } from "./core/hosts";
import type { CloudContext, EndpointInfo, Listener } from "./core/service";
import type { TraceLog } from "./core/trace";
import type { Gateway } from "./gateway";
import type { LocalAccessControl } from "./iam";
import type { Listeners } from "./ports";
import type { CloudServices } from "./services";

/** What a context is made of. */
export interface ContextParts {
  readonly clock: Clock;
  readonly accountId: string;
  readonly region: string;
  readonly dataDirectory: string;
  readonly access: LocalAccessControl;
  readonly listeners: Listeners;
  readonly traces: TraceLog;
  /** Filled by `announce`, in order. */
  readonly endpoints: Set<EndpointInfo>;
  services(): CloudServices;
  gateway(): Gateway;
  accelerate(): Listener;
}

/** Creates the context of one run. */
export function createContext(parts: ContextParts): CloudContext {
  const { clock, accountId, region, dataDirectory, access, listeners, traces, endpoints } = parts;
  return {
    clock,
    uniqueId,
    traces,
    access,
    hosts: new HostMap(),
    dataDirectory,
    accountId,
    region,
    gatewayOrigin: () => parts.gateway().origin,
    accelerateOrigin: () => parts.accelerate().origin,
    listen: (handler, kind, onUpgrade) => listeners.listen(handler, kind, onUpgrade),
    announce: (endpoint) => {
      endpoints.add(endpoint);
      return () => endpoints.delete(endpoint);
    },
    get functions() {
      return parts.services().functions;
    },
    get events() {
      return parts.services().events;
    },
    get logs() {
      return parts.services().logs;
    },
    get metrics() {
      return parts.services().metrics;
    },
    get tokens() {
      return parts.services().tokens;
    },
    get queues() {
      return parts.services().queues;
    },
  };
}

const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";

/** Random bytes are fetched by the thousand: a call for each id costs more than all else that an id takes. */
const POOL_BYTES = 4096;
let pool: Buffer = Buffer.alloc(0);
let used = 0;

function uniqueId(length: number): string {
  let text = "";
  while (text.length < length) {
    const byte = pool[used++];
    if (byte === undefined) [pool, used] = [randomBytes(POOL_BYTES), 0];
    // 252 is the largest multiple of 36 in a byte: beyond, some characters would be more frequent.
    else if (byte < 252) text += alphabet.charAt(byte % 36);
  }
  return text;
}
