import type { Organization, SimVm } from './organization.ts';
import type { VmHandle } from './vm-handle.ts';

/** What somebody needs who writes into a status what is not so, and whoever looks what came of it. */

/** The only host of the simulator's first seven with the GPU of the small VM. */
export const v100Host = '8db2ec46-c094-4262-bc7e-6c76617f4237';

/** A record of a VM as `status.vm` has it. */
export function recordOf(id: string, name: string, ownerUid: string): object {
  const applied = { gpuModel: 'v100-pcie-16gb', gpuCount: 1, vcpus: 4, memoryGB: 16, storageGB: 100 };
  return { id, name, ownerUid, recordedAt: '2026-01-01T00:00:00.000Z', applied };
}

/** A deployment as `status.launch` has it. */
export function launchOf(uid: string, outcome: string): object {
  return {
    ...{ attempt: 1, name: ownName(uid), hostnode: v100Host, gpuModel: 'v100-pcie-16gb', failures: 0, outcome },
    ...{ quotedHourlyPrice: '0.2', intentAt: '2026-01-01T00:00:00.000Z', endedAt: '2026-01-01T00:00:00.000Z' },
  };
}

/** A name that would be of a VM of the resource with this UID, but for the installation. */
export function ownName(uid: string): string {
  return `gpuvm-00000000-${uid.replaceAll('-', '')}-1`;
}

export async function uidOf(vm: VmHandle): Promise<string> {
  return (await vm.object())?.metadata.uid ?? '';
}

export async function simVm(team: Organization, id: string): Promise<SimVm | undefined> {
  return (await team.state()).vms.find((vm) => vm.id === id);
}

/** Calls that would have changed this VM. */
export async function changesOf(team: Organization, id: string): Promise<string[]> {
  return (await team.requests())
    .filter(({ path, params }) => /stop|start|modify|delete/.test(path) && Object.values(params).includes(id))
    .map(({ path }) => path);
}
