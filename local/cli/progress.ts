// Progress on stderr while a stack starts: one line that is rewritten on a terminal, a few plain lines elsewhere.
import type { EngineEvent } from "../engine";

/** Something to write to: process.stderr, or a test's. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows the progress of an evaluation. */
export interface Progress {
  report(event: EngineEvent): void;
  /** A line of its own: the program's output, or a message. */
  line(text: string): void;
  /** Removes the rewritten line. */
  end(): void;
}

/** Creates a progress display. @param quiet shows nothing but lines. */
export function createProgress(output: Output, quiet = false): Progress {
  const live = Boolean(output.isTTY) && !quiet;
  const spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";
  let current = "";
  let ticks = 0;
  const clear = (): void => {
    if (live && current !== "") output.write("\r\u001b[K");
  };
  const show = (text: string): void => {
    clear();
    current = text.slice(0, (output.columns ?? 80) - 1);
    if (live) output.write(current);
  };
  const line = (text: string): void => {
    const status = current;
    clear();
    output.write(text.endsWith("\n") ? text : `${text}\n`);
    if (live) output.write(status);
  };
  return {
    report: (event) => {
      if (event.kind === "log") {
        if (event.severity !== "debug") line(`${event.severity}: ${event.message}`);
        return;
      }
      const { registered, done, failed } = event.counts;
      if (!live) return;
      const failures = failed > 0 ? `, ${failed} failed` : "";
      show(`${spinner[ticks++ % spinner.length] ?? ""} ${done} of ${registered} resources${failures}  ${event.name}`);
    },
    line,
    end: () => {
      clear();
      current = "";
    },
  };
}
