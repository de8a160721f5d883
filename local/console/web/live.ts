// Asks once a second, while the page is visible, for what changes by the second.
import type { LiveState } from "./state.js";

const INTERVAL_MS = 1000;

/** @param question the section that is shown, and what its parts want to know. */
export function followLive(
  question: () => Readonly<Record<string, string>>,
  show: (live: LiveState) => void,
): { ask(): void } {
  let timer = 0;
  let round = 0;
  const ask = async (): Promise<void> => {
    clearTimeout(timer);
    const mine = ++round;
    if (!document.hidden) {
      try {
        const answer = await fetch(`./api/live?${String(new URLSearchParams(question()))}`);
        const live = (await answer.json()) as LiveState;
        // Another section may have been chosen meanwhile.
        if (mine === round) show(live);
      } catch {
        // The status line says that the local run has ended.
      }
    }
    if (mine === round) timer = window.setTimeout(() => void ask(), INTERVAL_MS);
  };
  document.addEventListener("visibilitychange", () => void ask());
  void ask();
  return { ask: () => void ask() };
}
