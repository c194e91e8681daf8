import { beforeEach, describe, expect, it } from 'vitest';

import { Evidence } from './evidence.ts';
import { vmOf } from './testing/cloud.ts';

const minute = 60_000;
let evidence: Evidence;
let now: number;

beforeEach(() => {
  evidence = new Evidence();
  now = 1_000_000;
});

/** A list a minute after the one before. Returns why it proves no absence. */
function list(
  listed: readonly string[],
  recorded: readonly string[] = [],
  beingDeleted: readonly string[] = [],
): string | undefined {
  now += minute;
  return evidence.judge(
    { vms: listed.map((id) => vmOf(id)), unreadable: [] },
    { requestedAt: now, recorded: new Set(recorded), beingDeleted: new Set(beingDeleted) },
  );
}

describe('a VM that is found by id, though no list has it', () => {
  it('makes every list distrusted that goes on without it, one of many VMs is enough', () => {
    const others = Array.from({ length: 50 }, (_unused, index) => `other-${String(index)}`);
    list(['a', ...others]);
    expect(list(others)).toBeUndefined();
    expect(evidence.noteFoundAlive('a')).toBe('the listing lacks VM a, but the provider knows it when asked by id');
    expect(list(others)).toContain('lacks VM a');
  });

  it('is forgiven as soon as it is listed', () => {
    list(['a', 'b']);
    list(['b']);
    evidence.noteFoundAlive('a');
    expect(list(['a', 'b'])).toBeUndefined();
    expect(list(['a'])).toBeUndefined();
  });

  it('is no contradiction where the list has it', () => {
    list(['a', 'b']);
    expect(evidence.noteFoundAlive('a')).toBeUndefined();
    expect(list(['a', 'b'])).toBeUndefined();
  });

  it('is believed to be gone when the provider says so', () => {
    list(['a', 'b']);
    list(['b']);
    evidence.noteFoundAlive('a');
    evidence.noteConfirmedGone('a', now);
    expect(list(['b'], ['a'])).toBeUndefined();
  });

  it('is not believed to be gone by a confirmed deletion alone: the list lacked it before, too', () => {
    list(['a', 'b']);
    list(['b']);
    evidence.noteFoundAlive('a');
    evidence.noteDeletionRequested('a');
    evidence.noteDeleted('a', now);
    expect(list(['b'])).toContain('lacks VM a');
    evidence.noteConfirmedGone('a', now);
    expect(list(['b'])).toBeUndefined();
  });

  it('is held against the lists for an hour after the last word about it', () => {
    list(['a', 'b']);
    list(['b']);
    for (let asked = 0; asked < 90; asked += 1) {
      evidence.noteFoundAlive('a');
      expect(list(['b'])).toContain('lacks VM a');
    }
    for (let silent = 1; silent < 59; silent += 1) expect(list(['b'])).toContain('lacks VM a');
    expect(list(['b'])).toBeUndefined();
  });
});

describe('a VM that a resource has recorded', () => {
  it('has to be in the first list after a start already', () => {
    expect(list(['b'], ['a', 'b', 'c'])).toBe(
      'the listing lacks VM a and 1 more, which resources have recorded and the provider has not said to be gone',
    );
  });

  it.each<[string, () => void]>([
    [
      'the provider says, asked for it by id, that there is none',
      () => {
        evidence.noteConfirmedGone('a', now);
      },
    ],
    [
      'the provider has confirmed its deletion',
      () => {
        evidence.noteDeleted('a', now);
      },
    ],
  ])('may be missing when %s, as long as it takes its resource to drop it', (_name, account) => {
    list(['a', 'b'], ['a', 'b']);
    account();
    for (let lists = 0; lists < 30; lists += 1) expect(list(['b'], ['a', 'b'])).toBeUndefined();
    expect(list(['b'], ['b'])).toBeUndefined();
  });

  it('may not be missing after a delete call whose answer was lost', () => {
    list(['a', 'b'], ['a', 'b']);
    evidence.noteDeletionRequested('a');
    expect(list(['b'], ['a', 'b'])).toContain('lacks VM a');
  });

  it('is looked for again when it was listed in between', () => {
    evidence.noteConfirmedGone('a', now);
    list(['a', 'b'], ['a', 'b']);
    expect(list(['b'], ['a', 'b'])).toContain('lacks VM a');
  });

  it('is taken for gone after ten minutes and three lists in which nobody learned anything about it', () => {
    for (let lists = 0; lists < 10; lists += 1) expect(list(['b'], ['a', 'b'])).toContain('lacks VM a');
    for (let lists = 0; lists < 10; lists += 1) expect(list(['b'], ['a', 'b'])).toBeUndefined();
  });

  it('is found to be gone before its resource has come to record it', () => {
    list(['b'], ['b']);
    evidence.noteDeleted('a', now);
    expect(list(['b'], ['b'])).toBeUndefined();
    expect(list(['b'], ['a', 'b'])).toBeUndefined();
  });
});

describe('a recorded VM that is missing while its delete call is under way', () => {
  const lacksA = 'the listing lacks VM a, which resources have recorded and the provider has not said to be gone';

  beforeEach(() => {
    list(['a', 'b'], ['a', 'b']);
    evidence.noteDeletionRequested('a');
  });

  it('speaks against no list, but no list is a proof', () => {
    for (let lists = 0; lists < 30; lists += 1) {
      expect(list(['b'], ['a', 'b'], ['a'])).toBeUndefined();
      expect(evidence.isDeletionOpen).toBe(true);
    }
  });

  it('is accounted for by the answer', () => {
    list(['b'], ['a', 'b'], ['a']);
    evidence.noteDeleted('a', now);
    expect(evidence.isDeletionOpen).toBe(false);
    expect(list(['b'], ['a', 'b'])).toBeUndefined();
    expect(evidence.isDeletionOpen).toBe(false);
  });

  it('speaks against the last list as soon as the call fails, and against all that follow', () => {
    list(['b'], ['a', 'b'], ['a']);
    expect(evidence.noteDeletionFailed('a')).toBe(lacksA);
    expect(list(['b'], ['a', 'b'])).toBe(lacksA);
    evidence.noteDeletionRequested('a');
    expect(list(['b'], ['a', 'b'], ['a'])).toBe(lacksA);
  });

  it('speaks against no list when it is listed again before the call fails', () => {
    list(['b'], ['a', 'b'], ['a']);
    list(['a', 'b'], ['a', 'b'], ['a']);
    expect(evidence.isDeletionOpen).toBe(false);
    expect(evidence.noteDeletionFailed('a')).toBeUndefined();
  });

  it('speaks against the list when it had been missing before, or was never listed', () => {
    list(['b'], ['a', 'b']);
    evidence.noteDeletionRequested('a');
    expect(list(['b'], ['a', 'b'], ['a'])).toBe(lacksA);
    evidence.noteDeletionRequested('c');
    evidence.noteConfirmedGone('a', now);
    expect(list(['b'], ['b', 'c'], ['c'])).toContain('lacks VM c');
  });

  it('is waited for also when its resource no longer has it', () => {
    list(['b'], ['a', 'b'], ['a']);
    expect(list(['b'], ['b'], ['a'])).toBeUndefined();
    expect(evidence.isDeletionOpen).toBe(true);
  });

  it('is not waited for where no resource has it', () => {
    expect(list(['b'], ['b'], ['a'])).toBeUndefined();
    expect(evidence.isDeletionOpen).toBe(false);
    expect(evidence.noteDeletionFailed('a')).toBeUndefined();
  });
});

describe('a VM that is in a list that was requested', () => {
  beforeEach(() => {
    list(['a', 'b'], ['a', 'b']);
    evidence.noteDeletionRequested('a');
  });

  it('before its deletion was confirmed need not be in the next one', () => {
    evidence.noteDeleted('a', now + minute + 1);
    list(['a', 'b'], ['a', 'b']);
    expect(list(['b'], ['a', 'b'])).toBeUndefined();
  });

  it('long before, by a clock that was set back since, has to be explained when it vanishes', () => {
    evidence.noteDeleted('a', now + 60 * minute);
    list(['a', 'b'], ['a', 'b']);
    expect(list(['b'], ['a', 'b'])).toContain('lacks VM a');
  });

  it('after that has to be explained when it vanishes', () => {
    evidence.noteDeleted('a', now + minute);
    list(['a', 'b'], ['a', 'b']);
    expect(list(['b'], ['a', 'b'])).toContain('lacks VM a');
  });
});
