/**
 * Which resource owns which VM, by the provider's id. Recorded in statuses; this index is filled from them and, at once
 * and before any write, by the process itself, so that two resources that adopt one VM in the same moment do not both
 * succeed.
 */
export class VmOwners {
  readonly #ownerByVm = new Map<string, string>();
  readonly #vmByOwner = new Map<string, string>();

  ownerOf(vmId: string): string | undefined {
    return this.#ownerByVm.get(vmId);
  }

  /** The key owns this VM now, or none. Returns false, and changes nothing, when the VM has another owner. */
  claim(key: string, vmId: string | undefined): boolean {
    if (vmId !== undefined && (this.#ownerByVm.get(vmId) ?? key) !== key) return false;
    const before = this.#vmByOwner.get(key);
    if (before !== undefined && before !== vmId) this.#ownerByVm.delete(before);
    if (vmId === undefined) {
      this.#vmByOwner.delete(key);
      return true;
    }
    this.#ownerByVm.set(vmId, key);
    this.#vmByOwner.set(key, vmId);
    return true;
  }
}
