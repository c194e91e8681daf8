import type { GpuAccountSpec } from '../../api/gpu-account.ts';
import { parseDuration } from '../../lib/duration.ts';
import type { Money } from '../../lib/money.ts';

/** For how long the balance lasts. */

const hourMs = 3_600_000;

/** Infinity: nothing is spent. */
export function runwayMs(balance: Money, rate: Money): number {
  if (balance.lte(0)) return 0;
  return rate.lte(0) ? Infinity : Math.floor(Number(balance.times(hourMs).div(rate).toFixed()));
}

/** The most that may be spent per hour for the balance to last so long; below zero with it. */
export function mostRate(balance: Money, ms: number): Money {
  return balance.times(hourMs).div(ms);
}

/** What is left after so long. */
export function burnt(balance: Money, rate: Money, ms: number): Money {
  return balance.minus(rate.times(Math.max(0, ms)).div(hourMs));
}

/** One of the account's limits. */
export interface Threshold {
  /** As the spec has it: "6h". */
  readonly text: string;
  readonly ms: number;
}

export interface Thresholds {
  /** Below it nothing is deployed. */
  readonly min: Threshold | undefined;
  /** Below it VMs are released. */
  readonly release: Threshold | undefined;
}

export function thresholdsOf(limits: GpuAccountSpec['limits']): Thresholds {
  return { min: thresholdOf(limits?.minRunway), release: thresholdOf(limits?.releaseBelowRunway) };
}

/** The API server refuses one of no length, by the CRD that it has: it limits nothing. */
function thresholdOf(text: string | undefined): Threshold | undefined {
  const ms = text === undefined ? 0 : (parseDuration(text) ?? 0);
  return text === undefined || ms <= 0 ? undefined : { text, ms };
}
