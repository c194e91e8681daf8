import type { SpotVmSpec } from '../../api/spot-vm.ts';
import { parseDuration } from '../../lib/duration.ts';
import { parseMoney, type Money } from '../../lib/money.ts';

/** What the owner of a spot VM allows, in numbers. */
export interface SpotTerms {
  /** US dollars per VM and hour, for the compute part. */
  readonly price: Money;
  /** Nothing above this is ever bid. */
  readonly maxPrice: Money;
  readonly onOutbid: SpotVmSpec['onOutbid'];
  readonly retentionMs: number;
  /** How long a bid has to have been winnable before an on-demand VM is given up; undefined: it stays. */
  readonly returnAfterMs: number | undefined;
  readonly outbidLimit: { readonly count: number; readonly windowMs: number };
}

/** The terms, or what is wrong with them. The API server has checked the same by its CRD, which may be an older one. */
export function spotTermsOf(spec: SpotVmSpec): SpotTerms | string {
  const price = parseMoney(spec.bid.price);
  const maxPrice = parseMoney(spec.bid.maxPrice ?? spec.bid.price);
  const retentionMs = parseDuration(spec.outbidRetention);
  const windowMs = parseDuration(spec.outbidLimit.window);
  const returnAfterMs = spec.returnToSpot === undefined ? undefined : parseDuration(spec.returnToSpot.after);
  if (price === undefined || maxPrice === undefined) return 'bid: prices are decimal strings, such as "0.20"';
  if (retentionMs === undefined || windowMs === undefined) return 'durations are written as 90s, 30m or 1h30m';
  if (price.gt(maxPrice)) return 'bid.price must not be above bid.maxPrice';
  const { onOutbid } = spec;
  return {
    price,
    maxPrice,
    onOutbid,
    retentionMs,
    returnAfterMs,
    outbidLimit: { count: spec.outbidLimit.count, windowMs },
  };
}
