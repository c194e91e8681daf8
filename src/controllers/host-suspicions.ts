import { CoolDowns } from '../fleet/cool-down.ts';
import type { Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';

/** Who was refused a deployment. */
export interface Refused {
  readonly namespace: string;
  readonly uid: string;
}

/**
 * Whose fault is a refused deployment, the host's or the request's? When the host has no room, it is the host's. Any other may
 * as well be caused by what a resource asks for, and bad resources must not close host after host for everybody. So
 * whoever was refused avoids the host by itself; once a second resource of the namespace was refused there, with no
 * success in between, the namespace leaves the host alone; and once one of a second namespace was, everybody does. A user
 * who makes bad resources by the dozen harms no other namespace with that.
 */
export class HostSuspicions {
  readonly #refusedByHost = new Map<string, Map<string, Set<string>>>();
  /** By namespace and host. */
  readonly #closed: CoolDowns;

  constructor(clock: Clock, random: Random) {
    this.#closed = new CoolDowns(clock, random);
  }

  /** Notes a refusal; true when the host is now to be left alone by everybody. */
  refused(hostnode: string, { namespace, uid }: Refused): boolean {
    const byNamespace = this.#refusedByHost.get(hostnode) ?? new Map<string, Set<string>>();
    const uids = byNamespace.get(namespace) ?? new Set();
    // Two are enough to know, however many there are.
    if (uids.size < 2) uids.add(uid);
    this.#refusedByHost.set(hostnode, byNamespace.set(namespace, uids));
    if (byNamespace.size > 1) {
      this.#refusedByHost.delete(hostnode);
      return true;
    }
    if (uids.size > 1) this.#closed.fail(placeOf(namespace, hostnode), 'refused');
    return false;
  }

  succeeded(hostnode: string): void {
    for (const namespace of this.#refusedByHost.get(hostnode)?.keys() ?? []) {
      this.#closed.succeed(placeOf(namespace, hostnode));
    }
    this.#refusedByHost.delete(hostnode);
  }

  /** Until when resources of this namespace leave the host alone; undefined: they need not. */
  closedUntil(namespace: string, hostnode: string): number | undefined {
    return this.#closed.until(placeOf(namespace, hostnode));
  }
}

function placeOf(namespace: string, hostnode: string): string {
  return `${namespace}/${hostnode}`;
}
