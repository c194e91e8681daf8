import { describe, expect, it } from 'vitest';

import {
  accountOf,
  ago,
  capabilities,
  cloudVm,
  gpuOf,
  hostOf,
  instantOf,
  instantsOf,
  launchOf,
  markedName,
  minute,
  now,
  observe,
  offersOf,
  priceOf,
  recordedVm,
  sizeOf,
  snapshotOf,
  spotTerms,
  type Seen,
} from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';
import type { InstantVm } from '../../provider/instant.ts';
import type { InstantsView, ReadyAccount } from './observation.ts';
import { statusOfVm } from './status.ts';

const preferring = { instant: 'Prefer', maxHourlyPrice: '5' } as const;

function wanting(
  vms: readonly InstantVm[] | undefined,
  changes: Partial<InstantsView> = {},
  account: Partial<ReadyAccount> = {},
): Seen {
  return { spec: preferring, account: accountOf({ instants: instantsOf(vms, changes), ...account }) };
}

const large = instantOf('large', { size: sizeOf({ vcpus: 22, storageGB: 1500 }), price: priceOf('3.65') });
const noHosts = { offers: offersOf([hostOf('h', { gpus: [gpuOf('a4000', 0)] })]) };
const failure = { kind: 'unavailable', message: 'HTTP 502' };

describe('who would rather have a ready-made VM', () => {
  it.each<[string, Seen, Partial<Brief>]>([
    ['takes one that fits', wanting([large]), { rule: 'instantVmIsWanted', step: 'launch', phase: 'Launching' }],
    [
      'has them listed first',
      wanting(undefined, { fresh: false }),
      { rule: 'instantsAreNotListedYet', step: 'wait', ready: 'False LookingForHost' },
    ],
    ['is deployed where none is there', wanting([]), { rule: 'vmIsWanted', step: 'launch' }],
    ['is deployed where they cannot be listed', wanting(undefined, { fresh: false, failure }), { rule: 'vmIsWanted' }],
    [
      'is deployed where each of them was not to be had a moment ago',
      wanting([large], { coolingDownUntil: () => now + 1 }),
      { rule: 'vmIsWanted' },
    ],
    [
      'is deployed where the one that is there has refused it',
      { ...wanting([large]), facts: { avoidedHosts: new Map([['large', now + 1]]) } },
      { rule: 'vmIsWanted' },
    ],
    [
      'is deployed where its host is left alone',
      wanting(
        [instantOf('ready', { hostnode: 'host-9' })],
        {},
        {
          offers: offersOf([hostOf('host-1')], { coolingDownUntil: (id) => (id === 'host-9' ? now + 1 : undefined) }),
        },
      ),
      { rule: 'vmIsWanted' },
    ],
    [
      'is deployed where a ready-made one would be above the cap',
      { ...wanting([large]), spec: { ...preferring, maxHourlyPrice: '1' } },
      { rule: 'vmIsWanted' },
    ],
    [
      'is deployed where the provider has nothing of the kind',
      wanting([large], {}, { capabilities: { ...capabilities, instantVms: false } }),
      { rule: 'vmIsWanted' },
    ],
    [
      'is deployed where no cap bounds what it may cost, by a CRD that has let that pass',
      { ...wanting([large]), spec: { instant: 'Prefer' } },
      { rule: 'vmIsWanted' },
    ],
    [
      'is deployed where it needs ports that nobody chooses, by a CRD that has let that pass',
      { ...wanting([large]), spec: { ...preferring, ports: [{ name: 'web', internal: 80 }] } },
      { rule: 'vmIsWanted' },
    ],
    ['bids, where it is a spot VM', { ...wanting([large]), spot: spotTerms() }, { rule: 'spotVmIsWanted' }],
    [
      'waits while a launch is in doubt, as everybody does',
      { ...wanting([large]), journal: { launch: launchOf({ outcome: 'Uncertain', endedAt: ago(1000) }) } },
      { rule: 'launchIsUncertain', step: 'wait' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observe(seen))).toMatchObject(expected);
  });

  it('takes it under a name of its own, and as it stands', () => {
    expect(decided(observe(wanting([large]))).step).toMatchObject({
      plan: { attempt: 1, name: markedName(1), instant: 'large', offer: { size: large.size, price: large.price } },
    });
  });

  it('that finds no host either is told what is wrong with the ready-made ones', () => {
    const { ready, look } = decided(observe(wanting([instantOf('x', { operatingSystem: 'Windows 10' })], {}, noHosts)));
    expect(ready).toMatchObject({
      reason: 'NoOffer',
      message: expect.stringContaining('1 ready-made VM: 1 with another operating system. Widen') as string,
    });
    expect(look).toEqual({ inMs: 30_000 });
  });

  it('that finds no host while they cannot be listed waits for their list as well', () => {
    const seen = wanting(undefined, { fresh: false, failure }, noHosts);
    const verdict = decided(observe(seen));
    expect(verdict.ready).toMatchObject({
      message: expect.stringContaining('could not be listed: HTTP 502') as string,
    });
    expect(verdict.look).toMatchObject({ instants: true });
    // Looked at once more nothing is said that is no news.
    const { status } = { status: statusOfVm(observe(seen), verdict) };
    expect(briefOf(observe({ ...wanting(undefined, { fresh: false }, noHosts), status }))).toMatchObject({
      ...{ rule: 'instantsAreNotListedYet', ready: 'keep', phase: 'keep' },
    });
  });
});

describe('a VM that was taken ready-made', () => {
  const taken = recordedVm('vm-1', { instant: true, applied: large.size });
  const running = (spec: object, recorded = taken): Seen => ({
    account: accountOf({ snapshot: snapshotOf([cloudVm('vm-1', { size: recorded.applied, price: priceOf('3.65') })]) }),
    journal: { vm: recorded, launch: launchOf({ instant: 'large' }) },
    spec: { ...preferring, ...spec },
    status: { vm: recorded, hourlyPrice: { running: '3.65', billedNow: '3.65' } },
    // Nothing is to be written there.
    secret: { name: 'trainer-connection', state: 'foreign', uid: undefined, data: {} },
  });

  it.each<[string, Seen, Partial<Brief>]>([
    ['is not made smaller, though less is asked for', running({}), { rule: 'vmRuns', ready: 'True Running' }],
    ['is not made smaller by whoever wants no other one', running({ instant: 'Never' }), { rule: 'vmRuns' }],
    ['is made larger, where more is asked for', running({ vcpus: 24 }), { rule: 'vmHasAnotherSize', step: 'stop' }],
    [
      'is one only by its record: another one of that size is as large as its spec asks for',
      running({}, { ...taken, instant: undefined }),
      { rule: 'vmHasAnotherSize' },
    ],
    [
      'whose price the answer did not have is deleted when the first list shows that it is too dear',
      { ...running({ maxHourlyPrice: '3' }), status: {} },
      { rule: 'vmTurnsOutTooDear', step: 'record', ready: 'False PriceViolation' },
    ],
  ])('%s', (_, seen, expected) => {
    const vms = seen.account?.kind === 'ready' ? [...(seen.account.snapshot?.byId.values() ?? [])] : [];
    expect(briefOf(observe({ ...seen, vms }))).toMatchObject(expected);
  });

  it('says that it has at least what is asked for', () => {
    const seen = observe(running({}));
    const { conditions } = statusOfVm(seen, decided(seen));
    expect(conditions).toContainEqual(
      expect.objectContaining({
        type: 'UpToDate',
        status: 'True',
        message: expect.stringContaining('ready-made') as string,
      }),
    );
  });

  it.each([
    [
      'is known as one when its answer was lost',
      launchOf({ outcome: 'Uncertain', instant: 'large', endedAt: ago(minute) }),
      true,
    ],
    ['is none when one was deployed', launchOf({ outcome: 'Uncertain', endedAt: ago(minute) }), undefined],
    ['may be one when nobody knows any more', undefined, true],
  ])('%s', (_, launch, instant) => {
    const vms = [cloudVm('vm-1', { size: large.size })];
    const { step } = decided(observe({ vms, spec: preferring, journal: launch === undefined ? {} : { launch } }));
    expect(step).toMatchObject({ kind: 'record' });
    expect(step.kind === 'record' && step.journal.vm?.instant).toBe(instant);
  });
});
