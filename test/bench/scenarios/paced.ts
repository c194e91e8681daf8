import type { VmStatus } from '../../../src/api/vm.ts';
import { is } from '../../support/vm-handle.ts';
import { createWorld, type SimulatedWorld } from '../../world/world.ts';
import type { Figures } from '../report.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { gpuModel } from '../provider.ts';
import { vmSpec } from '../crowd.ts';

const second = 1000;
const hour = 3600 * second;

/** What the provider asks for, one call per second, on a clock that is set forward: the seconds are exact, and the same on each machine. */
export function paced(name: string, callSeconds: number): Scenario {
  return {
    name,
    what: `100 GpuVms at one call per second, each of which takes ${callSeconds} s; virtual time`,
    isForBaseline: false,
    play: ({ scale }: Stage) => play(Math.ceil(100 * scale), callSeconds),
  };
}

async function play(count: number, callSeconds: number): Promise<Figures> {
  const world = await createWorld({ seed: 1, requestsPerSecond: 1 });
  openHost(world);
  const way = (callSeconds / 2) * second;
  world.providerWeather.delay = { least: way, most: way };
  const begun = world.clock.now();
  const names = Array.from({ length: count }, (_, index) => `vm-${index}`);
  for (const name of names) await world.apply(name, { ...vmSpec, accountName: 'default' });
  const settledMs = await world.until(() => names.every((name) => isReady(world, name)), hour, 100);
  if (settledMs === undefined) throw new Error(`not all VMs are Ready after an hour at one call per second`);
  const seconds = (world.clock.now() - begun) / second;
  const calls = (path: string): number => world.requests.get(path) ?? 0;
  const figures = {
    'all Ready virtual s': seconds,
    'deploy calls': calls('client/deploy/single'),
    'list calls': calls('client/list'),
    'inventory calls': calls('client/deploy/hostnodes'),
    'all calls': [...world.requests.values()].reduce((sum, n) => sum + n, 0),
  };
  world.end();
  return figures;
}

function isReady(world: SimulatedWorld, name: string): boolean {
  const status = world.resource(name)?.status as VmStatus | undefined;
  return status !== undefined && is(status, 'Ready', 'True');
}

/** One host has room for all of them. */
function openHost(world: SimulatedWorld): void {
  const [id = ''] = world.provider.machine.world.hosts.keys();
  const price = { amount: 50_000, price: '0.001' };
  world.control('POST', `hosts/${id}`, {
    ...{ cpu: price, ram: price, storage: { amount: 100_000, price: '0.00005' } },
    gpu: { [gpuModel]: { amount: 1_000, price: '0.10' } },
    ports: Array.from({ length: 1_000 }, (_, port) => 20_000 + port),
  });
}
