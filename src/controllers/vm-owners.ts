import type { RecordedVm } from '../api/vm-status.ts';
import type { CustomObject } from './objects.ts';

/** Id of the VM that a status says was taken over, and did not come from a deployment of its own. */
export function adoptedVmIn({ vm }: { readonly vm?: RecordedVm | undefined }): string | undefined {
  return vm?.adopted === true ? vm.id : undefined;
}

/** Ids of the VMs that a status names as the resource's, whatever else is in it. */
export function recordedIn({ status }: CustomObject): string[] {
  const { vm, retiring } = (status ?? {}) as { vm?: { id?: string }; retiring?: { id?: string }[] };
  return [vm, ...(retiring ?? [])].flatMap((recorded) => recorded?.id ?? []);
}

/**
 * Which resource, by its UID, has taken over which VM, by the provider's id. A VM of our own making carries its owner in its
 * name; of one that was adopted only statuses tell. This index is filled from them and, at once and before any write, by
 * the process itself, so that two resources that adopt one VM in the same moment do not both succeed.
 *
 * Who comes first has it. When the process starts nobody came first: two statuses that name one VM, one of which
 * somebody must have forged or copied, then contest it, and nothing is done about that VM until one of them gives way.
 */
export class VmOwners {
  readonly #ownersByVm = new Map<string, readonly string[]>();
  readonly #vmByOwner = new Map<string, string>();
  #isSettled = false;

  /** All statuses that were there at the start have been seen. */
  settle(): void {
    this.#isSettled = true;
  }

  /** More than one: they contest it. */
  ownersOf(vmId: string): readonly string[] {
    return this.#ownersByVm.get(vmId) ?? [];
  }

  adopterOf(vmId: string, uid: string): 'nobody' | 'self' | 'other' | 'contested' {
    const owners = this.ownersOf(vmId);
    if (owners.length === 0) return 'nobody';
    if (!owners.includes(uid)) return 'other';
    return owners.length === 1 ? 'self' : 'contested';
  }

  /** The resource has taken over this VM now, or none. Returns false, and changes nothing, when another one has it. */
  claim(uid: string, vmId: string | undefined): boolean {
    if (vmId === undefined) {
      this.#release(uid);
      return true;
    }
    const owners = this.ownersOf(vmId);
    if (owners.includes(uid)) return true;
    if (owners.length > 0 && this.#isSettled) return false;
    this.#release(uid);
    this.#ownersByVm.set(vmId, [...owners, uid]);
    this.#vmByOwner.set(uid, vmId);
    return true;
  }

  #release(uid: string): void {
    const vmId = this.#vmByOwner.get(uid);
    if (vmId === undefined) return;
    this.#vmByOwner.delete(uid);
    const others = this.ownersOf(vmId).filter((owner) => owner !== uid);
    if (others.length === 0) this.#ownersByVm.delete(vmId);
    else this.#ownersByVm.set(vmId, others);
  }
}
