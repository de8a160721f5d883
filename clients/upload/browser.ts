// The browser's surroundings for the uploader: progress within parts, hashing in a worker, local storage, Web Locks.
// A content security policy must allow `worker-src blob:`; without it, hashing runs on the page's own thread.

import { type Environment, type KeyValueStore, systemClock } from "./environment";
import { createWorkerHasher } from "./hasher";
import { xhrTransport } from "./transport";

/** What `createUploader` should get as `environment` in a browser. */
export function createBrowserEnvironment(scope: Window & typeof globalThis = window): Environment {
  return {
    fetch: (input, init) => scope.fetch(input, init),
    clock: systemClock,
    random: Math.random,
    // Not randomUUID: that one is missing outside secure contexts.
    randomId: () => scope.crypto.getRandomValues(new Uint32Array(4)).join("-"),
    transport: xhrTransport(() => new scope.XMLHttpRequest()),
    // One small script per page: its address is never given back.
    hasher: createWorkerHasher(
      (source) => new scope.Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" }))),
    ),
    connectivity: {
      isOnline: () => scope.navigator.onLine,
      onceOnline(callback) {
        scope.addEventListener("online", callback, { once: true });
        return () => scope.removeEventListener("online", callback);
      },
    },
    store: createLocalStore(scope),
    // Absent outside secure contexts. Two tabs are harmless then too, only wasteful.
    ...("locks" in scope.navigator && {
      locks: { hold: (name, signal, work) => scope.navigator.locks.request(name, { signal }, work) },
    }),
  };
}

/** Local storage; blocked or full storage only costs the shortcut, the server still finds the upload. */
function createLocalStore(scope: Window): KeyValueStore {
  const attempt = <T>(action: () => T): T | undefined => {
    try {
      return action();
    } catch {
      return undefined;
    }
  };
  return {
    get: (key) => attempt(() => scope.localStorage.getItem(key)) ?? null,
    set: (key, value) => attempt(() => scope.localStorage.setItem(key, value)),
    remove: (key) => attempt(() => scope.localStorage.removeItem(key)),
  };
}
