// Proves which definitions are refused, each with its place.
import assert from "node:assert/strict";
import { findingsOf, parseDefinition } from "../../../../local/cloud/states/language/validate";

const TASK = { Type: "Task", Resource: "arn:aws:states:::lambda:invoke", End: true };
const machine = (A: object, more: object = {}, top: object = {}): string =>
  JSON.stringify({ StartAt: "A", States: { A, ...more }, ...top });
const END = { E: { Type: "Succeed" } };
const choice = (rule: object): object => ({ Type: "Choice", Choices: [rule], Default: "E" });
const branch = (name: string, state: object = { Type: "Pass", End: true }): object => ({
  StartAt: name,
  States: { [name]: state },
});

describe("validation of definitions", () => {
  const accepted: readonly (readonly [string, string])[] = [
    ["a task with retries and catchers", machine({ ...TASK, Retry: [{ ErrorEquals: ["A", "B"], MaxAttempts: 0 }, { ErrorEquals: ["States.ALL"] }], Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: null, Next: "B" }] }, { B: { Type: "Succeed" } })],
    ["JSONata with any JSON as Output", machine({ Type: "Pass", Output: ["{% 1 %}", null, 3], End: true }, {}, { QueryLanguage: "JSONata" })],
    ["one JSONata state in a JSONPath machine", machine({ Type: "Pass", QueryLanguage: "JSONata", Output: 1, End: true })],
    ["a Map with an inline processor", machine({ Type: "Map", ItemProcessor: { ProcessorConfig: { Mode: "INLINE" }, ...branch("B") }, End: true })],
    ["nested choice rules", machine(choice({ Or: [{ Not: { Variable: "$.a", IsNull: true } }, { Variable: "$.b", StringEqualsPath: "$.c" }], Next: "E", Assign: { "v.$": "$.a" }, Comment: "c" }), END)],
    ["a reference path with a name in quotes", machine({ ...TASK, ResultPath: "$.a['b c'][0].größe" })],
    ["the error in a JSONata catcher", machine({ ...TASK, Catch: [{ ErrorEquals: ["E"], Next: "E", Output: "{% $states.errorOutput %}" }] }, END, { QueryLanguage: "JSONata" })],
    ["a Fail state with intrinsic error", machine({ Type: "Fail", ErrorPath: "States.Format('{}', $.e)", Cause: "x" })],
  ]; // prettier-ignore
  for (const [what, text] of accepted) {
    it(`accepts ${what}`, () => {
      assert.deepEqual(findingsOf(text), []);
    });
  }

  const rejected: readonly (readonly [string, string, RegExp])[] = [
    ["text that is no JSON", "{", /INVALID_JSON_DESCRIPTION/],
    ["a list", "[]", /must be an object/],
    ["a machine without StartAt", JSON.stringify({ States: { A: TASK } }), /StartAt is required/],
    ["an unknown field of the machine", machine(TASK, {}, { Foo: 1 }), /Foo is not supported at \//],
    ["an unknown type", machine({ Type: "Loop", End: true }), /Type: must be one of .* at \/States\/A/],
    ["an unknown field of a state", machine({ ...TASK, Foo: 1 }), /Foo: is not supported by JSONPath states of type Task/],
    ["a field of the other language", machine({ ...TASK, Arguments: {} }), /Arguments: is not supported by JSONPath/],
    ["JSONPath fields in JSONata", machine({ ...TASK, ResultPath: null }, {}, { QueryLanguage: "JSONata" }), /ResultPath: is not supported by JSONata/],
    ["a task without a resource", machine({ Type: "Task", End: true }), /Resource: is required/],
    ["neither Next nor End", machine({ Type: "Pass" }), /either Next or End/],
    ["both Next and End", machine({ Type: "Pass", Next: "B", End: true }, { B: { Type: "Succeed" } }), /either Next or End/],
    ["a missing target", machine({ Type: "Pass", Next: "Z" }), /MISSING_TRANSITION_TARGET: Missing 'Next' target: Z/],
    ["an unreachable state", machine(TASK, { B: { Type: "Succeed" } }), /State "B" is not reachable/],
    ["a loop without end", machine({ Type: "Pass", Next: "A" }), /MISSING_END_STATE/],
    ["two states of one name", machine({ Type: "Parallel", Branches: [branch("B"), branch("B")], End: true }), /DUPLICATE_STATE_NAME/],
    ["a name of 81 characters", machine({ Type: "Pass", Next: "x".repeat(81) }, { ["x".repeat(81)]: { Type: "Succeed" } }), /longer than 80/],
    ["States.ALL beside another name", machine({ ...TASK, Retry: [{ ErrorEquals: ["States.ALL", "E"] }] }), /alone and in the last entry at \/States\/A\/Retry\[0\]/],
    ["States.ALL before another entry", machine({ ...TASK, Retry: [{ ErrorEquals: ["States.ALL"] }, { ErrorEquals: ["E"] }] }), /alone and in the last entry/],
    ["a catcher without Next", machine({ ...TASK, Catch: [{ ErrorEquals: ["E"] }] }), /Catch\[0\]\/Next: is required/],
    ["a retrier without names", machine({ ...TASK, Retry: [{ ErrorEquals: [] }] }), /ErrorEquals: must be a list of names/],
    ["a backoff rate below 1", machine({ ...TASK, Retry: [{ ErrorEquals: ["E"], BackoffRate: 0.5 }] }), /BackoffRate: has an invalid value/],
    ["a heartbeat as long as the timeout", machine({ ...TASK, TimeoutSeconds: 5, HeartbeatSeconds: 5 }), /must be smaller than TimeoutSeconds/],
    ["a wait in two ways", machine({ Type: "Wait", Seconds: 1, SecondsPath: "$.s", End: true }), /exactly one of Seconds/],
    ["a result path with a filter", machine({ ...TASK, ResultPath: "$.a[*]" }), /ResultPath: has an invalid value/],
    ["JSONata that does not compile", machine({ Type: "Pass", Output: "{% 1 + %}", End: true }, {}, { QueryLanguage: "JSONata" }), /Output: invalid JSONata: .* at \/States\/A/],
    ["$eval", machine({ Type: "Pass", Output: "{% $eval('1') %}", End: true }, {}, { QueryLanguage: "JSONata" }), /\$eval is not supported/],
    ["JSONPath within JSONata", machine({ Type: "Pass", QueryLanguage: "JSONPath", End: true }, {}, { QueryLanguage: "JSONata" }), /not allowed within JSONata/],
    ["a variable called states", machine({ Type: "Pass", Assign: { states: 1 }, End: true }), /reserved variable name/],
    ["a branch that assigns an outer variable", machine({ Type: "Pass", Assign: { v: 1 }, Next: "P" }, { P: { Type: "Parallel", Branches: [branch("B", { Type: "Pass", Assign: { v: 2 }, End: true })], End: true } }), /outer scope/],
    ["a distributed Map", machine({ Type: "Map", ItemProcessor: { ProcessorConfig: { Mode: "DISTRIBUTED" }, ...branch("B") }, End: true }), /a distributed Map is not simulated/],
    ["a choice without Next", machine(choice({ Variable: "$.a", IsPresent: true }), END), /Choices\[0\]\/Next: is required/],
    ["a choice with a misspelt operator", machine(choice({ Variable: "$.a", StringEqual: "x", Next: "E" }), END), /StringEqual: is not an operator/],
    ["a choice with two operators", machine(choice({ Variable: "$.a", StringEquals: "x", IsNull: true, Next: "E" }), END), /exactly one operator/],
    ["a choice without a variable", machine(choice({ IsNull: true, Next: "E" }), END), /Variable: must be a path/],
    ["a comparison with the wrong type", machine(choice({ Variable: "$.a", NumericEquals: "1", Next: "E" }), END), /NumericEquals: has an invalid value/],
    ["an inner rule with Next", machine(choice({ Not: { Variable: "$.a", IsNull: true, Next: "E" }, Next: "E" }), END), /Not\/Next: only a rule/],
    ["an empty And", machine(choice({ And: [], Next: "E" }), END), /And: must be a list of rules/],
    ["a JSONata choice without a condition", machine(choice({ Condition: "true", Next: "E" }), END, { QueryLanguage: "JSONata" }), /Condition: must be a JSONata expression/],
    ["a template key with neither path nor function", machine({ ...TASK, Parameters: { a: { "b.$": "c" } } }), /Parameters\/a\/b\.\$: must be a JSONPath or an intrinsic/],
    ["a result path to a variable", machine({ ...TASK, ResultPath: "$a b" }), /ResultPath: has an invalid value/],
    ["a catcher's result path with a wildcard", machine({ ...TASK, Catch: [{ ErrorEquals: ["E"], Next: "E", ResultPath: "$.*" }] }, END), /Catch\[0\]\/ResultPath: has an invalid value/],
    ["a variable name with a hyphen", machine({ Type: "Pass", Assign: { "a-b": 1 }, End: true }), /a-b: is not a valid variable name/],
    ["a time that is none", machine({ Type: "Wait", Timestamp: "tomorrow", End: true }), /Timestamp: has an invalid value/],
    ["the result before there is one", machine({ ...TASK, Arguments: { a: "{% $states.result %}" } }, {}, { QueryLanguage: "JSONata" }), /Arguments\/a: \$states\.result is not available/],
    ["the error outside of a catcher", machine({ ...TASK, Output: "{% $states.errorOutput %}" }, {}, { QueryLanguage: "JSONata" }), /\$states\.errorOutput is not available/],
    ["Parameters beside ItemSelector", machine({ Type: "Map", Parameters: {}, ItemSelector: {}, ItemProcessor: branch("B"), End: true }), /excludes Parameters/],
    ["a timeout of the machine above 99999999", machine(TASK, {}, { TimeoutSeconds: 100_000_000 }), /from 1 to 99999999/],
    ["more than 1 MiB", machine({ Type: "Pass", Comment: "x".repeat(1024 * 1024), End: true }), /larger than 1 MiB/],
  ]; // prettier-ignore
  for (const [what, text, reason] of rejected) {
    it(`rejects ${what}`, () => {
      assert.match(
        findingsOf(text)
          .map(({ code, message }) => `${code}: ${message}`)
          .join("; "),
        reason,
      );
      assert.throws(() => parseDefinition(text), { code: "InvalidDefinition" });
    });
  }
});
