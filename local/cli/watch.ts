// Entry of `npm run watch`.
import { runInterruptibleEntry } from "./entry";
import { runWatch } from "./watch-command";

runInterruptibleEntry(runWatch);
