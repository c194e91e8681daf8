import { parseDuration } from '../lib/duration.ts';

/** The last year that RFC 3339 has a name for: the API server would refuse a later time, and it is never anyway. */
const endOfTime = Date.UTC(10_000, 0);

/** When a resource that was made then is to be deleted; undefined: never. */
export function expiryOf(createdAt: number | undefined, expireAfter: string | undefined): number | undefined {
  const ageMs = expireAfter === undefined ? undefined : parseDuration(expireAfter);
  if (createdAt === undefined || ageMs === undefined) return undefined;
  const at = createdAt + ageMs;
  return at < endOfTime ? at : undefined;
}
