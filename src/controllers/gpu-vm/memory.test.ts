import { describe, expect, it } from 'vitest';

import { ago, launchOf, minute, now, recordedVm, second, snapshotOf, timings } from '../../../test/support/builders.ts';
import { VmMemory } from './memory.ts';

const pending = launchOf({ outcome: 'Pending', endedAt: undefined, intentAt: ago(60 * minute) });

describe('the time at which a launch was seen', () => {
  it("is this process' own, whatever the journal says, and moves only with the launch or its end", () => {
    const memory = new VmMemory();
    memory.noteLaunch(pending, now);
    memory.noteLaunch({ ...pending, message: 'something else' }, now + second);
    expect(memory.facts(undefined).launchSeenAt).toBe(now);
    memory.noteLaunch({ ...pending, outcome: 'Uncertain', endedAt: ago(50 * minute) }, now + 2 * second);
    expect(memory.facts(undefined).launchSeenAt).toBe(now + 2 * second);
    memory.noteLaunch(undefined, now + 3 * second);
    expect(memory.facts(undefined).launchSeenAt).toBeUndefined();
  });

  it('decides from when on a list is evidence', () => {
    const memory = new VmMemory();
    const journal = { launch: pending };
    memory.noteLaunch(pending, now);
    const soon = now + timings.callTimeoutMs - 1;
    memory.noteListing(snapshotOf([], { requestedAt: soon }), journal, timings);
    expect(memory.facts(undefined).absence).toBeUndefined();
    memory.noteListing(snapshotOf([], { requestedAt: soon + 1 }), journal, timings);
    expect(memory.facts(undefined).absence).toMatchObject({ launchName: pending.name, firstAt: soon + 1 });
  });
});

describe('a journal that could not be written yet', () => {
  it('stands for the one in the status, until another process has gone on to the next attempt', () => {
    const memory = new VmMemory();
    const own = { vm: recordedVm('vm-1'), launch: launchOf({ attempt: 1 }) };
    memory.unsaved = own;
    expect(memory.journalOver({ launch: pending })).toBe(own);
    const next = launchOf({ attempt: 2, outcome: 'Pending' });
    expect(memory.journalOver({ launch: next })).toEqual({ vm: undefined, launch: next, resize: undefined });
    expect(memory.unsaved).toBeUndefined();
  });

  it('stands also without a launch, as after an adoption', () => {
    const memory = new VmMemory();
    const adopted = { vm: recordedVm('vm-1', { adopted: true }), launch: undefined };
    memory.unsaved = adopted;
    expect(memory.journalOver({ launch: launchOf({ outcome: 'Lost' }) })).toBe(adopted);
  });
});
