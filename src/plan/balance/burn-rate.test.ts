import { expect, it } from 'vitest';

import { cloudVm, now, priceOf, snapshotOf } from '../../../test/support/builders.ts';
import type { BalanceReading } from '../../fleet/contract.ts';
import { money } from '../../lib/money.ts';
import type { CloudVm } from '../../provider/contract.ts';
import { burnRate, ratesOf } from './burn-rate.ts';

const running = cloudVm('a', { price: priceOf('1.00', '0.10') });
const stopped = cloudVm('b', { state: 'stopped', price: priceOf('1.00', '0.10') });
const released = cloudVm('c', { state: 'released', price: priceOf('1.00', '0.10') });
const over = cloudVm('d', { state: 'terminated', price: priceOf('1.00', '0.10') });
const unpriced = cloudVm('e', { price: undefined });

function reading(hourlyCost: string, mostListed?: string): BalanceReading {
  const most = mostListed === undefined ? undefined : money(mostListed);
  return { amount: money(10), hourlyCost: money(hourlyCost), mostListed: most, requestedAt: now, askedAs: 'ours' };
}

it.each<[string, string | undefined, string, readonly CloudVm[], string]>([
  ['what the list says of each VM, whoever made it', '1.1', '1.1', [running, released], '1.1'],
  ['a stopped VM in full, and one that is over not at all', '3', '1', [stopped, over], '1'],
  ['what the provider bills beside all VMs', '1', '1.25', [running], '1.25'],
  ['what the provider bills for VMs whose price no list tells', '0', '0.4', [unpriced], '0.4'],
  [
    'nothing more where the provider counts released VMs as running ones',
    '3',
    '3',
    [running, released, released],
    '1.2',
  ],
  ['nothing of a VM that was deleted since the provider said its sum', '2', '2', [running], '1'],
  ['a VM that was deployed since, once', '1', '1', [running, stopped], '2'],
  ['what the provider says where it had no list beside it', undefined, '1.5', [running], '1.5'],
])('the burn rate counts %s', (_, mostListed, hourlyCost, vms, expected) => {
  const distinct = vms.map((vm, index) => ({ ...vm, id: `vm-${index}` }));
  const rate = burnRate(reading(hourlyCost, mostListed), ratesOf(snapshotOf(distinct)));
  expect(rate.toFixed()).toBe(expected);
});

it('without a list the burn rate is what the provider says', () => {
  expect(burnRate(reading('0.856'), undefined).toFixed()).toBe('0.856');
});
