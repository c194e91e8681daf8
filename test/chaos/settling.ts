import { gpuAccountType, gpuPoolType } from '../../src/api/group.ts';
import type { GpuPoolStatus } from '../../src/api/gpu-pool.ts';
import { spotVmSpecSchema } from '../../src/api/spot-vm.ts';
import { markOf } from '../../src/api/vm-name.ts';
import type { VmStatus } from '../../src/api/vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import type { ResourceType } from '../../src/kube/contract.ts';
import { parseDuration } from '../../src/lib/duration.ts';
import { isAtRest, isConverged, isPoolConverged } from '../support/convergence.ts';
import { until } from '../support/until.ts';
import { endMarketTrouble } from './market-trouble.ts';
import { isReady } from './network-trouble.ts';
import { poolUidOf, vmsOf } from './pool-watch.ts';
import { endProviderTrouble } from './provider-trouble.ts';
import { rest } from './rest.ts';
import type { Scene } from './scene.ts';
import type { Users } from './users.ts';
import { describeStatus, describeVm } from './words.ts';

/**
 * Polls of one account within which everything has to be as it is wanted once trouble has ended. What takes longest is the
 * pause after launches that failed in a row: it doubles up to five minutes, and polls are as close as 200 ms.
 */
const mostPolls = 2_000;
/** What statuses say was seen since trouble ended: a VM that was lost just before is in the first list, or in the one after. */
const leastPolls = 3;
/** For an operator that does not poll at all. */
const mostMs = 600_000;

/** Trouble ends, and an operator runs that nobody disturbs. */
export async function endTrouble(scene: Scene, users: Users): Promise<void> {
  const { accounts, cluster, controlPlane, diary, operators, wire } = scene;
  diary.note('chaos ends');
  controlPlane.resumeApiServer();
  for (const replica of operators.all) replica.send('SIGCONT');
  await Promise.all([wire.mend(), ...accounts.map(({ proxy }) => proxy.mend())]);
  await until('the API server is ready', () => isReady(cluster));
  await Promise.all(accounts.map(endProviderTrouble));
  await Promise.all(accounts.map(endMarketTrouble));
  await users.resumeAll();
}

/** Every resource becomes as its spec says, and every VM is somebody's. Gives the number of polls that it took. */
export async function converge(scene: Scene, signal: AbortSignal): Promise<number> {
  const unsettled = async (): Promise<readonly CustomObject[]> => {
    const vms = await vmsOf(scene.cluster.kube);
    const pools = await listOf(scene, gpuPoolType);
    return [...vms.filter((vm) => !isSettled(vm)), ...pools.filter((pool) => !isPoolConverged(pool))];
  };
  const goal = { sentence: 'everything has converged', left: unsettled, least: leastPolls };
  const polls = await withinPolls(scene, goal, signal);
  await scene.watch.settle();
  const vms = await vmsOf(scene.cluster.kube);
  checkOwners(scene, vms);
  checkMembers(scene, await listOf(scene, gpuPoolType), vms);
  return polls;
}

/** Users delete all they have, and then the accounts go: nothing is left at the provider. Gives the number of polls. */
export async function deleteEverything(scene: Scene, users: Users, signal: AbortSignal): Promise<number> {
  const { accounts, cluster, watch, diary } = scene;
  await users.deleteAll();
  const left = async (): Promise<readonly CustomObject[]> => [
    ...(await vmsOf(cluster.kube)),
    ...(await listOf(scene, gpuPoolType)),
  ];
  const polls = await withinPolls(scene, { sentence: 'all VMs and pools are gone', left }, signal);
  for (const { organization } of accounts) await organization.deleteAccount();
  const accountsLeft = (): Promise<readonly CustomObject[]> => listOf(scene, gpuAccountType);
  await withinPolls(scene, { sentence: 'all GpuAccounts are gone', left: accountsLeft }, signal);
  await watch.settle();
  for (const vm of watch.liveVms) diary.problem(`LEAK: ${describeVm(vm)} is left at the provider`);
  for (const { organization } of accounts) {
    const { duplicateNames, problems } = await organization.state();
    if (duplicateNames > 0) diary.problem(`DUPLICATE: two VMs had one name ${duplicateNames} times`);
    for (const problem of problems) diary.problem(`the simulator broke an invariant: ${problem}`);
  }
  return polls;
}

interface Goal {
  readonly sentence: string;
  /** The resources that are in the way of it. */
  readonly left: () => Promise<readonly CustomObject[]>;
  /** Polls of each account that there have to be in any case. */
  readonly least?: number;
}

async function withinPolls(scene: Scene, { sentence, left, least = 0 }: Goal, signal: AbortSignal): Promise<number> {
  const before = pollsOf(scene);
  const deadline = Date.now() + mostMs;
  for (;;) {
    const polled = pollsOf(scene).map((count, index) => count - (before[index] ?? 0));
    const polls = Math.max(...polled);
    const inTheWay = await left();
    if (inTheWay.length === 0 && Math.min(...polled) >= least) return polls;
    if (polls > mostPolls || Date.now() > deadline) {
      throw new Error(`after ${polls} polls it is not so that ${sentence}:\n  ${inTheWay.map(describe).join('\n  ')}`);
    }
    await rest(100, signal);
  }
}

function pollsOf({ accounts }: Scene): number[] {
  return accounts.map(({ organization }) => organization.simulator.machine.log.counts()['client/list'] ?? 0);
}

async function listOf({ cluster }: Scene, type: ResourceType): Promise<readonly CustomObject[]> {
  return (await cluster.kube.list<CustomObject>(type)).items;
}

/** It is as it is wanted. One that was outbid too often may bid only later, and stays on demand until then. */
function isSettled(vm: CustomObject): boolean {
  return isAtRest(vm) || (isConverged(vm) && wasOutbidTooOften(vm));
}

function wasOutbidTooOften({ spec, status }: CustomObject): boolean {
  const { vm, spot, retiring = [] } = (status ?? {}) as VmStatus;
  const parsed = spotVmSpecSchema.safeParse(spec);
  if (!parsed.success || vm?.capacity !== 'OnDemand' || retiring.length > 0) return false;
  const { count, window } = parsed.data.outbidLimit;
  const since = Date.now() - (parseDuration(window) ?? 0);
  return (spot?.outbidTimes ?? []).filter((time) => Date.parse(time) > since).length >= count;
}

/** Resources and VMs belong together one to one, by what the status says and by what the VM's name says. */
function checkOwners({ watch, diary }: Scene, resources: readonly CustomObject[]): void {
  const byVm = new Map<string, CustomObject>();
  const live = new Set(watch.liveVms.map(({ id }) => id));
  for (const resource of resources) {
    const { vm, retiring = [] } = (resource.status ?? {}) as VmStatus;
    for (const { id } of retiring) byVm.set(id, resource);
    if (vm === undefined) continue;
    byVm.set(vm.id, resource);
    if (!live.has(vm.id)) diary.problem(`LOST: ${resource.metadata.name} has VM ${vm.id}, which does not exist`);
  }
  for (const vm of watch.liveVms) {
    const owner = byVm.get(vm.id);
    if (owner === undefined) diary.problem(`LEAK: ${describeVm(vm)} lives and belongs to nobody`);
    else if (markOf(vm.name)?.uid !== owner.metadata.uid) {
      diary.problem(`${owner.metadata.name} has ${describeVm(vm)}, which is not marked as its own`);
    }
  }
}

/** A pool has as many members as it is to have, whatever its status says, and no member is without a pool. */
function checkMembers({ diary }: Scene, pools: readonly CustomObject[], vms: readonly CustomObject[]): void {
  for (const { metadata, spec } of pools) {
    const { replicas } = spec as { readonly replicas: number };
    const members = vms.filter((vm) => poolUidOf(vm) === metadata.uid);
    const running = members.filter((member) => isConverged(member)).length;
    if (running !== replicas || members.length !== replicas)
      diary.problem(
        `LOST: pool ${metadata.name} is to have ${replicas} members, and ${running} of ${members.length} run`,
      );
  }
  for (const vm of vms) {
    const uid = poolUidOf(vm);
    if (uid !== undefined && !pools.some(({ metadata }) => metadata.uid === uid))
      diary.problem(`LEAK: ${vm.metadata.name} is left of a pool that is gone`);
  }
}

function describe({ kind, metadata, status }: CustomObject): string {
  const said = (status ?? {}) as VmStatus & GpuPoolStatus;
  const ready = said.conditions?.find(({ type }) => type === 'Ready' || type === 'Available');
  const isToGo = metadata.deletionTimestamp === undefined ? '' : ', to be deleted';
  const what =
    kind === gpuPoolType.kind ? `${said.replicas ?? 0} members: ${said.message ?? ''}` : describeStatus(said);
  return `${kind} ${metadata.namespace ?? ''}/${metadata.name}${isToGo}: ${what}: ${ready?.message ?? ''}`;
}
