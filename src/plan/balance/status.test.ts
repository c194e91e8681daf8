import { describe, expect, it } from 'vitest';

import { keyFingerprint, minute, now } from '../../../test/support/builders.ts';
import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import { toTimestamp } from '../../lib/clock.ts';
import { money } from '../../lib/money.ts';
import { runwayMs, thresholdsOf } from './runway.ts';
import { balanceDraft, shownBalance, type BalanceObservation } from './status.ts';
import type { BalanceView } from './view.ts';

const hour = 60 * minute;
const limits = thresholdsOf({ minRunway: '6h', releaseBelowRunway: '2h' });

function known(balance: string, rate = '1'): BalanceView {
  const [amount, burnRate] = [money(balance), money(rate)];
  const reading = { amount, hourlyCost: burnRate, mostListed: burnRate, requestedAt: now, askedAs: keyFingerprint };
  return { kind: 'known', reading, amount, burnRate, runwayMs: runwayMs(amount, burnRate) };
}

function observation(view: BalanceView, changes: Partial<BalanceObservation> = {}): BalanceObservation {
  return { view, thresholds: limits, stopped: [], isHeld: false, ...changes };
}

const stopped = [{ kind: 'GpuVm', namespace: 'research', name: 'trainer', uid: 'uid-1' }];
const lost: BalanceView = { kind: 'lost', since: now - hour, message: 'it is away' };

describe('the condition', () => {
  it.each<[string, BalanceObservation, string]>([
    ['of a balance that lasts', observation(known('100')), 'True BalanceSufficient'],
    ['of one that nothing is taken from', observation(known('0.01', '0')), 'True BalanceSufficient'],
    ['warns before anything is held back', observation(known('11.99')), 'False BalanceShort'],
    ['says that nothing is deployed', observation(known('5.99')), 'False BalanceLow'],
    ['says that VMs are released', observation(known('1.99')), 'False BalanceCritical'],
    ['says so for as long as some are', observation(known('5'), { stopped }), 'False BalanceCritical'],
    [
      'warns of a day where nobody has set a limit',
      observation(known('23.99'), { thresholds: thresholdsOf(undefined) }),
      'False BalanceShort',
    ],
    ['of one that is not known', observation(lost), 'Unknown BalanceUnknown'],
    ['of one that was never read', observation({ kind: 'unread' }), 'Unknown BalanceUnknown'],
  ])('%s', (_, given, expected) => {
    const { status, reason } = balanceDraft(given, []);
    expect(`${status} ${reason}`).toBe(expected);
  });

  it('stays as it was while a new process has not asked yet', () => {
    const low = balanceDraft(observation(known('5')), []);
    const before = { ...low, lastTransitionTime: '2026-06-01T12:00:00Z' };
    expect(balanceDraft(observation({ kind: 'unread' }), [before])).toEqual(low);
  });

  it.each<[string, string, BalanceObservation['stopped'], string]>([
    [
      'the shorter time, while VMs have to be released',
      '1.99',
      stopped,
      'The balance is too low for all VMs to run for 2h (limits.releaseBelowRunway): those with the lowest spec.priority are released, see status.stopped. Recharge it at the provider: everything goes on by itself then.',
    ],
    [
      'the longer time, once it is only too low for those that were released',
      '75',
      stopped,
      'The balance is too low for all VMs to run for 6h (limits.minRunway): those that were released, see status.stopped, stay so until it lasts for so long with them. Recharge it at the provider: everything goes on by itself then.',
    ],
  ])('names %s', (_, left, kept, expected) => {
    expect(balanceDraft(observation(known(left), { stopped: kept }), []).message).toBe(expected);
  });

  it.each<[string, BalanceObservation['stopped']]>([
    ['nobody is released', []],
    ['nobody is started', stopped],
  ])('says that %s while there is no list to do so by', (_, kept) => {
    const { reason, message } = balanceDraft(observation(known('1.99'), { stopped: kept, isHeld: true }), []);
    expect(reason).toBe('BalanceCritical');
    expect(message).toBe(
      'The balance is too low for all VMs to run for 2h (limits.releaseBelowRunway). Nobody else is released, and nobody is started, before there is a list of VMs again that is new, can be trusted, and lacks none whose deletion is under way: see the conditions Ready and ListDistrusted. Recharge it at the provider.',
    );
  });

  it('says why it could not be read in a sentence, whether or not the reason is one', () => {
    const [one, other] = ['it is away', 'it is away.'].map((message) => {
      return balanceDraft(observation({ ...lost, message }), []).message;
    });
    expect(one).toBe(other);
  });

  it('is the same sentence from one moment to the next', () => {
    const [one, other] = ['5.99', '2.01'].map((left) => balanceDraft(observation(known(left)), []).message);
    expect(one).toBe(other);
    expect(one).toBe(
      'The balance lasts for less than 6h (limits.minRunway): no VM is deployed, none is started that was released, and none is made bigger. Recharge it at the provider: everything goes on by itself then.',
    );
  });
});

describe('the numbers', () => {
  const balanceReadAt = toTimestamp(now);
  const before: GpuAccountStatus = {
    ...{ balance: '100.00', balanceReadAt: toTimestamp(now - hour), burnRate: '1.00', runway: '100h' },
  };

  it.each<[string, BalanceView, GpuAccountStatus, GpuAccountStatus]>([
    [
      'are written first',
      known('123.4567', '0.38512'),
      {},
      { balance: '123.45', balanceReadAt, burnRate: '0.3852', runway: '320h' },
    ],
    ['stay while they have hardly changed', known('99.01'), before, before],
    [
      'follow once a hundredth is spent',
      known('99'),
      before,
      { balance: '99.00', balanceReadAt, burnRate: '1.00', runway: '99h' },
    ],
    ['follow a recharge', known('150'), before, { balance: '150.00', balanceReadAt, burnRate: '1.00', runway: '150h' }],
    [
      'follow the rate',
      known('100', '2'),
      before,
      { balance: '100.00', balanceReadAt, burnRate: '2.00', runway: '50h' },
    ],
    [
      'say no runway while nothing is spent',
      known('100', '0'),
      before,
      { balance: '100.00', balanceReadAt, burnRate: '0.00' },
    ],
    ['are as they were while nothing is known', lost, before, before],
    ['may be below zero', known('-1.50'), before, { balance: '-1.50', balanceReadAt, burnRate: '1.00', runway: '0s' }],
    [
      'tell minutes when it is getting close',
      known('5.678'),
      before,
      { balance: '5.67', balanceReadAt, burnRate: '1.00', runway: '5h40m' },
    ],
  ])('%s', (_, view, status, expected) => {
    expect(shownBalance(observation(view), status)).toEqual(expected);
  });

  it('are not written anew for the time of an answer alone', () => {
    const none = { balance: '0.00', balanceReadAt: toTimestamp(now - hour), burnRate: '1.00', runway: '0s' };
    expect(shownBalance(observation(known('0.004')), none)).toEqual(none);
  });

  it('are written a few hundred times at most while a balance is used up, however often it is read', () => {
    let status: GpuAccountStatus = {};
    let writes = 0;
    for (let left = 1000; left > 0; left -= 0.1) {
      const next = shownBalance(observation(known(left.toFixed(1))), status);
      if (next.balance !== status.balance) writes += 1;
      status = next;
    }
    expect(writes).toBeLessThan(600);
  });
});
