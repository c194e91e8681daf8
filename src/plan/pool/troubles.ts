import type { PoolMember } from './observation.ts';

/**
 * For how long a member has been in trouble of one kind. The times in its status cannot tell: Ready is False from the evening
 * until the morning, and only its reason turns from off hours into a start; and another process' clock may be an hour behind.
 */
export interface Troubles {
  /** Since when this process has seen its VM not Ready for reasons that count as broken, and for no other. */
  readonly broken: number | undefined;
  /** The same of reasons for which the market gives it no spot VM. */
  readonly market: number | undefined;
  /** Of the VM that this was seen of: another one begins anew. */
  readonly vmSince: number | undefined;
  /** When it was looked at. */
  readonly at: number;
}

/** How often a member in trouble is looked at, though nothing has changed. */
export const lookAtTroublesMs = 60_000;

/**
 * A process that was suspended, or whose looks failed for so long, does not know how its members were meanwhile: that time
 * is none in which it has seen them in trouble. Else it would delete, as it goes on, what has long since become Ready.
 */
const longestUnseenMs = 2 * lookAtTroublesMs;

/**
 * Reasons for which a VM that is there is not Ready, and which another VM may not have. Whatever else is in the way (a market
 * without offers, a budget, an account, a status that nobody knows) another member would meet as well.
 */
const brokenReasons: ReadonlySet<string> = new Set([
  'Building',
  'NotReachable',
  'Starting',
  'Stopping',
  'PowerCallFailed',
  'StartBlockedNoCapacity',
  // Nobody may touch a VM in such a state but to delete it, which its owner has asked for after so long.
  'UnknownStatus',
]);

/** What stands in the way of a spot VM is the market. A budget, a Secret or an account would be in the way of the other as well. */
const marketReasons: ReadonlySet<string> = new Set([
  'NoWinningBid',
  'NoOffer',
  'OverPriceCap',
  'Outbid',
  'OutbidTooOften',
  'LaunchFailed',
  'StartBlockedNoCapacity',
]);

/** They say nothing of the VM: what was so before them goes on. */
const pauses = ['WaitingForTurn', 'WaitingForProvider'] as const;

const brokenPauses: ReadonlySet<string> = new Set(pauses);

/** A try to get a spot VM, of which nobody knows yet how it ends. */
const marketPauses: ReadonlySet<string> = new Set([
  ...pauses,
  'LookingForHost',
  'Launching',
  'CreateUncertain',
  'ProviderUnavailable',
  'Starting',
]);

export type Seen = Pick<PoolMember, 'vmSince' | 'ready' | 'isWantedDown' | 'isProbeForbidden'>;

/** @param last what was known when the member was seen last; undefined: this process has not seen it yet */
export function troublesAfter(last: Troubles | undefined, seen: Seen, now: number): Troubles {
  const { vmSince } = seen;
  const before = freshOf(last, now);
  const brokenBefore = before?.vmSince === vmSince ? before?.broken : undefined;
  return {
    broken: isBroken(seen) ? (brokenBefore ?? now) : duringPause(seen, brokenBefore),
    market: isLeftByMarket(seen) ? (before?.market ?? now) : during(marketPauses, seen, before?.market),
    vmSince,
    at: now,
  };
}

function freshOf(last: Troubles | undefined, now: number): Troubles | undefined {
  return last !== undefined && now - last.at <= longestUnseenMs ? last : undefined;
}

function duringPause(seen: Seen, since: number | undefined): number | undefined {
  return seen.isWantedDown ? undefined : during(brokenPauses, seen, since);
}

function during(pausing: ReadonlySet<string>, { ready }: Seen, since: number | undefined): number | undefined {
  return !ready.isTrue && pausing.has(ready.reason) ? since : undefined;
}

/**
 * Not one that is wanted down, whatever is in the way of that: what is released for want of money, or for the night, is to keep its
 * disk. Nor one that may not be probed, as that is a setting of the operator, and says nothing of the VM.
 */
export function isBroken({ ready, isWantedDown, isProbeForbidden }: Omit<Seen, 'vmSince'>): boolean {
  if (ready.isTrue || isWantedDown) return false;
  return brokenReasons.has(ready.reason) && !(isProbeForbidden && ready.reason === 'NotReachable');
}

export function isLeftByMarket({ ready }: Pick<Seen, 'ready'>): boolean {
  return !ready.isTrue && marketReasons.has(ready.reason);
}
