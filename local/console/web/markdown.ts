// The part of Markdown that text widgets use, as plain data: whoever draws it makes text of it, never markup. Pure: no DOM.

/** A piece of a line. Links lead to http(s) only. */
export interface Inline {
  readonly kind: "text" | "strong" | "em" | "code" | "link";
  readonly text: string;
  readonly href?: string;
}

/** A block. */
export type Block =
  | { readonly kind: "heading"; readonly level: number; readonly content: readonly Inline[] }
  | { readonly kind: "paragraph"; readonly content: readonly Inline[] }
  | { readonly kind: "list"; readonly ordered: boolean; readonly items: readonly (readonly Inline[])[] }
  | { readonly kind: "table"; readonly head: readonly (readonly Inline[])[]; readonly rows: readonly TableRow[] }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "rule" };

type TableRow = readonly (readonly Inline[])[];

const INLINE =
  /(?<code>`[^`]+`)|(?<strong>\*\*[^*]+\*\*|__[^_]+__)|(?<em>\*[^*\s][^*]*\*)|\[(?<label>[^\]]+)\]\((?<target>[^)\s]+)\)/g;
const BULLET = /^\s*[-*+]\s+/;
const NUMBER = /^\s*\d+[.)]\s+/;
const SEPARATOR = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/** Reads a text into blocks. Whatever it does not know stays as the text that it is. */
export function parseMarkdown(source: string): readonly Block[] {
  const lines = source.replace(/\r\n?/g, "\n").split("\n");
  const blocks: Block[] = [];
  while (lines.length > 0) {
    if ((lines[0] ?? "").trim() === "") lines.shift();
    else blocks.push(takeBlock(lines));
  }
  return blocks;
}

function takeBlock(lines: string[]): Block {
  const first = lines[0] ?? "";
  const heading = /^(#{1,6})\s+(.*)$/.exec(first);
  if (heading) {
    lines.shift();
    return { kind: "heading", level: (heading[1] ?? "#").length, content: parseInline(heading[2] ?? "") };
  }
  if (first.trim().startsWith("```")) return takeCode(lines);
  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(first)) {
    lines.shift();
    return { kind: "rule" };
  }
  for (const [marker, ordered] of [[BULLET, false] as const, [NUMBER, true] as const]) {
    if (!marker.test(first)) continue;
    const items = takeWhile(lines, (line) => marker.test(line));
    return { kind: "list", ordered, items: items.map((line) => parseInline(line.replace(marker, ""))) };
  }
  if (first.includes("|") && SEPARATOR.test(lines[1] ?? "")) return takeTable(lines);
  const paragraph = [lines.shift() ?? "", ...takeWhile(lines, continuesParagraph)];
  return { kind: "paragraph", content: parseInline(paragraph.map((line) => line.trim()).join(" ")) };
}

function continuesParagraph(line: string): boolean {
  return line.trim() !== "" && !/^(#{1,6}\s|\s*```)/.test(line) && !BULLET.test(line) && !NUMBER.test(line);
}

function takeCode(lines: string[]): Block {
  lines.shift();
  const content = takeWhile(lines, (line) => !line.trim().startsWith("```"));
  lines.shift();
  return { kind: "code", text: content.join("\n") };
}

function takeTable(lines: string[]): Block {
  const head = cells(lines.shift() ?? "");
  lines.shift();
  return { kind: "table", head, rows: takeWhile(lines, (line) => line.includes("|")).map(cells) };
}

function cells(line: string): TableRow {
  const inner = line.trim().replace(/^\||\|$/g, "");
  return inner.split("|").map((cell) => parseInline(cell.trim()));
}

function takeWhile(lines: string[], fits: (line: string) => boolean): string[] {
  const end = lines.findIndex((line) => !fits(line));
  return lines.splice(0, end === -1 ? lines.length : end);
}

/** Reads one line. */
function parseInline(line: string): readonly Inline[] {
  const pieces: Inline[] = [];
  let from = 0;
  for (const match of line.matchAll(INLINE)) {
    if (match.index > from) pieces.push({ kind: "text", text: line.slice(from, match.index) });
    pieces.push(pieceOf(match));
    from = match.index + match[0].length;
  }
  if (from < line.length) pieces.push({ kind: "text", text: line.slice(from) });
  return pieces;
}

function pieceOf({ 0: whole, groups = {} }: RegExpMatchArray): Inline {
  if (groups.code) return { kind: "code", text: whole.slice(1, -1) };
  if (groups.strong) return { kind: "strong", text: whole.slice(2, -2) };
  if (groups.em) return { kind: "em", text: whole.slice(1, -1) };
  const { label = "", target = "" } = groups;
  // A link to a script or to a file is no link.
  return /^https?:\/\//i.test(target) ? { kind: "link", text: label, href: target } : { kind: "text", text: whole };
}
