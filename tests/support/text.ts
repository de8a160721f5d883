// Text for property tests. fast-check's own unit "binary" indexes all of Unicode when it is made: a second and 100 MB in each process.
import fc from "fast-check";

/** Any code point but the halves of surrogate pairs, as a string. */
export const codePoint: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 0xff }) },
    { weight: 2, arbitrary: fc.integer({ min: 0x100, max: 0xd7ff }) },
    fc.integer({ min: 0xe000, max: 0x10ffff }),
  )
  .map((point) => String.fromCodePoint(point));
