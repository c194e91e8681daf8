import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { VmStatus } from '../../src/api/vm.ts';
import { changesOf, launchOf, ownName, recordOf, simVm, uidOf } from '../support/forgery.ts';
import type { Organization } from '../support/organization.ts';
import { Stage, type Team } from '../support/stage.ts';
import type { VmHandle } from '../support/vm-handle.ts';

/** A SpotVm has more in its status that names VMs: none of it gives power over a VM of somebody else. */

let stage: Stage;
/** The organization and namespace of those who are attacked. */
let team: Organization;
/** Another namespace that uses the same account. */
let others: Team;

beforeAll(async () => {
  stage = await Stage.set();
  team = await stage.organization({ hosts: 40 });
  await team.market('0.15');
  others = { namespace: await stage.cluster.createNamespace('others'), account: team.account };
});

afterAll(() => stage.strike());

const longAgo = '2026-01-01T00:00:00.000Z';

/** As `status.retiring` has them: without an end, one that runs is to be stopped; with one that is over, deleted. */
function retiringOf(record: object, keepUntil?: string): object {
  return { ...record, retiredAt: longAgo, ...(keepUntil === undefined ? {} : { keepUntil }) };
}

async function rest(forger: VmHandle): Promise<void> {
  await forger.until('nothing is on its way out', ({ retiring = [] }) => retiring.length === 0);
  await team.untilListed(2);
}

describe("a status.retiring that names another resource's VM", () => {
  type Forgery = (victim: VmStatus, uid: string) => object[];

  test.each<[string, Forgery]>([
    [
      'as one that is to be deleted',
      ({ vm }, uid) => [retiringOf(recordOf(vm?.id ?? '', vm?.name ?? '', uid), longAgo)],
    ],
    ['as one that must not run', ({ vm }, uid) => [retiringOf(recordOf(vm?.id ?? '', vm?.name ?? '', uid))]],
    [
      "under a name with the forger's mark",
      ({ vm }, uid) => [retiringOf(recordOf(vm?.id ?? '', ownName(uid), uid), longAgo)],
    ],
    [
      'as one that was adopted',
      ({ vm }, uid) => [retiringOf({ ...recordOf(vm?.id ?? '', ownName(uid), uid), adopted: true }, longAgo)],
    ],
    ['in a copy of its record', ({ vm = {} }) => [retiringOf(vm, longAgo)]],
  ])('%s has no effect on it', async (how, forgery) => {
    const name = how.replaceAll(/[^a-z]/g, '').slice(-12);
    const victims = [await stage.create(team, `victim-${name}`), await stage.createSpot(team, `victim-${name}-spot`)];
    for (const victim of victims) await victim.untilReady();
    const forger = await stage.createSpot(others, `forger-${name}`, { onOutbid: 'Replace' });
    const own = await forger.untilReady();
    const uid = await uidOf(forger);
    const forged = async (): Promise<object> => ({
      retiring: (await Promise.all(victims.map((victim) => victim.status()))).flatMap((status) => forgery(status, uid)),
    });
    await stage.writeStatus(forger, await forged());
    await rest(forger);

    // The same with an operator that finds it when it starts, and with one that finds it in a deletion.
    await stage.operator.kill();
    await stage.writeStatus(forger, await forged());
    await stage.restartOperator();
    await rest(forger);
    expect((await forger.untilReady()).vm?.id).toBe(own.vm?.id);
    await stage.operator.kill();
    await stage.writeStatus(forger, await forged());
    await forger.askDelete();
    await stage.restartOperator();
    await forger.untilGone();
    expect(await simVm(team, own.vm?.id ?? '')).toBeUndefined();

    for (const victim of victims) {
      const id = await victim.vmId();
      expect(await changesOf(team, id)).toEqual([]);
      expect(await simVm(team, id)).toMatchObject({ status: 'Running' });
      await victim.delete();
    }
  });

  test('that is in no list yet is not deleted on the word of a status', async () => {
    const victim = await stage.createSpot(team, 'unlisted');
    const id = (await victim.untilReady()).vm?.id ?? '';
    const forger = await stage.createSpot(others, 'unlister', { powerState: 'Stopped' });
    await forger.untilSaid('Stopped');
    const uid = await uidOf(forger);
    await team.fault({ endpoint: 'client/list', kind: 'stale-list', ms: 3_600_000 });
    await stage.operator.kill();
    await stage.writeStatus(forger, { retiring: [retiringOf(recordOf(id, ownName(uid), uid), longAgo)] });
    await stage.restartOperator();
    await team.untilListed(4);
    await team.endFaults();
    await rest(forger);
    expect(await changesOf(team, id)).toEqual([]);
    await forger.delete();
    await victim.untilReady();
    await victim.delete();
  });
});

test("a launch that says it replaces somebody else's VM leaves that one alone", async () => {
  const victim = await stage.createSpot(team, 'replaced');
  const id = (await victim.untilReady()).vm?.id ?? '';
  const forger = await stage.createSpot(others, 'replacer', { powerState: 'Stopped' });
  await forger.untilSaid('Stopped');
  const launch = { ...launchOf(await uidOf(forger), 'Uncertain'), capacity: 'Spot', bid: '0.15', replaces: id };
  await stage.writeStatus(forger, { launch });
  await forger.patchSpec({ powerState: 'Running' });
  const { vm } = await forger.untilReady();
  expect(vm?.id).not.toBe(id);
  await forger.delete();
  expect(await changesOf(team, id)).toEqual([]);
  await victim.delete();
});

test('a bid in a status is none: the VM is never started by one above what its spec allows', async () => {
  const vm = await stage.createSpot(team, 'spender', { onOutbid: 'Wait', bid: { price: '0.20' } });
  const status = await vm.untilReady();
  await team.market('0.90');
  await vm.untilSaid('Outbid');
  await stage.writeStatus(vm, { vm: { ...status.vm, bid: '0.95' } });
  await team.untilListed(6);
  const asked = await team.requests('client/spot/validate/existing');
  expect(Math.max(...asked.map(({ params }) => Number(params['price'])))).toBeLessThanOrEqual(0.2);
  expect(await simVm(team, status.vm?.id ?? '')).toMatchObject({ status: 'Outbid' });
  await team.market('0.15');
  await vm.delete();
});

describe('a GpuVm and a SpotVm of one name', () => {
  test.each<[string, 'create' | 'createSpot', 'create' | 'createSpot']>([
    ['the SpotVm', 'create', 'createSpot'],
    ['the GpuVm', 'createSpot', 'create'],
  ])('do not share a connection Secret: %s, which came second, waits until the name is free', async (_, one, other) => {
    const name = `twin-${other.toLowerCase()}`;
    const first = await stage[one](team, name);
    await first.untilReady();
    const before = await stage.cluster.secretData(team.namespace, `${name}-connection`);
    const second = await stage[other](team, name);
    expect(await second.untilSaid('SecretConflict')).toContain(
      `"${name}-connection" exists and does not belong to this resource`,
    );
    expect((await second.status()).launch).toBeUndefined();
    expect(await stage.cluster.secretData(team.namespace, `${name}-connection`)).toEqual(before);
    await first.delete();
    // There is no garbage collector here: what the first one has left behind is replaced.
    await second.untilReady();
    expect((await stage.cluster.secretData(team.namespace, `${name}-connection`))?.['password']).not.toBe(
      before?.['password'],
    );
    await second.delete();
  });
});
