// Small statistics and tables for the benches.

/** The middle value; the upper one of two. */
export function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;
}

/** The value that so many percent do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  return values.toSorted((one, other) => one - other)[Math.ceil((values.length * percent) / 100) - 1] ?? NaN;
}

/** Rounded to so many digits after the point. */
export function round(value: number, digits = 2): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

/** Rows as aligned text. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")).join("\n");
}
