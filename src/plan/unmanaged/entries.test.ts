import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ago, cloudVm, markedName, minute, now, second, snapshotOf } from '../../../test/support/builders.ts';
import type { UnmanagedVm } from '../../api/unmanaged-vms.ts';
import { gpuAccountStatusSchema } from '../../api/gpu-account.ts';
import type { CloudVm } from '../../provider/contract.ts';
import { entriesOf, type SweepFacts, type Unowned } from './entries.ts';
import { sweepAnnouncements } from './words.ts';

const since = '2026-06-01T11:00:00Z';
const entry = (id: string, more: Partial<UnmanagedVm> = {}): UnmanagedVm => ({
  id,
  name: markedName(1),
  since,
  ...more,
});
const unowned = (id: string, more: Partial<Omit<Unowned, 'vm'>> & { vm?: Partial<CloudVm> } = {}): Unowned => ({
  ...{ kept: undefined, claimant: undefined, ...more },
  vm: cloudVm(id, more.vm),
});

const nothingHeld: SweepFacts['judged'] = { hold: undefined, isConfirmed: () => false };
const held = { hold: { why: 'TooMany', confirm: 'abc' }, isConfirmed: (id: string) => id === 'vm-2' } as const;

interface Given extends Partial<Omit<SweepFacts, 'list'>> {
  readonly list?: Parameters<typeof snapshotOf>[1];
  /** Listed beside those without a resource. */
  readonly others?: readonly CloudVm[];
}

function factsOf({ list, others = [], ...given }: Given): SweepFacts {
  const has = given.unowned ?? [];
  return {
    ...{ now, policy: 'Delete', graceMs: 60 * minute, before: [], unowned: has },
    ...{ seenMs: () => 0, attempt: () => undefined, judged: nothingHeld, ...given },
    list: snapshotOf([...has.map(({ vm }) => vm), ...others], list),
  };
}

const due = { unownedSeconds: 3600, deletingSince: '2026-06-01T11:59:00Z' };
const deleting = { before: [entry('vm-1', due)], seenMs: () => 60 * minute };
const confirmed = (atMs: number): Pick<SweepFacts, 'attempt'> => ({
  attempt: () => ({ confirmedAt: now - atMs, failure: undefined }),
});

describe('a VM without a resource', () => {
  it.each<[string, Given, Partial<UnmanagedVm>[]]>([
    [
      'is written down when it is seen',
      { unowned: [unowned('vm-1')] },
      [{ id: 'vm-1', since: ago(0).slice(0, 19) + 'Z' }],
    ],
    [
      'keeps the time at which it was first seen, and with Report nothing is counted',
      {
        policy: 'Report',
        before: [entry('vm-1', { unownedSeconds: 900 })],
        unowned: [unowned('vm-1')],
        seenMs: () => 90 * minute,
      },
      [entry('vm-1')],
    ],
    [
      'has its time written at each twelfth of the grace period, and not in between',
      { before: [entry('vm-1', { unownedSeconds: 900 })], unowned: [unowned('vm-1')], seenMs: () => 19 * minute },
      [entry('vm-1', { unownedSeconds: 900 })],
    ],
    [
      'has its time written when the next twelfth is over',
      { before: [entry('vm-1', { unownedSeconds: 900 })], unowned: [unowned('vm-1')], seenMs: () => 21 * minute },
      [entry('vm-1', { unownedSeconds: 1200 })],
    ],
    [
      'is to go when the grace period is over, and not a moment before',
      { before: [entry('vm-1', { unownedSeconds: 2700 })], unowned: [unowned('vm-1')], seenMs: () => 60 * minute - 1 },
      [entry('vm-1', { unownedSeconds: 3300 })],
    ],
    [
      'is to go from then on',
      { before: [entry('vm-1', { unownedSeconds: 2700 })], unowned: [unowned('vm-1')], seenMs: () => 60 * minute },
      [entry('vm-1', { unownedSeconds: 3600, deletingSince: '2026-06-01T12:00:00Z' })],
    ],
    ['says so once', { ...deleting, unowned: [unowned('vm-1')] }, [entry('vm-1', due)]],
    [
      'is not to go any more when the grace period was made longer',
      { ...deleting, graceMs: 120 * minute, unowned: [unowned('vm-1')] },
      [entry('vm-1', { unownedSeconds: 3600 })],
    ],
    [
      'is not to go any more when somebody wants it kept',
      { ...deleting, unowned: [unowned('vm-1', { kept: 'spec.keepVms' })] },
      [entry('vm-1', { kept: 'spec.keepVms' })],
    ],
    [
      'is not to go any more when a resource asks for it, and its time begins anew',
      { ...deleting, unowned: [unowned('vm-1', { claimant: 'GpuVm research/heir' })] },
      [entry('vm-1', { message: 'Left alone: GpuVm research/heir has to do with it.' })],
    ],
    [
      'is not to go any more when the account says Report',
      { ...deleting, policy: 'Report', unowned: [unowned('vm-1')] },
      [entry('vm-1')],
    ],
    [
      'is not to go any more when the account is being deleted',
      { ...deleting, policy: 'hold', unowned: [unowned('vm-1')] },
      [entry('vm-1')],
    ],
    [
      'is not to go, or not any more, while it is held back, until it is confirmed; its time goes on',
      {
        before: [entry('vm-1', due), entry('vm-2', { unownedSeconds: 2700 })],
        ...{ seenMs: () => 60 * minute, judged: held, unowned: [unowned('vm-1'), unowned('vm-2')] },
      },
      [
        entry('vm-1', { unownedSeconds: 3600 }),
        entry('vm-2', { unownedSeconds: 3600, confirmed: true, deletingSince: '2026-06-01T12:00:00Z' }),
      ],
    ],
    [
      'is left alone while nobody knows its status',
      { ...deleting, unowned: [unowned('vm-1', { vm: { state: 'unknown', providerStatus: 'Haunted' } })] },
      [
        entry('vm-1', {
          unownedSeconds: 3600,
          message: 'Left alone: the provider says "Haunted" of it, which the operator does not know.',
        }),
      ],
    ],
    [
      'says why it could not be deleted',
      { ...deleting, unowned: [unowned('vm-1')], attempt: () => ({ confirmedAt: undefined, failure: 'HTTP 500' }) },
      [entry('vm-1', { ...due, message: 'It could not be deleted, tried again for ever: HTTP 500' })],
    ],
    [
      'begins anew when a resource had it meanwhile',
      { before: [entry('vm-1', { unownedSeconds: 2700 })], unowned: [unowned('vm-1')], seenMs: () => 4 * minute },
      [entry('vm-1', { unownedSeconds: 0 })],
    ],
    ['is forgotten when the list lacks it', { before: [entry('vm-1')] }, []],
    [
      'is not forgotten by a list that is not to be trusted',
      { before: [entry('vm-1')], list: { distrusted: 'many vanished' } },
      [entry('vm-1')],
    ],
    [
      'is not forgotten by a list that is no proof yet',
      { before: [entry('vm-1')], list: { isProvisional: true } },
      [entry('vm-1')],
    ],
    ['is forgotten when a resource has it', { ...deleting, others: [cloudVm('vm-1')] }, []],
    [
      'stays while its entry cannot be read',
      { ...deleting, list: { unreadable: new Set(['vm-1']) } },
      [entry('vm-1', due)],
    ],
    ['is gone with a list that is not older than its deletion', { ...deleting, ...confirmed(2 * second) }, []],
    ['is not gone with a list that is older', { ...deleting, ...confirmed(500) }, [entry('vm-1', due)]],
    [
      'is not gone with a list that is not to be trusted',
      { ...deleting, ...confirmed(2 * second), list: { distrusted: 'many vanished' } },
      [entry('vm-1', due)],
    ],
    [
      'is gone when the list says that it is over',
      { ...deleting, others: [cloudVm('vm-1', { state: 'terminated' })], list: { distrusted: 'many vanished' } },
      [],
    ],
  ])('%s', (_, given, expected) => {
    expect(entriesOf(factsOf(given))).toMatchObject(expected);
    expect(entriesOf(factsOf(given))).toHaveLength(expected.length);
  });
});

it('of more VMs than may be shown those that wait for nothing give way, and the others keep their places', () => {
  const before = [entry('vm-200', { unownedSeconds: 900 })];
  const kept = Array.from({ length: 80 }, (_, at) => unowned(`kept-${at}`, { kept: 'spec.keepVms' }));
  const others = Array.from({ length: 90 }, (_, at) => unowned(`vm-${at}`));
  const entries = entriesOf(
    factsOf({ before, unowned: [...kept, ...others, unowned('vm-200')], seenMs: () => 15 * minute }),
  );
  expect(entries).toHaveLength(100);
  expect(entries[0]).toMatchObject({ id: 'vm-200', unownedSeconds: 900 });
  expect(entries.filter((one) => one.kept === undefined)).toHaveLength(91);
});

it('Events tell once that a VM was seen, that it goes, and that it is gone', () => {
  const told = (given: Given): string[] => {
    const facts = factsOf(given);
    return sweepAnnouncements(facts, entriesOf(facts)).map(
      ({ type, reason, message }) => `${type} ${reason} ${message}`,
    );
  };
  expect(told({ unowned: [unowned('vm-1')] })).toEqual([
    "Warning UnmanagedVmsFound VM vm-1 carries this installation's mark, and no resource owns it: it costs money for nothing.",
  ]);
  expect(told({ unowned: [unowned('vm-1', { kept: 'spec.keepVms' })] })).toEqual([]);
  const counting = { before: [entry('vm-1', { unownedSeconds: 2700 })], unowned: [unowned('vm-1')] };
  expect(told({ ...counting, seenMs: () => 50 * minute })).toEqual([]);
  expect(told({ ...counting, seenMs: () => 60 * minute })).toEqual([
    'Warning UnmanagedVmsDeleting VM vm-1 has had no resource for 1h, and is deleted now.',
  ]);
  expect(told({ ...deleting, unowned: [unowned('vm-1')] })).toEqual([]);
  expect(told({ ...deleting, ...confirmed(2 * second) })).toEqual([
    'Normal UnmanagedVmsGone VM vm-1 is deleted; the list no longer has it.',
  ]);
  expect(told({ ...deleting, others: [cloudVm('vm-1')] })).toEqual([]);
  const both = [unowned('vm-1'), unowned('vm-2')];
  expect(told({ unowned: both })).toEqual([
    "Warning UnmanagedVmsFound VMs vm-1, vm-2 carry this installation's mark, and no resource owns them: they cost money for nothing.",
  ]);
  const before = [entry('vm-1', { unownedSeconds: 3300 }), entry('vm-2', { unownedSeconds: 3300 })];
  expect(told({ before, unowned: both, seenMs: () => 60 * minute })).toEqual([
    'Warning UnmanagedVmsDeleting VMs vm-1, vm-2 have had no resource for 1h, and are deleted now.',
  ]);
  expect(told({ ...deleting, before: [entry('vm-1', due), entry('vm-2', due)], ...confirmed(2 * second) })).toEqual([
    'Normal UnmanagedVmsGone VMs vm-1, vm-2 are deleted; the list no longer has them.',
  ]);
});

const anyEntry = fc.record({
  id: fc.constantFrom('vm-1', 'vm-2', 'vm-3'),
  unownedSeconds: fc.option(fc.nat({ max: 4000 }), { nil: undefined }),
  deletingSince: fc.option(fc.constant('2026-06-01T11:59:00Z'), { nil: undefined }),
});

const anyFacts = fc.record({
  policy: fc.constantFrom<SweepFacts['policy'][]>('Report', 'Delete', 'hold'),
  graceMs: fc.constantFrom(0, 5 * second, 60 * minute),
  before: fc.uniqueArray(anyEntry, { selector: ({ id }) => id }),
  unowned: fc.uniqueArray(
    fc.record({
      id: fc.constantFrom('vm-1', 'vm-2', 'vm-3', 'vm-4'),
      kept: fc.constantFrom(undefined, undefined, 'spec.keepVms'),
      claimant: fc.constantFrom(undefined, undefined, 'GpuVm research/heir'),
      state: fc.constantFrom<CloudVm['state'][]>('running', 'released', 'unknown'),
    }),
    { selector: ({ id }) => id },
  ),
  seenMs: fc.constantFrom(0, 4 * second, 59 * minute, 60 * minute),
  distrusted: fc.constantFrom(undefined, 'many vanished'),
});

it('nothing goes but what was seen for long enough, is listed, known, claimed by nobody, and may go', () => {
  fc.assert(
    fc.property(anyFacts, ({ before, unowned: has, seenMs, distrusted, ...given }) => {
      const facts = factsOf({
        ...given,
        before: before.map(({ id, ...more }) => entry(id, more as Partial<UnmanagedVm>)),
        unowned: has.map(({ id, kept, claimant, state }) => unowned(id, { kept, claimant, vm: { state } })),
        seenMs: () => seenMs,
        list: { distrusted },
      });
      const entries = entriesOf(facts);
      gpuAccountStatusSchema.parse({ unmanagedVms: entries });
      for (const { id, deletingSince } of entries.filter((one) => facts.list.byId.has(one.id))) {
        const of = has.find((one) => one.id === id);
        const mayGo = given.policy === 'Delete' && seenMs >= given.graceMs && of?.state !== 'unknown';
        expect(deletingSince !== undefined).toBe(mayGo && of?.kept === undefined && of?.claimant === undefined);
      }
    }),
  );
});
