import { dollars, parseMoney, type Money } from '../../lib/money.ts';
import type { VmPrice } from '../../provider/contract.ts';

/**
 * Compares what the provider says a new VM costs with what was allowed. The inventory may have been old, or wrong.
 * No price in the answer is no violation: it is checked again as soon as a list shows one.
 */
export function priceViolation(price: VmPrice | undefined, maxHourlyPrice: string | undefined): string | undefined {
  const cap = maxHourlyPrice === undefined ? undefined : parseMoney(maxHourlyPrice);
  if (price === undefined || cap === undefined || !isAbove(price.total, cap)) return undefined;
  return `The VM costs ${dollars(price.total)} per hour, more than spec.maxHourlyPrice ${dollars(cap)}.`;
}

function isAbove(total: Money, cap: Money): boolean {
  return total.gt(cap);
}
