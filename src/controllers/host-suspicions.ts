/**
 * Whose fault is a refused deployment, the host's or the request's? When the host has no room, it is the host's. Any other may
 * as well be caused by what one resource asks for, and one bad resource must not close host after host for everybody.
 * So the resource that was refused avoids the host by itself, and the host cools down for all only once a second
 * resource was refused there with no success in between.
 */
export class HostSuspicions {
  readonly #refusedByHost = new Map<string, Set<string>>();

  /** Notes a refusal; true when the host is now to be left alone by everybody. */
  refused(hostnode: string, uid: string): boolean {
    const uids = this.#refusedByHost.get(hostnode) ?? new Set();
    uids.add(uid);
    this.#refusedByHost.set(hostnode, uids);
    if (uids.size < 2) return false;
    this.#refusedByHost.delete(hostnode);
    return true;
  }

  succeeded(hostnode: string): void {
    this.#refusedByHost.delete(hostnode);
  }
}
