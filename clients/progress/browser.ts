// The browser's surroundings for the progress client.
import { createProgressEnvironment, type ProgressEnvironment } from "./environment";

/** What `createProgressClient` should get as `environment` in a browser. */
export function createBrowserProgressEnvironment(scope: Window & typeof globalThis = window): ProgressEnvironment {
  return createProgressEnvironment({
    onWake(callback) {
      // A laptop that was asleep or a train that left a tunnel: timers may be minutes late, these events are not.
      const onVisible = (): void => {
        if (scope.document.visibilityState === "visible") callback();
      };
      const life = new AbortController();
      const { signal } = life;
      scope.addEventListener("online", callback, { signal });
      scope.document.addEventListener("visibilitychange", onVisible, { signal });
      return () => life.abort();
    },
  });
}
