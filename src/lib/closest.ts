/** Of these names the one that was probably meant; undefined when none is near enough to be worth a question. */
export function closest(meant: string, names: Iterable<string>): string | undefined {
  let best: { readonly name: string; readonly distance: number } | undefined;
  const most = Math.max(1, Math.min(3, Math.floor(meant.length * 0.4)));
  for (const name of [...names].toSorted()) {
    const distance = isBeginningOf(meant, name) ? 1 : editDistance(meant, name, most);
    if (distance <= most && (best === undefined || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}

/** Whoever typed so much of a name meant it, however long its rest is. */
function isBeginningOf(meant: string, name: string): boolean {
  return meant.length >= 3 && name.startsWith(meant);
}

/**
 * How many letters have to be put in, left out, changed or swapped with their neighbor to get from one text to the other
 * (optimal string alignment). Texts whose lengths alone tell them further apart than `most` are not compared.
 */
export function editDistance(one: string, other: string, most = Infinity): number {
  if (Math.abs(one.length - other.length) > most) return Infinity;
  const lines = [Array.from({ length: other.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= one.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= other.length; column += 1)
      line.push(cheapest({ one, other, row, column }, lines, line));
    lines.push(line);
  }
  return at(lines[one.length], other.length);
}

interface Position {
  readonly one: string;
  readonly other: string;
  readonly row: number;
  readonly column: number;
}

function cheapest({ one, other, row, column }: Position, lines: readonly number[][], line: readonly number[]): number {
  const above = lines[row - 1];
  const isSame = one[row - 1] === other[column - 1];
  const isSwapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
  return Math.min(
    at(above, column) + 1,
    at(line, column - 1) + 1,
    at(above, column - 1) + (isSame ? 0 : 1),
    isSwapped ? at(lines[row - 2], column - 2) + 1 : Infinity,
  );
}

function at(line: readonly number[] | undefined, column: number): number {
  return line?.[column] ?? Infinity;
}
