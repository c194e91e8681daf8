import { describe, expect, it } from 'vitest';

import {
  ago,
  cloudVm,
  launchOf,
  markedName,
  minute,
  now,
  observe,
  observeRunning,
  priceOf,
  recordedVm,
  second,
  timings,
  type Seen,
} from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';

const uncertain = launchOf({ outcome: 'Uncertain', endedAt: ago(5 * minute) });
const pending = launchOf({ outcome: 'Pending', endedAt: undefined, intentAt: ago(10 * second) });
const overpriced = launchOf({ outcome: 'Overpriced', message: 'Too dear.' });
const absence = (firstMs: number, latestMs: number): Required<Seen>['facts'] => ({
  absence: { launchName: markedName(1), firstAt: now - firstMs, latestAt: now - latestMs },
});

describe('exactly one VM:', () => {
  it.each<[string, Seen, Partial<Brief>]>([
    [
      'a second VM with our mark is deleted',
      { vms: [cloudVm('vm-1'), cloudVm('vm-2', { name: markedName(2) })], journal: { vm: recordedVm('vm-1') } },
      { rule: 'vmIsThereTwice', step: 'delete', ready: 'keep' },
    ],
    [
      'so is one beside a VM that was taken over, and carries no mark of its own',
      {
        vms: [cloudVm('vm-1', { name: 'by-hand' }), cloudVm('vm-2')],
        journal: { vm: { ...recordedVm('vm-1'), adopted: true } },
      },
      { rule: 'vmIsThereTwice', step: 'delete', ready: 'keep' },
    ],
    [
      'none is deleted beside a record that no list bears out',
      { vms: [cloudVm('vm-2')], journal: { vm: { ...recordedVm('vm-1'), adopted: true } } },
      { rule: 'vmIsMissing', step: 'confirmGone' },
    ],
    [
      'none is deleted beside a VM that somebody else has made',
      {
        vms: [cloudVm('vm-1', { name: 'by-hand' }), cloudVm('vm-2')],
        journal: { vm: { ...recordedVm('vm-1'), name: 'by-hand' } },
      },
      { step: 'wait' },
    ],
    [
      'a VM with our mark that nobody recorded is taken over',
      { vms: [cloudVm('vm-1')], journal: { launch: uncertain } },
      { rule: 'markedVmIsNotRecorded', step: 'record', phase: 'Building' },
    ],
    [
      'a VM with our mark is taken over though the journal knows of no deployment',
      { vms: [cloudVm('vm-1')] },
      { rule: 'markedVmIsNotRecorded', step: 'record' },
    ],
    [
      'a VM with our mark that was found is too dear and goes again',
      {
        vms: [cloudVm('vm-1', { price: priceOf('3') })],
        spec: { maxHourlyPrice: '1' },
        journal: { launch: uncertain },
      },
      { rule: 'markedVmIsNotRecorded', step: 'record', ready: 'False PriceViolation' },
    ],
    [
      'no VM is made beside one that is on its way out',
      { vms: [cloudVm('vm-1')], facts: { deletedAt: new Map([['vm-1', now - 2 * second]]) } },
      { rule: 'markedVmIsOnItsWayOut', step: 'wait', ready: 'False Deleting' },
    ],
    [
      'a VM that turns out too dear at first sight is recorded as such',
      {
        vms: [cloudVm('vm-1', { price: priceOf('3') })],
        spec: { maxHourlyPrice: '1' },
        journal: { vm: { ...recordedVm('vm-1'), providerStatus: undefined }, launch: launchOf() },
      },
      { rule: 'vmTurnsOutTooDear', step: 'record', ready: 'False PriceViolation' },
    ],
    [
      'a VM whose price no list had before is compared by the first that has one',
      {
        vms: [cloudVm('vm-1', { price: priceOf('3') })],
        spec: { maxHourlyPrice: '1' },
        journal: { vm: recordedVm('vm-1'), launch: launchOf() },
        status: { vm: recordedVm('vm-1'), phase: 'Running' },
      },
      { rule: 'vmTurnsOutTooDear', step: 'record', ready: 'False PriceViolation' },
    ],
    [
      'the price that the status still shows is that of another VM',
      {
        vms: [cloudVm('vm-1', { price: priceOf('3') })],
        spec: { maxHourlyPrice: '1' },
        journal: { vm: recordedVm('vm-1'), launch: launchOf() },
        status: { vm: recordedVm('vm-0'), hourlyPrice: { running: '0.9', billedNow: '0.9' } },
      },
      { rule: 'vmTurnsOutTooDear', step: 'record' },
    ],
    [
      'an adopted VM may cost what it costs',
      {
        vms: [cloudVm('vm-1', { price: priceOf('3') })],
        spec: { maxHourlyPrice: '1' },
        journal: { vm: recordedVm('vm-1', { adopted: true }), launch: launchOf() },
      },
      { step: 'writeSecret' },
    ],
    [
      'a VM that is too dear is deleted',
      { vms: [cloudVm('vm-1')], journal: { vm: recordedVm('vm-1'), launch: overpriced } },
      { rule: 'overpricedVmIsStillThere', step: 'delete' },
    ],
    [
      'a VM that was too dear is waited for until a list lacks it',
      {
        vms: [cloudVm('vm-1')],
        journal: { vm: recordedVm('vm-1'), launch: overpriced },
        facts: { deletedAt: new Map([['vm-1', now - 5 * second]]) },
      },
      { rule: 'overpricedVmIsStillThere', step: 'wait', phase: 'Deleting' },
    ],
    [
      'a VM that was too dear and is gone counts as a failed deployment',
      {
        journal: { vm: recordedVm('vm-1'), launch: overpriced },
        facts: { deletedAt: new Map([['vm-1', now - 5 * second]]) },
      },
      { rule: 'overpricedVmIsStillThere', step: 'record', phase: 'Pending' },
    ],
    [
      'a VM that was too dear is asked for where the list that lacks it is not to be believed',
      {
        journal: { vm: recordedVm('vm-1'), launch: overpriced },
        facts: { deletedAt: new Map([['vm-1', now - 5 * second]]) },
        listed: { distrusted: 'it lacks a VM' },
      },
      { rule: 'overpricedVmIsStillThere', step: 'confirmGone', phase: 'Deleting' },
    ],
    [
      'a deployment without an answer is waited for',
      { journal: { launch: uncertain } },
      { rule: 'launchIsUncertain', step: 'wait', ready: 'False CreateUncertain' },
    ],
    [
      'a deployment without an outcome is waited for as one without an answer',
      { journal: { launch: pending } },
      { rule: 'launchIsUncertain', step: 'wait' },
    ],
    [
      'a deployment without an answer is over when the list says so of its VM',
      { vms: [cloudVm('vm-1', { state: 'terminated', providerStatus: 'Terminated' })], journal: { launch: uncertain } },
      { rule: 'launchIsUncertain', step: 'record', phase: 'Lost', ready: 'False VmLost' },
    ],
    [
      'one list is no proof of absence',
      { journal: { launch: uncertain }, facts: absence(second, second) },
      { rule: 'launchIsUncertain', step: 'wait' },
    ],
    [
      'two lists a moment apart are no proof of absence',
      { journal: { launch: uncertain }, facts: absence(59 * second, 0) },
      { rule: 'launchIsUncertain', step: 'wait' },
    ],
    [
      'two lists far enough apart are no proof while the call may yet take effect',
      {
        journal: { launch: launchOf({ outcome: 'Uncertain', endedAt: ago(119 * second) }) },
        facts: absence(90 * second, 0),
      },
      { rule: 'launchIsUncertain', step: 'wait' },
    ],
    [
      'two lists far enough apart, after the last effect of the call, are proof',
      {
        journal: { launch: launchOf({ outcome: 'Uncertain', endedAt: ago(120 * second) }) },
        facts: absence(60 * second, 0),
      },
      { rule: 'launchIsUncertain', step: 'record', phase: 'Pending' },
    ],
    [
      'a VM of an earlier deployment does not make the doubt about the last one forgotten',
      {
        vms: [cloudVm('vm-1')],
        journal: { launch: launchOf({ outcome: 'Uncertain', attempt: 2, name: markedName(2), endedAt: ago(minute) }) },
      },
      { rule: 'launchIsUncertain', step: 'wait', ready: 'False CreateUncertain' },
    ],
    [
      'a VM of an earlier deployment is taken over once the last one is known to have made none',
      {
        vms: [cloudVm('vm-1')],
        journal: { launch: launchOf({ outcome: 'Absent', attempt: 2, name: markedName(2), endedAt: ago(minute) }) },
      },
      { rule: 'markedVmIsNotRecorded', step: 'record' },
    ],
    [
      'what another process wrote down about the time of its call proves nothing',
      {
        journal: { launch: launchOf({ outcome: 'Uncertain', endedAt: ago(60 * minute) }) },
        facts: { ...absence(90 * second, 0), launchSeenAt: now - 100 * second },
      },
      { rule: 'launchIsUncertain', step: 'wait' },
    ],
    [
      'a call whose end nobody wrote down may have left until its intent was seen',
      {
        journal: { launch: launchOf({ outcome: 'Pending', endedAt: undefined, intentAt: ago(60 * minute) }) },
        facts: { ...absence(90 * second, 0), launchSeenAt: now - 130 * second },
      },
      { rule: 'launchIsUncertain', step: 'wait' },
    ],
    [
      'proof about another deployment is none about this one',
      {
        journal: { launch: { ...uncertain, attempt: 2, name: markedName(2) } },
        facts: absence(3 * minute, 0),
      },
      { rule: 'launchIsUncertain', step: 'wait' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observe(seen))).toMatchObject(expected);
  });

  it.each<[string, Seen, string]>([
    ['the recorded one stays', { journal: { vm: recordedVm('vm-1') } }, 'vm-2'],
    ['the one that the journal names stays', { journal: { launch: { ...uncertain, name: markedName(1) } } }, 'vm-2'],
    ['the youngest stays when the journal is lost', {}, 'vm-1'],
  ])('of two VMs %s', (_, seen, vmId) => {
    const vms = [cloudVm('vm-1'), cloudVm('vm-2', { name: markedName(2) })];
    expect(decided(observe({ vms, ...seen })).step).toEqual({ kind: 'delete', vmId, why: 'duplicate' });
  });

  it('a second VM that is deleted is looked at again when that should have had an effect', () => {
    const twins = [cloudVm('vm-1'), cloudVm('vm-2', { name: markedName(2) })];
    const seen = (at: number): Seen => ({ vms: twins, facts: { deletedAt: new Map([['vm-2', at]]) } });
    const { step, look } = decided(observeRunning(seen(now - 10 * minute)));
    expect([step.kind, look?.inMs]).toEqual(['wait', 5 * minute]);
    expect(decided(observeRunning(seen(now - 16 * minute))).look?.inMs).toBe(timings.retryMs);
  });

  it('a found VM without a journal gets one from its name, so that no attempt is used twice', () => {
    const vms = [cloudVm('vm-4', { name: markedName(4) })];
    expect(decided(observe({ vms })).step).toMatchObject({
      journal: { vm: { id: 'vm-4' }, launch: { attempt: 4, name: markedName(4), outcome: 'Launched' } },
    });
  });

  it('a price that rises later costs nobody a disk', () => {
    const vms = [cloudVm('vm-1', { price: priceOf('3') })];
    const status = { vm: recordedVm('vm-1'), hourlyPrice: { running: '0.9', billedNow: '0.9' } };
    expect(briefOf(observeRunning({ vms, status, spec: { maxHourlyPrice: '1' } }))).toMatchObject({
      ready: 'True Running',
    });
  });

  it('a list that is not to be believed is named in the message', () => {
    const seen = { journal: { launch: uncertain }, listed: { distrusted: 'it is empty' } };
    const { ready } = decided(observe(seen));
    expect(ready).toMatchObject({ message: expect.stringContaining('it is empty') as string });
  });
});
