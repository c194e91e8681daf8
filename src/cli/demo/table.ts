import type { VmRow } from './rows.ts';

const columns = [
  ['NAME', 'name'],
  ['READY', 'ready'],
  ['STATUS', 'status'],
  ['GPU', 'gpu'],
  ['LOCATION', 'location'],
  ['$/H', 'price'],
  ['BID', 'bid'],
  ['ADDRESS', 'address'],
] as const satisfies readonly (readonly [string, keyof VmRow])[];

const gap = '   ';

/**
 * The rows as a table under a heading, each line at most `width` characters long: a line that the terminal wraps could
 * not be drawn over.
 */
export function renderTable(rows: readonly VmRow[], width: number): string[] {
  const widths = columns.map(([title, field]) => Math.max(title.length, ...rows.map((row) => row[field].length)));
  const line = (cells: readonly string[]): string =>
    cut(cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(gap), width).trimEnd();
  return [line(columns.map(([title]) => title)), ...rows.map((row) => line(columns.map(([, field]) => row[field])))];
}

/** The text, or its beginning with an ellipsis when it is longer than `width`. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** What became different from one look to the next, a line for each VM; for pipes and logs, where nothing is redrawn. */
export function changeLines(before: readonly VmRow[], after: readonly VmRow[]): string[] {
  const old = new Map(before.map((row) => [row.name, row]));
  const changed = after.filter((row) => !isShownAs(old.get(row.name), row)).map(describe);
  const now = new Set(after.map(({ name }) => name));
  const gone = before.filter(({ name }) => !now.has(name)).map(({ name }) => `${name}: gone`);
  return [...changed, ...gone];
}

function isShownAs(old: VmRow | undefined, row: VmRow): boolean {
  return old !== undefined && old.ready === row.ready && old.status === row.status && old.gpu === row.gpu;
}

function describe({ name, ready, status, gpu, location, price, address, message }: VmRow): string {
  if (ready !== 'True') return `${name}: ${status}: ${message}`;
  const facts = [gpu, location, price === '' ? '' : `$${price}/h`, address].filter((fact) => fact !== '');
  return `${name}: ${status}: ${facts.length === 0 ? message : facts.join(', ')}`;
}
