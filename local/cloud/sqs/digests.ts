// MD5 of bodies and attributes: clients compare them with what they sent.
import { createHash, hash } from "node:crypto";
import type { MessageAttribute } from "../core/service";

/** Digest of a body. */
export function md5OfBody(body: string): string {
  return hash("md5", body, "hex");
}

/**
 * Digest of attributes; undefined without any.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
 */
export function md5OfAttributes(attributes: Readonly<Record<string, MessageAttribute>>): string | undefined {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const digest = createHash("md5");
  const add = (bytes: Buffer): void => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    digest.update(length).update(bytes);
  };
  for (const name of names) {
    const { dataType = "", stringValue, binaryValue } = attributes[name] ?? {};
    add(Buffer.from(name));
    add(Buffer.from(dataType));
    digest.update(Buffer.from([binaryValue === undefined ? 1 : 2]));
    add(binaryValue === undefined ? Buffer.from(stringValue ?? "") : Buffer.from(binaryValue, "base64"));
  }
  return digest.digest("hex");
}

/** SHA-256 of a body, by which content-based deduplication tells messages apart. */
export function contentId(body: string): string {
  return hash("sha256", body, "hex");
}
