import { pair } from '../support/organization.ts';
import type { Vm } from '../../src/sim/state.ts';
import { Random } from '../../src/sim/random.ts';
import { keepOn, rest } from './rest.ts';
import type { Account, Scene } from './scene.ts';
import { anyLie } from './hider.ts';

/** What the provider does to us: slow, down, lying, and VMs and hosts that come and go. */

/** Longer than the operator's patience: a call that was carried out and given up. */
const slowMs = 2_500;

const faults = [
  { kind: 'lost-answer' },
  { kind: 'lost-request' },
  { kind: 'error-500' },
  { kind: 'success-false' },
  { kind: 'malformed' },
  { kind: 'html-502' },
  { kind: 'rate-limit', retryAfterSeconds: 1 },
  { kind: 'slow', ms: slowMs },
] as const;

const endpoints = [
  'client/deploy/single',
  'client/deploy/single',
  'client/delete/single',
  'client/start/single',
  'client/stop/single',
  'client/modify/single',
  'client/get/single',
  'client/deploy/hostnodes',
  'client/spot/validate/new',
  'client/spot/validate/existing',
  'client/list',
  '*',
] as const;

const unknownStatus = 'Migrating';
const usualCpuPrice = '0.003';

type Trouble = (account: Account, random: Random, signal: AbortSignal) => Promise<void>;

async function fail({ organization }: Account, random: Random): Promise<void> {
  const { kind, ...rest } = random.pick(faults);
  await organization.fault({ endpoint: random.pick(endpoints), kind, count: random.integer(1, 3), ...rest });
}

async function lie({ organization }: Account, random: Random): Promise<void> {
  await organization.fault(anyLie(random));
}

/** VMs are made and nobody is told, and then the list does not have them for a while either. */
async function hide({ organization, hider }: Account, random: Random): Promise<void> {
  const count = random.integer(1, 3);
  hider.hide(count);
  const kind = random.pick(['lost-answer', 'malformed', 'slow']);
  await organization.fault({ endpoint: 'client/deploy/single', kind, count, ms: slowMs });
}

async function vanish({ organization }: Account, random: Random): Promise<void> {
  const vm = anyVm(organization, random);
  if (vm !== undefined) await organization.changeVm(vm.id, { remove: true });
}

async function changeStatus({ organization }: Account, random: Random): Promise<void> {
  const vm = anyVm(organization, random);
  const status = random.pick([unknownStatus, unknownStatus, 'StoppedDisassociated', 'Stopped', 'Running']);
  if (vm !== undefined) await ifThere(() => organization.changeVm(vm.id, { status }));
}

async function closeHost({ organization }: Account, random: Random, signal: AbortSignal): Promise<void> {
  const vms = [...organization.simulator.machine.world.vms.values()];
  const hosts =
    vms.length > 0 ? vms.map(({ host }) => host.id) : [...organization.simulator.machine.world.hosts.keys()];
  const id = random.pick(hosts);
  await organization.changeHost(id, { online: false });
  try {
    await rest(random.integer(200, 2_000), signal);
  } finally {
    await organization.changeHost(id, { online: true });
  }
}

async function raisePrice({ organization }: Account, random: Random, signal: AbortSignal): Promise<void> {
  const id = random.pick([...organization.simulator.machine.world.hosts.keys()]);
  await organization.changeHost(id, { cpu: { price: '0.4' } });
  try {
    await rest(random.integer(200, 2_000), signal);
  } finally {
    await organization.changeHost(id, { cpu: { price: usualCpuPrice } });
  }
}

async function changeCredentials({ organization }: Account, random: Random, signal: AbortSignal): Promise<void> {
  await organization.control('POST', 'credentials', { apiKey: pair.api_key, apiToken: 'another-token' });
  try {
    await rest(random.integer(100, 1_500), signal);
  } finally {
    await organization.control('POST', 'credentials', { apiKey: pair.api_key, apiToken: pair.api_token });
  }
}

async function calmDown({ organization }: Account): Promise<void> {
  await organization.endFaults();
}

const troubles: readonly (readonly [trouble: Trouble, name: string, weight: number])[] = [
  [fail, 'fails', 10],
  [lie, 'lies', 3],
  [hide, 'hides VMs', 4],
  [vanish, 'loses a VM', 1],
  [changeStatus, 'changes a status', 3],
  [closeHost, 'closes a host', 2],
  [raisePrice, 'raises a price', 1],
  [changeCredentials, 'changes the credentials', 1],
  [calmDown, 'calms down', 4],
];
const drawn = troubles.flatMap((entry) => Array.from({ length: entry[2] }, () => entry));

export async function troubleProvider(
  scene: Scene,
  account: Account,
  seed: number,
  signal: AbortSignal,
): Promise<void> {
  const random = new Random(seed, `provider ${account.organization.account}`);
  await keepOn(signal, async () => {
    await rest(random.integer(300, 4_000), signal);
    const [trouble, name] = random.pick(drawn);
    scene.diary.count(`provider ${name}`, account.organization.account);
    await trouble(account, random, signal);
  });
}

/** Everything is as good as it can be from now on. */
export async function endProviderTrouble({ organization }: Account): Promise<void> {
  const { world } = organization.simulator.machine;
  await organization.endFaults();
  for (const host of world.hosts.values()) {
    const gpu = Object.fromEntries([...host.gpus.keys()].map((model) => [model, { amount: 16 }]));
    await organization.changeHost(host.id, {
      ...{ online: true, gpu, cpu: { amount: 128, price: usualCpuPrice }, ram: { amount: 512 } },
      storage: { amount: 5_000 },
    });
  }
  for (const vm of world.vms.values()) {
    if (vm.status === unknownStatus) await organization.changeVm(vm.id, { status: 'Running' });
  }
}

/** One that is not on its way anywhere: what it is on its way to would come about all the same. */
function anyVm(organization: Account['organization'], random: Random): Vm | undefined {
  const vms = [...organization.simulator.machine.world.vms.values()].filter((vm) => vm.transition === undefined);
  return vms.length === 0 ? undefined : random.pick(vms);
}

/** The VM may have gone meanwhile, or its host may have no room. */
async function ifThere(change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (!/No such VM|Not enough resources/.test(String(error))) throw error;
  }
}
