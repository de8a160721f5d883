// Names: the object key that the server makes, and the file name that a download shows.
import type { Caller } from "../shared/identity";
import type { UploadReference } from "./ports";
import { isUploadId } from "./upload";

/** Bytes of the name at the end of a key; the key as a whole stays far below S3's 1,024. */
const MAXIMUM_NAME_BYTES = 200;
/** Extensions up to this length, dot included, survive the cut of a long name. */
const MAXIMUM_KEPT_EXTENSION_BYTES = 20;
const FALLBACK_NAME = "file";

/** Key of an upload: `<prefix><tenant>/<user>/<upload id>/<safe name>`. Nothing in it but the name's end comes from the client. */
export function buildObjectKey(prefix: string, caller: Caller, uploadId: string, fileName: string): string {
  return `${prefix}${caller.tenant}/${caller.user}/${uploadId}/${toSafeName(fileName)}`;
}

/** Whose upload a key belongs to; undefined for keys that `buildObjectKey` does not make. Only the stored row proves the rest. */
export function parseObjectKey(prefix: string, key: string): UploadReference | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const [tenant, user, uploadId, ...name] = key.slice(prefix.length).split("/");
  if (!tenant || !user || !isUploadId(uploadId) || name.length !== 1) return undefined;
  return { caller: { tenant, user }, uploadId };
}

/**
 * Makes a file name safe at the end of a key: NFC, no path, no control or direction-changing characters, none of the characters
 * that S3 advises against, no leading dots, at most 200 bytes of UTF-8 with the extension kept. Never empty; idempotent.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
 */
export function toSafeName(fileName: string): string {
  const cleaned = fileName
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cn}\p{Co}\uFFFD]/gu, "")
    // After the removal, which can bring letter and accent together; before the rest, since it turns U+037E into a semicolon.
    .normalize("NFC")
    .replace(/[/\\]/g, "_")
    .replace(/[{}^%`[\]"<>~#|&$@=;:+,?*]/g, "_")
    .replace(/\p{Zs}+/gu, " ");
  return trimName(cutName(trimName(cleaned))) || FALLBACK_NAME;
}

/** Lower-case extension with its dot, "" when there is none: ".png" of "Photo.PNG". */
export function extensionOf(fileName: string): string {
  const match = /[^.](\.[^./\\\s]+)$/u.exec(fileName.trim());
  return match?.[1]?.toLowerCase() ?? "";
}

/**
 * `Content-Disposition` by which browsers save the object under the user's own name instead of showing it. RFC 6266: an ASCII
 * name for old clients and the true one, encoded by RFC 8187.
 */
export function buildContentDisposition(fileName: string): string {
  const safe = toSafeName(fileName);
  const ascii = safe.normalize("NFD").replace(/[^\x20-\x7e]/gu, (char) => (/\p{M}/u.test(char) ? "" : "_"));
  const encoded = encodeURIComponent(safe).replace(
    /['()*!]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii.replace(/["\\]/g, "_") || FALLBACK_NAME}"; filename*=UTF-8''${encoded}`;
}

function trimName(name: string): string {
  return name.replace(/^[.\s]+|[.\s]+$/g, "");
}

function cutName(name: string): string {
  if (Buffer.byteLength(name) <= MAXIMUM_NAME_BYTES) return name;
  const dot = name.lastIndexOf(".");
  const extension = dot > 0 ? name.slice(dot) : "";
  const kept = Buffer.byteLength(extension) <= MAXIMUM_KEPT_EXTENSION_BYTES ? extension : "";
  const stem = name.slice(0, name.length - kept.length);
  return takeBytes(stem, MAXIMUM_NAME_BYTES - Buffer.byteLength(kept)) + kept;
}

/** The longest beginning of whole characters within `limit` bytes. */
function takeBytes(text: string, limit: number): string {
  let taken = "";
  let bytes = 0;
  for (const char of text) {
    bytes += Buffer.byteLength(char);
    if (bytes > limit) break;
    taken += char;
  }
  return taken;
}
