import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lanes, type Lane } from './gate-contract.ts';
import { LaneQueue, type Waiter } from './lane-queue.ts';

interface Named extends Waiter {
  readonly name: string;
}

function waiter(lane: Lane, fairnessGroup: string, name: string): Named {
  return { lane, fairnessGroup, since: 0, name };
}

function filled(...waiters: Named[]): LaneQueue<Named> {
  const queue = new LaneQueue<Named>();
  for (const one of waiters) queue.add(one);
  return queue;
}

function drain(queue: LaneQueue<Named>): string[] {
  const order: string[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) order.push(next.name);
  return order;
}

describe('the queue', () => {
  it('serves lanes by priority', () => {
    const all = [...lanes].reverse().map((lane) => waiter(lane, 'a', lane));
    expect(drain(filled(...all))).toEqual([...lanes]);
  });

  it('lets namespaces take turns, and serves each in order', () => {
    const flood = [1, 2, 3].map((n) => waiter('spend', 'flood', `flood-${n}`));
    const queue = filled(...flood, waiter('spend', 'one', 'one-1'), waiter('spend', 'two', 'two-1'));
    expect(drain(queue)).toEqual(['flood-1', 'one-1', 'two-1', 'flood-2', 'flood-3']);
  });

  it('gives every eighth start to a lane that was passed over', () => {
    const queue = filled(waiter('lookup', '', 'lookup'));
    for (let n = 1; n <= 10; n += 1) queue.add(waiter('stopMoney', 'a', `stop-${n}`));
    expect(drain(queue)[7]).toBe('lookup');
  });

  it('is not disturbed by waiters who leave', () => {
    const gone = waiter('poll', 'a', 'gone');
    const queue = filled(gone, waiter('poll', 'a', 'stays'));
    queue.remove(gone);
    queue.remove(gone);
    expect(queue.size).toBe(1);
    expect(drain(queue)).toEqual(['stays']);
  });

  it('starts number p of a group, with g groups in its lane, after at most 24 × g × p starts', () => {
    const arrival = fc.record({ lane: fc.constantFrom(...lanes), group: fc.constantFrom('a', 'b', 'c') });
    fc.assert(
      fc.property(
        fc.array(fc.array(arrival, { maxLength: 2 }), { minLength: 1, maxLength: 400, size: 'max' }),
        (rounds) => {
          const queue = new LaneQueue<Named>();
          const deadline = new Map<Named, number>();
          const ahead = new Map<string, number>();
          const groupsAtMost = 3;
          for (const [round, arrivals] of rounds.entries()) {
            // A flood in the highest lane, without which nobody would ever be passed over for long.
            for (const { lane, group } of [...arrivals, { lane: lanes[0], group: 'a' }]) {
              const position = (ahead.get(lane + group) ?? 0) + 1;
              ahead.set(lane + group, position);
              const one = waiter(lane, group, '');
              deadline.set(one, round + 24 * groupsAtMost * position);
              queue.add(one);
            }
            const served = queue.shift();
            if (served === undefined) continue;
            ahead.set(served.lane + served.fairnessGroup, (ahead.get(served.lane + served.fairnessGroup) ?? 1) - 1);
            expect(round).toBeLessThanOrEqual(deadline.get(served) ?? -1);
            deadline.delete(served);
          }
          for (const due of deadline.values()) expect(rounds.length).toBeLessThanOrEqual(due);
        },
      ),
    );
  });
});
