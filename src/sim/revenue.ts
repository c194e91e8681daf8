import { chargeWithin, type Ledger, type Segment, type Units } from './ledger.ts';
import type { Nanos } from './nanos.ts';

/** What one VM was charged in a period. */
export interface VmCharges {
  /** The VM as it was billed last. */
  readonly latest: Segment;
  readonly compute: Units;
  readonly storage: Units;
  /** The highest compute rate of the period: a VM that is stopped now was still rented at it. */
  readonly computeRate: Nanos;
}

export function chargesByVm(ledger: Ledger, from: number, to: number): Map<string, VmCharges> {
  const charges = new Map<string, VmCharges>();
  for (const segment of ledger.segments(from, to)) {
    const charged = chargeWithin(segment, from, to);
    const before = charges.get(segment.vmId);
    charges.set(segment.vmId, {
      latest: segment,
      compute: (before?.compute ?? 0n) + charged.compute,
      storage: (before?.storage ?? 0n) + charged.storage,
      computeRate: Math.max(before?.computeRate ?? 0, segment.rates.compute),
    });
  }
  return charges;
}

export function sumCharges(charges: Iterable<VmCharges>): { compute: Units; storage: Units } {
  const sum = { compute: 0n, storage: 0n };
  for (const { compute, storage } of charges) {
    sum.compute += compute;
    sum.storage += storage;
  }
  return sum;
}
