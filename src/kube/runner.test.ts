import { describe, expect, test } from 'vitest';

import { silentLogger, type Logger } from '../lib/logger.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { KubeError, type Outcome, type ReconcileContext } from './contract.ts';
import { NotLeadingError } from './leader.ts';
import { WorkQueue } from './queue.ts';
import { Runner, type ReconcileResult } from './runner.ts';

type Reconcile = (key: string, context: ReconcileContext) => Promise<Outcome>;

interface World {
  readonly clock: VirtualClock;
  readonly queue: WorkQueue;
  readonly runner: Runner;
  readonly results: ReconcileResult[];
  readonly errors: object[];
}

function worldOf(reconcile: Reconcile, concurrency = 64): World {
  const clock = new VirtualClock();
  const random = () => 0;
  const queue = new WorkQueue({ clock, random, backoff: { baseMs: 1000, maxMs: 60_000 } });
  const results: ReconcileResult[] = [];
  const errors: object[] = [];
  const log: Logger = { ...silentLogger, error: (fields) => errors.push(fields) };
  const runner = new Runner({
    reconciler: { name: 'test', reconcile },
    queue,
    clock,
    random,
    log,
    concurrency,
    hooks: { reconciled: (result) => results.push(result), activeWorkers: () => undefined },
  });
  return { clock, queue, runner, results, errors };
}

const done: Outcome = { kind: 'done' };

describe('the runner', () => {
  test('lets everything else have its turn between reconciles that need no network, and none is forgotten', async () => {
    const seen: string[] = [];
    const world = worldOf((key) => {
      seen.push(key);
      return Promise.resolve(done);
    });
    for (let index = 0; index < 100; index++) world.queue.add(String(index));
    world.runner.start();
    // All that comes before the next turn of a timer or a socket.
    for (let turn = 0; turn < 1000; turn++) await Promise.resolve();
    expect(seen).toHaveLength(32);
    await world.clock.advance(0);
    await world.clock.advance(1);
    expect(seen).toHaveLength(100);
  });

  test('runs at most as many reconciles at once as it is allowed, and all keys in the end', async () => {
    let active = 0;
    let most = 0;
    const seen = new Set<string>();
    const world = worldOf(async (key) => {
      active += 1;
      most = Math.max(most, active);
      const { promise, resolve } = Promise.withResolvers<undefined>();
      world.clock.after(100, () => {
        resolve(undefined);
      });
      await promise;
      active -= 1;
      seen.add(key);
      return done;
    }, 4);
    world.runner.start();
    for (let index = 0; index < 20; index++) world.queue.add(String(index));
    await world.clock.advance(500);
    expect(most).toBe(4);
    expect(seen.size).toBe(20);
  });

  test('keeps to its limit when a reconcile adds keys before it first waits', async () => {
    let active = 0;
    let most = 0;
    const world = worldOf(async (key) => {
      active += 1;
      most = Math.max(most, active);
      if (key === 'first') world.queue.add('second');
      await Promise.resolve();
      active -= 1;
      return done;
    }, 1);
    world.runner.start();
    world.queue.add('first');
    await world.clock.advance(0);
    expect(most).toBe(1);
    expect(world.results).toEqual(['success', 'success']);
  });

  test('counts failures in a row only: after a success the back-off starts anew', async () => {
    const times: number[] = [];
    const world = worldOf(() => {
      times.push(world.clock.now());
      if (times.length === 3) return Promise.resolve({ kind: 'requeueAfter', delayMs: 10_000 });
      throw new Error('boom');
    });
    const start = world.clock.now();
    world.runner.start();
    world.queue.add('a');
    await world.clock.advance(14_000);
    expect(times.map((time) => time - start)).toEqual([0, 1000, 3000, 13_000, 14_000]);
  });

  test('looks again after the delay that an outcome asks for', async () => {
    const times: number[] = [];
    const world = worldOf(() => {
      times.push(world.clock.now());
      return Promise.resolve({ kind: 'requeueAfter', delayMs: 30_000 });
    });
    const start = world.clock.now();
    world.runner.start();
    world.queue.add('a');
    await world.clock.advance(60_000);
    expect(times.map((time) => time - start)).toEqual([0, 30_000, 60_000]);
  });

  test('isolates a key that throws, with back-off, and logs it with its reconcile id', async () => {
    const runs: string[] = [];
    const world = worldOf((key) => {
      runs.push(key);
      if (key === 'bad') throw new Error('boom');
      return Promise.resolve(done);
    });
    world.runner.start();
    world.queue.add('bad');
    world.queue.add('good');
    await world.clock.advance(0);
    expect(runs).toEqual(['bad', 'good']);
    expect(world.errors).toEqual([expect.objectContaining({ key: 'bad', error: 'boom', reconcileId: '000000000000' })]);
    await world.clock.advance(3000);
    expect(runs).toEqual(['bad', 'good', 'bad', 'bad']);
  });

  test('takes a write conflict for a reason to look again at once, not for an error', async () => {
    let runs = 0;
    const world = worldOf(() => {
      runs += 1;
      if (runs === 1) throw new KubeError('stale', 'conflict', 409);
      return Promise.resolve(runs === 2 ? { kind: 'requeue' } : done);
    });
    world.runner.start();
    world.queue.add('a');
    await world.clock.advance(0);
    expect(world.results).toEqual(['requeue', 'requeue', 'success']);
    expect(world.errors).toEqual([]);
  });

  test('slows down a key whose writes conflict again and again', async () => {
    let runs = 0;
    const world = worldOf(() => {
      runs += 1;
      return Promise.resolve({ kind: 'requeue' });
    });
    world.runner.start();
    world.queue.add('a');
    await world.clock.advance(100);
    expect(runs).toBe(6);
  });

  test('stops without new work, waits for what runs, and aborts it when that takes too long', async () => {
    const signals: AbortSignal[] = [];
    const world = worldOf((_key, { signal }) => {
      signals.push(signal);
      const { promise, reject } = Promise.withResolvers<Outcome>();
      signal.addEventListener('abort', () => {
        reject(new Error('broken off'));
      });
      return promise;
    }, 1);
    world.runner.start();
    world.queue.add('a');
    world.queue.add('b');
    await world.clock.advance(0);
    const stopped = world.runner.stop(5000);
    await world.clock.advance(4999);
    expect(signals[0]?.aborted).toBe(false);
    await world.clock.advance(1);
    expect(await stopped).toBe(true);
    expect(signals.length).toBe(1);
    expect(world.errors).toEqual([]);
  });

  test('tells what runs to begin nothing from the moment on at which it is to stop', async () => {
    const contexts: ReconcileContext[] = [];
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const world = worldOf((_key, context) => {
      contexts.push(context);
      return promise;
    });
    world.runner.start();
    world.queue.add('a');
    await world.clock.advance(0);
    const isTold = (): (boolean | undefined)[] => [contexts[0]?.stopping.aborted, contexts[0]?.signal.aborted];
    expect(isTold()).toEqual([false, false]);
    const stopped = world.runner.stop(5000);
    expect(isTold()).toEqual([true, false]);
    resolve(done);
    await world.clock.advance(0);
    expect(await stopped).toBe(true);
    expect(isTold()).toEqual([true, false]);
  });

  test('aborts what runs at once when it is no longer the leader, and can start again', async () => {
    let runs = 0;
    const world = worldOf((_key, { signal }) => {
      runs += 1;
      if (runs > 1) return Promise.resolve(done);
      const { promise, reject } = Promise.withResolvers<Outcome>();
      signal.addEventListener('abort', () => {
        reject(new Error('broken off'));
      });
      return promise;
    });
    world.runner.start();
    world.queue.add('a');
    await world.clock.advance(0);
    const stopped = world.runner.stop(5000, 'leadershipLost');
    await world.clock.advance(0);
    expect(await stopped).toBe(true);
    world.runner.start();
    await world.clock.advance(0);
    expect(world.results).toEqual(['success']);
  });

  test('gives up waiting for a reconcile that ignores its signal', async () => {
    const world = worldOf(() => Promise.withResolvers<Outcome>().promise);
    world.runner.start();
    world.queue.add('a');
    await world.clock.advance(0);
    const stopped = world.runner.stop(5000);
    await world.clock.advance(6000);
    expect(await stopped).toBe(false);
  });

  test('takes a lost lease for no failure, and does not come back to the key before the news can be told', async () => {
    let runs = 0;
    const world = worldOf(() => {
      runs += 1;
      return Promise.reject(new NotLeadingError());
    });
    world.runner.start();
    world.queue.add('a');
    await world.clock.advance(0);
    expect({ runs, results: world.results, errors: world.errors }).toEqual({ runs: 1, results: [], errors: [] });
    await world.clock.advance(1000);
    expect(runs).toBe(2);
  });
});
