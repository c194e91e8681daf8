import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Organization, SimVm } from '../support/organization.ts';
import { kubectlTable } from '../support/table.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';

/** The life of a SpotVm as its user sees it: the bid, being outbid, and what becomes of that by the strategy that was chosen. */

const gpuModel = 'v100-pcie-16gb';

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});

afterAll(() => stage.strike());

interface HostAnswer {
  readonly specs: Readonly<Record<'cpu' | 'ram' | 'storage', { readonly price: number }>> & {
    readonly gpu: Readonly<Record<string, { readonly amount: number; readonly price: number }>>;
  };
}

/** By host, where its market stands for the small VM with this GPU, and what it costs per hour with its storage. */
async function spotCosts(
  team: Organization,
  model: string,
): Promise<ReadonlyMap<string, { readonly bid: number; readonly total: number }>> {
  const answer = await fetch(`${team.simulator.url}/client/deploy/hostnodes`);
  const { hostnodes } = (await answer.json()) as { hostnodes: Record<string, HostAnswer> };
  const { market } = await team.control<{ market: { hostnode: string; gpuModel: string; factor: number }[] }>(
    'GET',
    'market',
  );
  return new Map(
    Object.entries(hostnodes).flatMap(([id, { specs }]) => {
      const gpu = specs.gpu[model];
      const factor = market.find(({ hostnode, gpuModel: of }) => hostnode === id && of === model)?.factor;
      if (gpu === undefined || gpu.amount < 1 || factor === undefined) return [];
      const bid = factor * (gpu.price + 4 * specs.cpu.price + 16 * specs.ram.price);
      return [[id, { bid, total: bid + 100 * specs.storage.price }]];
    }),
  );
}

/** An organization of which is watched all the while that no two VMs of one resource run. */
async function found(price: string): Promise<Organization> {
  const team = await stage.organization({ bootDelayMs: 200, stopDelayMs: 200, deleteDelayMs: 200 });
  await team.market(price);
  stage.watchRunning(team);
  return team;
}

async function vmOf(team: Organization, id: string | undefined): Promise<SimVm | undefined> {
  return (await team.state()).vms.find((vm) => vm.id === id);
}

function countOutbid({ namespace }: Organization): Promise<number> {
  return stage.operator.metric('gpuvm_spot_outbid_total', { namespace });
}

describe('a SpotVm', () => {
  test.each([
    ['what is bid first', '0.20', { price: '0.20', maxPrice: '0.90' }],
    ['a bid in between', '0.23', { price: '0.10', maxPrice: '0.30' }],
    ['nearly the most that is allowed', '0.298', { price: '0.10', maxPrice: '0.30' }],
    ['the most that is allowed', '0.30', { price: '0.10', maxPrice: '0.30' }],
    ['a bid of dollars', '3.50', { price: '3.00', maxPrice: '4.20' }],
  ])('is deployed at the lowest bid that wins: %s', async (_, floor, bid) => {
    const team = await found(floor);
    const vm = await stage.createSpot(team, 'cheapest', { bid });
    const status = await vm.untilReady();

    const made = await vmOf(team, status.vm?.id);
    const lowest = Number(floor);
    expect(made?.bid).toBeGreaterThanOrEqual(lowest);
    expect(made?.bid).toBeLessThanOrEqual(Math.max(lowest + 0.01, lowest * 1.02));
    expect(made?.computePrice).toBe(made?.bid);
    expect(status).toMatchObject({ vm: { capacity: 'Spot' }, spot: { market: 'Winning' } });
    expect(Number(status.vm?.bid)).toBe(made?.bid);

    const asked = await team.requests('client/spot/validate/new');
    const ofHost = asked.filter(({ params }) => params['hostnode'] === made?.hostnode);
    expect(ofHost.length).toBeLessThanOrEqual(6);
    const [deployed, ...more] = await team.requests('client/deploy/single');
    expect(more).toEqual([]);
    const sent = [...asked, ...(deployed === undefined ? [] : [deployed])].map(({ params }) => Number(params['price']));
    expect(Math.max(...sent)).toBeLessThanOrEqual(Number(bid.maxPrice));
    await vm.delete();
  });

  test('is deployed on the cheapest of many hosts, at the lowest bid that wins there', async () => {
    const team = await stage.organization({ hosts: 100, seed: 1001 });
    const model = 'geforcertx3090-pcie-24gb';
    const spec = { gpu: { models: [model] }, bid: { price: '0.08', maxPrice: '0.38' } };
    const costs = await spotCosts(team, model);
    expect(costs.size).toBeGreaterThan(3);
    const vm = await stage.createSpot(team, 'best', spec);
    const made = await vmOf(team, (await vm.untilReady()).vm?.id);
    const { bid: lowest = 0, total = 0 } = costs.get(made?.hostnode ?? '') ?? {};
    expect(made?.bid).toBeGreaterThanOrEqual(lowest);
    expect(made?.bid).toBeLessThanOrEqual(lowest + 0.01);
    expect(total).toBe(Math.min(...[...costs.values()].map((cost) => cost.total)));
    expect((await team.requests('client/spot/validate/new')).length).toBeLessThanOrEqual(6);
    await vm.delete();
  });

  test('shows its bid, how that stands and how often it was outbid in the table of kubectl get', async () => {
    const team = await found('0.22');
    const vm = await stage.createSpot(team, 'shown');
    const status = await vm.untilReady();
    const made = await vmOf(team, status.vm?.id);
    expect(await kubectlTable(stage.cluster, 'spotvms', team.namespace)).toEqual([
      expect.objectContaining({
        ...{ Name: 'shown', Ready: 'True', Status: 'Running', GPU: `1x ${gpuModel}`, Location: status.location },
        ...{ '$/h': status.hourlyPrice?.running, Address: made?.ipAddress, Bid: String(made?.bid), Market: 'Winning' },
        ...{ VM: made?.id, Host: made?.hostnode, Synced: 'True' },
      }),
    ]);
    await team.market('0.40');
    await vm.untilSaid('Outbid');
    expect(await kubectlTable(stage.cluster, 'spotvms', team.namespace)).toEqual([
      expect.objectContaining({
        ...{ Name: 'shown', Ready: 'False', Status: 'Outbid', Bid: String(made?.bid), Market: 'Outbid', Outbid: 1 },
        '$/h': String(made?.storagePrice),
      }),
    ]);
    await vm.delete();
  });
});

describe('a SpotVm that is outbid', () => {
  test('waits with its disk, and goes on with it once its bid wins again', async () => {
    const team = await found('0.22');
    const vm = await stage.createSpot(team, 'waits', { onOutbid: 'Wait' });
    const before = await vm.untilReady();
    const guest = await team.vm(before.vm?.id ?? '');
    await team.market('0.40');
    await vm.until('it says what is waited for', ({ conditions }) => {
      const message = conditions?.find(({ type, reason }) => type === 'Ready' && reason === 'Outbid')?.message;
      return message?.includes('It is started once its bid wins again.') === true;
    });
    expect((await vm.untilEvent('Outbid')).note).toContain(`VM ${before.vm?.id ?? ''} was outbid`);
    expect(await countOutbid(team)).toBe(1);
    expect((await vm.status()).hourlyPrice?.billedNow).toBe(before.hourlyPrice?.storage);

    await team.market('0.15');
    const after = await vm.untilReady();
    expect(after.vm?.id).toBe(before.vm?.id);
    expect(after.spot).toMatchObject({ market: 'Winning', outbidCount: 1 });
    // The disk is that of before, and so are the password on it and the ports.
    expect(await team.vm(after.vm?.id ?? '')).toMatchObject({
      ...{ password: guest.password, storage: guest.storage, portForwards: guest.portForwards, bid: guest.bid },
      status: 'Running',
    });
    const { vms, requests } = await team.state();
    expect(vms).toHaveLength(1);
    expect(requests['client/deploy/single']).toBe(1);
    await vm.delete();
  });

  test('is replaced, lists the old disk with what it costs, and deletes it when its time is over', async () => {
    const team = await found('0.15');
    const vm = await stage.createSpot(team, 'replaced', { onOutbid: 'Replace', outbidRetention: '3s' });
    const { vm: old } = await vm.untilReady();
    await team.market('0.28');
    const isReplaced = (id: string | undefined): boolean => id !== undefined && id !== old?.id;
    const status = await vm.until(
      'another VM runs',
      ({ vm: current, conditions, retiring }) =>
        isReplaced(current?.id) &&
        retiring?.[0]?.keepUntil !== undefined &&
        conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true,
    );
    const made = await vmOf(team, status.vm?.id);
    expect(made?.bid).toBeGreaterThanOrEqual(0.28);
    expect(made?.bid).toBeLessThanOrEqual(0.3);
    const disk = await vmOf(team, old?.id);
    expect(disk?.status).toBe('Outbid');
    const time = expect.any(String) as string;
    expect(status.retiring).toMatchObject([
      {
        ...{ id: old?.id, bid: old?.bid, capacity: 'Spot', providerStatus: 'Outbid' },
        ...{ outbidSince: time, retiredAt: time, keepUntil: time, billedNow: String(disk?.storagePrice) },
      },
    ]);
    expect((await vm.untilEvent('Replaced')).note).toContain(`has taken the place of VM ${old?.id ?? ''}`);
    expect(await countOutbid(team)).toBe(1);

    await vm.until('the old disk is gone', ({ retiring = [] }) => retiring.length === 0);
    expect((await team.state()).vms.map(({ id }) => id)).toEqual([status.vm?.id]);
    expect((await vm.untilEvent('Deleted')).note).toContain(old?.id ?? '');
    await vm.delete();
  });

  test('goes on demand within its price cap, and back to spot when a bid has been winnable for a while', async () => {
    const team = await found('0.22');
    const terms = {
      onOutbid: 'OnDemand',
      maxHourlyPrice: '0.80',
      outbidRetention: '1s',
      returnToSpot: { after: '2s' },
    };
    const vm = await stage.createSpot(team, 'on-demand', terms);
    const { vm: spot } = await vm.untilReady();
    await team.market('0.50');
    const status = await vm.until(
      'an on-demand VM runs, and the old disk is gone',
      ({ vm: current, phase, retiring = [] }) =>
        current?.capacity === 'OnDemand' && phase === 'Running' && retiring.length === 0,
    );
    expect(status.spot).toMatchObject({ market: 'OnDemand', outbidCount: 1 });
    const made = await vmOf(team, status.vm?.id);
    expect(made).toMatchObject({ bid: null, status: 'Running' });
    expect((made?.computePrice ?? 9) + (made?.storagePrice ?? 9)).toBeLessThanOrEqual(0.8);
    expect(await vmOf(team, spot?.id)).toBeUndefined();
    expect(await countOutbid(team)).toBe(1);

    await team.market('0.25');
    const back = await vm.until(
      'it is a spot VM again, and the on-demand VM is gone',
      ({ vm: current, phase, retiring = [] }) =>
        current?.capacity === 'Spot' && phase === 'Running' && retiring.length === 0,
    );
    expect(back.spot?.market).toBe('Winning');
    expect((await team.state()).vms).toMatchObject([{ id: back.vm?.id, status: 'Running' }]);
    await vm.delete();
  });

  test('is deleted with all of its VMs, those that only keep a disk included', async () => {
    const team = await found('0.15');
    const vm = await stage.createSpot(team, 'deleted', { onOutbid: 'Replace', outbidRetention: '100h' });
    for (const price of ['0.20', '0.28']) {
      const { vm: old } = await vm.untilReady();
      await team.market(price);
      await vm.until('it has been replaced', ({ vm: current, retiring = [] }) => {
        return current !== undefined && current.id !== old?.id && retiring.some(({ id }) => id === old?.id);
      });
    }
    await vm.untilReady();
    expect((await vm.status()).retiring).toHaveLength(2);
    expect((await team.state()).vms).toHaveLength(3);
    await vm.delete();
    expect((await team.state()).vms).toEqual([]);
    await until('nothing of it is counted as unmanaged', async () => {
      return ((await team.accountObject())?.status?.unmanagedVms ?? []).length === 0;
    });
  });
});
