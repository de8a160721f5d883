// Proves the frame of all commands: strict arguments, help, values with their rules, exit codes.
import assert from "node:assert/strict";
import { UsageError } from "../../../local/cli/arguments";
import { type Command, EXIT, runCommand } from "../../../local/cli/command";
import { createStatusLine, drawBar } from "../../../local/cli/status-line";
import { cut, printable, renderTable } from "../../../local/cli/table";
import { describeDuration, readChoice, readDuration, readNumber, readUrl, readWhole } from "../../../local/cli/values";
import { type CommandResult, runInTest } from "../../support/command-run";

const COMMAND: Command = {
  name: "npm run thing",
  summary: "Does a thing.",
  usage: [
    ["FILE", "once"],
    ["FILE --often", "often"],
  ],
  operands: [1, 2],
  options: [
    { name: "often", description: "does it often" },
    { name: "size", value: "N", description: "how large" },
  ],
  notes: "Nothing else.",
};

/** Runs a command that returns what it was given. */
function run(
  argv: readonly string[],
  work = (): Promise<number> => Promise.resolve(EXIT.done),
): Promise<CommandResult> {
  return runInTest((context) => runCommand(COMMAND, context, work), argv);
}

describe("the frame of commands", () => {
  it("hands over operands and options in any order", async () => {
    let given: unknown;
    await runInTest(
      (context) =>
        runCommand(COMMAND, context, (parsed) => {
          given = parsed;
          return Promise.resolve(EXIT.done);
        }),
      ["--size", "3", "one", "--often", "--", "--two"],
    );

    assert.deepEqual(given, { operands: ["one", "--two"], options: { size: "3", often: true } });
  });

  it("explains a command: summary, usage, options and notes", async () => {
    const { code, out } = await run(["--help"]);

    assert.equal(code, EXIT.done);
    assert.equal(
      out,
      "Does a thing.\n\n" +
        "  npm run thing -- FILE          once\n" +
        "  npm run thing -- FILE --often  often\n\n" +
        "  --often   does it often\n  --size N  how large\n  --help    prints this text\n\n" +
        "Nothing else.\n",
    );
  });

  it("ends with 2 after a wrong call, with 1 after a failure, and says which command it was", async () => {
    const usage = await run(["x"], () => Promise.reject(new UsageError("not like this")));
    const failure = await run(["x"], () => Promise.reject(new Error("broken")));
    const network = await run(["x"], () => Promise.reject(Object.assign(new Error(""), { code: "ECONNREFUSED" })));

    assert.deepEqual([usage.code, usage.err], [EXIT.usage, "npm run thing: not like this\n"]);
    assert.deepEqual([failure.code, failure.err], [EXIT.failed, "npm run thing: broken\n"]);
    assert.deepEqual([network.code, network.err], [EXIT.failed, "npm run thing: ECONNREFUSED\n"]);
  });

  it("ends with 130 and without a word when work ends because of Ctrl-C, but tells of other failures", async () => {
    const interrupt = AbortSignal.abort(new Error("interrupted"));
    const frame = (error: Error) => (context: Parameters<typeof runCommand>[1]) =>
      runCommand(COMMAND, context, () => Promise.reject(error));
    const ended = await runInTest(frame(interrupt.reason as Error), ["x"], { interrupt });
    const broken = await runInTest(frame(new Error("broken")), ["x"], { interrupt });

    assert.deepEqual(ended, { code: EXIT.interrupted, out: "", err: "" });
    assert.deepEqual([broken.code, broken.err], [EXIT.failed, "npm run thing: broken\n"]);
  });

  const wrong: readonly [what: string, argv: readonly string[], message: RegExp][] = [
    ["missing operands, with the help", [], /npm run thing -- FILE/],
    ["superfluous operands", ["1", "2", "3"], /unknown argument 3; known are --often, --size, --help/],
    ["unknown options", ["x", "--oftne"], /unknown option --oftne; did you mean --often\?/],
    ["short options", ["x", "-o"], /unknown option -o/],
    ["missing values", ["x", "--size"], /option --size needs a value: --size N/],
    ["an option in the place of a value", ["x", "--size", "--often"], /option --size needs a value/],
    ["values for switches", ["x", "--often=1"], /option --often takes no value/],
    ["repeated options", ["x", "--often", "--often"], /option --often was given twice/],
  ];
  for (const [what, argv, message] of wrong) {
    it(`rejects ${what}`, async () => {
      const { code, err } = await run(argv, () => assert.fail("must not run"));

      assert.equal(code, EXIT.usage);
      assert.match(err, message);
    });
  }
});

describe("values of options", () => {
  const range = { least: 1, most: 100 };

  it("are read as what they mean", () => {
    assert.equal(readWhole({ n: "7" }, "n", range), 7);
    assert.equal(readNumber({ n: "0.5" }, "n", { least: 0, most: 1 }), 0.5);
    assert.equal(readDuration({ t: "1.5h" }, "t", { least: 0, most: 1e9 }), 5_400_000);
    assert.equal(readChoice({ c: "ON" }, "c", ["on", "off"]), "on");
    assert.equal(readUrl({ u: "https://a.example/x" }, "u"), "https://a.example/x");
    assert.equal(readWhole({}, "n", range), undefined);
  });

  it("rejects what breaks the rule, with option, rule and value", () => {
    const refused: readonly (readonly [() => unknown, RegExp])[] = [
      [() => readWhole({ n: "1.5" }, "n", range), /--n must be a whole number from 1 to 100, got 1\.5/],
      [() => readWhole({ n: "101" }, "n", range), /got 101/],
      [() => readNumber({ n: "x" }, "n", range), /--n must be a number from 1 to 100, got x/],
      [() => readNumber({ n: " " }, "n", { least: 0, most: 1 }), /must be a number/],
      [
        () => readDuration({ t: "10" }, "t", { least: 0, most: 60_000 }),
        /--t must be a time from 0 ms to 1 min .*got 10/,
      ],
      [() => readDuration({ t: "2m" }, "t", { least: 0, most: 60_000 }), /got 2m/],
      [() => readChoice({ c: "maybe" }, "c", ["auto", "on", "off"]), /--c must be auto, on or off, got maybe/],
      [() => readUrl({ u: "ftp://x" }, "u"), /--u must be a URL, got ftp:/],
    ];

    for (const [read, message] of refused) assert.throws(read, { name: "UsageError", message });
  });

  it("are shown as a person says them", () => {
    assert.deepEqual([250, 45_000, 200_000, 3_600_000, 7_500_000, 90_061_000].map(describeDuration), [
      "250 ms",
      "45 s",
      "3 min 20 s",
      "1 h",
      "2 h 5 min",
      "1 d 1 h",
    ]);
  });
});

describe("what commands print", () => {
  it("is a table with columns as wide as needed, cut at the terminal's width", () => {
    const columns = [{ title: "Name" }, { title: "N", right: true }, { title: "Text" }];

    assert.equal(renderTable(columns, [["a", "12", "x"]]), "Name   N  Text\na     12  x\n");
    assert.equal(renderTable(columns, [["a", "12", "long enough"]], 14), "Name   N  Text\na     12  lon…\n");
    assert.equal(cut("abc", 3), "abc");
  });

  it("cannot command the terminal", () => {
    assert.equal(printable("a\u001b[2Jb\nc\u202ed"), "a\\u001b[2Jb⏎c\\u202ed");
    assert.match(renderTable([{ title: "T" }], [["\u001b]0;x"]]), /\\u001b\]0;x/);
  });

  it("is a status line on terminals only, cut at their width", () => {
    let text = "";
    const terminal = createStatusLine({ isTTY: true, columns: 6, write: (part) => (text += part) });
    terminal.show("abcdefgh");
    terminal.end();
    assert.equal(text, "abcde\r\u001b[K");

    text = "";
    const file = createStatusLine({ write: (part) => (text += part) });
    file.show("abc");
    file.line("a line");
    file.end();
    assert.equal(text, "a line\n");
  });

  it("is a bar within its bounds", () => {
    assert.deepEqual([drawBar(0.5, 4), drawBar(2, 4), drawBar(-1, 4)], ["██░░", "████", "░░░░"]);
  });
});
