// Request ids in the form of a UUID, made from the context's own source of unique ids.
import { createHash } from "node:crypto";

/** A UUID (version 4 form) from `seed`, which must be unique. */
export function uuidFrom(seed: string): string {
  const hex = createHash("sha256").update(seed).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
