// Proves which known name is suggested for a mistyped one.
import assert from "node:assert/strict";
import { findNearest } from "../../../components/shared/nearest";

describe("the nearest name", () => {
  it("has the fewest edits: inserted, deleted or replaced characters", () => {
    assert.equal(findNearest("--prot", ["--program", "--port"]), "--port");
    assert.equal(findNearest("abc", ["xyz", "ab"]), "ab");
    assert.equal(findNearest("", ["abc", "ab"]), "ab");
  });

  it("is the first of equals, and the name itself when it is known", () => {
    assert.equal(findNearest("ax", ["ab", "ac"]), "ab");
    assert.equal(findNearest("ac", ["ab", "ac"]), "ac");
  });

  it("takes no notice of upper and lower case", () => {
    assert.equal(findNearest("MAXIMUMGIB", ["minimum", "maximumGib"], 0), "maximumGib");
  });

  it("is none when every name is too far away, or there are none", () => {
    assert.equal(findNearest("--port", ["--program"], 2), undefined);
    assert.equal(findNearest("--prot", ["--port"], 2), "--port");
    assert.equal(findNearest("a", []), undefined);
  });
});
