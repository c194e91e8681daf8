/**
 * Which of two states of an object, or of a collection, is newer. Kubernetes declares resourceVersions to be decimal
 * integers that may be compared within one resource type; they may be longer than a JavaScript number is exact.
 *
 * @returns a negative number when `a` is older, 0 when equal, positive when newer; undefined when they cannot be compared
 */
export function compareResourceVersions(a: string, b: string): number | undefined {
  if (a === b) return 0;
  if (!isInteger(a) || !isInteger(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}

/** True only if `a` is certainly newer than `b`. */
export function isNewer(a: string, b: string): boolean {
  return (compareResourceVersions(a, b) ?? 0) > 0;
}

function isInteger(text: string): boolean {
  return /^(0|[1-9][0-9]*)$/.test(text);
}
