// Sizes of the frames that a client sends. ws joins frames into messages; API Gateway also limits single frames.
import { MAXIMUM_FRAME_BYTES } from "./connection";

/** Reads frame headers (RFC 6455, 5.2) from the bytes of one connection, and skips the payloads. */
export class FrameWatch {
  private header: number[] = [];
  private payloadLeft = 0;

  constructor(private readonly onTooLarge: () => void) {}

  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.payloadLeft > 0) {
        const skipped = Math.min(this.payloadLeft, chunk.length - at);
        this.payloadLeft -= skipped;
        at += skipped;
        continue;
      }
      this.header.push(chunk[at++] ?? 0);
      const length = payloadLength(this.header);
      if (length === undefined) continue;
      this.header = [];
      this.payloadLeft = length;
      if (length > MAXIMUM_FRAME_BYTES) this.onTooLarge();
    }
  }
}

/** Length of the payload once the header is complete, the mask included. */
function payloadLength(header: readonly number[]): number | undefined {
  const second = header[1];
  if (second === undefined) return undefined;
  const short = second & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const maskBytes = (second & 0x80) === 0 ? 0 : 4;
  if (header.length < 2 + lengthBytes + maskBytes) return undefined;
  if (lengthBytes === 0) return short;
  return header.slice(2, 2 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
}
