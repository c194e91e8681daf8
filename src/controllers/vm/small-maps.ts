/**
 * Maps that mostly have nothing in them, of which thousands of resources have a dozen each: an empty one of its own takes some 200
 * bytes. None is ever changed, so whoever was given one keeps what was known then.
 */
export const noEntries: ReadonlyMap<string, never> = new Map<string, never>();

export function entered<T>(map: ReadonlyMap<string, T>, key: string, value: T): ReadonlyMap<string, T> {
  return new Map(map).set(key, value);
}

export function without<T>(map: ReadonlyMap<string, T>, key: string): ReadonlyMap<string, T> {
  const others = [...map].filter(([other]) => other !== key);
  return others.length === 0 ? noEntries : new Map(others);
}

/** Entries that are remembered by VM: more than a resource has VMs at a time. */
const mostRemembered = 32;

/** Those entered last come last, and the oldest goes when there are too many. */
export function rememberLast<T>(map: ReadonlyMap<string, T>, vmId: string, value: T): ReadonlyMap<string, T> {
  return new Map([...without(map, vmId), [vmId, value] as const].slice(-mostRemembered));
}
