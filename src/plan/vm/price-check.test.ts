import { describe, expect, it } from 'vitest';

import {
  accountOf,
  cloudVm,
  launchOf,
  observeRunning,
  offersOf,
  priceOf,
  recordedVm,
  sizeOf,
  snapshotOf,
  type Seen,
} from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';
import { conditionOf } from '../../api/conditions.ts';
import type { Resize } from '../../api/vm-status.ts';
import { statusOfVm } from './status.ts';

const bigger = sizeOf({ vcpus: 8 });
const capped = { vcpus: 8, maxHourlyPrice: '1' };
const dear = priceOf('3');

/** A VM that was made bigger; its price was not compared with the cap yet. */
function resized(outcome: Resize['outcome'], vm: Parameters<typeof cloudVm>[1], spec: object = capped): Seen {
  const resize: Resize = { to: bigger, outcome, ...(outcome === 'Overpriced' ? { message: 'It costs $3.' } : {}) };
  return {
    vms: [cloudVm('vm-1', { size: bigger, ...vm })],
    journal: { vm: recordedVm('vm-1', { applied: bigger }), launch: launchOf(), resize },
    spec,
  };
}

const stopped = { state: 'stopped', providerStatus: 'Stopped' } as const;
const released = { state: 'released', providerStatus: 'StoppedDisassociated' } as const;

describe('a VM with a new size', () => {
  it.each<[string, Seen, Partial<Brief>]>([
    [
      'has its price compared before it is started',
      resized('Modified', { ...stopped, price: dear }),
      { rule: 'resizedPriceIsKnown', step: 'record' },
    ],
    [
      'is not taken for a new one, and deleted, when no list had its price before',
      resized('Modified', { price: dear }),
      { rule: 'resizedPriceIsKnown', step: 'record' },
    ],
    ['is started when it is within the cap', resized('Done', stopped), { rule: 'vmIsToBeStarted', step: 'start' }],
    ['is started when no list has its price', resized('Modified', { ...stopped, price: undefined }), { step: 'start' }],
    [
      'is released when it is dearer than allowed',
      resized('Overpriced', { ...stopped, price: dear }),
      { rule: 'vmIsToBeStopped', step: 'stop', phase: 'Stopping' },
    ],
    [
      'is released also when somebody started it, or its first price came while it ran',
      resized('Overpriced', { price: dear }),
      { rule: 'vmIsToBeStopped', step: 'stop' },
    ],
    [
      'stays released, and says why',
      resized('Overpriced', { ...released, price: dear }),
      { rule: 'vmIsHeldBackByItsPrice', step: 'wait', phase: 'Released', ready: 'False PriceViolation' },
    ],
    [
      'stays released while lists have no price',
      resized('Overpriced', { ...released, price: undefined }),
      { rule: 'vmIsHeldBackByItsPrice' },
    ],
    [
      'counts as one within the cap once that is raised',
      resized('Overpriced', { ...released, price: dear }, { vcpus: 8, maxHourlyPrice: '3' }),
      { rule: 'resizedPriceIsKnown', step: 'record' },
    ],
    [
      'is made smaller again while it is released',
      resized('Overpriced', { ...released, price: dear }, { vcpus: 4, maxHourlyPrice: '1' }),
      { rule: 'vmHasAnotherSize', step: 'modify' },
    ],
    ['is not touched when the cap is lowered later', resized('Done', { price: dear }), { rule: 'vmRuns' }],
    [
      'is not judged by a list that shows the old size',
      resized('Modified', { ...stopped, size: sizeOf(), price: dear }),
      { rule: 'vmIsToBeStarted' },
    ],
    [
      'is held back also when the process was killed before it wrote the change down',
      {
        account: accountOf({
          snapshot: snapshotOf([cloudVm('vm-1', { size: bigger, price: dear })]),
          offers: offersOf([]),
        }),
        journal: { vm: recordedVm('vm-1'), launch: launchOf() },
        status: { vm: recordedVm('vm-1'), hourlyPrice: { running: '0.90', billedNow: '0.90' } },
        spec: capped,
      },
      { rule: 'vmIsToBeStopped', step: 'stop' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observeRunning(seen))).toMatchObject(expected);
  });

  it.each<[string, Seen, string]>([
    ['within the cap', resized('Modified', { ...stopped, price: priceOf('1') }), 'Done'],
    ['without a cap', resized('Modified', { ...stopped, price: dear }, { vcpus: 8 }), 'Done'],
    ['above the cap', resized('Modified', { ...stopped, price: dear }), 'Overpriced'],
  ])('is recorded as what it is: %s', (_, seen, outcome) => {
    const { step } = decided(observeRunning(seen));
    expect(step).toMatchObject({ kind: 'record', journal: { vm: { id: 'vm-1' }, resize: { to: bigger, outcome } } });
  });

  it('says in UpToDate that it is dearer than allowed, and to whom it may concern that nothing happens by itself', () => {
    const observation = observeRunning(resized('Overpriced', { ...released, price: dear }));
    const { conditions } = statusOfVm(observation, decided(observation));
    expect(conditionOf(conditions, 'UpToDate')).toMatchObject({ status: 'False', reason: 'ResizeOverPriceCap' });
    expect(conditionOf(conditions, 'Stalled')?.message).toContain('its disk is kept');
  });
});

describe('the price in the status', () => {
  const shown = (seen: Seen): unknown => {
    const observation = observeRunning(seen);
    return statusOfVm(observation, { rule: 'x', step: { kind: 'wait' }, phase: 'keep', ready: 'keep' }).hourlyPrice;
  };
  const known = { vm: recordedVm('vm-1'), hourlyPrice: { running: '0.90', storage: '0.10', billedNow: '0.90' } };

  it('is not shown before it was compared with the cap, or it would not be compared any more', () => {
    const vms = [cloudVm('vm-1', { price: dear })];
    expect(shown({ vms, spec: { maxHourlyPrice: '1' } })).toBeUndefined();
    expect(shown({ vms, specProblem: 'The spec is not valid.' })).toBeUndefined();
    expect(shown({ vms, spec: { maxHourlyPrice: '3' } })).toMatchObject({ running: '3.00' });
    expect(shown({ vms, spec: { maxHourlyPrice: '1' }, status: known })).toMatchObject({ running: '3.00' });
  });

  it('stands while lists have none, and what is billed follows the state', () => {
    const of = (changes: object): unknown =>
      shown({ vms: [cloudVm('vm-1', { price: undefined, ...changes })], status: known });
    expect(of({})).toEqual(known.hourlyPrice);
    expect(of(released)).toEqual({ ...known.hourlyPrice, billedNow: '0.10' });
  });

  it('of another VM is not shown', () => {
    const status = { ...known, vm: recordedVm('vm-0') };
    expect(shown({ vms: [cloudVm('vm-1', { price: undefined })], status })).toBeUndefined();
  });
});
