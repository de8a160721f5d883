// GET /uploads. Safe to repeat: it changes nothing.
import { serve } from "../shared/http";
import { createStore, frameOf } from "./composition";
import { listUploads } from "./list-uploads";
import { parseList } from "./requests";
import { readSettings } from "./settings";

const settings = readSettings(process.env);
const store = createStore(settings, process.env);

/** Lambda entry point. */
export const handler = serve(frameOf(settings, "list"), async ({ caller, query }) => {
  return { status: 200, body: await listUploads(store, caller, parseList(query)) };
});
