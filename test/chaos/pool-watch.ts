import { gpuPoolStatusSchema, type GpuPoolStatus } from '../../src/api/gpu-pool.ts';
import { gpuPoolType, gpuVmType, spotVmType } from '../../src/api/group.ts';
import { markOf } from '../../src/api/vm-name.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import type { KubeApi } from '../../src/kube/contract.ts';
import { isEqualJson } from '../../src/kube/patch.ts';
import type { Vm } from '../../src/sim/state.ts';
import { problemsOfConditions } from '../support/status-check.ts';
import type { Diary } from './diary.ts';
import type { Doubts } from './doubts.ts';
import { mostReplicas, mostSurge } from './pool-wishes.ts';

/** Pools, their members, and that neither goes before its VMs, nor are there ever more members than any user has asked for. */
export class PoolWatch {
  readonly #diary: Diary;
  readonly #doubts: Doubts;
  /** By UID of a member, that of its pool; also when it is gone. */
  readonly #poolOf = new Map<string, string>();

  constructor(diary: Diary, doubts: Doubts) {
    this.#diary = diary;
    this.#doubts = doubts;
  }

  /** @param vms all resources that stand for a VM, as far as they were told of */
  afterVm(kube: KubeApi, object: CustomObject, vms: readonly CustomObject[]): void {
    const uid = poolUidOf(object);
    if (uid === undefined) return;
    if (!this.#poolOf.has(object.metadata.uid)) {
      this.#poolOf.set(object.metadata.uid, uid);
      this.#diary.count('member made', `${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`);
    }
    if (tooManyIn(uid, vms) === undefined) return;
    this.#doubts.raise(`members of ${uid}`, async () => tooManyIn(uid, await vmsOf(kube)));
  }

  afterPool({ metadata, status }: CustomObject): void {
    if (status === undefined) return;
    const said = status as GpuPoolStatus;
    const key = `GpuPool ${metadata.namespace ?? ''}/${metadata.name}`;
    this.#diary.note(`${key}: ${said.replicas ?? 0} members, ${said.readyReplicas ?? 0} Ready: ${said.message ?? ''}`);
    for (const problem of problemsOfPoolStatus(said)) this.#diary.problem(`status of ${key}: ${problem}`);
  }

  afterPoolGone({ metadata }: CustomObject, liveVms: readonly Vm[]): void {
    this.#diary.note(`GpuPool ${metadata.namespace ?? ''}/${metadata.name} (${metadata.uid}) is gone`);
    for (const { id, name } of liveVms) {
      if (this.#poolOf.get(markOf(name)?.uid ?? '') === metadata.uid)
        this.#diary.problem(`LEAK: pool ${metadata.name} is gone, but VM ${id} (${name}) of a member lives`);
    }
  }
}

/** All resources that stand for a VM. */
export async function vmsOf(kube: KubeApi): Promise<CustomObject[]> {
  const lists = await Promise.all([gpuVmType, spotVmType].map((type) => kube.list<CustomObject>(type)));
  return lists.flatMap(({ items }) => items);
}

export function poolUidOf({ metadata }: CustomObject): string | undefined {
  return metadata.ownerReferences?.find(({ kind, controller }) => kind === gpuPoolType.kind && controller === true)
    ?.uid;
}

function tooManyIn(uid: string, vms: readonly CustomObject[]): string | undefined {
  const members = vms.filter((one) => poolUidOf(one) === uid && one.metadata.deletionTimestamp === undefined);
  if (members.length <= mostReplicas + mostSurge) return undefined;
  const names = members.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ');
  return `DUPLICATE: pool ${uid} has ${members.length} members, more than any spec has ever allowed: ${names}`;
}

function problemsOfPoolStatus(status: GpuPoolStatus): string[] {
  if (status.conditions === undefined) return [];
  const parsed = gpuPoolStatusSchema.safeParse(status);
  const isOfSchema = parsed.success && isEqualJson(parsed.data, status);
  const seen = { generation: status.observedGeneration, now: Date.now() };
  return [
    ...(isOfSchema ? [] : [`its schema does not know it: ${parsed.error?.message ?? JSON.stringify(status)}`]),
    ...problemsOfConditions(status, seen, 'Available'),
  ];
}
