import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { money } from '../../lib/money.ts';
import type { Limit } from './limits.ts';
import { chooseStopped, type Stoppable } from './stopping.ts';

/** One that costs $1 while it runs, and ten cents while it is released. */
function member(
  uid: string,
  changes: Partial<Stoppable> & { readonly released?: boolean; readonly gpus?: number } = {},
): Stoppable {
  const { released = false, gpus = 1, ...rest } = changes;
  const started = { vms: 1, gpus, hourlyCost: money(gpus) };
  const kept = { vms: 1, gpus: 0, hourlyCost: money('0.1') };
  return {
    uid,
    priority: 0,
    createdAt: Number(uid.slice(1)),
    started,
    kept,
    now: released ? kept : started,
    isWanted: true,
    isStuck: false,
    ...rest,
  };
}

function gpus(hard: number, members: readonly Stoppable[]): Limit {
  const used = money(members.reduce((sum, { now }) => sum + now.gpus, 0));
  return { of: 'GpuBudget', name: 'team', domain: 'namespace/research', measure: 'gpus', hard: money(hard), used };
}

function hourly(hard: string, members: readonly Stoppable[]): Limit {
  const used = members.reduce((sum, { now }) => sum.plus(now.hourlyCost), money(0));
  return { of: 'Balance', name: 'default', domain: 'account/default', measure: 'hourlyCost', hard: money(hard), used };
}

describe('where starting needs more room than stopping leaves', () => {
  const two = [member('a1'), member('a2', { released: true })];
  it.each<[string, string, string, readonly Stoppable[], readonly string[]]>([
    ['who is stopped stays so between the two', '3', '1.9', two, ['a2']],
    ['who is stopped is started where there is that, too', '3', '2.1', two, []],
    ['nobody is stopped for what only a start would need', '3', '0.5', [member('a1')], []],
    ['the next one is stopped where the first limit is exceeded', '1', '0.9', two, ['a1', 'a2']],
  ])('%s', (_, hard, toStart, members, expected) => {
    const before = new Set(['a2']);
    expect(chooseStopped([hourly(hard, members)], members, before, [hourly(toStart, members)])).toEqual(expected);
  });

  it('without any word about stopping those that are stopped may be started', () => {
    expect(chooseStopped([], two, new Set(['a2']), [hourly('2.1', two)])).toEqual([]);
    expect(chooseStopped([], two, new Set(['a2']), [hourly('1.9', two)])).toEqual(['a2']);
  });
});

const three = [member('a1'), member('a2', { priority: -1 }), member('a3')];

describe('whose VMs are kept released', () => {
  it.each<[string, number, readonly Stoppable[], readonly string[], readonly string[]]>([
    ['nobody’s while there is room', 3, three, [], []],
    ['that of the lowest priority first', 2, three, [], ['a2']],
    ['then the youngest', 1, three, [], ['a2', 'a3']],
    ['all where nothing is allowed', 0, three, [], ['a1', 'a2', 'a3']],
    ['those that have been told to stop, and do not yet, count as stopped', 2, three, ['a2'], ['a2']],
    ['not that of one that is gone', 3, [member('a1')], ['a9'], []],
    [
      'those that are stopped, while there is no room at their full price',
      3,
      [member('a1', { gpus: 2 }), member('a2', { released: true, gpus: 2 })],
      ['a2'],
      ['a2'],
    ],
    [
      'the most important one is started first, and nobody before it though that one would fit',
      3,
      [
        member('a1', { gpus: 2 }),
        member('a2', { released: true, gpus: 2, priority: 5 }),
        member('a3', { released: true }),
      ],
      ['a2', 'a3'],
      ['a2', 'a3'],
    ],
    [
      'of equals the oldest is started first',
      2,
      [member('a1'), member('a2', { released: true }), member('a3', { released: true })],
      ['a2', 'a3'],
      ['a3'],
    ],
    [
      'nobody waits for one that needs more than there is as a whole',
      2,
      [
        member('a1', { released: true, gpus: 3, priority: 5 }),
        member('a2', { released: true }),
        member('a3', { released: true }),
      ],
      ['a1', 'a2', 'a3'],
      ['a1'],
    ],
    [
      'nobody waits for one that would not run now anyway, and that one is kept by no budget any more',
      2,
      [
        member('a1', { gpus: 1 }),
        member('a2', { released: true, gpus: 2, priority: 5, isWanted: false }),
        member('a3', { released: true }),
      ],
      ['a2', 'a3'],
      [],
    ],
    [
      'one that would not run now anyway is told to stop until it has',
      2,
      [member('a1'), member('a2'), member('a3', { isWanted: false })],
      ['a3'],
      ['a3'],
    ],
    [
      'the next one’s in place of one that does not stop',
      2,
      [member('a1'), member('a2'), member('a3', { isStuck: true })],
      ['a3'],
      ['a2', 'a3'],
    ],
    [
      'that of one that does not stop, still, while a more important one waits in its place',
      2,
      [member('a1'), member('a2', { released: true }), member('a3', { isStuck: true })],
      ['a2', 'a3'],
      ['a2', 'a3'],
    ],
    [
      'that of one that leaves, still, until a more important one has taken its place',
      2,
      [member('a1'), member('a2', { released: true }), member('a3')],
      ['a2', 'a3'],
      ['a2', 'a3'],
    ],
    [
      'not that of one that does not stop, once there is room for it',
      3,
      [member('a1'), member('a2', { released: true }), member('a3', { isStuck: true })],
      ['a2', 'a3'],
      [],
    ],
  ])('%s', (_, hard, members, before, expected) => {
    expect(chooseStopped([gpus(hard, members)], members, new Set(before))).toEqual(expected);
  });

  it('everybody’s, once the money of the day is spent', () => {
    const spent: Limit = { ...gpus(9, three), measure: 'dailyCost', hard: money(5), used: money(5) };
    expect(chooseStopped([spent], three, new Set())).toEqual(['a1', 'a2', 'a3']);
  });

  it('settles, whoever was stopped before: nobody is stopped and started in turns', () => {
    const some = fc.array(
      fc.record({
        gpus: fc.integer({ min: 1, max: 3 }),
        priority: fc.integer({ min: -1, max: 1 }),
        stopped: fc.boolean(),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(some, fc.nat({ max: 12 }), (all, hard) => {
        const made = all.map((one, index) => member(`a${String(index)}`, { ...one, released: one.stopped }));
        const before = new Set(made.filter((_, index) => all[index]?.stopped === true).map(({ uid }) => uid));
        let chosen = chooseStopped([gpus(hard, made)], made, before);
        for (let round = 0; round <= made.length; round++) {
          const obeyed = made.map((one) => ({ ...one, now: chosen.includes(one.uid) ? one.kept : one.started }));
          expect(obeyed.reduce((sum, { now }) => sum + now.gpus, 0)).toBeLessThanOrEqual(hard);
          const next = chooseStopped([gpus(hard, obeyed)], obeyed, new Set(chosen));
          expect(chosen).toEqual(expect.arrayContaining([...next]));
          if (round === made.length) expect(next).toEqual(chosen);
          chosen = next;
        }
      }),
    );
  });
});
