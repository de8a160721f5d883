// A line at the end of the terminal that is rewritten while something goes on. Elsewhere than on a terminal it does not appear.

/** Something to write to: process.stderr, or a test's. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** The line. */
export interface StatusLine {
  /** Whether it appears. */
  readonly live: boolean;
  /** Replaces its text; cut at the terminal's width. */
  show(text: string): void;
  /** Writes a line of its own above it, on a terminal or not. */
  line(text: string): void;
  /** Removes it. */
  end(): void;
}

/** Creates the line. @param quiet it never appears. */
export function createStatusLine(output: Output, quiet = false): StatusLine {
  const live = Boolean(output.isTTY) && !quiet;
  let current = "";
  const clear = (): void => {
    if (live && current !== "") output.write("\r\u001b[K");
  };
  return {
    live,
    show: (text) => {
      if (!live) return;
      clear();
      current = text.slice(0, (output.columns ?? 80) - 1);
      output.write(current);
    },
    line: (text) => {
      clear();
      output.write(text.endsWith("\n") ? text : `${text}\n`);
      if (live) output.write(current);
    },
    end: () => {
      clear();
      current = "";
    },
  };
}

const BAR_WIDTH = 24;

/** "██████░░░░". @param share from 0 to 1; beyond counts as the end it is beyond. */
export function drawBar(share: number, width = BAR_WIDTH): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width);
  return "█".repeat(filled) + "░".repeat(width - filled);
}
