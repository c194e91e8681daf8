import { gpuAccountType, gpuVmType } from '../../src/api/group.ts';
import type { ResourceType } from '../../src/kube/contract.ts';
import { markOf } from '../../src/api/vm-name.ts';
import { isConverged } from '../support/convergence.ts';
import { until } from '../support/until.ts';
import type { GpuVm } from '../support/vm-handle.ts';
import { isReady } from './network-trouble.ts';
import { endProviderTrouble } from './provider-trouble.ts';
import { rest } from './rest.ts';
import type { Scene } from './scene.ts';
import type { Users } from './users.ts';
import { describeStatus, describeVm } from './watch.ts';

/**
 * Polls of one account within which everything has to be as it is wanted once trouble has ended. What takes longest is the
 * pause after launches that failed in a row: it doubles up to five minutes, and polls are as close as 200 ms.
 */
const mostPolls = 2_000;
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
  await users.resumeAll();
}

/** Every resource becomes as its spec says, and every VM is somebody's. Gives the number of polls that it took. */
export async function converge(scene: Scene, signal: AbortSignal): Promise<number> {
  const polls = await withinPolls(
    scene,
    { sentence: 'everything has converged', rest: async () => (await vmsOf(scene)).filter((vm) => !isConverged(vm)) },
    signal,
  );
  checkOwners(scene, await vmsOf(scene));
  return polls;
}

/** Users delete all they have, and then the accounts go: nothing is left at the provider. Gives the number of polls. */
export async function deleteEverything(scene: Scene, users: Users, signal: AbortSignal): Promise<number> {
  const { accounts, watch, diary } = scene;
  await users.deleteAll();
  const polls = await withinPolls(scene, { sentence: 'all GpuVms are gone', rest: () => vmsOf(scene) }, signal);
  for (const { organization } of accounts) await organization.deleteAccount();
  await withinPolls(scene, { sentence: 'all GpuAccounts are gone', rest: () => listOf(scene, gpuAccountType) }, signal);
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
  readonly rest: () => Promise<readonly GpuVm[]>;
}

async function withinPolls(scene: Scene, { sentence, rest: resources }: Goal, signal: AbortSignal): Promise<number> {
  const before = pollsOf(scene);
  const deadline = Date.now() + mostMs;
  for (;;) {
    const left = await resources();
    const polls = Math.max(...pollsOf(scene).map((count, index) => count - (before[index] ?? 0)));
    if (left.length === 0) return polls;
    if (polls > mostPolls || Date.now() > deadline) {
      throw new Error(`after ${polls} polls it is not so that ${sentence}:\n  ${left.map(describe).join('\n  ')}`);
    }
    await rest(100, signal);
  }
}

function pollsOf({ accounts }: Scene): number[] {
  return accounts.map(({ organization }) => organization.simulator.machine.log.counts()['client/list'] ?? 0);
}

function vmsOf(scene: Scene): Promise<readonly GpuVm[]> {
  return listOf(scene, gpuVmType);
}

async function listOf({ cluster }: Scene, type: ResourceType): Promise<readonly GpuVm[]> {
  return (await cluster.kube.list<GpuVm>(type)).items;
}

/** Resources and VMs belong together one to one, by what the status says and by what the VM's name says. */
function checkOwners({ watch, diary }: Scene, resources: readonly GpuVm[]): void {
  const byVm = new Map(resources.map((resource) => [resource.status?.vm?.id, resource]));
  for (const vm of watch.liveVms) {
    const owner = byVm.get(vm.id);
    if (owner === undefined) diary.problem(`LEAK: ${describeVm(vm)} lives and belongs to nobody`);
    else if (markOf(vm.name)?.uid !== owner.metadata.uid) {
      diary.problem(`${owner.metadata.name} has ${describeVm(vm)}, which is not marked as its own`);
    }
  }
  const live = new Set(watch.liveVms.map(({ id }) => id));
  for (const { metadata, status } of resources) {
    const id = status?.vm?.id;
    if (id !== undefined && !live.has(id)) diary.problem(`LOST: ${metadata.name} has VM ${id}, which does not exist`);
  }
}

function describe({ metadata, status }: GpuVm): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const isToGo = metadata.deletionTimestamp === undefined ? '' : ', to be deleted';
  return `${metadata.namespace ?? ''}/${metadata.name}${isToGo}: ${describeStatus(status ?? {})}: ${ready?.message ?? ''}`;
}
