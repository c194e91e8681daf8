import { parseDuration } from '../lib/duration.ts';

/** As far as a Date goes: what is later is never. */
const endOfTime = 8.64e15;

/** When a resource that was made then is to be deleted; undefined: never. */
export function expiryOf(createdAt: number | undefined, expireAfter: string | undefined): number | undefined {
  const ageMs = expireAfter === undefined ? undefined : parseDuration(expireAfter);
  if (createdAt === undefined || ageMs === undefined) return undefined;
  const at = createdAt + ageMs;
  return at <= endOfTime ? at : undefined;
}
