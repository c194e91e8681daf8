import type { Nanos } from './nanos.ts';

/**
 * Money with time in it: billionths of a dollar per hour, times milliseconds. As an integer it bills a millisecond of
 * the cheapest VM exactly, so that the balance is equal to the sum of all charges at any moment, to the last digit.
 */
export type Units = bigint;

const unitsPerNano = 3_600_000n;
/** Closed segments kept for revenue and summary. Older ones only count in the total. */
const keptSegments = 20_000;

export interface Rates {
  readonly compute: Nanos;
  readonly storage: Nanos;
}

/** A stretch of time in which one VM was billed at one rate. */
export interface Segment {
  readonly vmId: string;
  readonly hostId: string;
  readonly gpuModel: string;
  readonly gpuCount: number;
  readonly vcpus: number;
  readonly ram: number;
  readonly storage: number;
  readonly rates: Rates;
  readonly from: number;
  /** undefined while it lasts. */
  readonly to: number | undefined;
}

export function toUnits(amount: Nanos): Units {
  return BigInt(amount) * unitsPerNano;
}

/** Rounded towards zero. */
export function toNanos(amount: Units): Nanos {
  return Number(amount / unitsPerNano);
}

/** The balance, what burns it, and who was charged for what. */
export class Ledger {
  #balance: Units;
  /** Opening balance plus deposits. */
  #deposits: Units;
  #closed: Units = 0n;
  /** A bigint as well: thousands of VMs at absurd bids would leave the safe integers. */
  #rate = 0n;
  #accruedAt: number;
  readonly #open = new Map<string, Segment>();
  #segments: Segment[] = [];
  #firstSegment = 0;

  constructor(opening: Nanos, now: number) {
    this.#balance = toUnits(opening);
    this.#deposits = this.#balance;
    this.#accruedAt = now;
  }

  get balance(): Units {
    return this.#balance;
  }

  /** What all VMs cost per hour now. */
  get rate(): Nanos {
    return Number(this.#rate);
  }

  get accruedAt(): number {
    return this.#accruedAt;
  }

  /** Charges the time up to `now` at the rates in force. */
  accrue(now: number): void {
    if (now <= this.#accruedAt) return;
    this.#balance -= this.#rate * BigInt(now - this.#accruedAt);
    this.#accruedAt = now;
  }

  /** From now on the VM is billed as the segment says; `undefined` ends its billing. Accrue first. */
  bill(vmId: string, segment: Omit<Segment, 'from' | 'to'> | undefined): void {
    const open = this.#open.get(vmId);
    if (open !== undefined && segment !== undefined && isSameBilling(open, segment)) return;
    if (open !== undefined) this.#close(open);
    this.#open.delete(vmId);
    if (segment === undefined) return;
    this.#open.set(vmId, { ...segment, from: this.#accruedAt, to: undefined });
    this.#rate += hourly(segment.rates);
  }

  /** Sets the balance; the difference counts as a deposit or withdrawal. */
  setBalance(balance: Nanos): void {
    const wanted = toUnits(balance);
    this.#deposits += wanted - this.#balance;
    this.#balance = wanted;
  }

  /** The first whole millisecond at which the balance is at or below zero; undefined while nothing is billed. */
  exhaustedAt(): number | undefined {
    if (this.#balance <= 0n) return this.#accruedAt;
    if (this.#rate === 0n) return undefined;
    return this.#accruedAt + Number((this.#balance + this.#rate - 1n) / this.#rate);
  }

  /** Whether deposits minus everything charged is the balance. */
  isConsistent(): boolean {
    let charged = this.#closed;
    let rate = 0n;
    for (const segment of this.#open.values()) {
      charged += chargeOf(segment, this.#accruedAt);
      rate += hourly(segment.rates);
    }
    return rate === this.#rate && this.#deposits - charged === this.#balance;
  }

  /** Every segment that is still known and overlaps the period, if only by its first moment, the oldest first. */
  *segments(from: number, to: number): Generator<Segment> {
    for (const segment of this.#segments.slice(this.#firstSegment)) {
      if (segment.from < to && (segment.to ?? to) > from) yield segment;
    }
    for (const segment of this.#open.values()) {
      if (segment.from <= to) yield segment;
    }
  }

  #close(open: Segment): void {
    this.#rate -= hourly(open.rates);
    if (open.from === this.#accruedAt) return;
    const closed = { ...open, to: this.#accruedAt };
    this.#closed += chargeOf(closed, this.#accruedAt);
    this.#segments.push(closed);
    if (this.#segments.length - this.#firstSegment > keptSegments) this.#firstSegment += 1;
    if (this.#firstSegment > keptSegments) {
      this.#segments = this.#segments.slice(this.#firstSegment);
      this.#firstSegment = 0;
    }
  }
}

function isSameBilling(open: Segment, next: Omit<Segment, 'from' | 'to'>): boolean {
  const sameRates = open.rates.compute === next.rates.compute && open.rates.storage === next.rates.storage;
  const sameGpus = open.gpuModel === next.gpuModel && open.gpuCount === next.gpuCount;
  return sameRates && sameGpus && open.vcpus === next.vcpus && open.ram === next.ram && open.storage === next.storage;
}

function hourly(rates: Rates): bigint {
  return BigInt(rates.compute + rates.storage);
}

function chargeOf(segment: Segment, now: number): Units {
  return hourly(segment.rates) * BigInt((segment.to ?? now) - segment.from);
}

/** What a segment cost within a period. */
export function chargeWithin(segment: Segment, from: number, to: number): { compute: Units; storage: Units } {
  const duration = BigInt(Math.max(0, Math.min(segment.to ?? to, to) - Math.max(segment.from, from)));
  return { compute: BigInt(segment.rates.compute) * duration, storage: BigInt(segment.rates.storage) * duration };
}
