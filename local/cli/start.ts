// Entry of `npm start`.
import { runInterruptibleEntry } from "./entry";
import { runStart } from "./start-command";

// A waiting run has nothing else that keeps the process alive once its listeners are idle.
const alive = setInterval(() => undefined, 2 ** 30);
runInterruptibleEntry((context) =>
  runStart({ ...context, elapsedMs: () => performance.now() }).finally(() => clearInterval(alive)),
);
