import { describe, expect, it } from 'vitest';

import {
  ago,
  cloudVm,
  installation,
  launchOf,
  markedName,
  minute,
  now,
  recordedVm,
  retiringVm,
  second,
  snapshotOf,
  timings,
  uid,
} from '../../../test/support/builders.ts';
import type { Launch } from '../../api/vm-status.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import { forgottenLaunch } from '../../plan/vm/forgotten.ts';
import type { Journal } from '../../plan/vm/observation.ts';
import type { CloudVm } from '../../provider/contract.ts';
import { VmMemory } from './memory.ts';

const otherName = markedName(2, '11111111-1111-4111-8111-111111111111');
const forgotten = forgottenLaunch({ installation, uid, now });
const pending = launchOf({ outcome: 'Pending', endedAt: undefined, intentAt: ago(60 * minute) });

describe('the time at which a launch was seen', () => {
  it("is this process' own, whatever the journal says, and moves only with the launch or its end", () => {
    const memory = new VmMemory();
    memory.noteJournal({ launch: pending }, now);
    memory.noteJournal({ launch: { ...pending, message: 'something else' } }, now + second);
    expect(memory.facts(undefined, undefined).launchSeenAt).toBe(now);
    memory.noteJournal({ launch: { ...pending, outcome: 'Uncertain', endedAt: ago(50 * minute) } }, now + 2 * second);
    expect(memory.facts(undefined, undefined).launchSeenAt).toBe(now + 2 * second);
    memory.noteJournal({ launch: undefined }, now + 3 * second);
    expect(memory.facts(undefined, undefined).launchSeenAt).toBeUndefined();
  });

  it('decides from when on a list is evidence', () => {
    const memory = new VmMemory();
    const journal = { launch: pending };
    memory.noteJournal({ launch: pending }, now);
    const soon = now + timings.callTimeoutMs - 1;
    memory.noteListing(snapshotOf([], { requestedAt: soon }), journal, timings);
    expect(memory.facts(undefined, undefined).absence).toBeUndefined();
    memory.noteListing(snapshotOf([], { requestedAt: soon + 1 }), journal, timings);
    expect(memory.facts(undefined, undefined).absence).toMatchObject({ launchName: pending.name, firstAt: soon + 1 });
  });
});

describe('a start that was not refused', () => {
  it('may have its effect yet, though a list shows the VM running: that may be older than the start', () => {
    const memory = new VmMemory();
    memory.noteStartFiled('vm-1', now);
    memory.noteRunning('vm-1', now + second);
    expect(memory.facts(undefined, 'vm-1')).toMatchObject({ startFiledAt: now, vmRanAt: now + second });
    memory.noteCallSucceeded({ kind: 'start', vmId: 'vm-1' }, now + 2 * second);
    memory.noteRunning('vm-1', now + 3 * second);
    expect(memory.facts(undefined, 'vm-1').startFiledAt).toBe(now + 2 * second);
    expect(memory.facts(undefined, 'vm-2').startFiledAt).toBeUndefined();
  });
});

describe('the time at which a recorded VM was seen', () => {
  it("is this process' own, whatever the record says, and moves only with the VM", () => {
    const memory = new VmMemory();
    memory.noteJournal({ vm: recordedVm('vm-1', { recordedAt: ago(-60 * minute) }) }, now);
    memory.noteJournal({ vm: recordedVm('vm-1', { providerStatus: 'Stopped' }) }, now + second);
    expect(memory.facts(undefined, undefined).vmSeenAt).toBe(now);
    memory.noteJournal({ vm: recordedVm('vm-2') }, now + 2 * second);
    expect(memory.facts(undefined, undefined).vmSeenAt).toBe(now + 2 * second);
    memory.noteJournal({}, now + 3 * second);
    expect(memory.facts(undefined, undefined).vmSeenAt).toBeUndefined();
  });
});

describe('a deletion that was confirmed', () => {
  const back = cloudVm('vm-1');
  const atRest = cloudVm('vm-1', { state: 'outbid', providerStatus: 'Outbid' });
  const replaced: Journal = { retiring: [retiringVm('vm-1')] };

  it.each<[string, CloudVm, Journal, number, boolean]>([
    ['is doubted a minute later when the market has brought back what was replaced', back, replaced, minute, true],
    ['is not doubted sooner', back, replaced, minute - second, false],
    ['is not doubted so soon of what does not run', atRest, replaced, 2 * minute, false],
    ['is not doubted so soon of the VM of the resource', back, { vm: recordedVm('vm-1') }, 2 * minute, false],
    ['is doubted of whatever the list still has when it takes too long', atRest, replaced, timings.transitionMs, true],
  ])('%s', (_, vm, journal, afterMs, isDoubted) => {
    const memory = new VmMemory();
    memory.noteDeleted('vm-1', now);
    memory.noteListing(snapshotOf([vm], { requestedAt: now + afterMs + 1 }), journal, timings);
    expect(memory.facts(undefined, undefined).deletedAt.has('vm-1')).toBe(!isDoubted);
  });
});

it.each<[string, Partial<Snapshot>]>([
  ['that is empty, and that nobody has compared with the bill', { isUnchecked: true }],
  ['that lacks a VM whose deletion is under way', { isProvisional: true }],
  ['that is not to be believed', { distrusted: 'many vanished' }],
])('a list %s is no evidence about a launch', (_, given) => {
  const memory = new VmMemory();
  memory.noteJournal({ launch: pending }, now);
  const list = snapshotOf([], { requestedAt: now + 10 * minute });
  memory.noteListing({ ...list, ...given }, { launch: pending }, timings);
  expect(memory.facts(undefined, undefined).absence).toBeUndefined();
  memory.noteListing(list, { launch: pending }, timings);
  expect(memory.facts(undefined, undefined).absence).toBeDefined();
});

describe('a list with an entry that cannot be read', () => {
  const later = now + 10 * minute;

  it.each<[string, Launch, string | undefined, boolean]>([
    ['is no evidence about a launch when its name cannot be read either', pending, undefined, false],
    ["is no evidence about a launch when it has that one's name", pending, pending.name, false],
    ['is evidence about a launch when it has another name of the resource', pending, markedName(2), true],
    ['is no evidence about a forgotten launch when it has any name of the resource', forgotten, markedName(2), false],
    ["is evidence about a forgotten launch when it has another resource's name", forgotten, otherName, true],
  ])('%s', (_, launch, name, isProof) => {
    const memory = new VmMemory();
    memory.noteJournal({ launch }, now);
    const unreadableNames = new Map(name === undefined ? [] : [['vm-9', name]]);
    const listed = snapshotOf([], { requestedAt: later, unreadable: new Set(['vm-9']), unreadableNames });
    memory.noteListing(listed, { launch }, timings);
    expect(memory.facts(undefined, undefined).absence !== undefined).toBe(isProof);
  });
});

describe('a resource is known to be new', () => {
  const bare = { hasFinalizer: false, isTold: false };
  const held = { hasFinalizer: true, isTold: false };

  it('while it has no finalizer, but not when somebody else has added it', () => {
    const memory = new VmMemory();
    expect(memory.noteOrigin({}, held)).toEqual({ isNew: false });
    expect(memory.noteOrigin({}, bare)).toEqual({ isNew: true });
    expect(memory.noteOrigin({}, held)).toEqual({ isNew: false });
  });

  it('when this process has added the finalizer, until something speaks of a deployment', () => {
    const memory = new VmMemory();
    memory.noteOrigin({}, bare);
    memory.noteHeldBack();
    expect(memory.noteOrigin({}, held)).toEqual({ isNew: true });
    expect(memory.noteOrigin({ launch: pending }, held)).toEqual({ isNew: false });
    expect(memory.noteOrigin({}, held)).toEqual({ isNew: false });
  });

  it('no longer than until its status says that nothing was deployed: one that says nothing after that was emptied', () => {
    const memory = new VmMemory();
    memory.noteOrigin({}, bare);
    memory.noteHeldBack();
    expect(memory.noteOrigin({}, { hasFinalizer: true, isTold: true })).toEqual({ isNew: false });
    expect(memory.noteOrigin({}, held)).toEqual({ isNew: false });
  });
});

it('forgets that a deployment made nothing if that could not be written, and concludes it anew', () => {
  const memory = new VmMemory();
  memory.journalOver({ launch: pending });
  memory.unsaved = { launch: { ...pending, outcome: 'Absent' }, retiring: [] };
  memory.announcements.push({ type: 'Normal', reason: 'LaunchAbsent', message: 'Two lists prove it.' });
  expect(memory.journalOver({ launch: pending }).launch?.outcome).toBe('Absent');
  memory.reconsider();
  expect(memory.journalOver({ launch: pending })).toEqual({ launch: pending });
  expect(memory.announcements).toEqual([]);
});

it('says what became of a call also where it was written, and the answer to that was lost', () => {
  const written = { vm: recordedVm('vm-1'), launch: launchOf() };
  const memory = new VmMemory();
  memory.journalOver({});
  memory.unsaved = written;
  memory.announcements.push({ type: 'Normal', reason: 'Launched', message: 'Deployed.' });
  expect(memory.journalOver(written)).toEqual(written);
  expect(memory.unsaved).toBeUndefined();
  expect(memory.announcements).toHaveLength(1);
});

describe('a journal that could not be written yet', () => {
  const vm = recordedVm('vm-1');
  const uncertain = launchOf({ outcome: 'Uncertain' });
  const next = launchOf({ attempt: 2, name: markedName(2), outcome: 'Pending', endedAt: undefined });
  const launched = { vm, launch: launchOf() };
  const adopted = { vm: recordedVm('vm-2', { adopted: true }) };

  interface Given extends Record<'over' | 'own' | 'written', Journal> {
    /** The VM is known from a list alone. */
    readonly isFound?: boolean;
  }

  /** What memory says that found `own` out over `over`, and then reads `written`. */
  function journalOf({ over, own, written, isFound = false }: Given): Journal {
    const memory = new VmMemory();
    memory.journalOver(over);
    if (!isFound && own.vm !== undefined) memory.noteDeployed(own.vm.id);
    memory.unsaved = own;
    return memory.journalOver(written);
  }

  it.each<[string, Given]>([
    ['while its intent is what is written', { over: {}, own: { launch: uncertain }, written: { launch: pending } }],
    ['while nothing else is written', { over: launched, own: { launch: uncertain }, written: launched }],
    [
      'while only what the list shows of the VM is written anew',
      {
        over: launched,
        own: { launch: uncertain },
        written: { ...launched, vm: { ...vm, providerStatus: 'Stopped' } },
      },
    ],
    [
      'with its VM, where another process is in doubt about that',
      { over: {}, own: launched, written: { launch: uncertain } },
    ],
    [
      'with its VM, where another process has not seen that',
      { over: {}, own: launched, written: { launch: launchOf({ outcome: 'Absent' }) } },
    ],
    [
      'with the VM that was found in a list, where another process has not seen that',
      { over: {}, own: launched, written: { launch: launchOf({ outcome: 'Absent' }) }, isFound: true },
    ],
    [
      'with a refusal, where another process is in doubt about that',
      { over: {}, own: { launch: launchOf({ outcome: 'Refused' }) }, written: { launch: uncertain } },
    ],
    [
      'without a launch, as after an adoption',
      {
        over: { launch: launchOf({ outcome: 'Lost' }) },
        own: adopted,
        written: { launch: launchOf({ outcome: 'Lost' }) },
      },
    ],
    [
      'with a VM that is too dear, where another process has only found it in a list',
      { over: {}, own: { vm, launch: launchOf({ outcome: 'Overpriced' }) }, written: launched },
    ],
    ['where somebody has emptied the status', { over: { launch: pending }, own: launched, written: {} }],
  ])('stands for the one in the status %s', (_, given) => {
    expect(journalOf(given)).toBe(given.own);
  });

  it.each<[string, Given]>([
    ['has gone on to the next attempt', { over: {}, own: launched, written: { launch: next } }],
    [
      'has gone on to an attempt where there was none',
      { over: adopted, own: { launch: undefined }, written: { launch: pending } },
    ],
    [
      'has recorded the VM that we found in a list by its name, and knows that it was ready-made',
      { over: {}, own: launched, written: { ...launched, vm: { ...vm, instant: true } } },
    ],
    [
      'has deployed the VM that we found in a list by its name, and is in doubt about it',
      { over: {}, own: launched, written: { launch: { ...pending, instant: 'ready-1' } }, isFound: true },
    ],
    ['has recorded the VM that we are in doubt about', { over: {}, own: { launch: uncertain }, written: launched }],
    [
      'has recorded a VM that we took for absent',
      { over: {}, own: { launch: launchOf({ outcome: 'Absent' }) }, written: launched },
    ],
    [
      'has proven that there is none where we are in doubt',
      { over: {}, own: { launch: uncertain }, written: { launch: launchOf({ outcome: 'Absent' }) } },
    ],
  ])('is history once another process %s', (_, given) => {
    expect(journalOf(given)).toEqual(given.written);
  });
});
