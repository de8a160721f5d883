// Entry of `npm run estimate`.
import { runEntry } from "./entry";
import { runEstimate } from "./estimate-command";

runEntry(runEstimate);
