// Mocha's spec reporter, closed by the plain line that CI reads: "N passed, N failed".
const { reporters } = require("mocha");

class CountingSpec extends reporters.Spec {
  epilogue() {
    super.epilogue();
    const { passes, failures, pending } = this.stats;
    const skipped = pending > 0 ? `, ${pending} skipped` : "";
    console.log(`${passes} passed, ${failures} failed${skipped}`);
  }
}

module.exports = CountingSpec;
