import { parseDuration } from '../../lib/duration.ts';
import type { PoolMember, PoolObservation } from './observation.ts';
import type { OnOutbid } from './template.ts';
import { isLeftByMarket } from './troubles.ts';

/**
 * When a spot member takes a VM on demand: after it has found no spot VM for long enough. It stays the same member, which then
 * looks for a way back by itself (returnToSpot), and is held to the spot market again once it has a spot VM.
 */

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
  const since = isLeftByMarket(member) ? member.marketSince : undefined;
  if (since === undefined) return toSpot;
  const at = since + afterMs;
  return at <= now ? { onOutbid: 'OnDemand', at: undefined } : { onOutbid: 'Replace', at };
}

const toSpot: Fallback = { onOutbid: 'Replace', at: undefined };
