import { parseDuration } from '../../lib/duration.ts';
import type { PoolMember, PoolObservation } from './observation.ts';
import type { OnOutbid } from './template.ts';

/**
 * When a spot member takes a VM on demand: after it has found no spot VM for long enough. It stays the same member, which then
 * looks for a way back by itself (returnToSpot), and is held to the spot market again once it has a spot VM.
 */

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

export interface Fallback {
  readonly onOutbid: OnOutbid;
  /** When it will be on demand if nothing changes. */
  readonly at: number | undefined;
}

export function fallbackOf(member: PoolMember, { spec, now }: Pick<PoolObservation, 'spec' | 'now'>): Fallback {
  if (member.capacity === 'OnDemand') return { onOutbid: 'OnDemand', at: undefined };
  const afterText = spec.capacity.fallbackToOnDemandAfter;
  const afterMs = afterText === undefined ? undefined : parseDuration(afterText);
  if (afterMs === undefined) return toSpot;
  // It may be on the way to a VM on demand already: only a spot VM that it holds takes that back.
  if (member.spec['onOutbid'] === 'OnDemand' && member.market !== 'Winning')
    return { onOutbid: 'OnDemand', at: undefined };
  const since = searchingSince(member);
  if (since === undefined) return toSpot;
  const at = since + afterMs;
  return at <= now ? { onOutbid: 'OnDemand', at: undefined } : { onOutbid: 'Replace', at };
}

const toSpot: Fallback = { onOutbid: 'Replace', at: undefined };

function searchingSince({ ready, outbidSince, vmSince }: PoolMember): number | undefined {
  if (ready.isTrue || !marketReasons.has(ready.reason)) return undefined;
  if (outbidSince !== undefined) return outbidSince;
  return vmSince === undefined ? ready.since : undefined;
}
