import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { sleep, type Clock } from '../lib/clock.ts';
import { silentLogger } from '../lib/logger.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { KubeError, type KubeApi } from './contract.ts';
import { NotLeadingError } from './leader.ts';
import { defaultLeaseTiming, LeaseElector, leaseType } from './lease.ts';
import { MemoryApi } from './testing/memory-api.ts';

const lease = { namespace: 'gpuvm-system', name: 'gpuvm-operator' };

function newApi(clock: VirtualClock): MemoryApi {
  return new MemoryApi({ clock, kinds: [{ type: leaseType }] });
}

function newElector(
  api: KubeApi,
  clock: Clock,
  identity: string,
  random = (): number => 0.5,
): { elector: LeaseElector; words: string[] } {
  const elector = new LeaseElector({ api, clock, random, log: silentLogger, lease, identity });
  const words: string[] = [];
  elector.onGained(() => words.push('gained'));
  elector.onLost(() => words.push('lost'));
  return { elector, words };
}

interface Wire {
  cut: boolean;
  delayMs: number;
  /** What becomes of the next request, which is never answered: it does not arrive, or its answer does not, or it is late. */
  hangs?: 'onItsWay' | 'onItsWayBack' | 'forSoLong' | undefined;
}

/** The same API over a wire that can be cut, or be slow. */
function wired(api: KubeApi, clock: VirtualClock): { api: KubeApi; wire: Wire } {
  const wire: Wire = { cut: false, delayMs: 0 };
  const travel = async (): Promise<void> => {
    if (wire.cut) throw new KubeError('cut', 'unavailable');
    await sleep(clock, wire.delayMs);
  };
  const pass = async <R>(call: () => Promise<R>): Promise<R> => {
    const { hangs } = wire;
    wire.hangs = undefined;
    if (hangs === 'onItsWay') return new Promise(() => undefined);
    if (hangs === 'forSoLong') await sleep(clock, 8500);
    await travel();
    const answer = await call();
    if (hangs !== undefined) return new Promise(() => undefined);
    await travel();
    return answer;
  };
  const over: KubeApi = {
    list: (...args) => api.list(...args),
    watch: (...args) => api.watch(...args),
    get: (...args) => pass(() => api.get(...args)),
    create: (...args) => pass(() => api.create(...args)),
    replace: (...args) => pass(() => api.replace(...args)),
    mergePatch: (...args) => pass(() => api.mergePatch(...args)),
    delete: (...args) => pass(() => api.delete(...args)),
  };
  return { api: over, wire };
}

describe('leader election', () => {
  test('makes the first the leader, and keeps it so while it renews', async () => {
    const clock = new VirtualClock();
    const api = newApi(clock);
    const [one, two] = [newElector(api, clock, 'one'), newElector(api, clock, 'two')];
    one.elector.start();
    await clock.advance(0);
    two.elector.start();
    await clock.advance(10 * 60_000);
    expect([one.words, two.words]).toEqual([['gained'], []]);
    expect(() => {
      one.elector.assertLeading();
    }).not.toThrow();
    expect(() => {
      two.elector.assertLeading();
    }).toThrow(NotLeadingError);
    expect(api.peek(leaseType, 'gpuvm-system/gpuvm-operator')?.spec).toMatchObject({
      holderIdentity: 'one',
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
    });
  });

  test('hands over at once when the leader stops in good order', async () => {
    const clock = new VirtualClock();
    const api = newApi(clock);
    const [one, two] = [newElector(api, clock, 'one'), newElector(api, clock, 'two')];
    one.elector.start();
    await clock.advance(0);
    two.elector.start();
    await clock.advance(1000);
    await one.elector.stop(1000);
    await clock.advance(1600);
    expect([one.words, two.words]).toEqual([['gained', 'lost'], ['gained']]);
    expect(clock.nextDue()).toBeDefined();
    await two.elector.stop(1000);
    expect(clock.nextDue()).toBeUndefined();
  });

  test('finds a new leader within the lease time and a look, whenever the old one dies', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 9000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (at, share) => {
          const clock = new VirtualClock();
          const api = newApi(clock);
          const { api: cut, wire } = wired(api, clock);
          const one = newElector(cut, clock, 'one');
          one.elector.start();
          await clock.advance(0);
          const two = newElector(api, clock, 'two', () => share);
          two.elector.start();
          await clock.advance(at);
          wire.cut = true;
          const died = clock.now();
          while (two.words.length === 0) await clock.advance(100);
          const { durationMs, retryMs } = defaultLeaseTiming;
          expect(clock.now() - died).toBeGreaterThanOrEqual(durationMs - retryMs);
          expect(clock.now() - died).toBeLessThanOrEqual(durationMs + 0.8 * retryMs + 100);
        },
      ),
    );
  });

  test('gives back what an attempt has taken that was under way when it stopped', async () => {
    const clock = new VirtualClock();
    const api = newApi(clock);
    const { api: slow, wire } = wired(api, clock);
    wire.delayMs = 100;
    const one = newElector(slow, clock, 'one');
    one.elector.start();
    // There is no lease: the question takes 200 ms, and 100 ms later it is made.
    await clock.advance(250);
    const stopped = one.elector.stop(1000);
    await clock.advance(1000);
    await stopped;
    expect(one.words).toEqual([]);
    expect(api.peek(leaseType, 'gpuvm-system/gpuvm-operator')?.spec).toMatchObject({ holderIdentity: '' });
  });

  test('gives back what was renewed without its hearing of it', async () => {
    const clock = new VirtualClock();
    const api = newApi(clock);
    const { api: cutOff, wire } = wired(api, clock);
    const one = newElector(cutOff, clock, 'one');
    one.elector.start();
    await clock.advance(1000);
    // The renewal arrives after 100 ms, and the answer is lost.
    wire.delayMs = 100;
    await clock.advance(1050);
    wire.cut = true;
    await clock.advance(100);
    Object.assign(wire, { cut: false, delayMs: 0 });
    const stopped = one.elector.stop(1000);
    await clock.advance(0);
    await stopped;
    expect(api.peek(leaseType, 'gpuvm-system/gpuvm-operator')?.spec).toMatchObject({ holderIdentity: '' });
  });

  test('takes from nobody what it gives back', async () => {
    const clock = new VirtualClock();
    const api = newApi(clock);
    const one = newElector(api, clock, 'one');
    one.elector.start();
    await clock.advance(1000);
    await api.mergePatch(leaseType, lease, { spec: { holderIdentity: 'another' } });
    await clock.advance(2000);
    await one.elector.stop(1000);
    expect(api.peek(leaseType, 'gpuvm-system/gpuvm-operator')?.spec).toMatchObject({ holderIdentity: 'another' });
  });

  test('does not wait for an API server that does not answer, and leads no more', async () => {
    const clock = new VirtualClock();
    const { api: hung, wire } = wired(newApi(clock), clock);
    const one = newElector(hung, clock, 'one');
    one.elector.start();
    await clock.advance(1000);
    wire.delayMs = 1_000_000;
    const stopped = one.elector.stop(1500);
    await clock.advance(1500);
    await stopped;
    expect(one.words).toEqual(['gained', 'lost']);
    expect(one.elector.isLeader()).toBe(false);
  });

  test('leaves no timer behind that would keep the process from its end, whatever it has asked for last', async () => {
    for (const hangs of ['onItsWay', 'onItsWayBack'] as const) {
      const clock = new VirtualClock();
      const { api: hung, wire } = wired(newApi(clock), clock);
      const timers = new Set<object>();
      const counted: Clock = {
        now: () => clock.now(),
        after: (ms, fire) => {
          const timer = {};
          timers.add(timer);
          const cancel = clock.after(ms, () => {
            timers.delete(timer);
            fire();
          });
          return () => {
            timers.delete(timer);
            cancel();
          };
        },
      };
      const one = newElector(hung, counted, 'one');
      one.elector.start();
      await clock.advance(1900);
      // Of the renewal, or of giving back: neither is answered.
      wire.hangs = hangs;
      await clock.advance(200);
      wire.delayMs = 1_000_000;
      const stopped = one.elector.stop(1500);
      await clock.advance(1500);
      await stopped;
      await clock.advance(0);
      expect(timers.size).toBe(0);
    }
  });

  test('makes a leader that is cut off stand down before another takes over, within the lease time', async () => {
    const clock = new VirtualClock();
    const api = newApi(clock);
    const { api: cutOff, wire } = wired(api, clock);
    const [one, two] = [newElector(cutOff, clock, 'one'), newElector(api, clock, 'two')];
    one.elector.start();
    await clock.advance(0);
    two.elector.start();
    await clock.advance(60_000);
    wire.cut = true;
    await clock.advance(10_000);
    expect([one.words, two.words]).toEqual([['gained', 'lost'], []]);
    await clock.advance(15_000);
    expect(two.words).toEqual(['gained']);
    wire.cut = false;
    await clock.advance(60_000);
    expect(one.words).toEqual(['gained', 'lost']);
  });

  test('does not let a leader act after the deadline though its timers have not come yet', async () => {
    const clock = new VirtualClock();
    let pausedMs = 0;
    const api = newApi(clock);
    const own = {
      now: () => clock.now() + pausedMs,
      after: (delayMs: number, callback: () => void) => clock.after(delayMs, callback),
    };
    const elector = new LeaseElector({ api, clock: own, random: () => 0, log: silentLogger, lease, identity: 'one' });
    elector.start();
    await clock.advance(0);
    expect(elector.isLeader()).toBe(true);
    pausedMs = 10_000;
    expect(elector.isLeader()).toBe(false);
  });

  test.each(['onItsWay', 'onItsWayBack', 'forSoLong'] as const)(
    'renews by a second request, and goes on leading, when one hangs %s',
    async (hangs) => {
      const clock = new VirtualClock();
      const api = newApi(clock);
      const { api: hung, wire } = wired(api, clock);
      const [one, two] = [newElector(hung, clock, 'one'), newElector(api, clock, 'two')];
      one.elector.start();
      await clock.advance(0);
      two.elector.start();
      await clock.advance(60_000);
      wire.hangs = hangs;
      await clock.advance(60_000);
      expect([one.words, two.words]).toEqual([['gained'], []]);
      expect(one.elector.isLeader()).toBe(true);
    },
  );

  test('takes over in time though its look at the lease hangs', async () => {
    const clock = new VirtualClock();
    const api = newApi(clock);
    const [first, second] = [wired(api, clock), wired(api, clock)];
    const [one, two] = [newElector(first.api, clock, 'one'), newElector(second.api, clock, 'two')];
    one.elector.start();
    await clock.advance(0);
    two.elector.start();
    await clock.advance(60_000);
    first.wire.cut = true;
    second.wire.hangs = 'onItsWay';
    const { durationMs, renewDeadlineMs, retryMs } = defaultLeaseTiming;
    await clock.advance(durationMs + renewDeadlineMs / 2 + 0.8 * retryMs);
    expect([one.words, two.words]).toEqual([['gained', 'lost'], ['gained']]);
  });

  test('takes a lease whose answer came after the deadline for none: the others count from when it was written', async () => {
    const clock = new VirtualClock();
    let pausedMs = 0;
    const { api: slow, wire } = wired(newApi(clock), clock);
    wire.delayMs = 100;
    const own = { now: () => clock.now() + pausedMs, after: clock.after.bind(clock) };
    const { elector, words } = newElector(slow, own, 'one');
    elector.start();
    // There is none: it is made after 300 ms, and the process freezes before it hears of that.
    await clock.advance(350);
    pausedMs = 10_000;
    await clock.advance(100);
    expect(words).toEqual([]);
    await clock.advance(3000);
    expect(words).toEqual(['gained']);
  });

  test('does not lead by answers that take longer than it waits for any', async () => {
    const clock = new VirtualClock();
    const { api: slow, wire } = wired(newApi(clock), clock);
    const one = newElector(slow, clock, 'one');
    one.elector.start();
    await clock.advance(60_000);
    wire.delayMs = 3000;
    await clock.advance(60_000);
    expect(one.words).toEqual(['gained', 'lost']);
    wire.delayMs = 1000;
    await clock.advance(60_000);
    expect(one.words).toEqual(['gained', 'lost', 'gained']);
  });

  test('goes on leading when somebody else edits the lease, and stands down when it is taken away', async () => {
    const clock = new VirtualClock();
    const api = newApi(clock);
    const one = newElector(api, clock, 'one');
    one.elector.start();
    await clock.advance(0);
    await api.mergePatch(leaseType, lease, { metadata: { labels: { by: 'somebody' } } });
    await clock.advance(60_000);
    expect(one.words).toEqual(['gained']);
    await api.mergePatch(leaseType, lease, { spec: { holderIdentity: 'two', leaseDurationSeconds: 15 } });
    // The renewal that is due next is refused, and the reason is looked at in the same moment.
    await clock.advance(defaultLeaseTiming.retryMs);
    expect(one.words).toEqual(['gained', 'lost']);
  });

  test('makes the lease anew when somebody deletes it', async () => {
    const clock = new VirtualClock();
    const api = newApi(clock);
    const one = newElector(api, clock, 'one');
    one.elector.start();
    await clock.advance(0);
    await api.delete(leaseType, lease);
    await clock.advance(6000);
    expect(one.words).toEqual(['gained']);
    expect(one.elector.isLeader()).toBe(true);
  });

  test('never lets two lead at once, whatever happens to their wires, and always finds one in the end', async () => {
    const step = fc.record({
      who: fc.nat(2),
      cut: fc.boolean(),
      delayMs: fc.constantFrom(0, 10, 900, 3000, 12_000),
      thenMs: fc.integer({ min: 1, max: 20_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
        const clock = new VirtualClock();
        const api = newApi(clock);
        const wires = ['one', 'two', 'three'].map((identity) => {
          const over = wired(api, clock);
          return { ...over, ...newElector(over.api, clock, identity) };
        });
        const leaders = (): number => wires.filter(({ elector }) => elector.isLeader()).length;
        for (const { elector } of wires) elector.start();
        for (const { who, cut, delayMs, thenMs } of steps) {
          Object.assign(wires[who]?.wire ?? {}, { cut, delayMs });
          for (let passed = 0; passed < thenMs; passed += 500) {
            await clock.advance(500);
            expect(leaders()).toBeLessThanOrEqual(1);
          }
        }
        for (const { wire } of wires) Object.assign(wire, { cut: false, delayMs: 0 });
        await clock.advance(60_000);
        expect(leaders()).toBe(1);
      }),
      { numRuns: 40 },
    );
  });
});
