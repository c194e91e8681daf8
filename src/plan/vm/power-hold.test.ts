import { describe, expect, it } from 'vitest';

import {
  biddingOf,
  cloudVm,
  holdOf,
  launchOf,
  minute,
  now,
  observe,
  observeOutbid,
  observeRunning,
  observeSpot,
  recordedVm,
  spotTerms,
  type Seen,
} from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';
import { decideVm } from './decide.ts';
import { powerHold, powerWantedNow, type PowerHold } from './power-hold.ts';
import { statusOfVm } from './status.ts';

const offHours = { holds: [holdOf()] };
const idle = { holds: [holdOf({ powerState: 'Stopped' })] };
const overBudget = holdOf({ reason: 'StoppedByBudget', message: 'GpuBudget "research" has no room for the VM now.' });
const stopped = { vms: [cloudVm('vm-1', { state: 'stopped', providerStatus: 'Stopped' })] };
const released = { vms: [cloudVm('vm-1', { state: 'released', providerStatus: 'StoppedDisassociated' })] };

describe('a VM that is held back', () => {
  it.each<[string, Seen, Partial<Brief>]>([
    ['is released', offHours, { rule: 'vmIsToBeStopped', step: 'stop', phase: 'Stopping' }],
    ['is stopped where that is wanted', idle, { rule: 'vmIsToBeStopped', step: 'stop' }],
    ['is not started while it is released', { ...released, ...offHours }, { step: 'wait', ready: 'False OffHours' }],
    ['is not started while it is stopped', { ...stopped, ...idle }, { step: 'wait', phase: 'Stopped' }],
    ['is released where it is only stopped', { ...stopped, ...offHours }, { rule: 'vmIsToBeStopped', step: 'stop' }],
    ['stays released where stopped is enough', { ...released, ...idle }, { step: 'wait', phase: 'Released' }],
    ['is started when nothing holds it any more', { ...released, holds: [] }, { step: 'start' }],
    [
      'says that it is held by a budget',
      { ...released, holds: [overBudget] },
      { step: 'wait', ready: 'False StoppedByBudget' },
    ],
    [
      'is not held where its owner wants it stopped: what was asked for is said',
      { ...stopped, ...idle, spec: { powerState: 'Stopped' } },
      { step: 'wait', ready: 'False Stopped' },
    ],
    [
      'is not released where its owner wants it stopped',
      { ...stopped, ...offHours, spec: { powerState: 'Stopped' } },
      { step: 'wait', ready: 'False Stopped' },
    ],
    [
      'is released by a budget where its owner wants it stopped, which is billed as if it ran',
      { ...stopped, holds: [overBudget], spec: { powerState: 'Stopped' } },
      { rule: 'vmIsToBeStopped', step: 'stop' },
    ],
    [
      'says of one that was to be stopped that a budget has released it',
      { ...released, holds: [overBudget], spec: { powerState: 'Stopped' } },
      { step: 'wait', phase: 'Released', ready: 'False StoppedByBudget' },
    ],
    [
      'is not said to be held by a budget where its owner wants it released',
      { ...released, holds: [overBudget], spec: { powerState: 'Released' } },
      { step: 'wait', ready: 'False Released' },
    ],
    ['stays as it is by its schedule while it is paused', { ...offHours, meta: { paused: true } }, { step: 'wait' }],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observeRunning(seen))).toMatchObject(expected);
  });

  it.each<[string, Seen]>([
    ['that runs', {}],
    ['that is stopped', stopped],
    ['that is to be stopped', { ...stopped, spec: { powerState: 'Stopped' } }],
    ['that is to be resized first', { ...stopped, spec: { vcpus: 2 } }],
  ])('is released by a budget though it is paused: one %s', (_, seen) => {
    const observation = observeRunning({ ...seen, holds: [overBudget], meta: { paused: true } });
    const verdict = decided(observation);
    expect(verdict.step).toEqual({ kind: 'stop', vmId: 'vm-1', release: true });
    const conditions = statusOfVm(observation, verdict).conditions ?? [];
    expect(conditions.find(({ type }) => type === 'Synced')?.message).toBe(
      'Paused by the annotation gpuvm.dev/paused: nothing is changed at the provider. But a GpuBudget has its VM released, paused or not.',
    );
  });

  it('is left alone by a budget while it is paused, once it is released', () => {
    const seen = { ...released, spec: { vcpus: 2 }, holds: [overBudget], meta: { paused: true } };
    expect(briefOf(observeRunning(seen))).toMatchObject({ step: 'wait', phase: 'Released' });
  });

  it.each<[string, Seen, Partial<Brief>]>([
    ['is not deployed', offHours, { rule: 'vmIsHeldBack', step: 'wait', phase: 'Released', ready: 'False OffHours' }],
    ['is not deployed to be stopped', idle, { rule: 'vmIsHeldBack', step: 'wait', phase: 'Stopped' }],
    ['is not deployed by a bid', { ...offHours, spot: spotTerms() }, { rule: 'vmIsHeldBack', step: 'wait' }],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observe(seen))).toMatchObject(expected);
  });

  it.each<[string, Seen, Partial<Brief>]>([
    ['waits for nothing where it is outbid', offHours, { rule: 'vmIsStoppedAsAsked', step: 'wait', phase: 'Released' }],
    [
      'is not replaced',
      { ...offHours, spot: spotTerms({ onOutbid: 'Replace' }) },
      { rule: 'vmIsStoppedAsAsked', step: 'wait' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observeOutbid(seen))).toMatchObject(expected);
  });

  it('is not given up for a spot VM', () => {
    const returning = observeSpot({
      ...offHours,
      spot: spotTerms({ onOutbid: 'OnDemand', returnAfterMs: minute }),
      vms: [cloudVm('vm-1', { state: 'released' })],
      journal: { vm: recordedVm('vm-1', { capacity: 'OnDemand' }), launch: launchOf({ capacity: 'OnDemand' }) },
      facts: { bidding: biddingOf({ returningSince: now - minute }) },
    });
    expect(briefOf(returning)).toMatchObject({ rule: 'vmIsStoppedAsAsked', ready: 'False OffHours' });
  });

  it('says why, what is billed, and that nothing is amiss', () => {
    const observation = observeRunning({ ...released, ...offHours });
    const conditions = statusOfVm(observation, decideVm(observation)).conditions ?? [];
    expect(conditions.find(({ type }) => type === 'Ready')?.message).toBe(
      'By spec.schedule the VM does not run before 2026-06-01T18:00:00Z. VM vm-1 is stopped and its GPU given back: only its storage is billed.',
    );
    expect(conditions.map(({ type }) => type)).not.toContain('Reconciling');
  });
});

describe('of several holds', () => {
  const stop = holdOf({ powerState: 'Stopped' });
  it.each<[string, readonly PowerHold[], PowerHold | undefined]>([
    ['none is none', [], undefined],
    ['the one that costs least counts', [stop, overBudget], overBudget],
    ['the first of equals counts', [holdOf(), overBudget], holdOf()],
  ])('%s', (_, holds, expected) => {
    const observation = observe({ holds });
    expect(powerHold(observation)).toEqual(expected);
    expect(powerWantedNow(observation)).toBe(expected?.powerState ?? 'Running');
  });
});
