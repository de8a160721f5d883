// Entry of `npm run doctor`.
import { runDoctor } from "./doctor-command";
import { runEntry } from "./entry";

runEntry(runDoctor);
