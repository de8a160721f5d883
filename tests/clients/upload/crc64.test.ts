// Proves that our CRC-64/NVME equals the AWS SDK's for every input, whole or in pieces, and that combining parts equals
// hashing the whole.

import assert from "node:assert/strict";
import fc from "fast-check";
import { combineCrc64, crc64, CRC64_START, encodeCrc64, finishCrc64, updateCrc64 } from "../../../clients/upload/crc64";
import { checksumOf } from "../../support/upload-fake";

describe("CRC-64/NVME", () => {
  it("gives the catalogue's check value", () => {
    const value = crc64(Buffer.from("123456789"));

    assert.equal(value, 0xae8b14860a799888n);
  });

  it("gives zero for no bytes", () => {
    assert.equal(encodeCrc64(crc64(new Uint8Array())), "AAAAAAAAAAA=");
  });

  it("U27: equals the AWS SDK's for any bytes at any offset", () => {
    return fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(16), async (bytes, offset) => {
        const view = bytes.subarray(Math.min(offset, bytes.length));

        assert.equal(encodeCrc64(crc64(view)), await checksumOf(view));
      }),
      { numRuns: 500 },
    );
  });

  it("gives the same value in pieces as in one go", () => {
    return fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 100 }), async (first, second) => {
        const pieces = finishCrc64(updateCrc64(updateCrc64(CRC64_START, first), second));

        assert.equal(encodeCrc64(pieces), await checksumOf(Buffer.concat([first, second])));
      }),
    );
  });

  it("U6: combines part checksums to the checksum of the whole file", () => {
    return fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), async (first, second) => {
        const combined = combineCrc64(crc64(first), crc64(second), second.length);

        assert.equal(encodeCrc64(combined), await checksumOf(Buffer.concat([first, second])));
      }),
    );
  });

  it("combines over lengths beyond 32 bits as over their halves", () => {
    const half = 2 ** 32 + 7;
    const [a, b] = [crc64(Buffer.from("a")), 0n];

    const once = combineCrc64(a, b, 2 * half);
    const twice = combineCrc64(combineCrc64(a, b, half), b, half);

    assert.equal(once, twice);
  });
});
