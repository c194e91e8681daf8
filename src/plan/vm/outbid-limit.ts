import { toTimestamp } from '../../lib/clock.ts';
import { formatDuration } from '../../lib/duration.ts';
import type { VmObservation } from './observation.ts';
import { millis, until } from './rule.ts';
import type { SpotTerms } from './spot-terms.ts';
import { waiting, type Look, type ReadyDraft } from './verdict.ts';

/** A resource that is outbid again and again pays for boots and gets no work done. */

/** Until when no bid is made, as the resource was outbid too often; undefined: bid. */
export function outbidTooOftenUntil(
  { journal, facts, now }: VmObservation,
  { outbidLimit }: SpotTerms,
): number | undefined {
  const { count, windowMs } = outbidLimit;
  // One that another process wrote by a clock that is ahead of ours counts from when it was seen: for the window at most.
  const seenAt = (time: string): number => facts.outbidSeenAt.get(time) ?? now;
  const times = (journal.spot?.outbidTimes ?? []).map((time) => Math.min(millis(time), seenAt(time)));
  const recent = times.filter((time) => time > now - windowMs).toSorted((a, b) => a - b);
  const deciding = recent.at(-count);
  return recent.length < count || deciding === undefined ? undefined : deciding + windowMs;
}

export function outbidTooOften(
  { now }: VmObservation,
  { outbidLimit: { count, windowMs } }: SpotTerms,
  endsAt: number,
): { readonly ready: ReadyDraft; readonly look: Look } {
  return {
    ready: waiting(
      'OutbidTooOften',
      `Outbid ${count} times within ${formatDuration(windowMs)}: no bid is made before ${toTimestamp(endsAt)}. Wait, or change spec.outbidLimit or spec.onOutbid. A higher bid.maxPrice makes it rarer.`,
    ),
    look: { inMs: until(endsAt, now) },
  };
}
