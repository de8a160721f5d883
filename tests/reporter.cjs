// Mocha's spec reporter, closed by the plain line that CI reads: "N passed, N failed".
const { reporters } = require("mocha");

class CountingSpec extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    // A process that tests have broken may leave mocha waiting for nothing, and Node then ends with 0: never green without the line.
    process.once("exit", (code) => {
      if (this.finished && (code !== 0 || this.stats.failures === 0)) return;
      process.exitCode = 1;
      if (!this.finished) this.summarise("; the run ended early");
    });
  }

  epilogue() {
    // What fails outside any test arrives from another process without its methods.
    for (const failure of this.failures) failure.titlePath ??= () => [failure.title];
    super.epilogue();
    this.finished = true;
    this.summarise("");
  }

  summarise(remark) {
    const { passes, failures, pending } = this.stats;
    const skipped = pending > 0 ? `, ${pending} skipped` : "";
    console.log(`${passes} passed, ${this.finished ? failures : failures + 1} failed${skipped}${remark}`);
  }
}

module.exports = CountingSpec;
