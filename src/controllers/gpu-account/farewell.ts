import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import { annotations } from '../../api/group.ts';
import type { UnmanagedVm } from '../../api/unmanaged-vms.ts';
import type { Clock } from '../../lib/clock.ts';
import type { AccountObservation, Remains } from '../../plan/account-status.ts';
import type { AccountRegistry } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import type { Census } from '../unmanaged/census.ts';

/** How soon it is looked again for the list that an account waits for. */
export const farewellLookMs = 2_000;

/** What was found out about the account, of what keeps it. */
interface Seen extends Pick<AccountObservation, 'organization' | 'pollFailure'> {
  /** Resources that use it. */
  readonly users: readonly string[];
  readonly census: Census | undefined;
}

/**
 * Whether an account that is being deleted may go: not while resources use it, as nobody could delete their VMs; nor while VMs
 * are left that this installation made and that nobody wanted kept, as nobody would hear of them again. A resource may have
 * gone a moment ago, by hand, and have left its VM behind: so it takes a list that was requested since. Where none can be had the
 * last one counts.
 */
export class Farewell {
  readonly #clock: Clock;
  readonly #accounts: Pick<AccountRegistry, 'runtime'>;
  /** By UID, since when no resource has used it. */
  readonly #since = new Map<string, number>();

  constructor({ clock, accounts }: { readonly clock: Clock; readonly accounts: Pick<AccountRegistry, 'runtime'> }) {
    this.#clock = clock;
    this.#accounts = accounts;
  }

  /** Undefined: nothing. */
  remains(account: CustomObject, seen: Seen): Remains | undefined {
    const { metadata, status } = account;
    if (seen.users.length > 0) {
      this.#since.delete(metadata.uid);
      return { kind: 'users', names: seen.users };
    }
    if (metadata.annotations?.[annotations.abandon] === 'true') return undefined;
    const { unmanagedVms = [] } = (status ?? {}) as GpuAccountStatus;
    return mayBeListed(seen) ? this.#remainsByList(account, seen.census) : leftOf(unmanagedVms);
  }

  #remainsByList({ metadata: { uid, name } }: CustomObject, census: Census | undefined): Remains | undefined {
    const since = this.#sinceOf(uid, name);
    if (census === undefined || census.list.distrusted !== undefined || census.list.requestedAt < since)
      return { kind: 'unknown' };
    return leftOf(census.entries);
  }

  #sinceOf(uid: string, name: string): number {
    const known = this.#since.get(uid);
    if (known !== undefined) return known;
    const now = this.#clock.now();
    this.#since.set(uid, now);
    this.#accounts.runtime(name)?.fleet.refresh();
    return now;
  }

  forget(uid: string): void {
    this.#since.delete(uid);
  }
}

function mayBeListed({ organization, pollFailure }: Seen): boolean {
  return organization !== undefined && organization.kind !== 'unproven' && pollFailure === undefined;
}

function leftOf(unmanaged: readonly UnmanagedVm[]): Remains | undefined {
  const ids = unmanaged.filter(({ kept }) => kept === undefined).map(({ id }) => id);
  return ids.length === 0 ? undefined : { kind: 'vms', ids };
}
