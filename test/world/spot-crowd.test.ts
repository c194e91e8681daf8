import { describe, expect, it } from 'vitest';

import type { VmStatus } from '../../src/api/vm.ts';
import { spotVmType } from '../../src/api/group.ts';
import { markOf } from '../../src/api/vm-name.ts';
import { createWorld, type SimulatedWorld } from './world.ts';

/** Very many SpotVms lose their place at the same moment, and one call per second is all that there is for all of them. */

const second = 1000;
const minute = 60 * second;

const gpuModel = 'crowd-gpu-80gb';

const shapes = [
  { vcpus: 2, memoryGB: 4, storageGB: 20 },
  { vcpus: 4, memoryGB: 8, storageGB: 20 },
  { vcpus: 2, memoryGB: 4, storageGB: 40 },
];

/** Shares of the whole: one namespace wants most of it. */
const shares = { many: 0.7, some: 0.14, few: 0.1, least: 0.06 } as const;
type Namespace = keyof typeof shares;
const namespaces = Object.keys(shares) as Namespace[];

interface Crowd {
  readonly world: SimulatedWorld;
  readonly count: number;
  /** Names of the SpotVms of each namespace. */
  readonly sizes: Readonly<Record<Namespace, number>>;
}

/** Room for all of them, twice, on each of two hosts, and nowhere else. */
function openHosts(world: SimulatedWorld): void {
  const [one, two] = world.provider.machine.world.hosts.keys();
  for (const [index, id] of [one, two].entries()) {
    const price = { amount: 5_000, price: '0.001' };
    world.control('POST', `hosts/${id ?? ''}`, {
      ...{ cpu: price, ram: { amount: 50_000, price: '0.001' }, storage: { amount: 100_000, price: '0.00005' } },
      gpu: { [gpuModel]: { amount: 1_000, price: index === 0 ? '0.80' : '0.90' } },
      ports: Array.from({ length: 1_000 }, (_, port) => 20_000 + port),
    });
  }
}

function market(world: SimulatedWorld, price: string): void {
  world.control('POST', 'market', { gpuModel, price });
}

/** So many SpotVms in several namespaces, all of them running by a bid of $0.20. */
async function gather(count: number, sizesOfVms: readonly object[], terms: object): Promise<Crowd> {
  const world = await createWorld({ seed: count, namespaces });
  openHosts(world);
  market(world, '0.15');
  const sizes = { many: 0, some: 0, few: 0, least: 0 };
  for (const namespace of namespaces) {
    sizes[namespace] = Math.round(count * shares[namespace]);
    for (let index = 0; index < sizes[namespace]; index++) {
      await world.api.create(spotVmType, {
        ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: spotVmType.kind },
        metadata: { namespace, name: `spot-${String(index)}` },
        spec: {
          ...{ gpu: { models: [gpuModel] }, ...sizesOfVms[index % sizesOfVms.length] },
          ...{ bid: { price: '0.20', maxPrice: '0.60' }, ...terms },
        },
      });
    }
  }
  const crowd = { world, count, sizes };
  expect(await world.until(() => ready(crowd) === count, 3 * count * second, 10 * second)).toBeDefined();
  expect(new Set(world.vms().map(({ bid }) => bid))).toEqual(new Set([200_000_000]));
  // Whatever the beginning has left to do.
  await world.advance(5 * minute);
  return crowd;
}

function statuses({ world }: Crowd): VmStatus[] {
  return world.resources().map(({ status }) => (status ?? {}) as VmStatus);
}

function ready(crowd: Crowd): number {
  return statuses(crowd).filter(isReady).length;
}

function isReady({ conditions = [] }: VmStatus): boolean {
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

/** Calls since `before`, by endpoint, without the poll. */
function callsSince({ requests }: SimulatedWorld, before: ReadonlyMap<string, number>): Record<string, number> {
  const counts = [...requests].map(([path, now]): [string, number] => [path, now - (before.get(path) ?? 0)]);
  return Object.fromEntries(counts.filter(([path, calls]) => path !== 'client/list' && calls > 0));
}

/** Until all are Ready again: the namespaces of those who got a GPU, in the order in which the provider gave them. */
async function untilRecovered(crowd: Crowd): Promise<Namespace[]> {
  const { world, count } = crowd;
  const owners = new Map(world.resources().map(({ metadata }) => [metadata.uid, metadata.namespace as Namespace]));
  const served = new Map<string, Namespace>();
  const look = (): boolean => {
    for (const { name, holdsCompute } of world.vms()) {
      const uid = markOf(name)?.uid ?? '';
      const owner = owners.get(uid);
      if (holdsCompute && owner !== undefined) served.set(uid, owner);
    }
    return ready(crowd) === count;
  };
  expect(await world.until(look, 10 * count * second)).toBeDefined();
  expect(served.size).toBe(count);
  return [...served.values()];
}

/** A bid that wins no more: all of them lose their place in the same moment. */
async function outbidAll(crowd: Crowd): Promise<void> {
  const { world } = crowd;
  market(world, '0.35');
  expect(world.vms().every(({ status }) => status === 'Outbid')).toBe(true);
  const listed = world.requestsOf('client/list');
  const isTold = ({ spot, conditions }: VmStatus): boolean =>
    spot?.market === 'Outbid' &&
    spot.outbidCount === 1 &&
    conditions?.some(({ type, status, reason }) => type === 'Ready' && status === 'False' && reason === 'Outbid') ===
      true;
  expect(await world.until(() => statuses(crowd).every(isTold), 2 * minute)).toBeDefined();
  expect(world.requestsOf('client/list') - listed).toBeLessThanOrEqual(2);
}

/**
 * While each namespace has somebody who waits they take turns: one of n is through when every other one has had n turns, or
 * is through itself. The slack is for those of a shape that is just being asked about.
 */
function expectFairOrder({ sizes, world }: Crowd, order: readonly Namespace[]): void {
  const slack = 15;
  for (const namespace of namespaces) {
    const turns = namespaces.reduce((sum, other) => sum + Math.min(sizes[other], sizes[namespace]), 0);
    expect(order.lastIndexOf(namespace) + 1, namespace).toBeLessThanOrEqual(turns + slack);
  }
  expect(world.watchdog.breaches).toEqual([]);
}

interface Recovery {
  readonly questions: number;
  readonly calls: number;
}

/** All of them are replaced by higher bids. */
async function replaceAll(count: number): Promise<Recovery> {
  const crowd = await gather(count, shapes, { onOutbid: 'Replace', outbidRetention: '100h' });
  const { world } = crowd;
  const before = new Map(world.requests);
  await outbidAll(crowd);
  const order = await untilRecovered(crowd);
  expectFairOrder(crowd, order);
  const calls = callsSince(world, before);
  expect(calls['client/deploy/single']).toBe(count);
  const bids = world.vms().flatMap(({ status, bid = 0 }) => (status === 'Running' ? [bid / 1e9] : []));
  expect(bids).toHaveLength(count);
  expect(Math.min(...bids)).toBeGreaterThanOrEqual(0.35);
  expect(Math.max(...bids)).toBeLessThanOrEqual(0.37);
  const questions = (calls['client/spot/validate/new'] ?? 0) + (calls['client/spot/validate/existing'] ?? 0);
  return { questions, calls: Object.values(calls).reduce((sum, one) => sum + one, 0) };
}

/** Hours of very many. */
const patience = { timeout: 300_000 };

describe('SpotVms of several namespaces that are outbid at the same moment, at one call per second', () => {
  it('say so within two polls, are replaced in fair order, and ask for all together', patience, async () => {
    for (const count of [50, 100, 200]) {
      const { questions, calls } = await replaceAll(count);
      // Six for each shape, and some of them again when they are a minute old, whoever asks.
      expect(questions, String(count)).toBeLessThanOrEqual(6 * shapes.length + count / 3);
      expect(calls, String(count)).toBeLessThanOrEqual(1.5 * count + 20);
    }
  });

  it('cost next to nothing while they wait, and are started in fair order with one call each', patience, async () => {
    const crowd = await gather(200, shapes.slice(0, 1), { onOutbid: 'Wait' });
    const { world } = crowd;
    const before = new Map(world.requests);
    await outbidAll(crowd);
    await world.advance(30 * minute);
    const waiting = callsSince(world, before);
    // The balance is none of theirs.
    expect(Object.keys(waiting).filter((path) => path !== 'billing/balance')).toEqual([
      'client/spot/validate/existing',
    ]);
    // All of them want the same on the same host: one of them asks about once a minute.
    expect(waiting['client/spot/validate/existing']).toBeLessThanOrEqual(31);

    const outbid = new Map(world.requests);
    market(world, '0.15');
    const order = await untilRecovered(crowd);
    expectFairOrder(crowd, order);
    const calls = callsSince(world, outbid);
    expect(calls['client/start/single']).toBe(crowd.count);
    expect(calls['client/spot/validate/existing']).toBeLessThanOrEqual(3);
    const asked = Object.keys(calls).filter((path) => path !== 'billing/balance');
    expect(asked.toSorted()).toEqual(['client/spot/validate/existing', 'client/start/single']);
    expect(world.vms()).toHaveLength(crowd.count);
  });
});

describe('a SpotVm whose market rises as soon as it runs', () => {
  it('makes no bid by what was said before that, and has another VM within ten calls', async () => {
    // Soon enough for the answers of the first search to be still believed.
    const world = await createWorld({ seed: 1, namespaces, operator: { pollIdleMs: 5 * second } });
    openHosts(world);
    market(world, '0.22');
    await world.api.create(spotVmType, {
      ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: spotVmType.kind, metadata: { namespace: 'few', name: 'spot-one' } },
      spec: {
        ...{ gpu: { models: [gpuModel] }, ...shapes[0], onOutbid: 'Replace' },
        bid: { price: '0.10', maxPrice: '0.40' },
      },
    });
    const crowd = { world, count: 1, sizes: { many: 0, some: 0, few: 1, least: 0 } };
    expect(await world.until(() => ready(crowd) === 1, minute)).toBeDefined();
    const before = new Map(world.requests);
    market(world, '0.33');
    const isReplaced = (): boolean => statuses(crowd).some(({ retiring = [] }) => retiring.length > 0);
    expect(await world.until(() => isReplaced() && ready(crowd) === 1, 2 * minute)).toBeDefined();
    const calls = callsSince(world, before);
    expect(calls['client/deploy/single']).toBe(1);
    expect(calls['client/start/single']).toBeUndefined();
    expect(Object.values(calls).reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(10);
  });
});
