// A team's entry file, bundled together with the consumer kit into the code of one function.
import type { BuildFailure } from "esbuild";
import * as fs from "node:fs";
import * as path from "node:path";
import { build, type Build, type BuildOptions } from "./build";
import { findKit, HANDLER_BUILD } from "./bundle";

/** Specifier by which a team's file imports from the kit. */
const KIT_MODULE = "serverless-patterns/queue";

/**
 * Text of the function's code: CommonJS that exports `handler`; the same bytes from any folder.
 * @param entry path of a file that exports `processMessage`; relative to the working directory.
 * @throws Error when there is no such file, it exports no `processMessage`, or it does not build.
 */
export function bundleConsumer(entry: string): string {
  const file = path.resolve(entry);
  if (!fs.existsSync(file) || !fs.statSync(file).isFile()) throw new Error(`there is no file ${file}`);
  const kit = findKit();
  const { files, formats } = buildConsumer({
    absWorkingDir: path.dirname(file),
    stdin: { contents: wrap(file, kit), resolveDir: path.dirname(file), sourcefile: "consumer.js", loader: "js" },
    // One copy of the kit, whether or not the library is installed where the entry lies.
    alias: { [KIT_MODULE]: kit },
    ...HANDLER_BUILD,
    minify: true,
  });
  const [text = ""] = files.values();
  // esbuild cannot see the exports of a CommonJS file.
  if (
    formats[path.basename(file)] === "cjs" &&
    !/exports\.processMessage|processMessage\s*[,:(}]/.test(fs.readFileSync(file, "utf8"))
  ) {
    throw new Error(`${file} exports no "processMessage"`);
  }
  return text;
}

/** The named import makes esbuild refuse an entry without `processMessage`; the other one brings what is optional. */
function wrap(file: string, kit: string): string {
  return [
    `import { processMessage } from ${JSON.stringify(file)};`,
    `import * as consumer from ${JSON.stringify(file)};`,
    `import { createQueueHandler } from ${JSON.stringify(kit)};`,
    "export const handler = createQueueHandler({ ...consumer, processMessage });",
  ].join("\n");
}

function buildConsumer(options: BuildOptions): Build {
  try {
    return build(options);
  } catch (error) {
    const [first] = (error as Partial<BuildFailure>).errors ?? [];
    if (!first) throw error;
    if (first.text.includes('"processMessage"')) {
      throw new Error(
        `it exports no "processMessage"; write: export async function processMessage(message, context) {…}`,
        {
          cause: error,
        },
      );
    }
    const where = first.location ? `${first.location.file}:${first.location.line}: ` : "";
    throw new Error(`it does not build: ${where}${first.text}`, { cause: error });
  }
}
