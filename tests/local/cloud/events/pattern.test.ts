// Proves every operator of event patterns, how arrays and absent fields match, and the refusals of invalid patterns.
import assert from "node:assert/strict";
import { compilePattern } from "../../../../local/cloud/events/pattern";

const event = {
  source: "aws.s3",
  "detail-type": "Object Created",
  resources: ["a", "b"],
  detail: {
    n: 5,
    s: "Foo.PNG",
    star: "a*b",
    ip: "10.0.0.9",
    ip6: "2001:db8::1",
    nothing: null,
    list: [
      { k: 1, v: "x" },
      { k: 2, v: "y" },
    ],
    empty: [],
    bool: true,
    $or: "field",
  },
};

const cases: readonly [boolean, unknown][] = [
  [true, { source: ["aws.s3"] }],
  [false, { source: ["aws.ec2"] }],
  [true, { source: ["aws.ec2", "aws.s3"], "detail-type": ["Object Created"] }],
  [false, { source: ["aws.s3"], "detail-type": ["Object Deleted"] }],
  [true, { source: [{ prefix: "aws." }] }],
  [true, { source: [{ prefix: { "equals-ignore-case": "AWS." } }] }],
  [true, { detail: { s: [{ suffix: ".PNG" }] } }],
  [false, { detail: { s: [{ suffix: ".png" }] } }],
  [true, { detail: { s: [{ suffix: { "equals-ignore-case": ".png" } }] } }],
  [true, { detail: { s: [{ "equals-ignore-case": "foo.png" }] } }],
  [true, { detail: { s: [{ wildcard: "F*.PNG" }] } }],
  [false, { detail: { s: [{ wildcard: "*.JPG" }] } }],
  [true, { detail: { star: [{ wildcard: "a\\*b" }] } }],
  [false, { detail: { s: [{ wildcard: "Foo?PNG" }] } }],
  [true, { detail: { n: [{ numeric: [">", 0, "<=", 5] }] } }],
  [false, { detail: { n: [{ numeric: [">", 5] }] } }],
  [true, { detail: { n: [{ numeric: ["=", 5.0] }] } }],
  [false, { detail: { s: [{ numeric: [">", 0] }] } }],
  [true, { detail: { ip: [{ cidr: "10.0.0.0/24" }] } }],
  [false, { detail: { ip: [{ cidr: "10.0.1.0/24" }] } }],
  [true, { detail: { ip6: [{ cidr: "2001:db8::/32" }] } }],
  [false, { detail: { s: [{ cidr: "10.0.0.0/24" }] } }],
  [true, { detail: { missing: [{ exists: false }] } }],
  [true, { missing: { deeper: [{ exists: false }] } }],
  [true, { detail: { n: [{ exists: true }] } }],
  [true, { detail: { nothing: [{ exists: true }] } }],
  [false, { detail: { list: [{ exists: true }] } }],
  [true, { detail: { empty: [{ exists: false }] } }],
  [true, { source: [{ "anything-but": "aws.ec2" }] }],
  [true, { source: [{ "anything-but": ["aws.ec2"] }] }],
  [false, { source: [{ "anything-but": ["aws.ec2", "aws.s3"] }] }],
  [false, { detail: { n: [{ "anything-but": [5] }] } }],
  [false, { source: [{ "anything-but": { prefix: "aws." } }] }],
  [false, { source: [{ "anything-but": { suffix: ["ec2", "s3"] } }] }],
  [false, { detail: { s: [{ "anything-but": { wildcard: "*.PNG" } }] } }],
  [false, { detail: { s: [{ "anything-but": { "equals-ignore-case": ["foo.png"] } }] } }],
  [false, { detail: { missing: [{ "anything-but": "x" }] } }],
  [true, { $or: [{ source: ["x"] }, { detail: { n: [5] } }] }],
  [false, { $or: [{ source: ["x"] }, { detail: { n: [6] } }] }],
  [true, { detail: { $or: ["field"] } }],
  [true, { resources: ["b"] }],
  [true, { detail: { nothing: [null] } }],
  [true, { detail: { list: { k: [2] } } }],
  [true, { detail: { list: { k: [2], v: ["y"] } } }],
  [false, { detail: { list: { k: [2], v: ["x"] } } }],
  [true, { detail: { bool: [true] } }],
  [false, { detail: { n: ["5"] } }],
  [false, { detail: { missing: ["x"] } }],
];

describe("Event patterns", () => {
  for (const [expected, pattern] of cases) {
    it(`${expected ? "let pass" : "hold back"} the event with ${JSON.stringify(pattern)}`, () => {
      assert.equal(compilePattern(JSON.stringify(pattern))(event), expected);
    });
  }

  const refusals: readonly [string, RegExp][] = [
    ["{", /not valid JSON/],
    ['"text"', /Filter is not an object/],
    ["{}", /Empty objects/],
    ['{"source":[]}', /Empty arrays are not allowed/],
    ['{"source":"aws.s3"}', /"source" must be an object or an array/],
    ['{"source":[["a"]]}', /Match value must be String, number, true, false, or null/],
    ['{"source":[{"startsWith":"a"}]}', /Unrecognized match type startsWith/],
    ['{"source":[{"prefix":"a","suffix":"b"}]}', /Only one key allowed in match expression/],
    ['{"source":[{"prefix":1}]}', /prefix match pattern must be a string/],
    ['{"source":[{"exists":"yes"}]}', /exists match pattern must be either true or false/],
    ['{"source":[{"numeric":["<>",1]}]}', /Unrecognized numeric range operator: <>/],
    ['{"source":[{"numeric":[">",5,"<",1]}]}', /Bottom of numeric range/],
    ['{"source":[{"numeric":[">","5"]}]}', /Value of > must be numeric/],
    ['{"source":[{"numeric":[">",6e9]}]}', /between -5.0E9 and 5.0E9/],
    ['{"source":[{"wildcard":"a**b"}]}', /Consecutive wildcard characters at pos 1/],
    ['{"source":[{"wildcard":"a\\\\x"}]}', /Invalid escape character/],
    ['{"source":[{"cidr":"10.0.0.0/33"}]}', /Malformed CIDR/],
    ['{"source":[{"anything-but":[]}]}', /Empty arrays/],
    ['{"source":[{"anything-but":["a",1]}]}', /mixed type is not supported/],
    ['{"source":[{"anything-but":{"numeric":[">",1]}}]}', /Unsupported anything-but pattern/],
    [JSON.stringify({ source: ["x".repeat(2050)] }), /longer than 2048 characters/],
  ];
  for (const [pattern, reason] of refusals) {
    it(`rejects ${pattern.slice(0, 60)}`, () => {
      assert.throws(() => compilePattern(pattern), { code: "InvalidEventPatternException", message: reason });
    });
  }
});
