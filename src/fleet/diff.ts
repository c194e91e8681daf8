import type { CloudVm } from '../provider/contract.ts';

/** What is different between two snapshots. */
export interface FleetDiff {
  /** The VMs of the snapshot before. */
  readonly before: ReadonlyMap<string, CloudVm>;
  /** Listed now and not before, or not readable before. */
  readonly added: readonly CloudVm[];
  readonly changed: readonly { readonly before: CloudVm; readonly after: CloudVm }[];
  /** Neither listed nor unreadable any more. `last` is undefined for one that was unreadable before. */
  readonly removed: readonly { readonly id: string; readonly last: CloudVm | undefined }[];
  /** Could be read, or was not there, before; is listed but cannot be read now. */
  readonly unreadable: readonly string[];
}

export function isEmptyDiff(diff: FleetDiff): boolean {
  return diff.added.length + diff.changed.length + diff.removed.length + diff.unreadable.length === 0;
}

/** Whether two VMs say the same. Quick for shared objects, which is what the provider gives for unchanged entries. */
export function sameVm(a: CloudVm, b: CloudVm): boolean {
  return a === b || sameValue(a, b);
}

/** Deep equality of plain data; decimals by their value, whatever their digits. */
function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b)) return false;
  if (isDecimal(a)) return isDecimal(b) && a.eq(b);
  const keys = Object.keys(a);
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameValue(a[key], b[key]))
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

interface Decimal {
  eq(other: unknown): boolean;
}

function isDecimal(value: object): value is Decimal {
  return 'eq' in value && typeof value.eq === 'function';
}
