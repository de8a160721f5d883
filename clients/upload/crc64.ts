// CRC-64/NVME, the checksum that Amazon S3 computes over every part and every whole object.

/** Running value: high and low half, unsigned 32 bits each, before the final inversion. */
export type Crc64State = [high: number, low: number];

/** Takes more bytes into a running value. */
export type Crc64Update = (state: Crc64State, bytes: Uint8Array) => Crc64State;

const REFLECTED_POLYNOMIAL = 0x9a6c9329ac4bc9b5n;
const ONE = 1n << 63n;

/**
 * Builds the lookup tables and returns the update function. JavaScript has no fast 64-bit integers, hence the two halves;
 * four bytes per step, hence four tables. Must stay free of outer names: its source text also runs in the hashing worker.
 */
export function buildCrc64(): Crc64Update {
  // Entry i of table k stands at 512 * k + 2 * i: low half, then high half, so that both come from one cache line.
  const table = new Uint32Array(2048);
  for (let i = 0; i < 512; i += 2) {
    let low = i >> 1;
    let high = 0;
    for (let bit = 0; bit < 8; bit++) {
      const odd = low & 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (odd) {
        low ^= 0xac4bc9b5;
        high ^= 0x9a6c9329;
      }
    }
    table[i] = low;
    table[i + 1] = high;
  }
  for (let i = 512; i < 2048; i += 2) {
    const low = table[i - 512]!;
    const high = table[i - 511]!;
    const next = (low & 255) << 1;
    table[i] = ((low >>> 8) | (high << 24)) ^ table[next]!;
    table[i + 1] = (high >>> 8) ^ table[next + 1]!;
  }
  return ([high, low], bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    for (; at < bytes.length - 3; at += 4) {
      const word = low ^ view.getInt32(at, true);
      const a = 1536 + ((word & 255) << 1);
      const b = 1024 + ((word >>> 7) & 510);
      const c = 512 + ((word >>> 15) & 510);
      const d = (word >>> 23) & 510;
      low = high ^ table[a]! ^ table[b]! ^ table[c]! ^ table[d]!;
      high = table[a + 1]! ^ table[b + 1]! ^ table[c + 1]! ^ table[d + 1]!;
    }
    for (; at < bytes.length; at++) {
      const i = ((low ^ bytes[at]!) & 255) << 1;
      low = ((low >>> 8) | (high << 24)) ^ table[i]!;
      high = (high >>> 8) ^ table[i + 1]!;
    }
    return [high >>> 0, low >>> 0];
  };
}

/** The value of no bytes at all. */
export const CRC64_START: Crc64State = [0xffffffff, 0xffffffff];

let shared: Crc64Update | undefined;

/** Takes `bytes` into `state`; the tables are built on first use. */
export const updateCrc64: Crc64Update = (state, bytes) => (shared ??= buildCrc64())(state, bytes);

/** The checksum of a running value. */
export function finishCrc64([high, low]: Crc64State): bigint {
  return ((BigInt(high) << 32n) | BigInt(low)) ^ 0xffff_ffff_ffff_ffffn;
}

/** CRC-64/NVME of `bytes`. */
export function crc64(bytes: Uint8Array): bigint {
  return finishCrc64(updateCrc64(CRC64_START, bytes));
}

/** Product of two polynomials modulo the CRC's own, all in reflected bit order. */
function multiply(a: bigint, b: bigint): bigint {
  let product = 0n;
  for (let bit = ONE; bit > 0n; bit >>= 1n) {
    if (a & bit) product ^= b;
    b = b & 1n ? (b >> 1n) ^ REFLECTED_POLYNOMIAL : b >> 1n;
  }
  return product;
}

let lastShift = { byteCount: 0, result: ONE };

/** x to the power of 8 * byteCount. The last one is remembered, because nearly all parts of a file have one length. */
function shiftBy(byteCount: number): bigint {
  if (byteCount === lastShift.byteCount) return lastShift.result;
  let result = ONE;
  let power = ONE >> 8n;
  for (let left = byteCount; left > 0; left = Math.floor(left / 2)) {
    if (left % 2) result = multiply(result, power);
    power = multiply(power, power);
  }
  lastShift = { byteCount, result };
  return result;
}

/** CRC of two byte strings one after the other, from the CRC of each and the length of the second. */
export function combineCrc64(first: bigint, second: bigint, secondBytes: number): bigint {
  return multiply(shiftBy(secondBytes), first) ^ second;
}

/** A checksum as S3 writes it: base64 of eight big-endian bytes. */
export function encodeCrc64(value: bigint): string {
  let text = "";
  for (let shift = 56n; shift >= 0n; shift -= 8n) text += String.fromCharCode(Number((value >> shift) & 255n));
  return btoa(text);
}
