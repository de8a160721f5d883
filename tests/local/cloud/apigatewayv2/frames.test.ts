// Proves that frame headers are found whatever pieces they arrive in, and that only frames above 32 KiB are reported.
import assert from "node:assert/strict";
import fc from "fast-check";
import { FrameWatch } from "../../../../local/cloud/apigatewayv2/frames";

const LIMIT = 32 * 1024;

function frame(length: number, opcode: number, fin: boolean): Buffer {
  const first = (fin ? 0x80 : 0) | opcode;
  const mask = Buffer.from([1, 2, 3, 4]);
  const head =
    length < 126
      ? Buffer.from([first, 0x80 | length])
      : length < 65_536
        ? Buffer.from([first, 0x80 | 126, length >> 8, length & 0xff])
        : Buffer.concat([
            Buffer.from([first, 0x80 | 127, 0, 0, 0, 0]),
            Buffer.from(new Uint32Array([length]).buffer).reverse(),
          ]);
  // Payload bytes that look like headers must not be taken for some.
  return Buffer.concat([head, mask, Buffer.alloc(length, 0xff)]);
}

describe("the watch over frame sizes", () => {
  const lengths = fc.oneof(
    fc.integer({ min: 0, max: 130 }),
    fc.constantFrom(125, 126, LIMIT - 1, LIMIT, LIMIT + 1, 65_535, 65_536, 70_000),
  );
  const frames = fc.array(fc.record({ length: lengths, opcode: fc.constantFrom(0, 1, 8, 9, 10), fin: fc.boolean() }), {
    maxLength: 6,
  });

  it("reports exactly the frames above the limit, in whatever pieces they come", () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 8 }), (sent, cuts) => {
        let reported = 0;
        const watch = new FrameWatch(() => reported++);
        const bytes = Buffer.concat(sent.map(({ length, opcode, fin }) => frame(length, opcode, fin)));

        for (let at = 0, piece = 0; at < bytes.length; piece++) {
          const size = cuts[piece % cuts.length] ?? 1;
          watch.read(bytes.subarray(at, at + size));
          at += size;
        }

        assert.equal(reported, sent.filter(({ length }) => length > LIMIT).length);
      }),
      { numRuns: 60 },
    );
  });

  it("finds headers that arrive byte by byte", () => {
    let reported = 0;
    const watch = new FrameWatch(() => reported++);
    for (const byte of frame(LIMIT + 1, 1, true)) watch.read(Buffer.from([byte]));
    for (const byte of frame(LIMIT, 1, true)) watch.read(Buffer.from([byte]));

    assert.equal(reported, 1);
  });
});
