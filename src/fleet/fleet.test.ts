import { describe, expect, it } from 'vitest';
import { sleep } from '../lib/clock.ts';
import { silentLogger } from '../lib/logger.ts';
import { money } from '../lib/money.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { ProviderError, type CallOutcome, type ProviderErrorKind } from '../provider/error.ts';
import { createGate } from '../provider/gate.ts';
import type { Snapshot } from './contract.ts';
import type { FleetDiff } from './diff.ts';
import { createFleet, type FleetOptions, type RunningFleet } from './fleet.ts';
import { Cloud, vmOf } from './testing/cloud.ts';

interface Rig {
  readonly clock: VirtualClock;
  readonly cloud: Cloud;
  readonly fleet: RunningFleet;
  readonly woken: string[];
  readonly diffs: FleetDiff[];
}

function rig(options: Partial<FleetOptions> = {}): Rig {
  const clock = new VirtualClock(1_000_000);
  const cloud = new Cloud(clock);
  const woken: string[] = [];
  const diffs: FleetDiff[] = [];
  const gate = createGate({ clock, requestsPerSecond: 10, burst: 10, onTurn: () => undefined });
  const fleet = createFleet({
    provider: cloud,
    gate,
    clock,
    random: () => 0,
    intervals: { activeMs: 5_000, idleMs: 60_000 },
    wake: (keys) => woken.push(...keys),
    onChange: (diff) => diffs.push(diff),
    log: silentLogger,
    ...options,
  });
  return { clock, cloud, fleet, woken, diffs };
}

function seen(fleet: RunningFleet): Snapshot {
  return fleet.snapshot ?? expect.fail('no snapshot');
}

/** A balance that nobody can read. */
const unreadable = (): Promise<never> => Promise.reject(new Error('no'));

/** An answer that does not come. */
const unanswered = (): Promise<never> => new Promise<never>(() => undefined);

function many(count: number) {
  return Array.from({ length: count }, (_unused, index) => vmOf(`vm-${index}`));
}

describe('the poll', () => {
  it('comes once per long interval while nobody waits', async () => {
    const { clock, cloud, fleet } = rig();
    fleet.start();
    await clock.advance(300_000);
    expect(cloud.timesOf('listVms').map((at) => at - 1_000_000)).toEqual([
      0, 60_000, 120_000, 180_000, 240_000, 300_000,
    ]);
    // Once, since the first list is empty: is nothing billed?
    expect(cloud.timesOf('getBalance')).toEqual([1_000_000]);
  });

  it('costs the same number of requests however many VMs and waiting keys there are', async () => {
    const { clock, cloud, fleet } = rig();
    cloud.vms = many(1_000);
    fleet.start();
    await clock.advance(10);
    for (let n = 0; n < 1_000; n += 1) fleet.awaitSnapshot(`key-${n}`, clock.now());
    await clock.advance(50_000);
    expect(cloud.calls).toHaveLength(2);
  });

  it('is pulled forward by a waiting key, but never below the short interval', async () => {
    const { clock, cloud, fleet, woken } = rig();
    fleet.start();
    await clock.advance(1_000);
    fleet.awaitSnapshot('a', clock.now());
    await clock.advance(3_999);
    expect(cloud.timesOf('listVms')).toHaveLength(1);
    await clock.advance(1);
    expect(cloud.timesOf('listVms')).toHaveLength(2);
    expect(woken).toEqual(['a']);
  });

  it('takes the turn of nobody who has more use for it, and comes early again for who asks once the crowd is gone', async () => {
    let crowdedMs = 20_000;
    const { clock, cloud, fleet } = rig({ intervals: { activeMs: 5_000, idleMs: 60_000, crowdedMs: () => crowdedMs } });
    fleet.start();
    await clock.advance(1_000);
    fleet.awaitSnapshot('a', clock.now());
    await clock.advance(18_999);
    expect(cloud.timesOf('listVms')).toHaveLength(1);
    await clock.advance(1);
    expect(cloud.timesOf('listVms')).toHaveLength(2);
    fleet.awaitSnapshot('a', clock.now());
    await clock.advance(5_000);
    crowdedMs = 5_000;
    fleet.awaitSnapshot('b', clock.now());
    await clock.advance(1);
    expect(cloud.timesOf('listVms')).toHaveLength(3);
  });

  it('leaves in a later millisecond than the event it is to show', async () => {
    const { clock, cloud, fleet, woken } = rig();
    fleet.start();
    await clock.advance(30_000);
    fleet.awaitSnapshot('a', clock.now());
    await clock.advance(0);
    expect(woken).toEqual([]);
    await clock.advance(1);
    expect(cloud.timesOf('listVms')).toEqual([1_000_000, 1_030_001]);
    expect(seen(fleet).requestedAt).toBe(1_030_000);
    expect(woken).toEqual(['a']);
  });

  it('wakes a key at once that waits for what is there already', async () => {
    const { clock, fleet, woken } = rig();
    fleet.start();
    await clock.advance(1_000);
    fleet.awaitSnapshot('a', seen(fleet).requestedAt);
    expect(woken).toEqual(['a']);
  });

  it('comes at once after a change of credentials, but not below the short interval', async () => {
    const { clock, cloud, fleet } = rig();
    fleet.start();
    await clock.advance(1_000);
    fleet.refresh();
    await clock.advance(3_999);
    expect(cloud.timesOf('listVms')).toEqual([1_000_000]);
    await clock.advance(26_000);
    fleet.refresh();
    await clock.advance(0);
    expect(cloud.timesOf('listVms')).toEqual([1_000_000, 1_005_000, 1_030_999]);
  });

  it('does not wait for failures to be over that were the answer to other credentials', async () => {
    const { clock, cloud, fleet } = rig();
    cloud.failure = 'unauthorized';
    fleet.start();
    await clock.advance(200_000);
    const tries = cloud.timesOf('listVms').length;
    cloud.failure = undefined;
    fleet.refresh();
    expect(fleet.pollFailure).toBeUndefined();
    await clock.advance(5_000);
    expect(cloud.timesOf('listVms')).toHaveLength(tries + 1);
    expect(fleet.snapshot).toBeDefined();
  });

  it('that was under way when the credentials changed is said to be of the ones before, and the next one follows soon', async () => {
    let askedAs = 'before';
    const { clock, cloud, fleet } = rig({ askedAs: () => askedAs });
    cloud.vms = many(1);
    cloud.latencyMs = 2_000;
    fleet.start();
    await clock.advance(1_000);
    askedAs = 'after';
    fleet.refresh();
    await clock.advance(1_000);
    expect(seen(fleet).askedAs).toBe('before');
    await clock.advance(5_000);
    expect(seen(fleet).askedAs).toBe('after');
    expect(cloud.timesOf('listVms')).toEqual([1_000_000, 1_005_000]);
  });

  it('is not made for a change of credentials once the fleet was stopped', async () => {
    const { clock, cloud, fleet } = rig();
    fleet.start();
    await clock.advance(10_000);
    fleet.stop();
    fleet.refresh();
    await clock.advance(100_000);
    expect(cloud.timesOf('listVms')).toHaveLength(1);
  });

  it('does not serve a key with an answer that was requested too early', async () => {
    const { clock, cloud, fleet, woken } = rig();
    cloud.vms = many(1);
    cloud.latencyMs = 8_000;
    fleet.start();
    await clock.advance(1_000);
    fleet.awaitSnapshot('a', clock.now());
    await clock.advance(7_000);
    expect(fleet.snapshot?.sequence).toBe(1);
    expect(woken).toEqual([]);
    await clock.advance(8_001);
    expect(woken).toEqual(['a']);
  });

  it('never overlaps with itself, however long it takes', async () => {
    const { clock, cloud, fleet } = rig();
    cloud.latencyMs = 20_000;
    fleet.start();
    for (let n = 0; n < 10; n += 1) {
      fleet.awaitSnapshot('a', clock.now());
      await clock.advance(9_000);
    }
    const times = cloud.timesOf('listVms');
    for (const [index, at] of times.slice(1).entries()) expect(at - (times[index] ?? 0)).toBeGreaterThanOrEqual(20_000);
  });

  it('waits no longer for a key that is forgotten, nor for one that asks for something later instead', async () => {
    const { clock, cloud, fleet, woken } = rig();
    fleet.start();
    await clock.advance(1_000);
    fleet.awaitSnapshot('a', clock.now());
    fleet.forget('a');
    fleet.awaitSnapshot('b', clock.now());
    fleet.awaitSnapshot('b', clock.now() + 30_000);
    await clock.advance(59_000);
    expect(woken).toEqual(['b']);
    expect(cloud.timesOf('listVms').length).toBeLessThanOrEqual(4);
  });

  it('backs off while it fails, says since when, and recovers', async () => {
    const { clock, cloud, fleet, woken } = rig();
    fleet.start();
    await clock.advance(1_000);
    cloud.failure = 'unavailable';
    fleet.awaitSnapshot('a', clock.now());
    await clock.advance(250_000);
    expect(cloud.timesOf('listVms').map((at) => (at - 1_000_000) / 1_000)).toEqual([0, 5, 10, 20, 40, 80, 140, 200]);
    expect(fleet.pollFailure).toEqual({
      kind: 'unavailable',
      message: 'the provider is away',
      since: 1_000_000,
      consecutive: 7,
    });
    expect(fleet.snapshot?.sequence).toBe(1);
    cloud.failure = undefined;
    await clock.advance(60_000);
    expect(fleet.pollFailure).toBeUndefined();
    expect(woken).toEqual(['a']);
  });

  it('has no failure any more when it tells that it has recovered', async () => {
    const told: unknown[] = [];
    const { clock, cloud, fleet }: Rig = rig({
      hooks: {
        polled: () => {
          told.push(fleet.pollFailure);
        },
      },
      onChange: () => {
        told.push(fleet.pollFailure);
      },
    });
    cloud.failure = 'unavailable';
    fleet.start();
    await clock.advance(1_000);
    expect(fleet.pollFailure).toBeDefined();
    cloud.failure = undefined;
    cloud.vms = many(1);
    await clock.advance(60_000);
    expect(told.slice(0, 2)).toEqual([undefined, undefined]);
  });

  it('goes on when the clock was set back', async () => {
    const clock = new VirtualClock(1_000_000);
    let shift = 0;
    const shifted = { now: () => clock.now() + shift, after: clock.after.bind(clock) };
    const { cloud, fleet } = rig({
      clock: shifted,
      gate: createGate({ clock: shifted, requestsPerSecond: 1, burst: 2, onTurn: () => undefined }),
    });
    fleet.start();
    await clock.advance(1_000);
    shift = -3_600_000;
    await clock.advance(180_000);
    expect(cloud.timesOf('listVms')).toHaveLength(4);
  });

  it('ends with stop, also while an answer is awaited', async () => {
    const { clock, cloud, fleet } = rig();
    cloud.latencyMs = 5_000;
    fleet.start();
    await clock.advance(1_000);
    fleet.stop();
    fleet.awaitSnapshot('a', clock.now());
    await clock.advance(300_000);
    expect(cloud.calls).toHaveLength(1);
    expect(fleet.snapshot).toBeUndefined();
  });

  it('ends with stop, also while the balance is to be asked for again', async () => {
    const { clock, cloud, fleet } = rig();
    let asked = 0;
    cloud.getBalance = () => {
      asked += 1;
      return Promise.reject(
        new ProviderError('away', { kind: 'unavailable', outcome: 'notDone', endpoint: 'balance' }),
      );
    };
    fleet.start();
    await clock.advance(100);
    expect(asked).toBe(1);
    fleet.stop();
    await clock.advance(300_000);
    expect(asked).toBe(1);
    expect(fleet.snapshot).toBeUndefined();
  });
});

describe('a snapshot', () => {
  it('finds VMs by id and by name, two of the same name as well', async () => {
    const { clock, cloud, fleet } = rig();
    cloud.vms = [vmOf('a', { name: 'twin' }), vmOf('b', { name: 'twin' })];
    fleet.start();
    await clock.advance(1);
    expect(seen(fleet).byId.get('b')?.id).toBe('b');
    expect(
      seen(fleet)
        .byName.get('twin')
        ?.map((vm) => vm.id),
    ).toEqual(['a', 'b']);
  });

  it('shares everything with the one before while nothing changes, and tells nobody', async () => {
    const { clock, cloud, fleet, diffs } = rig();
    cloud.vms = many(3);
    fleet.start();
    await clock.advance(1);
    const first = seen(fleet);
    await clock.advance(60_000);
    expect(seen(fleet).sequence).toBe(2);
    expect(seen(fleet).byId).toBe(first.byId);
    expect(seen(fleet).byName).toBe(first.byName);
    expect(diffs).toHaveLength(1);
  });

  it('tells what is different', async () => {
    const { clock, cloud, fleet, diffs } = rig();
    cloud.vms = [vmOf('stays'), vmOf('changes'), vmOf('goes'), vmOf('blurs')];
    fleet.start();
    await clock.advance(1);
    const first = seen(fleet);
    cloud.vms = [vmOf('stays'), vmOf('changes', { price: undefined }), vmOf('comes')];
    cloud.unreadable = ['blurs'];
    await clock.advance(60_000);
    expect(diffs[1]).toMatchObject({
      added: [{ id: 'comes' }],
      changed: [{ before: { id: 'changes' }, after: { price: undefined } }],
      removed: [{ id: 'goes', last: { id: 'goes' } }],
      unreadable: ['blurs'],
    });
    expect(seen(fleet).byId.get('stays')).toBe(first.byId.get('stays'));
    cloud.unreadable = [];
    await clock.advance(60_000);
    expect(diffs[2]).toMatchObject({
      added: [],
      changed: [],
      removed: [{ id: 'blurs', last: undefined }],
      unreadable: [],
    });
  });

  it('takes 0.20 and 0.2 for the same price', async () => {
    const { clock, cloud, fleet, diffs } = rig();
    const price = (total: string) => ({ compute: money('0.19'), storage: money('0.01'), total: money(total) });
    cloud.vms = [vmOf('a', { price: price('0.20') })];
    fleet.start();
    await clock.advance(1);
    cloud.vms = [vmOf('a', { price: price('0.2') })];
    await clock.advance(60_000);
    expect(diffs).toHaveLength(1);
  });
});

describe('a listing is distrusted', () => {
  async function running(count: number, options: Partial<FleetOptions> = {}): Promise<Rig> {
    const given = rig(options);
    given.cloud.vms = many(count);
    given.cloud.hourlyCost = '1.50';
    given.fleet.start();
    await given.clock.advance(1);
    return given;
  }

  it.each([
    ['three of three', 3, 3, true],
    ['two of two', 2, 2, false],
    ['two of five', 5, 2, false],
    ['three of fifteen', 15, 3, true],
    ['three of sixteen', 16, 3, false],
    ['twenty of a hundred', 100, 20, true],
    ['nineteen of a hundred', 100, 19, false],
  ])('when %s vanish: %#', async (_name, ...[before, gone, distrusted]) => {
    const { clock, cloud, fleet } = await running(before);
    cloud.vms = many(before).slice(gone);
    cloud.hourlyCost = '0';
    await clock.advance(60_000);
    expect(seen(fleet).distrusted !== undefined).toBe(distrusted);
    expect(seen(fleet).byId.size).toBe(before - gone);
  });

  it('with a sentence that says what is wrong', async () => {
    const { clock, cloud, fleet } = await running(10);
    cloud.vms = many(5);
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toBe(
      '5 of 10 VMs vanished from the listing without having been deleted by this operator',
    );
  });

  it('no longer once the VMs are listed again', async () => {
    const { clock, cloud, fleet } = await running(10);
    cloud.vms = [];
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toBeDefined();
    cloud.vms = many(10);
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toBeUndefined();
  });

  it('not for VMs whose deletion we asked for, nor for those that cannot be read', async () => {
    const { clock, cloud, fleet } = await running(10);
    for (const vm of many(5)) void fleet.whileDeleting(vm.id, unanswered);
    cloud.vms = many(8).slice(5);
    cloud.unreadable = ['vm-8', 'vm-9'];
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toBeUndefined();
  });

  it('until so many are confirmed gone that the rest is unsuspicious', async () => {
    const { clock, cloud, fleet } = await running(10);
    cloud.vms = many(5);
    await clock.advance(60_000);
    for (const id of ['vm-5', 'vm-6']) fleet.noteConfirmedGone(id);
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toBeDefined();
    fleet.noteConfirmedGone('vm-7');
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toBeUndefined();
  });

  it('for ten minutes where nobody confirms anything, then no longer', async () => {
    const { clock, cloud, fleet } = await running(10);
    cloud.vms = many(5);
    await clock.advance(60_000 + 599_000);
    expect(seen(fleet).distrusted).toBeDefined();
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toBeUndefined();
  });

  it('at once, and for as long as it lasts, when it lacks one VM that was found alive', async () => {
    const { clock, cloud, fleet } = await running(4);
    cloud.vms = many(3);
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toBeUndefined();
    fleet.noteFoundAlive('vm-3');
    expect(seen(fleet).distrusted).toContain('lacks VM vm-3');
    await clock.advance(1_800_000);
    expect(seen(fleet).distrusted).toContain('lacks VM vm-3');
    cloud.vms = many(4);
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toBeUndefined();
  });

  it('when it lacks a VM that had been recorded before it was requested, but not one that was recorded since', async () => {
    const recorded = new Set(['vm-0']);
    const { clock, cloud, fleet } = rig({ recorded: () => recorded });
    cloud.vms = many(1);
    cloud.latencyMs = 5_000;
    fleet.start();
    await clock.advance(1_000);
    recorded.add('vm-1');
    await clock.advance(4_000);
    expect(seen(fleet).distrusted).toBeUndefined();
    await clock.advance(65_000);
    expect(seen(fleet).distrusted).toContain('lacks VM vm-1');
  });

  it('whatever a listing that was got with another key has lacked meanwhile, for however long', async () => {
    let askedAs = 'own';
    const { clock, cloud, fleet } = await running(10, { askedAs: () => askedAs });
    askedAs = 'other';
    cloud.vms = [vmOf('elsewhere')];
    await clock.advance(1_800_000);
    expect(seen(fleet)).toMatchObject({ askedAs: 'other', distrusted: undefined });
    askedAs = 'own';
    cloud.vms = many(5);
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toContain('5 of 10 VMs vanished');
    cloud.vms = many(10);
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toBeUndefined();
  });

  it('when it was got with a new key and lacks what the listings with the key before had', async () => {
    let askedAs = 'before';
    const { clock, cloud, fleet } = await running(10, { askedAs: () => askedAs });
    for (const id of ['vm-8', 'vm-9']) void fleet.whileDeleting(id, unanswered);
    askedAs = 'after';
    cloud.vms = many(5);
    await clock.advance(60_000);
    expect(seen(fleet).askedAs).toBe('after');
    expect(seen(fleet).distrusted).toContain('3 of 8 VMs vanished');
  });

  it('for more than ten minutes when the listings in between failed', async () => {
    const { clock, cloud, fleet } = await running(10);
    cloud.vms = [];
    await clock.advance(60_000);
    cloud.failure = 'unavailable';
    await clock.advance(900_000);
    cloud.failure = undefined;
    await clock.advance(61_000);
    expect(seen(fleet).distrusted).toBeDefined();
  });

  it('when it is empty while money is being spent and somebody waits', async () => {
    const { clock, cloud, fleet } = await running(1);
    cloud.vms = [];
    fleet.awaitSnapshot('a', clock.now());
    await clock.advance(6_000);
    expect(seen(fleet).distrusted).toBe('the listing is empty, but the organization is billed $1.50 per hour');
    cloud.hourlyCost = '0';
    fleet.awaitSnapshot('a', clock.now());
    await clock.advance(6_000);
    expect(seen(fleet).distrusted).toBeUndefined();
  });

  it('when it is empty while money is being spent, though nobody waits', async () => {
    const { clock, cloud, fleet } = rig();
    cloud.hourlyCost = '1.50';
    fleet.start();
    await clock.advance(1);
    expect(seen(fleet).distrusted).toContain('the listing is empty');
    await clock.advance(120_000);
    expect(seen(fleet).distrusted).toContain('the listing is empty');
    cloud.hourlyCost = '0';
    await clock.advance(600_000);
    expect(seen(fleet).distrusted).toBeUndefined();
    expect(cloud.timesOf('getBalance')).toHaveLength(4);
  });

  it('is not compared with the bill again while nobody waits, and says so', async () => {
    const { clock, cloud, fleet } = rig();
    fleet.start();
    await clock.advance(1);
    expect(seen(fleet).isUnchecked).toBeUndefined();
    cloud.hourlyCost = '1.50';
    await clock.advance(120_000);
    expect(seen(fleet)).toMatchObject({ distrusted: undefined, isUnchecked: true });
    fleet.awaitSnapshot('a', clock.now());
    await clock.advance(6_000);
    expect(seen(fleet).distrusted).toContain('the listing is empty');
  });

  it.each<[string, (cloud: Cloud) => void, string]>([
    ['while money is being spent', (cloud) => void (cloud.hourlyCost = '1.50'), 'the listing is empty'],
    ['and the balance cannot be read', (cloud) => void (cloud.getBalance = unreadable), 'could not be read'],
  ])('when it is empty %s, though it was empty all night and nothing was billed', async (_, change, why) => {
    const { clock, cloud, fleet } = rig();
    fleet.start();
    await clock.advance(8 * 3_600_000);
    change(cloud);
    fleet.awaitSnapshot('a', clock.now());
    await clock.advance(6_000);
    expect(seen(fleet).distrusted).toContain(why);
  });

  it('is compared with the bill again after a deletion, though nobody waits: the last bill was from before that VM', async () => {
    const { clock, cloud, fleet } = rig();
    fleet.start();
    await clock.advance(120_000);
    expect(seen(fleet).isUnchecked).toBe(true);
    cloud.hourlyCost = '1.50';
    fleet.noteConfirmedGone('vm-1');
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toContain('the listing is empty');
  });

  it('when it becomes empty again while money is being spent', async () => {
    const { clock, cloud, fleet } = rig();
    fleet.start();
    await clock.advance(60_000);
    cloud.vms = many(1);
    cloud.hourlyCost = '0.5';
    await clock.advance(60_000);
    cloud.vms = [];
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toContain('the listing is empty');
  });

  it('when it is empty and the balance cannot be read, for ten minutes', async () => {
    const { clock, cloud, fleet } = rig();
    cloud.getBalance = unreadable;
    fleet.start();
    const poll = async (forMs: number): Promise<void> => {
      for (let passed = 0; passed < forMs; passed += 6_000) {
        fleet.awaitSnapshot('a', clock.now());
        await clock.advance(6_000);
      }
    };
    await poll(540_000);
    expect(seen(fleet).distrusted).toContain('could not be read');
    await poll(120_000);
    expect(seen(fleet).distrusted).toBeUndefined();
  });

  it('when it is empty and was billed for, though the balance cannot be read ten minutes later', async () => {
    const { clock, cloud, fleet } = rig();
    cloud.hourlyCost = '1.50';
    fleet.start();
    await clock.advance(11 * 60_000);
    cloud.getBalance = unreadable;
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toContain('could not be read');
    await clock.advance(50 * 60_000);
    expect(seen(fleet).distrusted).toBeUndefined();
  });

  it.each([
    ['was believed once as the balance could not be read', 11 * 60_000, 8 * 3_600_000],
    ['was believed for a night in which the balance could not be read', 8 * 3_600_000, 0],
  ])('when it is empty while money is being spent, though it %s', async (_, unreadableMs, readableMs) => {
    const { clock, cloud, fleet } = rig();
    const readable = cloud.getBalance.bind(cloud);
    cloud.getBalance = unreadable;
    fleet.start();
    await clock.advance(unreadableMs);
    expect(seen(fleet).distrusted).toBeUndefined();
    cloud.getBalance = readable;
    await clock.advance(readableMs);
    cloud.hourlyCost = '1.50';
    fleet.awaitSnapshot('a', clock.now());
    await clock.advance(6_000);
    expect(seen(fleet).distrusted).toContain('the organization is billed');
    await clock.advance(61 * 60_000);
    expect(seen(fleet).distrusted).toBeUndefined();
  });

  it('when a VM that it lacks is found alive while the bill is being read', async () => {
    const { clock, cloud, fleet } = rig();
    const readable = cloud.getBalance.bind(cloud);
    cloud.getBalance = () => {
      fleet.noteFoundAlive('vm-1');
      return readable();
    };
    fleet.start();
    await clock.advance(1);
    expect(seen(fleet).distrusted).toContain('the listing lacks VM vm-1');
  });

  it('is compared with the bill again when a VM was deleted while the bill was being read', async () => {
    const { clock, cloud, fleet } = rig();
    const readable = cloud.getBalance.bind(cloud);
    cloud.getBalance = () => {
      cloud.getBalance = readable;
      void fleet.whileDeleting('vm-1', () => Promise.resolve());
      return readable();
    };
    fleet.start();
    await clock.advance(1);
    cloud.hourlyCost = '1.50';
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toContain('the listing is empty');
  });

  it('for an hour at most when the bill goes on without VMs', async () => {
    const { clock, cloud, fleet } = rig();
    cloud.hourlyCost = '0.5';
    fleet.start();
    const states: boolean[] = [];
    for (let minutes = 0; minutes < 70; minutes += 1) {
      fleet.awaitSnapshot('a', clock.now());
      await clock.advance(60_000);
      states.push(seen(fleet).distrusted !== undefined);
    }
    expect(states.slice(1, 58).every(Boolean)).toBe(true);
    expect(states.at(-1)).toBe(false);
  });
});

describe('what is known of bids', () => {
  const size = { gpuModel: 'v100', gpuCount: 1, vcpus: 4, memoryGB: 16, storageGB: 100 };

  it('wakes who waits for an answer, as old as the limits of the fleet allow, until the fleet forgets the key or stops', async () => {
    const { clock, fleet, woken } = rig({ bids: { winsMaxAgeMs: 5_000 } });
    for (const host of ['h1', 'h2', 'h3']) fleet.bids.begin(host, size);
    fleet.bids.awaitAnswer('a', 'h1', size);
    fleet.bids.awaitAnswer('b', 'h2', size);
    fleet.bids.awaitAnswer('c', 'h3', size);
    fleet.bids.note('h1', size, money('0.25'), true);
    fleet.forget('b');
    fleet.bids.failed('h2', size);
    expect(woken).toEqual(['a']);
    expect(fleet.bids.known('h1', size).wins?.toFixed()).toBe('0.25');
    await clock.advance(5_000);
    expect(fleet.bids.known('h1', size).wins).toBeUndefined();
    fleet.stop();
    fleet.bids.failed('h3', size);
    expect(woken).toEqual(['a']);
  });
});

describe('a delete call', () => {
  const recorded = (): string[] => ['vm-0', 'vm-1'];

  function failureOf(kind: ProviderErrorKind, outcome: CallOutcome): ProviderError {
    return new ProviderError('said so', { kind, outcome, endpoint: 'client/delete/single' });
  }

  interface Deleting extends Rig {
    readonly rejection: Promise<unknown>;
    readonly answer: (error?: ProviderError) => void;
  }

  /** Two VMs, and a list that lacks the one whose delete call is under way. */
  async function deleting(vms = 2): Promise<Deleting> {
    const all = rig({ recorded: () => recorded().slice(0, vms) });
    all.cloud.vms = many(vms);
    all.fleet.start();
    await all.clock.advance(1);
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const rejection = all.fleet.whileDeleting(`vm-${vms - 1}`, () => promise).catch((error: unknown) => error);
    all.cloud.vms = many(vms - 1);
    const answer = (error?: ProviderError): void => {
      if (error === undefined) resolve(undefined);
      else reject(error);
    };
    return { ...all, rejection, answer };
  }

  it('under way makes a list without its VM no proof, and nothing to warn about', async () => {
    const { clock, fleet } = await deleting();
    await clock.advance(60_000);
    expect(seen(fleet)).toMatchObject({ distrusted: undefined, isProvisional: true });
  });

  it.each<[string, ProviderError | undefined]>([
    ['that the provider has confirmed', undefined],
    ['that finds nothing to delete, and is rejected all the same,', failureOf('notFound', 'notDone')],
  ])('%s leaves nothing to explain', async (_, error) => {
    const { clock, fleet, answer, rejection } = await deleting();
    await clock.advance(60_000);
    answer(error);
    expect(await rejection).toBe(error);
    expect(seen(fleet).distrusted).toBeUndefined();
    await clock.advance(60_000);
    expect(seen(fleet)).toMatchObject({ distrusted: undefined });
    expect(seen(fleet).isProvisional).toBeUndefined();
  });

  it('that fails makes the last list distrusted at once: that it lacks the VM may be a lie', async () => {
    const { clock, fleet, answer, rejection } = await deleting();
    await clock.advance(60_000);
    answer(failureOf('unavailable', 'uncertain'));
    await rejection;
    expect(seen(fleet).distrusted).toContain('the listing lacks VM vm-1');
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toContain('the listing lacks VM vm-1');
  });

  it('that failed explains nothing that vanishes later', async () => {
    const { clock, cloud, fleet, answer, rejection } = await deleting();
    cloud.vms = many(2);
    answer(failureOf('unavailable', 'uncertain'));
    await rejection;
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toBeUndefined();
    cloud.vms = many(1);
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toContain('the listing lacks VM vm-1');
  });

  it('that fails while the bill is being read makes the empty list distrusted that the bill agrees with', async () => {
    const { clock, cloud, fleet, answer, rejection } = await deleting(1);
    const readable = cloud.getBalance.bind(cloud);
    cloud.getBalance = async () => {
      answer(failureOf('unavailable', 'uncertain'));
      await rejection;
      return readable();
    };
    await clock.advance(60_000);
    expect(seen(fleet).distrusted).toContain('the listing lacks VM vm-0');
  });

  it.each<[string, boolean]>([
    ['and is made again', false],
    ['and fails a second time', true],
  ])('that fails %s while the bill is being read leaves the empty list distrusted', async (_, failsAgain) => {
    const { clock, cloud, fleet, answer, rejection } = await deleting(1);
    const readable = cloud.getBalance.bind(cloud);
    cloud.getBalance = async () => {
      answer(failureOf('unavailable', 'uncertain'));
      await rejection;
      const again = fleet.whileDeleting('vm-0', failsAgain ? unreadable : unanswered);
      if (failsAgain) await again.catch(() => undefined);
      return readable();
    };
    await clock.advance(60_000);
    expect(seen(fleet).byId.size).toBe(0);
    expect(seen(fleet).distrusted).toContain('the listing lacks VM vm-0');
  });

  it('that fails does not speak against the list before, which has the VM', async () => {
    const { clock, cloud, fleet, answer, rejection } = await deleting(1);
    const readable = cloud.getBalance.bind(cloud);
    const before: (string | undefined)[] = [];
    cloud.getBalance = async () => {
      answer(failureOf('unavailable', 'uncertain'));
      await rejection;
      before.push(seen(fleet).distrusted);
      return readable();
    };
    await clock.advance(60_000);
    expect(before).toEqual([undefined]);
  });

  it('is explained where the list was requested before the answer, and has the VM still', async () => {
    const { clock, cloud, fleet, answer, rejection } = await deleting();
    cloud.vms = many(2);
    await clock.advance(59_000);
    const listVms = cloud.listVms.bind(cloud);
    cloud.listVms = async (...given) => {
      cloud.listVms = listVms;
      const listing = await listVms(...given);
      await sleep(clock, 5_000);
      return listing;
    };
    await clock.advance(2_000);
    answer();
    await rejection;
    cloud.vms = many(1);
    await clock.advance(10_000);
    expect(seen(fleet).byId.size).toBe(2);
    await clock.advance(60_000);
    expect(seen(fleet).byId.size).toBe(1);
    expect(seen(fleet).distrusted).toBeUndefined();
  });
});
