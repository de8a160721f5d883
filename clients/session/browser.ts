// The browser's surroundings for a session.

import type { SessionEnvironment } from ".";

/** What `createSession` should get as `environment` in a browser. */
export function createBrowserSessionEnvironment(scope: Window & typeof globalThis = window): SessionEnvironment {
  return {
    fetch: (input, init) => scope.fetch(input, init),
    crypto: scope.crypto,
    storage: scope.sessionStorage,
    now: () => Date.now(),
    href: () => scope.location.href,
    assign: (url) => scope.location.assign(url),
    replace: (url) => scope.history.replaceState(null, "", url),
  };
}
