import type { CustomObject } from '../../src/controllers/objects.ts';
import type { SimRequest } from '../../src/sim/index.ts';
import type { Vm } from '../../src/sim/state.ts';

/** What those who watch SpotVms look at; everything as it really is. */
export interface SpotFacts {
  now(): number;
  liveVms(): readonly Vm[];
  resources(): readonly CustomObject[];
  resourceOf(uid: string): CustomObject | undefined;
  writersClocks(): { readonly aheadMs: number; readonly behindMs: number };
  /** Whether one process acts, or two believe that they do. */
  readonly isOneActing: boolean;
  /** Nothing is in the operator's way: it runs, its calls and writes arrive, and lists tell the truth. */
  isCalm(): boolean;
  /** Whether somebody has edited the status of this resource. */
  isExcused(uid: string): boolean;
  /** What the provider has shown of a VM so far. */
  statusesOf(vmId: string): ReadonlySet<string>;
  /** When the provider first showed that it runs. */
  firstRanAt(vmId: string): number | undefined;
  /** The same of whichever VM of this resource came first, be it gone by now; but for this one. */
  firstRanOf(uid: string, except: string): number | undefined;
  /** When a status of this resource first said that it was outbid at this time. */
  firstSaidAt(uid: string, time: string): number;
  complain(what: string): void;
}

/** A parameter of a call to the provider; empty where it is missing. */
export function field({ params }: SimRequest, name: string): string {
  return params.get(name)?.[0] ?? '';
}

/** In the provider's unit, a billionth of a dollar, in which it compares bids. */
export function nanosOf(dollars: string | undefined): number {
  return Math.round(Number(dollars) * 1e9);
}

/** At rest, and not running. */
export const downStatuses: ReadonlySet<string> = new Set(['Outbid', 'Stopped', 'StoppedDisassociated']);

/** The provider has said that it deletes it, and nothing can keep it from doing so. */
export function isOnItsWayOut({ transition }: Vm): boolean {
  return transition !== undefined && transition.to === undefined;
}
