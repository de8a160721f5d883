// Proves data flow, intrinsic functions and choices of JSONPath states, as the Amazon States Language specifies them.
import assert from "node:assert/strict";
import type { Json, State } from "../../../../local/cloud/states/language/types";
import { chain, one, runStates, WORK } from "../../../support/states-run";

const pass = (fields: Partial<State>, input: Json): Promise<Json | undefined> =>
  runStates(one({ Type: "Pass", ...fields }), input);

describe("data flow of JSONPath states", () => {
  it("hands the input on when nothing is said", async () => {
    assert.deepEqual(await pass({}, { a: 1 }), { a: 1 });
  });

  it("replaces the input by Result, or adds it at ResultPath", async () => {
    assert.deepEqual(await pass({ Result: { x: 1 } }, { a: 1 }), { x: 1 });
    assert.deepEqual(await pass({ Result: 2, ResultPath: "$.b.c" }, { a: 1 }), { a: 1, b: { c: 2 } });
    assert.deepEqual(await pass({ Result: 2, ResultPath: "$.list[1]" }, { list: [0, 1] }), { list: [0, 2] });
    assert.deepEqual(await pass({ Result: 2, ResultPath: null }, { a: 1 }), { a: 1 });
  });

  it("selects by InputPath and OutputPath, and null stands for an empty object", async () => {
    assert.deepEqual(await pass({ InputPath: "$.a" }, { a: { b: 1 } }), { b: 1 });
    assert.deepEqual(await pass({ OutputPath: "$.a" }, { a: { b: 1 } }), { b: 1 });
    assert.deepEqual(await pass({ InputPath: null, ResultPath: "$.x" }, { a: 1 }), { a: 1, x: {} });
    assert.deepEqual(await pass({ OutputPath: null }, { a: 1 }), {});
  });

  it("fills Parameters from paths, the context object and literal values", async () => {
    const Parameters = {
      "v.$": "$.list[1].v",
      fixed: true,
      "name.$": "$$.State.Name",
      deep: [{ "run.$": "$$.Execution.Name" }],
    };
    assert.deepEqual(await pass({ Parameters }, { list: [{ v: 1 }, { v: 2 }] }), {
      v: 2,
      fixed: true,
      name: "A",
      deep: [{ run: "run" }],
    });
  });

  it("reads wildcards, slices, filters and recursive descent as lists", async () => {
    const input = { items: [{ p: 1 }, { p: 5 }, { p: 9 }] };
    const Parameters = {
      "all.$": "$.items[*].p",
      "some.$": "$.items[0:2].p",
      "dear.$": "$.items[?(@.p > 4)].p",
      "deep.$": "$..p",
      "last.$": "$.items[-1:].p",
    };
    assert.deepEqual(await pass({ Parameters }, input), {
      all: [1, 5, 9],
      some: [1, 5],
      dear: [5, 9],
      deep: [1, 5, 9],
      last: [9],
    });
  });

  it("rejects a path that finds nothing with States.Runtime", async () => {
    await assert.rejects(pass({ InputPath: "$.nope" }, {}), { error: "States.Runtime" });
    await assert.rejects(pass({ Parameters: { "a.$": "$.nope" } }, {}), { error: "States.Runtime" });
  });

  it("applies ResultSelector to a task's result, then ResultPath", async () => {
    const definition = one({
      Type: "Task",
      Resource: WORK,
      Parameters: { "n.$": "$.n" },
      ResultSelector: { "m.$": "$.Payload" },
      ResultPath: "$.result",
    });
    assert.deepEqual(await runStates(definition, { n: 3 }, { A: (input) => ({ Payload: input, Noise: 1 }) }), {
      n: 3,
      result: { m: { n: 3 } },
    });
  });

  it("assigns variables that later states read, and evaluates all of them before any is set", async () => {
    const definition = chain({
      A: { Type: "Pass", Assign: { x: 1, y: 2 } },
      B: { Type: "Pass", Assign: { "x.$": "$y", "y.$": "$x" } },
      C: { Type: "Pass", Parameters: { "x.$": "$x", "y.$": "$y" } },
    });
    assert.deepEqual(await runStates(definition), { x: 2, y: 1 });
  });

  it("rejects a result above 256 KiB with States.DataLimitExceeded, which States.ALL does not catch", async () => {
    const definition = chain({
      A: { Type: "Task", Resource: WORK, Catch: [{ ErrorEquals: ["States.ALL"], Next: "B" }] },
      B: { Type: "Pass" },
    });
    await assert.rejects(runStates(definition, {}, { A: () => "x".repeat(262_145) }), {
      error: "States.DataLimitExceeded",
    });
  });
});

describe("intrinsic functions", () => {
  const cases: readonly (readonly [string, Json])[] = [
    ["States.Format('Hello {}, {} \\{\\}', $.name, 3)", "Hello Ada, 3 {}"],
    ["States.StringToJson('{\"a\":1}')", { a: 1 }],
    ["States.JsonToString($.list)", "[1,2,2,3]"],
    ["States.Array($.name, 1, true, null)", ["Ada", 1, true, null]],
    ["States.ArrayPartition($.list, 3)", [[1, 2, 2], [3]]],
    ["States.ArrayContains($.list, 3)", true],
    ["States.ArrayRange(1, 9, 4)", [1, 5, 9]],
    ["States.ArrayRange(3, 1, -1)", [3, 2, 1]],
    ["States.ArrayGetItem($.list, 3)", 3],
    ["States.ArrayLength($.list)", 4],
    ["States.ArrayUnique($.list)", [1, 2, 3]],
    ["States.Base64Encode('data')", "ZGF0YQ=="],
    ["States.Base64Decode('ZGF0YQ==')", "data"],
    ["States.Hash('abc', 'SHA-1')", "a9993e364706816aba3e25717850c26c9cd0d89d"],
    ["States.JsonMerge($.one, $.two, false)", { a: 1, b: 3, c: 4 }],
    ["States.MathRandom(1, 11)", 6],
    ["States.MathAdd($.list[0], -1)", 0],
    ["States.StringSplit('1,2;3,,4', ',;')", ["1", "2", "3", "4"]],
    ["States.UUID()", "uuid-1"],
    ["States.Format('{}', States.ArrayLength(States.Array(1, 2)))", "2"],
    ["States.Format('it\\'s {}', $.name)", "it's Ada"],
  ];
  const input = { name: "Ada", list: [1, 2, 2, 3], one: { a: 1, b: 2 }, two: { b: 3, c: 4 } };
  for (const [text, expected] of cases) {
    it(`evaluates ${text}`, async () => {
      assert.deepEqual(await pass({ Parameters: { "v.$": text } }, input), { v: expected });
    });
  }

  const refusals = [
    "States.Format('{} {}', 1)",
    "States.Format('x', 1)",
    "States.ArrayGetItem($.list, 9)",
    "States.JsonMerge($.one, $.two, true)",
    "States.Hash('a', 'SHA-3')",
    "States.StringToJson('nope')",
    "States.ArrayRange(1, 5000, 1)",
  ];
  for (const text of refusals) {
    it(`rejects ${text} with States.IntrinsicFailure`, async () => {
      await assert.rejects(pass({ Parameters: { "v.$": text } }, input), { error: "States.IntrinsicFailure" });
    });
  }
});

describe("choices of JSONPath states", () => {
  const choose = async (rule: Readonly<Record<string, unknown>>, input: Json): Promise<boolean> => {
    const definition = {
      StartAt: "C",
      States: {
        C: { Type: "Choice", Choices: [{ ...rule, Next: "Y" }], Default: "N" },
        Y: { Type: "Pass", Result: true, End: true },
        N: { Type: "Pass", Result: false, End: true },
      },
    } as never;
    return (await runStates(definition, input)) === true;
  };
  const T = "2026-01-02T03:04:05Z";
  const holds: readonly (readonly [Readonly<Record<string, unknown>>, Json])[] = [
    [{ Variable: "$.a", StringEquals: "x" }, { a: "x" }],
    [{ Variable: "$.a", StringLessThan: "y" }, { a: "x" }],
    [
      { Variable: "$.a", StringEqualsPath: "$.b" },
      { a: "x", b: "x" },
    ],
    [{ Variable: "$.a", StringMatches: "log-*.txt" }, { a: "log-2026.txt" }],
    [{ Variable: "$.a", StringMatches: "a\\*b" }, { a: "a*b" }],
    [{ Variable: "$.a", NumericGreaterThanEquals: 3 }, { a: 3 }],
    [
      { Variable: "$.a", NumericLessThanPath: "$.b" },
      { a: 1, b: 2 },
    ],
    [{ Variable: "$.a", BooleanEquals: false }, { a: false }],
    [{ Variable: "$.a", TimestampGreaterThan: T }, { a: "2026-01-02T04:04:06+01:00" }],
    [{ Variable: "$.a", IsNull: true }, { a: null }],
    [{ Variable: "$.a", IsPresent: false }, {}],
    [{ Variable: "$.a", IsNumeric: true }, { a: 1 }],
    [{ Variable: "$.a", IsTimestamp: true }, { a: T }],
    [
      {
        And: [
          { Variable: "$.a", NumericEquals: 1 },
          { Variable: "$.b", NumericEquals: 2 },
        ],
      },
      { a: 1, b: 2 },
    ],
    [
      {
        Or: [
          { Variable: "$.a", NumericEquals: 9 },
          { Variable: "$.b", NumericEquals: 2 },
        ],
      },
      { a: 1, b: 2 },
    ],
    [{ Not: { Variable: "$.a", NumericEquals: 9 } }, { a: 1 }],
  ];
  for (const [rule, input] of holds) {
    it(`takes ${JSON.stringify(rule)} for ${JSON.stringify(input)}`, async () => {
      assert.equal(await choose(rule, input), true);
    });
  }

  it("does not compare values of different types", async () => {
    assert.equal(await choose({ Variable: "$.a", NumericEquals: 1 }, { a: "1" }), false);
    assert.equal(await choose({ Variable: "$.a", StringEquals: "1" }, { a: 1 }), false);
  });

  it("rejects a missing variable with States.Runtime, and no match without Default with States.NoChoiceMatched", async () => {
    await assert.rejects(choose({ Variable: "$.a", StringEquals: "x" }, {}), { error: "States.Runtime" });
    const definition = {
      StartAt: "C",
      States: {
        C: { Type: "Choice", Choices: [{ Variable: "$.a", IsNull: true, Next: "Y" }] },
        Y: { Type: "Succeed" },
      },
    } as never;
    await assert.rejects(runStates(definition, { a: 1 }), { error: "States.NoChoiceMatched" });
  });
});
