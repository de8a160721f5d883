// Lists uploads, so that a user finds unfinished ones on another device.
import type { Caller } from "../shared/identity";
import type { ListUploadsResponse } from "./contract";
import type { ListQuery, UploadStore } from "./ports";
import { describe } from "./upload";

/** Lists the caller's uploads, newest first. */
export async function listUploads(store: UploadStore, caller: Caller, query: ListQuery): Promise<ListUploadsResponse> {
  const { records, next } = await store.list(caller, query);
  return { uploads: records.map(describe), ...(next === undefined ? {} : { cursor: next }) };
}
