import { describe, expect, it } from 'vitest';

import { annotations, gpuVmType } from '../../src/api/group.ts';
import type { KubeObject } from '../../src/kube/contract.ts';
import { eventType } from '../../src/kube/events.ts';
import { readSchedule } from '../../src/plan/schedule.ts';
import { createWorld, easySpec, type SimulatedWorld, type WorldOptions } from './world.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

// Worlds begin on Thursday 2026-01-01, at midnight in UTC: in off hours.
const weekdays = { start: '0 8 * * 1-5', stop: '0 19 * * 1-5' };
/** A poll every five minutes is enough to see what a VM does all week. */
const calm = { operator: { pollIdleMs: 5 * minute } };

function isReady(world: SimulatedWorld, name = 'trainer'): boolean {
  return world.conditionOf(name, 'Ready') === 'True Running';
}

function isOff(world: SimulatedWorld, name = 'trainer'): boolean {
  return world.conditionOf(name, 'Ready') === 'False OffHours';
}

function statuses(world: SimulatedWorld): string[] {
  return world.vms().map(({ status }) => status);
}

async function worldWith(spec: object, options: Partial<WorldOptions> = {}): Promise<SimulatedWorld> {
  const world = await createWorld({ seed: 1, ...options });
  await world.apply('trainer', { ...easySpec, ...spec });
  return world;
}

async function until(world: SimulatedWorld, isSo: () => boolean, limitMs = 10 * minute): Promise<void> {
  expect(await world.until(isSo, limitMs), world.trace.slice(-30).join('\n')).toBeDefined();
}

async function untilTime(world: SimulatedWorld, time: string): Promise<void> {
  await world.advance(Date.parse(time) - world.clock.now());
}

async function expired(world: SimulatedWorld): Promise<string[]> {
  const { items } = await world.api.list<KubeObject & { reason?: string; note?: string }>(eventType);
  return items.flatMap(({ reason, note }) => (reason === 'Expired' ? [note ?? ''] : []));
}

describe('a schedule', () => {
  it('over a week: the VM runs in its hours, and in no others', { timeout: 120_000 }, async () => {
    const world = await worldWith({ schedule: weekdays }, calm);
    const schedule = readSchedule({ timeZone: 'UTC', action: 'Release', ...weekdays });
    if (typeof schedule === 'string') throw new Error(schedule);
    // Looked at at uneven moments, so that none of them is that of an event.
    for (let at = 7 * minute; at < 7 * day; at += 23 * minute) {
      await world.advance(23 * minute);
      const { isOn, since } = schedule.hoursAt(world.clock.now());
      if (world.clock.now() - since < 2 * minute) continue;
      expect(statuses(world).includes('Running'), new Date(world.clock.now()).toISOString()).toBe(isOn);
      expect(isOn ? isReady(world) : isOff(world)).toBe(true);
    }
    // Thursday, Friday, Monday, Tuesday, Wednesday: the first of them deploys it.
    expect(world.requestsOf('client/deploy/single')).toBe(1);
    expect(world.requestsOf('client/start/single')).toBe(4);
    expect(world.requestsOf('client/stop/single')).toBe(5);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('says what is next, and is not written about while nothing changes', async () => {
    const world = await worldWith({ schedule: weekdays }, calm);
    await until(world, () => isOff(world));
    expect(world.vms()).toEqual([]);
    expect(world.statusOf('trainer')).toMatchObject({
      phase: 'Released',
      nextEvent: { at: '2026-01-01T08:00:00Z', what: 'Start' },
    });
    // The account has its balance to say, too.
    await world.advance(minute);
    const before = world.writes;
    await untilTime(world, '2026-01-01T07:59:59Z');
    expect(world.writes).toBe(before);
    await until(world, () => isReady(world), 2 * minute);
    expect(world.statusOf('trainer')?.nextEvent).toEqual({ at: '2026-01-01T19:00:00Z', what: 'Release' });
    await untilTime(world, '2026-01-01T12:00:00Z');
    const running = world.writes;
    await untilTime(world, '2026-01-01T18:59:59Z');
    expect(world.writes).toBe(running);
    await until(world, () => isOff(world), 2 * minute);
    expect(statuses(world)).toEqual(['StoppedDisassociated']);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('keeps the VM with its GPU where its action is Stop', async () => {
    const world = await worldWith({ schedule: { start: '0 0 * * *', stop: '0 1 * * *', action: 'Stop' } });
    await until(world, () => isReady(world));
    expect(world.statusOf('trainer')?.nextEvent).toEqual({ at: '2026-01-01T01:00:00Z', what: 'Stop' });
    await untilTime(world, '2026-01-01T01:02:00Z');
    expect(statuses(world)).toEqual(['Stopped']);
    expect(isOff(world)).toBe(true);
    expect(world.statusOf('trainer')?.phase).toBe('Stopped');
  });

  it.each([
    ['stop', '2026-01-01T18:30:00Z', '2026-01-01T19:30:00Z', false],
    ['start', '2026-01-02T07:30:00Z', '2026-01-02T08:30:00Z', true],
  ])('is caught up with by a process that was not there at the time of %s', async (_, from, to, isOn) => {
    const world = await worldWith({ schedule: weekdays }, calm);
    await untilTime(world, from);
    world.crash();
    await untilTime(world, to);
    expect(isReady(world)).toBe(!isOn);
    await world.start();
    await until(world, () => (isOn ? isReady(world) : isOff(world)), 2 * minute);
    expect(statuses(world)).toEqual([isOn ? 'Running' : 'StoppedDisassociated']);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('that is taken away brings the VM back', async () => {
    const world = await worldWith({ schedule: weekdays });
    await until(world, () => isOff(world));
    await world.apply('trainer', { schedule: null });
    await until(world, () => isReady(world));
    expect(world.statusOf('trainer')?.nextEvent).toBeUndefined();
  });

  it('that cannot be followed leaves the VM as it is, and says so', async () => {
    const world = await worldWith({ schedule: { start: '0 0 * * *', stop: '0 1 * * *' } });
    await until(world, () => isReady(world));
    await world.apply('trainer', { schedule: { timeZone: 'Mars/Phobos' } });
    await until(world, () => world.conditionOf('trainer', 'Stalled') === 'True InvalidSpec');
    await world.advance(3 * hour);
    expect(statuses(world)).toEqual(['Running']);
    await world.apply('trainer', { schedule: { timeZone: 'UTC' } });
    await until(world, () => isOff(world));
  });

  it('asks for no bids in off hours, and replaces no VM that is outbid', async () => {
    const bid = { bid: { price: '0.10', maxPrice: '0.30' }, onOutbid: 'Replace' };
    const world = await createWorld({ seed: 1 });
    world.control('POST', 'market', { price: '0.05' });
    await world.apply('spot-a', { ...easySpec, ...bid, schedule: { start: '0 0 * * *', stop: '0 1 * * *' } });
    await until(world, () => isReady(world, 'spot-a'));
    await untilTime(world, '2026-01-01T01:05:00Z');
    const questions = (): number => world.requestsOf('spot/validate/new', 'spot/validate/existing');
    const before = questions();
    world.control('POST', 'market', { price: '0.25' });
    await untilTime(world, '2026-01-01T12:00:00Z');
    expect(questions()).toBe(before);
    expect(world.vms()).toHaveLength(1);
    expect(isOff(world, 'spot-a')).toBe(true);
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('an expiry', () => {
  it('deletes the resource once, and its VM with it', async () => {
    const world = await worldWith({ expireAfter: '8h' }, calm);
    await until(world, () => isReady(world));
    expect(world.statusOf('trainer')?.nextEvent).toEqual({ at: '2026-01-01T08:00:00Z', what: 'Expire' });
    await untilTime(world, '2026-01-01T07:59:59.999Z');
    expect(world.resource('trainer')?.metadata.deletionTimestamp).toBeUndefined();
    await until(world, () => world.resource('trainer') === undefined);
    expect(world.vms()).toEqual([]);
    await world.advance(hour);
    expect(world.requestsOf('client/delete/single')).toBe(1);
    expect(await expired(world)).toEqual([
      'Deleted: since 2026-01-01T08:00:00Z it is older than spec.expireAfter allows (8h).',
    ]);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('that is put off in time does not come', async () => {
    const world = await worldWith({ expireAfter: '1h' });
    await untilTime(world, '2026-01-01T00:59:00Z');
    await world.apply('trainer', { expireAfter: '2h' });
    await untilTime(world, '2026-01-01T01:59:00Z');
    expect(isReady(world)).toBe(true);
    await until(world, () => world.resource('trainer') === undefined);
  });

  it('that was put off a moment ago does not come either, though the news of that is late', async () => {
    const world = await worldWith({ expireAfter: '1h' });
    await untilTime(world, '2026-01-01T00:59:00Z');
    world.holdWatches(true);
    await world.apply('trainer', { expireAfter: '2h' });
    await untilTime(world, '2026-01-01T01:02:00Z');
    expect(world.resource('trainer')?.metadata.deletionTimestamp).toBeUndefined();
    world.holdWatches(false);
    await untilTime(world, '2026-01-01T01:59:00Z');
    expect(isReady(world)).toBe(true);
  });

  it('waits while the resource is paused', async () => {
    const world = await worldWith({ expireAfter: '1h' });
    await until(world, () => isReady(world));
    await world.annotate('trainer', { [annotations.paused]: 'true' });
    await untilTime(world, '2026-01-01T03:00:00Z');
    expect(isReady(world)).toBe(true);
    expect(world.statusOf('trainer')?.nextEvent).toBeUndefined();
    await world.annotate('trainer', { [annotations.paused]: null });
    await until(world, () => world.resource('trainer') === undefined);
  });

  it('comes once the API server answers again', async () => {
    const world = await worldWith({ expireAfter: '1h' });
    await until(world, () => isReady(world));
    await untilTime(world, '2026-01-01T00:59:00Z');
    world.kubeWeather.isDown = true;
    await untilTime(world, '2026-01-01T01:10:00Z');
    expect(statuses(world)).toEqual(['Running']);
    world.kubeWeather.isDown = false;
    await until(world, () => world.resource('trainer') === undefined);
    expect(world.vms()).toEqual([]);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('deletes no resource of the same name that came after it', async () => {
    const world = await worldWith({ expireAfter: '1h' });
    await untilTime(world, '2026-01-01T00:50:00Z');
    world.holdWatches(true);
    await world.delete('trainer');
    await world.api.mergePatch(
      gpuVmType,
      { namespace: 'research', name: 'trainer' },
      { metadata: { finalizers: null } },
    );
    await world.apply('trainer', { ...easySpec, expireAfter: '5h' });
    await untilTime(world, '2026-01-01T01:05:00Z');
    expect(world.resource('trainer')?.metadata.deletionTimestamp).toBeUndefined();
  });
});
