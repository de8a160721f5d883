// Proves the CRC arithmetic against zlib and AWS's own libraries, over random bytes and random cuts.
import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { Crc32c } from "@aws-crypto/crc32c";
import { Crc64Nvme } from "@aws-sdk/crc64-nvme";
import fc from "fast-check";
import { combineCrcs, crc32c } from "../../../../local/cloud/s3/crc";
import { Hashes } from "../../../../local/cloud/s3/hashes";

function bytesOf(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

async function crc64(bytes: Uint8Array): Promise<Buffer> {
  const crc = new Crc64Nvme();
  crc.update(bytes);
  return Buffer.from(await crc.digest());
}

const chunks = fc.array(fc.uint8Array({ maxLength: 100 }), { minLength: 1, maxLength: 6 });

describe("S3 CRCs", () => {
  it("computes CRC-32C as AWS's library does, in one piece or several", () => {
    fc.assert(
      fc.property(chunks, (parts) => {
        const expected = new Crc32c().update(Buffer.concat(parts)).digest();
        assert.equal(
          parts.reduce((sum, part) => crc32c(part, sum), 0),
          expected,
        );
      }),
    );
  });

  it("computes CRC-64/NVME as AWS's library does, in one piece or several", async () => {
    await fc.assert(
      fc.asyncProperty(chunks, async (parts) => {
        const hashes = new Hashes(["CRC64NVME"]);
        for (const part of parts) hashes.update(part);

        assert.deepEqual(hashes.digests().get("CRC64NVME"), await crc64(Buffer.concat(parts)));
      }),
    );
  });

  it("combines the CRCs of parts into the CRC of the whole", async () => {
    await fc.assert(
      fc.asyncProperty(chunks, async (parts) => {
        const whole = Buffer.concat(parts);
        const combine = async (
          name: "CRC32" | "CRC32C" | "CRC64NVME",
          sum: (bytes: Uint8Array) => Promise<Buffer> | Buffer,
        ) =>
          combineCrcs(
            name,
            await Promise.all(parts.map(async (part) => ({ digest: await sum(part), size: part.length }))),
          );

        assert.deepEqual(await combine("CRC32", (bytes) => bytesOf(crc32(bytes))), bytesOf(crc32(whole)));
        assert.deepEqual(await combine("CRC32C", (bytes) => bytesOf(crc32c(bytes))), bytesOf(crc32c(whole)));
        assert.deepEqual(await combine("CRC64NVME", crc64), await crc64(whole));
      }),
    );
  });

  it("combines parts of real sizes: 10,000 of 5 GiB take no longer than a blink", () => {
    const part = { digest: Buffer.alloc(8, 7), size: 5 * 1024 ** 3 };
    const before = performance.now();

    combineCrcs(
      "CRC64NVME",
      Array.from({ length: 10_000 }, () => part),
    );

    assert.ok(performance.now() - before < 2000);
  });
});
