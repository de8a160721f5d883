// Media types and extensions that the component accepts, and what files of a type begin with.

/** The type without parameters in lower case, "text/plain" of "Text/Plain; charset=utf-8"; undefined when it is malformed. */
export function parseMediaType(text: string): string | undefined {
  const essence = text.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/.test(essence) ? essence : undefined;
}

/** Whether a parsed media type is on a list of types ("image/png") and ranges ("image/" or both halves with an asterisk). */
export function isAllowedType(mediaType: string, allowed: readonly string[]): boolean {
  return allowed.some((entry) => {
    const pattern = entry.toLowerCase();
    if (pattern === "*/*") return true;
    return pattern.endsWith("/*") ? mediaType.startsWith(pattern.slice(0, -1)) : mediaType === pattern;
  });
}

/** Bytes at an offset by which a format is known. `undefined` in a pattern stands for any byte. */
interface Signature {
  readonly offset: number;
  readonly bytes: readonly (number | undefined)[];
}

function ascii(text: string, offset = 0): Signature {
  return { offset, bytes: Array.from(text, (char) => char.charCodeAt(0)) };
}

function raw(...bytes: readonly (number | undefined)[]): Signature {
  return { offset: 0, bytes };
}

const ZIP = [raw(0x50, 0x4b, 0x03, 0x04), raw(0x50, 0x4b, 0x05, 0x06)];
const ISO_MEDIA = [ascii("ftyp", 4)];
const OLE = [raw(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1)];
const MATROSKA = [raw(0x1a, 0x45, 0xdf, 0xa3)];
const TIFF = [raw(0x49, 0x49, 0x2a, 0x00), raw(0x4d, 0x4d, 0x00, 0x2a)];
const OOXML = "application/vnd.openxmlformats-officedocument";

/** What a file of each common type begins with; any one suffices. */
const SIGNATURES: Readonly<Record<string, readonly Signature[]>> = {
  "image/png": [raw(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)],
  "image/jpeg": [raw(0xff, 0xd8, 0xff)],
  "image/gif": [ascii("GIF87a"), ascii("GIF89a")],
  "image/webp": [{ offset: 0, bytes: [...riff("WEBP")] }],
  "image/bmp": [ascii("BM")],
  "image/tiff": TIFF,
  "image/avif": ISO_MEDIA,
  "image/heic": ISO_MEDIA,
  "image/heif": ISO_MEDIA,
  "image/vnd.adobe.photoshop": [ascii("8BPS")],
  "image/x-icon": [raw(0x00, 0x00, 0x01, 0x00)],
  "video/mp4": ISO_MEDIA,
  "video/quicktime": [...ISO_MEDIA, ascii("moov", 4), ascii("mdat", 4), ascii("wide", 4), ascii("free", 4)],
  "video/webm": MATROSKA,
  "video/x-matroska": MATROSKA,
  "video/x-msvideo": [{ offset: 0, bytes: [...riff("AVI ")] }],
  "video/mpeg": [raw(0x00, 0x00, 0x01, 0xba), raw(0x00, 0x00, 0x01, 0xb3)],
  "video/mp2t": [raw(0x47)],
  "audio/mpeg": [ascii("ID3"), raw(0xff, 0xfb), raw(0xff, 0xf3), raw(0xff, 0xf2), raw(0xff, 0xfa)],
  "audio/wav": [{ offset: 0, bytes: [...riff("WAVE")] }],
  "audio/x-wav": [{ offset: 0, bytes: [...riff("WAVE")] }],
  "audio/flac": [ascii("fLaC")],
  "audio/ogg": [ascii("OggS")],
  "video/ogg": [ascii("OggS")],
  "audio/mp4": ISO_MEDIA,
  "audio/aac": [raw(0xff, 0xf1), raw(0xff, 0xf9), ascii("ADIF")],
  "application/pdf": [ascii("%PDF-")],
  "application/zip": ZIP,
  "application/gzip": [raw(0x1f, 0x8b)],
  "application/x-7z-compressed": [raw(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c)],
  "application/vnd.rar": [ascii("Rar!\x1a\x07")],
  "application/zstd": [raw(0x28, 0xb5, 0x2f, 0xfd)],
  "application/x-bzip2": [ascii("BZh")],
  "application/x-xz": [raw(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)],
  "application/vnd.apache.parquet": [ascii("PAR1")],
  "application/vnd.sqlite3": [ascii("SQLite format 3\0")],
  "application/rtf": [ascii("{\\rtf")],
  "application/msword": OLE,
  "application/vnd.ms-excel": OLE,
  "application/vnd.ms-powerpoint": OLE,
  [`${OOXML}.wordprocessingml.document`]: ZIP,
  [`${OOXML}.spreadsheetml.sheet`]: ZIP,
  [`${OOXML}.presentationml.presentation`]: ZIP,
};

/** What no file of an unlisted type may begin with: programs for Windows, Linux, macOS, and scripts. */
const PROGRAMS: readonly Signature[] = [
  ascii("MZ"),
  ascii("\x7fELF"),
  raw(0xcf, 0xfa, 0xed, 0xfe),
  raw(0xce, 0xfa, 0xed, 0xfe),
  raw(0xca, 0xfe, 0xba, 0xbe),
  ascii("#!"),
];

/** Types that only claim to be what they are by being text. */
const TEXT_TYPES: ReadonlySet<string> = new Set(["application/json", "application/xml", "image/svg+xml"]);

/**
 * Whether the first bytes fit the media type: the format's own signature where it is known, text without NUL bytes for text
 * types, and anything but a program for the rest.
 */
export function matchesFirstBytes(mediaType: string, firstBytes: Uint8Array): boolean {
  const known = SIGNATURES[mediaType];
  if (known) return known.some((signature) => begins(firstBytes, signature));
  if (mediaType.startsWith("text/") || TEXT_TYPES.has(mediaType)) return looksLikeText(firstBytes);
  return !PROGRAMS.some((signature) => begins(firstBytes, signature));
}

function riff(form: string): readonly (number | undefined)[] {
  const any = [undefined, undefined, undefined, undefined];
  return [...ascii("RIFF").bytes, ...any, ...ascii(form).bytes];
}

function begins(content: Uint8Array, { offset, bytes }: Signature): boolean {
  return bytes.every((byte, index) =>
    byte === undefined ? offset + index < content.length : content[offset + index] === byte,
  );
}

function looksLikeText(content: Uint8Array): boolean {
  const utf16 = (content[0] === 0xff && content[1] === 0xfe) || (content[0] === 0xfe && content[1] === 0xff);
  return utf16 || !content.includes(0);
}
