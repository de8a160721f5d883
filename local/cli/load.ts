// Entry of `npm run load`.
import { runInterruptibleEntry } from "./entry";
import { runLoad } from "./load/command";

runInterruptibleEntry(runLoad);
