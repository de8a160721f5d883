// Reads what clients send. Every function returns a complete, checked request or throws InvalidRequestError; nothing else is trusted.
import { InvalidRequestError } from "../shared/errors";
import type {
  CompletedPart,
  CompleteUploadRequest,
  PartToSign,
  SignPartsRequest,
  StartUploadRequest,
  UploadState,
} from "./contract";
import { S3_LIMITS } from "./contract";
import type { ListQuery } from "./ports";
import { isUploadId } from "./upload";

/** A JSON object of a client. */
type Body = Readonly<Record<string, unknown>>;

/** `StartUploadRequest` with the first bytes decoded. */
export interface StartInput extends Omit<StartUploadRequest, "firstBytes"> {
  readonly firstBytes?: Buffer;
}

const MAXIMUM_FIRST_BYTES = 64;
const DEFAULT_LIST_LIMIT = 50;
const MAXIMUM_LIST_LIMIT = 100;

/** Body of `POST /uploads`. */
export function parseStart(body: Body): StartInput {
  const partSize = readOptional(body, "partSize", (name) => readInteger(body, name, 1, S3_LIMITS.maximumPartBytes));
  const fingerprint = readOptional(body, "fingerprint", (name) => readText(body, name, 1, 128));
  const firstBytes = readOptional(body, "firstBytes", (name) => readBase64(body, name));
  return {
    fileName: readText(body, "fileName", 1, 255),
    size: readInteger(body, "size", 0, Number.MAX_SAFE_INTEGER),
    contentType: readText(body, "contentType", 3, 255),
    requestId: readMatch(body, "requestId", /^[A-Za-z0-9-]{16,64}$/, "16 to 64 letters, digits and hyphens"),
    ...(partSize === undefined ? {} : { partSize }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(firstBytes === undefined ? {} : { firstBytes }),
  };
}

/** Body of `POST /uploads/{uploadId}/parts`. */
export function parseSign(body: Body, signWindow: number): SignPartsRequest {
  const parts = readList(body, "parts", signWindow, readPartToSign);
  if (new Set(parts.map(({ partNumber }) => partNumber)).size < parts.length) {
    throw new InvalidRequestError("parts must name each part number once");
  }
  return { parts };
}

/** Body of `POST /uploads/{uploadId}/complete`. */
export function parseComplete(body: Body): CompleteUploadRequest {
  const parts = readList(body, "parts", S3_LIMITS.maximumParts, readCompletedPart);
  return { parts, checksum: readChecksum(body) };
}

/** Query of `GET /uploads`. */
export function parseList(query: Readonly<Record<string, string | undefined>>): ListQuery {
  const { state, limit, cursor } = query;
  if (limit !== undefined && !/^[1-9]\d{0,2}$/.test(limit)) throw limitError(limit);
  const count = limit === undefined ? DEFAULT_LIST_LIMIT : Number(limit);
  if (count > MAXIMUM_LIST_LIMIT) throw limitError(String(count));
  if (cursor !== undefined && !isUploadId(cursor))
    throw new InvalidRequestError("cursor must come from an earlier answer");
  return { states: parseState(state), limit: count, ...(cursor === undefined ? {} : { after: cursor }) };
}

/** Cancelled uploads are not listed: for their user they are gone. */
const LISTED_STATES: Readonly<Record<string, readonly UploadState[]>> = {
  all: ["open", "completing", "completed", "failed", "abandoned"],
  open: ["open", "completing"],
  completed: ["completed"],
};

function parseState(state = "all"): readonly UploadState[] {
  const states = Object.hasOwn(LISTED_STATES, state) ? LISTED_STATES[state] : undefined;
  if (!states) throw new InvalidRequestError(`state must be "open" or "completed", got ${quote(state)}`);
  return states;
}

function limitError(limit: string): InvalidRequestError {
  return new InvalidRequestError(`limit must be between 1 and ${MAXIMUM_LIST_LIMIT}, got ${quote(limit)}`);
}

function readPartToSign(item: Body): PartToSign {
  return { partNumber: readPartNumber(item), checksum: readChecksum(item) };
}

function readCompletedPart(item: Body): CompletedPart {
  const eTag = readMatch(item, "eTag", /^"?[\x21\x23-\x7e]{1,128}"?$/, "the ETag that S3 answered");
  return { partNumber: readPartNumber(item), eTag, checksum: readChecksum(item) };
}

function readPartNumber(item: Body): number {
  return readInteger(item, "partNumber", 1, S3_LIMITS.maximumParts);
}

/** Eight bytes in base64: eleven characters, the last of which has two bits to spare, and one sign of padding. */
function readChecksum(item: Body): string {
  return readMatch(
    item,
    "checksum",
    /^[A-Za-z0-9+/]{10}[AEIMQUYcgkosw048]=$/,
    "a CRC-64/NVME of eight bytes in base64",
  );
}

function readBase64(body: Body, name: string): Buffer {
  const text = readMatch(body, name, /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, "base64");
  const bytes = Buffer.from(text, "base64");
  if (bytes.length > MAXIMUM_FIRST_BYTES) {
    throw new InvalidRequestError(`${name} must hold at most ${MAXIMUM_FIRST_BYTES} bytes, got ${bytes.length}`);
  }
  return bytes;
}

function readList<T>(body: Body, name: string, maximum: number, readItem: (item: Body) => T): readonly T[] {
  const value = body[name];
  if (!Array.isArray(value) || value.length < 1 || value.length > maximum) {
    throw new InvalidRequestError(`${name} must be a list of 1 to ${maximum} entries`);
  }
  return value.map((item: unknown, index) => {
    if (typeof item !== "object" || item === null) throw new InvalidRequestError(`${name}[${index}] must be an object`);
    return readItem(item as Body);
  });
}

function readText(body: Body, name: string, minimum: number, maximum: number): string {
  const value = body[name];
  if (typeof value !== "string" || value.length < minimum || value.length > maximum) {
    throw new InvalidRequestError(`${name} must be a text of ${minimum} to ${maximum} characters`);
  }
  return value;
}

function readMatch(body: Body, name: string, pattern: RegExp, rule: string): string {
  const value = body[name];
  if (typeof value !== "string" || !pattern.test(value)) throw new InvalidRequestError(`${name} must be ${rule}`);
  return value;
}

function readInteger(body: Body, name: string, minimum: number, maximum: number): number {
  const value = body[name];
  if (!Number.isSafeInteger(value) || (value as number) < minimum || (value as number) > maximum) {
    throw new InvalidRequestError(`${name} must be an integer between ${minimum} and ${maximum}`);
  }
  return value as number;
}

function readOptional<T>(body: Body, name: string, read: (name: string) => T): T | undefined {
  return body[name] === undefined ? undefined : read(name);
}

/** A client's value in a message: short, and never more than it sent. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}
