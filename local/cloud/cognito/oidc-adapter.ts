// Where oidc-provider keeps sessions, interactions, grants and codes: in memory, expiring on the injected clock.
import type { Adapter, AdapterPayload } from "oidc-provider";
import type { Clock } from "../core/clock";

interface Entry {
  payload: AdapterPayload;
  readonly expiresAt: number;
}

/** The storage of one pool, shared by the adapters of all models. */
export class OidcStorage {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly clock: Clock) {}

  get(key: string): AdapterPayload | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    if (entry.expiresAt > this.clock.now()) return entry.payload;
    this.entries.delete(key);
    return undefined;
  }

  set(key: string, payload: AdapterPayload, expiresInSeconds: number | undefined): void {
    const lifetimeMs = expiresInSeconds === undefined ? Number.POSITIVE_INFINITY : expiresInSeconds * 1000;
    this.entries.set(key, { payload, expiresAt: this.clock.now() + lifetimeMs });
  }

  delete(key: string): void {
    this.entries.delete(key);
  }

  /** Deletes every entry that `fits`. */
  sweep(fits: (payload: AdapterPayload) => boolean): void {
    for (const [key, { payload, expiresAt }] of this.entries) {
      if (expiresAt <= this.clock.now() || fits(payload)) this.entries.delete(key);
    }
  }

  find(fits: (payload: AdapterPayload) => boolean, prefix: string): AdapterPayload | undefined {
    for (const key of this.entries.keys()) {
      const payload = key.startsWith(prefix) ? this.get(key) : undefined;
      if (payload && fits(payload)) return payload;
    }
    return undefined;
  }
}

/**
 * Adapter of one model.
 *
 * @param findClient metadata of an app client; clients live in the pool, not in the storage.
 */
export function createAdapter(
  model: string,
  storage: OidcStorage,
  clock: Clock,
  findClient: (id: string) => AdapterPayload | undefined,
): Adapter {
  const key = (id: string): string => `${model}:${id}`;
  return {
    upsert: async (id, payload, expiresIn) => storage.set(key(id), payload, expiresIn),
    find: async (id) => (model === "Client" ? findClient(id) : storage.get(key(id))),
    findByUid: async (uid) => storage.find((payload) => payload.uid === uid, `${model}:`),
    findByUserCode: async () => undefined,
    consume: async (id) => {
      const payload = storage.get(key(id));
      if (payload) payload.consumed = Math.floor(clock.now() / 1000);
    },
    destroy: async (id) => storage.delete(key(id)),
    revokeByGrantId: async (grantId) => storage.sweep((payload) => payload.grantId === grantId),
  };
}
