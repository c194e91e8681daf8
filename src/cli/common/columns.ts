import { printable } from '../../lib/printable.ts';
import type { Paint, Style } from './io.ts';

/** A cell as it is, or with how it looks on a terminal. */
export type Cell = string | { readonly text: string; readonly style: Style | undefined };

const gap = '   ';

/** Rows under a heading, each column as wide as its longest cell. No rows: only the heading. */
export function columns(titles: readonly string[], rows: readonly (readonly Cell[])[], paint: Paint): string[] {
  const heading = titles.map((text): Cell => ({ text, style: 'heading' }));
  return aligned([heading, ...rows], paint);
}

/** Rows whose cells stand below each other. The last cell of a row is not filled up. */
export function aligned(rows: readonly (readonly Cell[])[], paint: Paint): string[] {
  const clean = rows.map((row) => row.map(cleaned));
  const widths: number[] = [];
  for (const row of clean) row.forEach(({ text }, at) => (widths[at] = Math.max(widths[at] ?? 0, text.length)));
  return clean.map((row) =>
    row
      .map(({ text, style }, at) => {
        const padding = at === row.length - 1 ? '' : ' '.repeat((widths[at] ?? 0) - text.length);
        return paint(style, text) + padding;
      })
      .join(gap)
      .trimEnd(),
  );
}

/** What comes from a cluster may hold what a terminal would carry out. */
function cleaned(cell: Cell): { readonly text: string; readonly style: Style | undefined } {
  return typeof cell === 'string'
    ? { text: printable(cell), style: undefined }
    : { text: printable(cell.text), style: cell.style };
}

/** A heading and what belongs to it, set in. Nothing for nothing. */
export function section(title: string, lines: readonly string[], paint: Paint): string[] {
  return lines.length === 0 ? [] : ['', paint('heading', title), ...lines.map((line) => `  ${line}`.trimEnd())];
}

/** A sentence as lines of at most `width` characters; a word that is longer has a line of its own. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of printable(text).split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
