import { describe, expect, it } from 'vitest';

import type { VmStatus } from '../../api/vm.ts';
import { formatMoney } from '../../lib/money.ts';
import type { CloudVm } from '../../provider/contract.ts';
import {
  cloudVm,
  launchOf,
  markedName,
  priceOf,
  recordedVm,
  retiringVm,
  sizeOf,
  specOf,
  uid,
} from '../../../test/support/builders.ts';
import { commitmentOf } from './commitment.ts';

const price = { running: '0.50', storage: '0.05', billedNow: '0.50' };
const runs: VmStatus = { phase: 'Running', vm: recordedVm('vm-1'), launch: launchOf(), hourlyPrice: price };
const released: VmStatus = { ...runs, phase: 'Released', hourlyPrice: { ...price, billedNow: '0.05' } };
const listedReleased = cloudVm('vm-1', { state: 'released', price: priceOf('0.50', '0.05') });

/** "1 VM, 1 GPU, 0.50 per hour", as three words; and the same with the VM running. */
function charges(status: VmStatus | 'damaged', listed: readonly CloudVm[] = [], spec: object = {}): [string, string] {
  const marked = listed.filter(({ name }) => name.includes(markedName(1).slice(0, 20)));
  const { now, started } = commitmentOf({
    ...{ uid, spec: specOf(spec), status, marked },
    listed: new Map(listed.map((vm) => [vm.id, vm])),
  });
  const words = [now, started].map(
    ({ vms, gpus, hourlyCost }) => `${String(vms)} ${String(gpus)} ${formatMoney(hourlyCost)}`,
  );
  return [words[0] ?? '', words[1] ?? ''];
}

describe('a resource is committed to', () => {
  it.each<[string, VmStatus | 'damaged', readonly CloudVm[], string, string]>([
    ['nothing before its first deployment', {}, [], '0 0 0.00', '0 0 0.00'],
    [
      'what its deployment was quoted at, while that is under way',
      { launch: launchOf({ outcome: 'Pending', quotedHourlyPrice: '0.30' }) },
      [],
      '1 1 0.30',
      '1 1 0.30',
    ],
    [
      'the GPUs that were asked for, whatever the spec says by now',
      { launch: launchOf({ outcome: 'Uncertain', gpuCount: 4 }) },
      [],
      '1 4 0.199',
      '1 4 0.199',
    ],
    [
      'the GPUs of a size that was asked for without a certain answer, which no list may show yet',
      { ...runs, resize: { to: sizeOf({ gpuCount: 4 }), outcome: 'Pending' } },
      [cloudVm('vm-1')],
      '1 4 0.199',
      '1 4 0.199',
    ],
    [
      'what was quoted for a VM that is listed without a price, and nowhere recorded yet',
      { launch: launchOf({ outcome: 'Pending', quotedHourlyPrice: '0.30' }) },
      [cloudVm('vm-1', { price: undefined })],
      '1 1 0.30',
      '1 1 0.30',
    ],
    [
      'what is stored of a VM that was replaced, and is listed without a price',
      { ...runs, retiring: [retiringVm('vm-0', { billedNow: '0.03' })] },
      [cloudVm('vm-0', { name: markedName(2), state: 'released', price: undefined })],
      '2 1 0.53',
      '2 1 0.53',
    ],
    [
      'nothing after a deployment that was refused',
      { launch: launchOf({ outcome: 'Refused' }) },
      [],
      '0 0 0.00',
      '0 0 0.00',
    ],
    ['what its VM costs', runs, [], '1 1 0.50', '1 1 0.50'],
    [
      'what the provider says that it costs now',
      runs,
      [cloudVm('vm-1', { price: priceOf('0.70') })],
      '1 1 0.70',
      '1 1 0.70',
    ],
    ['its quote, while nobody has seen its price', { ...runs, hourlyPrice: undefined }, [], '1 1 0.199', '1 1 0.199'],
    ['the storage of one that was released', released, [], '1 0 0.05', '1 1 0.50'],
    ['the same by the list', released, [listedReleased], '1 0 0.05', '1 1 0.50'],
    [
      'all of one that is being started, whatever the list says',
      { ...released, phase: 'Starting' },
      [listedReleased],
      '1 1 0.50',
      '1 1 0.50',
    ],
    [
      'all of one that the provider has started again by itself',
      released,
      [cloudVm('vm-1', { price: priceOf('0.50') })],
      '1 1 0.50',
      '1 1 0.50',
    ],
    [
      'all of one that is stopped, which is billed in full',
      { ...runs, phase: 'Stopped' },
      [cloudVm('vm-1', { state: 'stopped', price: priceOf('0.50') })],
      '1 1 0.50',
      '1 1 0.50',
    ],
    [
      'what was replaced, as long as it is there',
      { ...runs, retiring: [retiringVm('vm-0', { billedNow: '0.03' })] },
      [],
      '2 1 0.53',
      '2 1 0.53',
    ],
    [
      'VMs with its mark that its status does not speak of',
      {},
      [cloudVm('vm-7', { price: priceOf('0.40') })],
      '1 1 0.40',
      '1 1 0.40',
    ],
    [
      'the VM that its deployment has made, once',
      { launch: launchOf({ outcome: 'Uncertain' }) },
      [cloudVm('vm-7', { price: priceOf('0.40') })],
      '1 1 0.40',
      '1 1 0.40',
    ],
    ['a VM, where its status is damaged', 'damaged', [], '1 1 0.00', '1 1 0.00'],
    [
      'nothing that is recorded for another resource',
      { ...runs, launch: undefined, vm: recordedVm('vm-1', { ownerUid: 'another' }) },
      [],
      '0 0 0.00',
      '0 0 0.00',
    ],
  ])('%s', (_, status, listed, now, started) => {
    expect(charges(status, listed)).toEqual([now, started]);
  });

  it('its price cap, where nothing else says what it may cost', () => {
    const status: VmStatus = { vm: recordedVm('vm-1', { name: 'by-hand', adopted: true }) };
    expect(charges(status, [], { maxHourlyPrice: '0.90' })[0]).toBe('1 1 0.90');
  });

  it.each<[string, VmStatus]>([
    ['a negative price', { ...runs, hourlyPrice: { running: '-5', storage: '-1', billedNow: '-5' } }],
    ['a price that is no number', { ...runs, hourlyPrice: { running: 'NaN', billedNow: 'Infinity' } }],
    ['negative GPUs', { ...runs, vm: recordedVm('vm-1', { applied: sizeOf({ gpuCount: -3 }) }) }],
    ['a negative launch', { launch: launchOf({ outcome: 'Pending', gpuCount: -8, quotedHourlyPrice: '-1' }) }],
    ['a refund for what was replaced', { ...runs, retiring: [retiringVm('vm-0', { billedNow: '-100' })] }],
  ])('nothing below zero, where somebody has forged %s', (_, status) => {
    const [now] = charges(status);
    const [vms = -1, gpus = -1, cost = -1] = now.split(' ').map(Number);
    expect([vms >= 1, gpus >= 0, cost >= 0]).toEqual([true, true, true]);
  });
});
