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
function list(listed: readonly string[], recorded: readonly string[] = []): string | undefined {
  now += minute;
  return evidence.judge(
    { vms: listed.map((id) => vmOf(id)), unreadable: [] },
    { requestedAt: now, recorded: new Set(recorded) },
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
    evidence.noteConfirmedGone('a');
    expect(list(['b'], ['a'])).toBeUndefined();
  });

  it('is not believed to be gone by a confirmed deletion alone: the list lacked it before, too', () => {
    list(['a', 'b']);
    list(['b']);
    evidence.noteFoundAlive('a');
    evidence.noteDeletionRequested('a');
    evidence.noteDeleted('a');
    expect(list(['b'])).toContain('lacks VM a');
    evidence.noteConfirmedGone('a');
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
        evidence.noteConfirmedGone('a');
      },
    ],
    [
      'the provider has confirmed its deletion',
      () => {
        evidence.noteDeleted('a');
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
    evidence.noteConfirmedGone('a');
    list(['a', 'b'], ['a', 'b']);
    expect(list(['b'], ['a', 'b'])).toContain('lacks VM a');
  });

  it('is taken for gone after ten minutes and three lists in which nobody learned anything about it', () => {
    for (let lists = 0; lists < 10; lists += 1) expect(list(['b'], ['a', 'b'])).toContain('lacks VM a');
    for (let lists = 0; lists < 10; lists += 1) expect(list(['b'], ['a', 'b'])).toBeUndefined();
  });

  it('is found to be gone before its resource has come to record it', () => {
    list(['b'], ['b']);
    evidence.noteDeleted('a');
    expect(list(['b'], ['b'])).toBeUndefined();
    expect(list(['b'], ['a', 'b'])).toBeUndefined();
  });
});
