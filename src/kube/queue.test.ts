import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { VirtualClock } from '../lib/virtual-clock.ts';
import { DueHeap } from './heap.ts';
import { WorkQueue } from './queue.ts';

function newQueue(clock: VirtualClock): WorkQueue {
  return new WorkQueue({ clock, random: () => 0, backoff: { baseMs: 1000, maxMs: 8000 } });
}

function drain(queue: WorkQueue): string[] {
  const keys: string[] = [];
  for (let key = queue.take(); key !== undefined; key = queue.take()) keys.push(key);
  return keys;
}

describe('the queue', () => {
  test('hands out ready keys once, in the order in which they became ready', () => {
    const queue = newQueue(new VirtualClock());
    for (const key of ['b', 'a', 'b', 'c', 'a']) queue.add(key);
    expect(drain(queue)).toEqual(['b', 'a', 'c']);
  });

  test('hands a key that was added while it ran out again, but only after it is done', () => {
    const queue = newQueue(new VirtualClock());
    queue.add('a');
    expect(queue.take()).toBe('a');
    queue.add('a');
    expect(queue.take()).toBeUndefined();
    queue.done('a');
    expect(drain(queue)).toEqual(['a']);
  });

  test('lets the earlier of two due times win, whichever was asked for first', async () => {
    const clock = new VirtualClock();
    const queue = newQueue(clock);
    queue.addAfter('late first', 5000);
    queue.addAfter('late first', 1000);
    queue.addAfter('early first', 1000);
    queue.addAfter('early first', 5000);
    await clock.advance(999);
    expect(queue.take()).toBeUndefined();
    await clock.advance(1);
    expect(drain(queue).sort()).toEqual(['early first', 'late first']);
  });

  test('lets an add now replace a delayed one: the run says when to look again', async () => {
    const clock = new VirtualClock();
    const queue = newQueue(clock);
    queue.addAfter('a', 1000);
    queue.add('a');
    expect(drain(queue)).toEqual(['a']);
    queue.done('a');
    await clock.advance(10_000);
    expect(queue.take()).toBeUndefined();
  });

  test('keeps a delay that was asked for while the key ran', async () => {
    const clock = new VirtualClock();
    const queue = newQueue(clock);
    queue.add('a');
    queue.take();
    queue.addAfter('a', 3000);
    await clock.advance(1000);
    queue.done('a');
    expect(queue.take()).toBeUndefined();
    await clock.advance(1999);
    expect(queue.take()).toBeUndefined();
    await clock.advance(1);
    expect(queue.take()).toBe('a');
  });

  test('lets the earlier of two delays win that were asked for while the key ran', async () => {
    const clock = new VirtualClock();
    const queue = newQueue(clock);
    queue.add('a');
    queue.take();
    queue.addAfter('a', 1000);
    queue.addAfter('a', 9000);
    queue.done('a');
    await clock.advance(1000);
    expect(queue.take()).toBe('a');
  });

  test('doubles the delay of a key that keeps failing, and forgets it after a success', () => {
    const queue = newQueue(new VirtualClock());
    const delays = [1, 2, 3, 4, 5].map(() => queue.addFailed('a'));
    expect(delays).toEqual([1000, 2000, 4000, 8000, 8000]);
    queue.forget('a');
    expect(queue.addFailed('a')).toBe(1000);
  });

  test('tells its listener of every key that becomes ready', async () => {
    const clock = new VirtualClock();
    const queue = newQueue(clock);
    let told = 0;
    queue.setListener(() => (told += 1));
    queue.add('a');
    queue.addAfter('b', 1000);
    await clock.advance(1000);
    expect(told).toBe(2);
  });

  test('arms one timer for ten thousand delayed keys', async () => {
    const clock = new VirtualClock();
    let timers = 0;
    const counting = {
      now: () => clock.now(),
      after: (ms: number, callback: () => void) => {
        timers += 1;
        return clock.after(ms, callback);
      },
    };
    const queue = new WorkQueue({ clock: counting, random: () => 0 });
    for (let index = 0; index < 10_000; index++) queue.addAfter(`key-${String(index)}`, 1000 + index);
    expect(timers).toBe(1);
    await clock.advance(1000);
    expect(queue.stats()).toMatchObject({ ready: 1, delayed: 9999 });
  });

  test('stops its timer when it is closed', async () => {
    const clock = new VirtualClock();
    const queue = newQueue(clock);
    queue.addAfter('a', 1000);
    queue.close();
    expect(clock.nextDue()).toBeUndefined();
    queue.addAfter('b', 500);
    expect(clock.nextDue()).toBeUndefined();
    await clock.advance(1000);
    expect(queue.take()).toBeUndefined();
  });
});

type Step =
  | { readonly do: 'add'; readonly key: string }
  | { readonly do: 'addAfter'; readonly key: string; readonly ms: number }
  | { readonly do: 'take' }
  | { readonly do: 'done'; readonly nth: number }
  | { readonly do: 'advance'; readonly ms: number };

const keys = fc.constantFrom('a', 'b', 'c', 'd');
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), key: keys }),
  fc.record({ do: fc.constant('addAfter' as const), key: keys, ms: fc.integer({ min: -5, max: 50 }) }),
  fc.record({ do: fc.constant('take' as const) }),
  fc.record({ do: fc.constant('done' as const), nth: fc.nat(3) }),
  fc.record({ do: fc.constant('advance' as const), ms: fc.nat(30) }),
);

/** What the queue promises, in the plainest form: per key, when it has to come out at the earliest and at the latest. */
class Model {
  readonly due = new Map<string, number>();
  readonly running: string[] = [];

  want(key: string, at: number): void {
    this.due.set(key, Math.min(this.due.get(key) ?? at, at));
  }

  mayTake(now: number): string[] {
    return [...this.due].filter(([key, at]) => at <= now && !this.running.includes(key)).map(([key]) => key);
  }
}

async function play(step: Step, queue: WorkQueue, model: Model, clock: VirtualClock): Promise<void> {
  switch (step.do) {
    case 'add':
      queue.add(step.key);
      model.want(step.key, clock.now());
      return;
    case 'addAfter':
      queue.addAfter(step.key, step.ms);
      model.want(step.key, clock.now() + Math.max(0, step.ms));
      return;
    case 'take': {
      const key = queue.take();
      const allowed = model.mayTake(clock.now());
      if (key === undefined) {
        expect(allowed).toEqual([]);
        return;
      }
      expect(allowed).toContain(key);
      model.due.delete(key);
      model.running.push(key);
      return;
    }
    case 'done': {
      const [key] = model.running.splice(step.nth % Math.max(1, model.running.length), 1);
      if (key !== undefined) queue.done(key);
      return;
    }
    case 'advance':
      await clock.advance(step.ms);
  }
}

describe('for any sequence of calls, the queue', () => {
  test('runs no key twice at once, loses none, and hands each out at its earliest due time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 60 }), async (sequence) => {
        const clock = new VirtualClock();
        const queue = newQueue(clock);
        const model = new Model();
        for (const step of sequence) await play(step, queue, model, clock);
        for (const key of model.running.splice(0)) queue.done(key);
        await clock.advance(100);
        expect(drain(queue).sort()).toEqual([...model.due.keys()].sort());
      }),
      { numRuns: 300 },
    );
  });

  test('keeps its heap in order', () => {
    const operation = fc.tuple(fc.constantFrom('set', 'delete'), fc.nat(30), fc.nat(100));
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const heap = new DueHeap();
        const plain = new Map<string, number>();
        for (const [name, key, at] of operations) {
          if (name === 'set') {
            heap.set(String(key), at);
            plain.set(String(key), at);
          } else {
            expect(heap.delete(String(key))).toBe(plain.delete(String(key)));
          }
        }
        const popped: number[] = [];
        for (let next = heap.peek(); next !== undefined; next = heap.peek()) {
          expect(plain.get(next.key)).toBe(next.at);
          popped.push(next.at);
          heap.popDue(next.at);
        }
        expect(popped).toEqual([...plain.values()].sort((a, b) => a - b));
      }),
    );
  });
});
