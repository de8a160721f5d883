// Progress on stderr while a stack starts: one line that is rewritten on a terminal, a few plain lines elsewhere.
import type { EngineEvent } from "../engine";
import { createStatusLine, type Output } from "./status-line";

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
  const { show, line, end } = createStatusLine(output, quiet);
  const spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";
  let ticks = 0;
  return {
    report: (event) => {
      if (event.kind === "log") {
        if (event.severity !== "debug") line(`${event.severity}: ${event.message}`);
        return;
      }
      const { registered, done, failed } = event.counts;
      const failures = failed > 0 ? `, ${failed} failed` : "";
      show(`${spinner[ticks++ % spinner.length] ?? ""} ${done} of ${registered} resources${failures}  ${event.name}`);
    },
    line,
    end,
  };
}
