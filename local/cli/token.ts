// Entry of `npm run token`.
import { runEntry } from "./entry";
import { runToken } from "./token-command";

runEntry(runToken);
