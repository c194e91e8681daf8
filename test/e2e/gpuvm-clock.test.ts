import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';

/** What happens by the clock: schedules and expiries. */

let stage: Stage;
let team: Organization;

beforeAll(async () => {
  stage = await Stage.set();
  team = await stage.organization({ bootDelayMs: 300, stopDelayMs: 300 });
});

afterAll(() => stage.strike());

const hour = 3_600_000;

/** Every day at the time that it is so many hours from now. */
function daily(hoursFromNow: number): string {
  const then = new Date(Date.now() + hoursFromNow * hour);
  return `${then.getUTCMinutes()} ${then.getUTCHours()} * * *`;
}

const offNow = { start: daily(6), stop: daily(-6) };
const onNow = { start: daily(-6), stop: daily(6) };

async function statusAtProvider(id: string): Promise<string | undefined> {
  return (await team.state()).vms.find((vm) => vm.id === id)?.status;
}

describe('a schedule', () => {
  test('keeps a VM from being deployed in off hours, and releases it when they begin', async () => {
    const vm = await stage.create(team, 'weekday', { schedule: offNow });
    expect(await vm.untilSaid('OffHours')).toMatch(
      /^No VM has been deployed yet\. By spec\.schedule the VM does not run before \d{4}-\d\d-\d\dT\d\d:\d\d:00Z\.$/,
    );
    expect((await vm.status()).nextEvent?.what).toBe('Start');
    expect(await vm.condition('Reconciling')).toBeUndefined();
    expect((await team.state()).requests['client/deploy/single']).toBeUndefined();

    await vm.patchSpec({ schedule: onNow });
    const running = await vm.untilReady();
    const id = running.vm?.id ?? '';
    expect(running.nextEvent?.what).toBe('Release');

    await vm.patchSpec({ schedule: offNow });
    expect(await vm.untilSaid('OffHours')).toContain('only its storage is billed');
    expect(await statusAtProvider(id)).toBe('StoppedDisassociated');
    const released = await vm.status();
    expect(released.hourlyPrice?.billedNow).toBe(released.hourlyPrice?.storage);
    expect((await vm.untilEvent('OffHours')).type).toBe('Normal');

    await vm.patchSpec({ schedule: null });
    const again = await vm.untilReady();
    expect(again.vm?.id).toBe(id);
    expect(again.nextEvent).toBeUndefined();
  });

  test('stops a SpotVm with its GPU kept where its action is Stop, also over a restart of the operator', async () => {
    const vm = await stage.createSpot(team, 'night-shift', { schedule: { ...onNow, action: 'Stop' } });
    const running = await vm.untilReady();
    expect(running.nextEvent?.what).toBe('Stop');
    await stage.restartOperator();
    await vm.patchSpec({ schedule: { ...offNow, action: 'Stop' } });
    expect(await vm.untilSaid('OffHours')).toContain('billed as a running one');
    expect(await statusAtProvider(running.vm?.id ?? '')).toBe('Stopped');
  });

  test('that names a time zone that nobody knows stalls the resource, and leaves its VM as it is', async () => {
    const vm = await stage.create(team, 'martian');
    const id = (await vm.untilReady()).vm?.id ?? '';
    await vm.patchSpec({ schedule: { ...offNow, timeZone: 'Mars/Phobos' } });
    expect(await vm.untilSaid('InvalidSpec')).toContain('"Mars/Phobos" is no time zone');
    expect(await vm.condition('Stalled')).toMatchObject({ status: 'True' });
    expect(await statusAtProvider(id)).toBe('Running');
  });

  test.each([
    ['with seconds', { schedule: { start: '0 0 8 * * *', stop: '0 19 * * *' } }, 'a cron expression of five fields'],
    ['without stop times', { schedule: { start: '0 8 * * *' } }, 'spec.schedule.stop: Required value'],
    ['with an expiry of what is retained', { expireAfter: '8h', deletionPolicy: 'Retain' }, 'deletionPolicy Delete'],
    ['with an expiry in days', { expireAfter: '8d' }, 'must be a duration'],
  ])('%s is refused by the API server', async (_, spec, sentence) => {
    await expect(stage.create(team, 'refused', spec)).rejects.toThrow(sentence);
  });
});

describe('an expiry', () => {
  test('deletes a resource that is old enough, and its VM with it', async () => {
    const vm = await stage.create(team, 'short-lived');
    const id = (await vm.untilReady()).vm?.id ?? '';
    await vm.patchSpec({ expireAfter: '1h' });
    await vm.until('it says when it expires', ({ nextEvent }) => nextEvent?.what === 'Expire');
    await vm.patchSpec({ expireAfter: '1s' });
    await vm.untilGone();
    expect(await statusAtProvider(id)).toBeUndefined();
    expect((await vm.untilEvent('Expired')).note).toContain('it is older than spec.expireAfter allows (1s)');
  });

  test('comes at its time', async () => {
    const vm = await stage.create(team, 'for-seconds', { expireAfter: '4s' });
    await vm.untilGone();
    await vm.untilEvent('Expired');
  });

  test('of a pool takes its members with it', async () => {
    const pool = await stage.createPool(team, 'short-lived', { replicas: 2 });
    await pool.untilReady(2);
    await pool.patchSpec({ expireAfter: '1s' });
    await pool.untilGone();
    await until('its members are gone', async () => (await pool.members()).length === 0);
  });

  test('waits for a resource that is paused', async () => {
    const vm = await stage.create(team, 'held');
    await vm.untilReady();
    await vm.annotate('paused', 'true');
    await vm.patchSpec({ expireAfter: '1s' });
    expect(await vm.untilSaid('Paused', 'Synced')).toContain('it does not expire');
    await vm.until('the status speaks of the expiry', () => true);
    expect((await vm.object())?.metadata.deletionTimestamp).toBeUndefined();
    await vm.annotate('paused', null);
    await vm.untilGone();
  });
});
