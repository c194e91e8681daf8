import { describe, expect, it } from 'vitest';

import {
  accountOf,
  ago,
  answersOf,
  launchOf,
  markedName,
  minute,
  noRivals,
  now,
  observeSpot,
  priceOf,
  recordedVm,
  retiringVm,
  second,
  spotCloudVm,
  spotTerms,
  type Seen,
} from '../../../test/support/builders.ts';
import { briefOf, decided } from '../../../test/support/verdicts.ts';
import type { RetiringVm } from '../../api/vm-status.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { CallFact, VmObservation } from './observation.ts';
import { statusOfVm } from './status.ts';

const current = spotCloudVm('vm-2', { name: markedName(2) });
const old = spotCloudVm('vm-1', { state: 'outbid', providerStatus: 'Outbid' });

/** vm-2 has taken the place of vm-1. */
function replaced(
  retired: Partial<RetiringVm>,
  seen: Seen & { readonly oldVm?: CloudVm | undefined } = {},
): VmObservation {
  const { oldVm, ...rest } = { oldVm: old, ...seen };
  return observeSpot({
    vms: oldVm === undefined ? [current] : [current, oldVm],
    journal: {
      vm: recordedVm('vm-2', { name: markedName(2), capacity: 'Spot', bid: '0.20' }),
      launch: launchOf({ attempt: 2, name: markedName(2), capacity: 'Spot', bid: '0.20', replaces: 'vm-1' }),
      retiring: [retiringVm('vm-1', retired)],
    },
    ...rest,
  });
}

const open = { replacedAt: undefined };
const due = { replacedAt: ago(61 * minute) };
const running = spotCloudVm('vm-1');

function called(call: Partial<CallFact>): Seen {
  const fact: CallFact = {
    call: 'stop',
    endedAt: now - 2 * second,
    failure: undefined,
    failures: 0,
    nextTryAt: now,
    ...call,
  };
  return { facts: { calls: new Map([['vm-1', fact]]) } };
}

describe('a VM that was replaced', () => {
  it('is kept from the moment at which its replacement runs', () => {
    const { step } = decided(replaced(open));
    expect(step).toMatchObject({
      kind: 'record',
      journal: { vm: { id: 'vm-2' }, retiring: [{ id: 'vm-1', replacedAt: '2026-06-01T12:00:00.000Z' }] },
      announcement: { reason: 'Replaced' },
    });
  });

  it('is kept without an end while its replacement does not run', () => {
    const building = spotCloudVm('vm-2', { name: markedName(2), state: 'unknown', providerStatus: 'Deploying' });
    const { step } = decided(replaced(open, { vms: [building, old] }));
    expect(step).toEqual({ kind: 'wait' });
  });

  it('is deleted when its time is over, and not before', () => {
    expect(decided(replaced(due)).step).toEqual({ kind: 'delete', vmId: 'vm-1', why: 'retired' });
    expect(decided(replaced({})).step.kind).not.toBe('delete');
  });

  it('is deleted then, though it was stopped a moment ago', () => {
    expect(decided(replaced(due, called({}))).step).toMatchObject({ kind: 'delete', vmId: 'vm-1' });
    expect(decided(replaced(due, called({ endedAt: now - 500 }))).step).toMatchObject({ kind: 'delete' });
  });

  it('wakes the resource when its time is over', () => {
    expect(decided(replaced({ replacedAt: ago(50 * minute) })).look).toMatchObject({ inMs: 10 * minute });
  });

  it('is forgotten when its deletion was confirmed and a later list lacks it', () => {
    const facts = { deletedAt: new Map([['vm-1', now - 2 * second]]) };
    const { step } = decided(replaced(due, { facts, oldVm: undefined }));
    expect(step).toMatchObject({
      kind: 'record',
      journal: { vm: { id: 'vm-2' }, retiring: [] },
      announcement: { reason: 'Deleted' },
    });
  });

  it.each<[string, Seen & { readonly oldVm?: CloudVm | undefined }]>([
    ['while the list still has it', { facts: { deletedAt: new Map([['vm-1', now - 2 * second]]) } }],
    ['by a list from before its deletion', { facts: { deletedAt: new Map([['vm-1', now - 500]]) }, oldVm: undefined }],
    [
      'by an error',
      called({ call: 'delete', failure: { kind: 'unavailable', message: 'HTTP 502' }, nextTryAt: now + minute }),
    ],
  ])('is not forgotten %s, and the VM goes on as it is meanwhile', (_, seen) => {
    const { step, ready } = decided(replaced(due, seen));
    expect(step).toEqual({ kind: 'wait' });
    expect(ready).toMatchObject({ status: 'True' });
  });

  it('is asked about when no list shows it: by its id alone nobody may delete it', () => {
    expect(decided(replaced(due, { oldVm: undefined })).step).toEqual({ kind: 'confirmGone', vmId: 'vm-1' });
  });

  it('is not asked about for ever', () => {
    const confirmations = answersOf({ vmId: 'vm-1', askedAt: now - 2 * second, answer: 'noAnswer' });
    expect(decided(replaced(due, { oldVm: undefined, facts: { confirmations } })).step).toEqual({ kind: 'wait' });
  });

  it('is shown with what it still costs', () => {
    const observation = replaced({});
    expect(statusOfVm(observation, decided(observation)).retiring).toMatchObject([
      { id: 'vm-1', providerStatus: 'Outbid', billedNow: '0.01', keepUntil: '2026-06-01T12:59:59.000Z' },
    ]);
  });

  const theirs = markedName(1, '33333333-3333-4333-8333-333333333333');

  it.each<[string, VmObservation]>([
    ['by what the status calls it', replaced({ ...due, name: theirs })],
    ['by the name that it has at the provider', replaced(due, { oldVm: { ...old, name: theirs } })],
    ['whatever runs', replaced(open, { oldVm: { ...running, name: theirs } })],
  ])('of somebody else %s is dropped from the status, and nothing is done about it', (_, observation) => {
    const { step } = decided(observation);
    expect(step).toMatchObject({ kind: 'record', journal: { vm: { id: 'vm-2' }, retiring: [] } });
  });
});

describe('a VM that was replaced and runs again, by the provider', () => {
  it('is stopped at once, with its disk kept', () => {
    expect(decided(replaced({}, { oldVm: running })).step).toEqual({ kind: 'stop', vmId: 'vm-1', release: true });
  });

  it.each<[string, Seen]>([
    ['before a list after the call', called({ endedAt: now - 500 })],
    ['while the call takes effect', called({})],
    [
      'while a failed call pauses',
      called({ failure: { kind: 'unavailable', message: 'no' }, nextTryAt: now + minute }),
    ],
  ])('is not stopped again %s', (_, seen) => {
    expect(decided(replaced({}, { oldVm: running, ...seen })).step).toEqual({ kind: 'wait' });
  });

  it('is deleted if its time is over', () => {
    expect(decided(replaced(due, { oldVm: running })).step).toMatchObject({ kind: 'delete', vmId: 'vm-1' });
  });

  it('changes places with one that is outbid itself', () => {
    const outbid = spotCloudVm('vm-2', { name: markedName(2), state: 'outbid', providerStatus: 'Outbid' });
    const { step } = decided(replaced({}, { vms: [outbid, running] }));
    expect(step).toMatchObject({ journal: { vm: { id: 'vm-1' }, retiring: [{ id: 'vm-2' }] } });
    expect(step).not.toHaveProperty('journal.vm.retiredAt');
  });
});

it('does not change places with one that is to be deleted, or would be deleted in its place', () => {
  const outbid = { ...current, state: 'outbid', providerStatus: 'Outbid' } as const;
  const given = { oldVm: running, vms: [outbid, running] };
  const overpriced = replaced(open, given);
  const { launch } = overpriced.journal;
  const dear = {
    ...overpriced,
    journal: { ...overpriced.journal, launch: { ...launch!, outcome: 'Overpriced' as const } },
  };
  expect(decided(dear).step).toEqual({ kind: 'stop', vmId: 'vm-1', release: true });
  const isDeleted = replaced(open, { ...given, facts: { deletedAt: new Map([['vm-2', now - second]]) } });
  expect(briefOf(isDeleted)).not.toMatchObject({ rule: 'retiredVmRunsInstead' });
});

it('is not deleted for the price of the one that had its place', () => {
  const swapped = observeSpot({
    vms: [running, { ...current, state: 'outbid' }],
    journal: {
      vm: recordedVm('vm-1', { capacity: 'Spot', bid: '0.20' }),
      launch: launchOf({ attempt: 2, name: markedName(2), outcome: 'Overpriced', capacity: 'Spot', bid: '0.20' }),
      retiring: [retiringVm('vm-2', open)],
    },
  });
  expect(decided(swapped).step).not.toMatchObject({ kind: 'delete', vmId: 'vm-1' });
});

describe('a VM whose replacement was never made', () => {
  const refused = launchOf({ attempt: 2, name: markedName(2), outcome: 'Refused', failures: 1, replaces: 'vm-1' });

  it('has its place again', () => {
    const { step } = decided(
      observeSpot({ vms: [old], journal: { launch: refused, retiring: [retiringVm('vm-1', open)] } }),
    );
    expect(step).toMatchObject({ kind: 'record', journal: { vm: { id: 'vm-1' }, retiring: [] } });
  });

  it('waits for the proof while that is in doubt', () => {
    const doubt = { ...refused, outcome: 'Uncertain' } as const;
    expect(
      briefOf(observeSpot({ vms: [old], journal: { launch: doubt, retiring: [retiringVm('vm-1', open)] } })),
    ).toMatchObject({
      rule: 'launchIsUncertain',
      ready: 'False CreateUncertain',
    });
  });

  it('is stopped when it runs again while that is in doubt: both might', () => {
    const doubt = { ...refused, outcome: 'Uncertain' } as const;
    expect(
      decided(observeSpot({ vms: [running], journal: { launch: doubt, retiring: [retiringVm('vm-1', open)] } })).step,
    ).toMatchObject({
      kind: 'stop',
      vmId: 'vm-1',
    });
  });
});

describe('what was replaced', () => {
  it('is not said to be replaced by a VM that has turned out too dear', () => {
    const dear = spotCloudVm('vm-2', { name: markedName(2), price: priceOf('0.50') });
    expect(decided(replaced(open, { vms: [dear, old] })).step).toMatchObject({
      kind: 'record',
      journal: { launch: { outcome: 'Overpriced' } },
    });
  });

  it('is kept for as long as the spec says now', () => {
    const longer = { spot: spotTerms({ retentionMs: 120 * minute }) };
    expect(decided(replaced(due, longer)).step).toEqual({ kind: 'wait' });
    const shorter = { spot: spotTerms({ retentionMs: 0 }) };
    expect(decided(replaced({ replacedAt: ago(second) }, shorter)).step).toMatchObject({
      kind: 'delete',
      vmId: 'vm-1',
    });
  });

  it('is asked about as soon as no list shows it, since a list without it is not believed', () => {
    expect(decided(replaced({}, { oldVm: undefined })).step).toEqual({ kind: 'confirmGone', vmId: 'vm-1' });
  });

  it('says in the status what is in the way of its deletion', () => {
    const failed = called({
      call: 'delete',
      failure: { kind: 'unavailable', message: 'HTTP 502' },
      nextTryAt: now + minute,
    });
    const observation = replaced(due, failed);
    expect(statusOfVm(observation, decided(observation)).retiring).toMatchObject([
      { message: expect.stringContaining('HTTP 502') as string },
    ]);
  });

  it('is not deleted for a cap that was lowered since, when it has its place again', () => {
    const journal = {
      vm: recordedVm('vm-1', { capacity: 'Spot', bid: '0.10' }),
      launch: launchOf({ attempt: 2, name: markedName(2), capacity: 'Spot', bid: '0.20' }),
    } as const;
    const { step } = decided(observeSpot({ vms: [running], journal, spec: { maxHourlyPrice: '0.05' } }));
    expect(step).not.toMatchObject({ journal: { launch: { outcome: 'Overpriced' } } });
  });

  it('is stopped when it runs, though a start of it failed a moment ago', () => {
    const failed = called({
      call: 'start',
      failure: { kind: 'unavailable', message: 'no' },
      nextTryAt: now + 5 * minute,
    });
    expect(decided(replaced({}, { oldVm: running, ...failed })).step).toMatchObject({ kind: 'stop', vmId: 'vm-1' });
  });

  it('was outbid once: it is not counted again when it has its place again', () => {
    const retiring = [retiringVm('vm-1', { ...open, outbidSince: ago(60 * minute) })];
    const lost = launchOf({ attempt: 2, name: markedName(2), outcome: 'Lost', failures: 1 });
    const { step } = decided(observeSpot({ vms: [old], journal: { launch: lost, retiring } }));
    expect(step).toMatchObject({ journal: { vm: { id: 'vm-1', outbidSince: ago(60 * minute) } } });
  });
});

describe('a resource that goes', () => {
  it.each(['Delete', 'Retain'] as const)('takes what was replaced with it (%s)', (deletionPolicy) => {
    const { step } = decided(replaced({}, { meta: { deleting: true }, spec: { deletionPolicy }, vms: [current, old] }));
    expect(step.kind).toBe('delete');
    if (deletionPolicy === 'Retain') expect(step).toMatchObject({ vmId: 'vm-1' });
  });

  it('leaves every VM that may be the one to be kept, while its replacement is not known to run', () => {
    const kept = { meta: { deleting: true }, spec: { deletionPolicy: 'Retain' } } as const;
    const { step } = decided(replaced(open, kept));
    expect(step).toMatchObject({
      kind: 'removeFinalizer',
      announcement: { message: expect.stringContaining('vm-2, vm-1') as string },
    });
  });

  it('does not wait for what is not known of one VM with the deletion of another', () => {
    const confirmations = new Map([['vm-1', { vmId: 'vm-1', askedAt: now - second, answer: 'noAnswer' as const }]]);
    const { step } = decided(replaced({}, { meta: { deleting: true }, oldVm: undefined, facts: { confirmations } }));
    expect(step).toMatchObject({ kind: 'delete', vmId: 'vm-2' });
  });

  it('goes without its VM once what was replaced is proven gone, if its VM is to be kept', () => {
    const kept = { meta: { deleting: true }, spec: { deletionPolicy: 'Retain' } } as const;
    const facts = { deletedAt: new Map([['vm-1', now - 2 * second]]) };
    expect(decided(replaced({}, { ...kept, facts })).step.kind).toBe('wait');
    expect(decided(replaced({}, { ...kept, facts, oldVm: undefined })).step.kind).toBe('removeFinalizer');
  });

  it('leaves the VM that was to be replaced, if its VM is to be kept and none has been made in its place', () => {
    const journal = { launch: launchOf({ outcome: 'Uncertain' }), retiring: [retiringVm('vm-1', open)] } as const;
    const { step } = decided(
      observeSpot({
        ...{ vms: [old], journal: { ...journal, retiring: [...journal.retiring] } },
        ...{ meta: { deleting: true }, spec: { deletionPolicy: 'Retain' } },
      }),
    );
    expect(step).toMatchObject({ kind: 'removeFinalizer', announcement: { reason: 'Retained' } });
  });

  it('takes what was replaced with it, although it leaves its VM to another resource that says it has it', () => {
    const seen: Seen = {
      meta: { deleting: true },
      rivals: { ...noRivals, adopterOf: () => 'contested' },
      vms: [{ ...current, name: 'by-hand' }, old],
      journal: {
        vm: recordedVm('vm-2', { name: 'by-hand', adopted: true }),
        launch: launchOf(),
        retiring: [retiringVm('vm-1')],
      },
    };
    expect(decided(observeSpot(seen)).step).toMatchObject({ kind: 'delete', vmId: 'vm-1' });
    const gone = { ...seen, vms: seen.vms?.slice(0, 1), facts: { deletedAt: new Map([['vm-1', now - 2 * second]]) } };
    expect(decided(observeSpot(gone as Seen)).step).toMatchObject({
      kind: 'removeFinalizer',
      announcement: { reason: 'VmNotOurs' },
    });
  });
});

describe('what a status says was replaced', () => {
  it('is dropped when the provider shows that it is no VM of this resource, whatever the status calls it', () => {
    const foreign = { ...old, name: 'by-hand' };
    const { step, rule } = decided(replaced(due, { oldVm: foreign }));
    expect(rule).toBe('statusIsOfSomebodyElse');
    expect(step).toMatchObject({ kind: 'record', journal: { vm: { id: 'vm-2' }, retiring: [] } });
  });

  it('is waited for with the next list where no list counts, as after an exchange of the key', () => {
    const deleted = { deletedAt: new Map([['vm-1', now - 40 * second]]) };
    const account = accountOf({ snapshot: undefined });
    const { rule, look } = decided(replaced(due, { account, facts: deleted }));
    expect([rule, look?.snapshotAfter]).toEqual(['nothingIsKnownYet', now]);
  });

  it('does not take the place of a VM that was adopted, and is outbid', () => {
    const { step } = decided(
      replaced(
        {},
        {
          vms: [{ ...current, state: 'outbid', providerStatus: 'Outbid' }, running],
          journal: {
            vm: recordedVm('vm-2', { name: markedName(2), adopted: true, capacity: 'Spot', bid: '0.20' }),
            launch: launchOf(),
            retiring: [retiringVm('vm-1')],
          },
        },
      ),
    );
    expect(step).toMatchObject({ kind: 'stop', vmId: 'vm-1' });
  });
});
