import { describe, expect, it } from 'vitest';

import { cloudVm, keyFingerprint, minute, now, priceOf, snapshotOf } from '../../../test/support/builders.ts';
import type { PollFailure } from '../../fleet/contract.ts';
import { money } from '../../lib/money.ts';
import { billedBeside, isListCurrent } from './list.ts';
import { balanceTimings, viewBalance, type BalanceFacts } from './view.ts';

const failure: PollFailure = { kind: 'unavailable', message: 'It is away.', since: now - minute, consecutive: 3 };
const list = (changes: Parameters<typeof snapshotOf>[1] = {}): BalanceFacts['snapshot'] =>
  snapshotOf([cloudVm('vm-1', { price: priceOf('1.00') })], changes);

/** The provider bills three dollars per hour, of which the list has one; when it was asked the list had all. */
function facts(changes: Partial<BalanceFacts> = {}): BalanceFacts {
  const last = {
    amount: money(100),
    hourlyCost: money(3),
    mostListed: money(3),
    requestedAt: now,
    askedAs: keyFingerprint,
  };
  return {
    ...{ now, timings: balanceTimings(5 * minute), keyFingerprint, pollFailure: undefined, snapshot: list() },
    book: { last, before: undefined, failure: undefined },
    ...changes,
  };
}

describe('a list by which VMs are released and started', () => {
  it.each<[string, Partial<BalanceFacts>, boolean, string]>([
    ['is one of now', {}, true, '0'],
    ['is one that is two minutes old', { snapshot: list({ requestedAt: now - 2 * minute }) }, true, '0'],
    ['is not one that is older', { snapshot: list({ requestedAt: now - 2 * minute - 1 }) }, false, '2'],
    ['is not one that no other has followed', { pollFailure: failure }, false, '2'],
    ['is not one that may lack VMs', { snapshot: list({ distrusted: 'it lacks vm-2' }) }, false, '2'],
    ['is not one that lacks a VM whose deletion is under way', { snapshot: list({ isProvisional: true }) }, false, '2'],
    ['is not there', { snapshot: undefined }, false, '0'],
  ])('%s; of another one all counts as used that the provider bills beside it', (_, changes, isCurrent, beside) => {
    const given = facts(changes);
    expect(isListCurrent(given)).toBe(isCurrent);
    expect(billedBeside(given, viewBalance(given)).toFixed()).toBe(beside);
  });

  it('is four times as old as lists are apart at most', () => {
    const timings = balanceTimings(5 * minute, minute);
    expect(isListCurrent(facts({ timings, snapshot: list({ requestedAt: now - 4 * minute }) }))).toBe(true);
  });
});
