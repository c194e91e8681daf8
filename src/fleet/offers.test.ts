import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { createGate } from '../provider/gate.ts';
import type { HostShare } from './contract.ts';
import { createOfferBook, type RunningOfferBook } from './offers.ts';
import { Cloud, hostOf } from './testing/cloud.ts';

interface Rig {
  readonly clock: VirtualClock;
  readonly cloud: Cloud;
  readonly book: RunningOfferBook;
  readonly woken: string[];
}

function rig(random = 0): Rig {
  const clock = new VirtualClock(1_000_000);
  const cloud = new Cloud(clock);
  cloud.hosts = [hostOf('h1'), hostOf('h2')];
  const woken: string[] = [];
  const gate = createGate({ clock, requestsPerSecond: 10, burst: 10, onTurn: () => undefined });
  const book = createOfferBook({
    provider: cloud,
    gate,
    clock,
    random: () => random,
    wake: (keys) => woken.push(...keys),
  });
  return { clock, cloud, book, woken };
}

function share(changes: Partial<HostShare> = {}): HostShare {
  return {
    gpuModel: 'rtxa4000-pcie-16gb',
    gpuCount: 1,
    vcpus: 4,
    memoryGB: 16,
    storageGB: 100,
    externalPorts: [30_001],
    ...changes,
  };
}

function left(book: RunningOfferBook, id: string) {
  const host = book.hosts?.find((one) => one.id === id) ?? expect.fail('no such host');
  return { gpus: host.gpus[0]?.available, vcpus: host.vcpus.available, ports: host.freePorts };
}

describe('the inventory', () => {
  it('is fetched only when asked for, once for all who ask', async () => {
    const { clock, cloud, book, woken } = rig();
    cloud.latencyMs = 2_000;
    await clock.advance(60_000);
    expect(cloud.calls).toEqual([]);
    book.request('a');
    await clock.advance(1_000);
    book.request('b');
    expect(book.isFresh()).toBe(false);
    await clock.advance(1_000);
    expect(cloud.calls).toHaveLength(1);
    expect(woken).toEqual(['a', 'b']);
    expect(book.isFresh()).toBe(true);
    book.request('c');
    expect(woken).toEqual(['a', 'b', 'c']);
  });

  it('is fetched at most once per half minute', async () => {
    const { clock, cloud, book } = rig();
    for (let second = 0; second < 90; second += 1) {
      book.request('a');
      await clock.advance(1_000);
    }
    expect(cloud.calls).toHaveLength(3);
  });

  it('is fetched ahead for a crowd, so that there is a fresh one all the time although each answer takes long', async () => {
    const { clock, cloud, book } = rig();
    cloud.latencyMs = 12_000;
    book.request('a');
    await clock.advance(12_000);
    for (let second = 0; second < 88; second += 1) {
      expect(book.isFresh()).toBe(true);
      book.reserve('h1', share());
      await clock.advance(1_000);
    }
    expect(cloud.timesOf('listHosts').map((at) => (at - 1_000_000) / 1_000)).toEqual([0, 30, 60, 90]);
  });

  it('is not fetched ahead for one who chose and has nobody behind', async () => {
    const { clock, cloud, book } = rig();
    book.request('a');
    await clock.advance(10_000);
    book.reserve('h1', share());
    await clock.advance(600_000);
    book.reserve('h1', share());
    await clock.advance(600_000);
    expect(cloud.calls).toHaveLength(1);
  });

  it('that could not be fetched ahead is good for as long as it is fresh, and then asked for as ever', async () => {
    const { clock, cloud, book, woken } = rig();
    cloud.latencyMs = 12_000;
    book.request('a');
    await clock.advance(12_000);
    cloud.failure = 'unavailable';
    await clock.advance(18_000);
    book.reserve('h1', share());
    await clock.advance(11_999);
    expect(book.isFresh()).toBe(true);
    cloud.failure = undefined;
    await clock.advance(1);
    expect(book.isFresh()).toBe(false);
    book.request('b');
    await clock.advance(30_000);
    expect(book.isFresh()).toBe(true);
    expect(woken).toEqual(['a', 'b']);
  });

  it('that cannot be fetched wakes who asked, and is tried again ever later', async () => {
    const { clock, cloud, book, woken } = rig();
    cloud.failure = 'unavailable';
    for (let second = 0; second < 120; second += 1) {
      book.request('a');
      await clock.advance(1_000);
    }
    expect(cloud.timesOf('listHosts').map((at) => (at - 1_000_000) / 1_000)).toEqual([0, 2, 6, 14, 30, 62]);
    expect(woken.length).toBe(6);
    expect(book.failure).toEqual({ kind: 'unavailable', message: 'the provider is away' });
    cloud.failure = undefined;
    book.request('a');
    await clock.advance(60_000);
    expect(book.failure).toBeUndefined();
    expect(book.hosts).toHaveLength(2);
  });

  it('is not fetched for keys that have gone meanwhile', async () => {
    const { clock, cloud, book, woken } = rig();
    cloud.failure = 'unavailable';
    book.request('a');
    await clock.advance(1);
    book.request('b');
    book.forget('b');
    await clock.advance(10_000);
    expect(cloud.calls).toHaveLength(1);
    book.request('c');
    await clock.advance(10_000);
    expect(cloud.calls).toHaveLength(2);
    expect(woken).toEqual(['a', 'c']);
  });
});

describe('a reservation', () => {
  async function fetched(): Promise<Rig> {
    const given = rig();
    given.book.request('a');
    await given.clock.advance(1);
    return given;
  }

  it('takes stock and ports, never below nothing, and gives exactly that back', async () => {
    const { book } = await fetched();
    book.reserve('h1', share());
    book.reserve('h1', share({ gpuCount: 8, externalPorts: [30_002] }));
    expect(left(book, 'h1')).toEqual({ gpus: 0, vcpus: 24, ports: [30_003] });
    expect(left(book, 'h2').gpus).toBe(4);
    book.release('h1', share({ gpuCount: 8, externalPorts: [30_002] }));
    expect(left(book, 'h1')).toEqual({ gpus: 3, vcpus: 28, ports: [30_002, 30_003] });
    book.release('h1', share({ externalPorts: [30_003] }));
    book.release('h2', share());
    expect(left(book, 'h1').gpus).toBe(3);
  });

  it('is forgotten with the inventory that shows it, but not with one that left too early for that', async () => {
    const { clock, cloud, book } = await fetched();
    await clock.advance(20_000);
    book.reserve('h1', share());
    await clock.advance(10_000);
    book.request('a');
    await clock.advance(1);
    expect(cloud.calls).toHaveLength(2);
    expect(left(book, 'h1').gpus).toBe(3);
    await clock.advance(30_000);
    book.request('a');
    await clock.advance(1);
    expect(left(book, 'h1').gpus).toBe(4);
    book.release('h1', share());
    expect(left(book, 'h1').gpus).toBe(4);
  });

  it('whatever is reserved and released, what is left is what was fetched less what is held', async () => {
    const { book } = await fetched();
    const act = fc.record({ take: fc.boolean(), vcpus: fc.constantFrom(2, 4), host: fc.constantFrom('h1', 'h2') });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
        const held: (typeof acts)[number][] = [];
        for (const one of acts) {
          const taken = share({ vcpus: one.vcpus, gpuCount: 0, externalPorts: [] });
          const index = held.findIndex((other) => other.host === one.host && other.vcpus === one.vcpus);
          if (one.take) {
            book.reserve(one.host, taken);
            held.push(one);
          } else {
            book.release(one.host, taken);
            if (index >= 0) held.splice(index, 1);
          }
          const used = held.filter((other) => other.host === 'h1').reduce((sum, other) => sum + other.vcpus, 0);
          expect(left(book, 'h1').vcpus).toBe(Math.max(0, 32 - used));
        }
        for (const one of held) book.release(one.host, share({ vcpus: one.vcpus, gpuCount: 0, externalPorts: [] }));
        expect(left(book, 'h1').vcpus).toBe(32);
      }),
    );
  });
});

describe('a host that failed', () => {
  it('cools down for a minute, then two, up to half an hour, and starts anew after a success', async () => {
    const { clock, book } = rig();
    const lengths: number[] = [];
    for (let n = 0; n < 7; n += 1) {
      book.reportFailure('h1', 'no room');
      lengths.push(((book.coolingDownUntil('h1') ?? 0) - clock.now()) / 60_000);
      await clock.advance((book.coolingDownUntil('h1') ?? 0) - clock.now());
      expect(book.coolingDownUntil('h1')).toBeUndefined();
    }
    expect(lengths).toEqual([1, 2, 4, 8, 16, 30, 30]);
    book.reportSuccess('h1');
    book.reportFailure('h1', 'no room');
    expect(book.coolingDownUntil('h1')).toBe(clock.now() + 60_000);
    expect(book.coolingDownUntil('h2')).toBeUndefined();
  });

  it('counts failures of launches that ran at the same time once', async () => {
    const { clock, book } = rig();
    for (let n = 0; n < 5; n += 1) book.reportFailure('h1', `failure ${n}`);
    expect(book.coolingDownUntil('h1')).toBe(clock.now() + 60_000);
    expect(book.coolingDownBecause('h1')).toBe('failure 0');
    await clock.advance(60_000);
    expect(book.coolingDownBecause('h1')).toBeUndefined();
  });

  it('is forgotten after half an hour of peace', async () => {
    const { clock, book } = rig();
    book.reportFailure('h1', 'no room');
    await clock.advance(60_000);
    book.reportFailure('h1', 'no room');
    await clock.advance(120_000 + 1_800_001);
    book.reportFailure('h1', 'no room');
    expect(book.coolingDownUntil('h1')).toBe(clock.now() + 60_000);
  });

  it('comes back a little earlier by chance, so that hosts do not all come back together', () => {
    const { clock, book } = rig(0.999);
    book.reportFailure('h1', 'no room');
    expect(book.coolingDownUntil('h1')).toBeLessThan(clock.now() + 41_000);
  });
});
