import { describe, expect, it } from 'vitest';

import { instantOf, priceOf, sizeOf, specOf } from '../../test/support/builders.ts';
import { money } from '../lib/money.ts';
import type { InstantVm } from '../provider/instant.ts';
import { rankInstants, type InstantLimits } from './instant-placement.ts';

const none: InstantLimits = { maxHourlyPrice: undefined, isCoolingDown: () => false };

function chosen(spec: object, vms: readonly InstantVm[], limits: Partial<InstantLimits> = {}): string {
  const ranking = rankInstants(specOf(spec), vms, { ...none, ...limits });
  return ranking.kind === 'none' ? ranking.tally : ranking.offers.map(({ vm }) => vm.id).join(' ');
}

describe('a ready-made VM', () => {
  it.each<[string, object, Partial<InstantVm>]>([
    ['that is as asked for', {}, {}],
    ['with more of everything but GPUs', {}, { size: sizeOf({ vcpus: 22, memoryGB: 112, storageGB: 1500 }) }],
    ['of another model that will do', { gpu: { models: ['h100', 'a4000'] } }, {}],
    ['in the country that is asked for', { placement: { locations: [{ country: 'canada' }] } }, {}],
    ['on a host that is asked for', { placement: { hostnodes: ['host-1'] } }, {}],
  ])('%s fits', (_, spec, vm) => {
    expect(chosen(spec, [instantOf('ready', vm)])).toBe('ready');
  });

  it.each<[string, object, Partial<InstantVm>, string]>([
    ['with too few GPUs', { gpu: { models: ['a4000'], count: 2 } }, {}, 'with too few free GPUs'],
    ['with more GPUs', {}, { size: sizeOf({ gpuCount: 8 }) }, 'with more GPUs'],
    ['of another model', { gpu: { models: ['h100'] } }, {}, 'without the GPU model'],
    ['with too few vCPUs', { vcpus: 8 }, {}, 'with too few vCPUs'],
    ['with too little memory', { memoryGB: 64 }, {}, 'with too little memory'],
    ['with too small a disk', { storageGB: 500 }, {}, 'with too little storage'],
    ['with another system', { operatingSystem: 'Windows 10' }, {}, 'with another operating system'],
    ['of which nobody says the system', {}, { operatingSystem: undefined }, 'with another operating system'],
    ['elsewhere', { placement: { locations: [{ country: 'Poland' }] } }, {}, 'in other locations'],
    ['of too little uptime', { placement: { minUptimePercent: 99.9 } }, {}, 'below minUptimePercent'],
    ['on a host that is excluded', { placement: { excludeHostnodes: ['host-1'] } }, {}, 'excluded by placement'],
  ])('%s does not, and is counted by that', (_, spec, vm, why) => {
    expect(chosen(spec, [instantOf('ready', vm)])).toMatch(new RegExp(`^1 ready-made VM: 1 ${why}`));
  });

  it('is taken as it stands, with its own size and price, and no ports are chosen', () => {
    const size = sizeOf({ vcpus: 22 });
    const ranking = rankInstants(specOf(), [instantOf('ready', { size, price: priceOf('3.65') })], none);
    expect(ranking).toMatchObject({ kind: 'offers', offers: [{ vm: { id: 'ready' }, offer: { size, ports: [] } }] });
    if (ranking.kind === 'offers') expect(ranking.offers[0].offer.price.total.toFixed()).toBe('3.65');
  });

  it('is the cheapest, or the most reliable, of several on one host', () => {
    const vms = [
      instantOf('dear', { price: priceOf('0.5'), uptimePercent: 99.99 }),
      instantOf('cheap', { price: priceOf('0.3') }),
    ];
    expect(chosen({}, vms)).toBe('cheap dear');
    expect(chosen({ placement: { strategy: 'MostReliable' } }, vms)).toBe('dear cheap');
  });

  it.each<[string, Partial<InstantLimits>, string]>([
    ['above the cap', { maxHourlyPrice: money('0.198') }, '1 over price'],
    ['above what budgets leave', { mostHourly: money('0.1') }, '1 over what budgets leave'],
    ['that was not to be had a moment ago', { isCoolingDown: ({ id }) => id === 'ready' }, '1 cooling down'],
    ['on a host with as many members as may be', { isFull: ({ id }) => id === 'host-1' }, '1 with as many members'],
  ])('%s is not taken', (_, limits, why) => {
    expect(chosen({}, [instantOf('ready')], limits)).toContain(why);
  });

  it('cannot be had where there is none', () => {
    expect(chosen({}, [])).toBe('the provider lists no ready-made VMs');
  });
});
