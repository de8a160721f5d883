// Entry of `npm run upload`.
import { runInterruptibleEntry } from "./entry";
import { runUpload } from "./upload-command";

runInterruptibleEntry(runUpload);
