import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import { annotations } from '../../api/group.ts';
import type { UnmanagedVm } from '../../api/unmanaged-vms.ts';
import type { Clock } from '../../lib/clock.ts';
import type { AccountObservation, Remains } from '../../plan/account-status.ts';
import { isInDoubt } from '../../plan/vm/proof.ts';
import type { AccountRegistry } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import type { Census } from '../unmanaged/census.ts';
import { parseVm } from '../vm/parse.ts';
import { provesAbsence } from '../../fleet/snapshot.ts';

/** How soon it is looked again for the list that an account waits for. */
export const farewellLookMs = 2_000;

/** How long lists have to have failed before nobody waits for another one. */
const silenceMs = 10 * 60_000;

export interface FarewellDeps {
  readonly clock: Clock;
  readonly accounts: Pick<AccountRegistry, 'runtime'>;
  /** How long after its intent a deploy call may still make a VM. */
  readonly callEffectMs: number;
}

/** What was found out about the account, of what keeps it. */
interface Seen extends Pick<AccountObservation, 'organization' | 'pollFailure'> {
  /** Resources that use it. */
  readonly users: readonly string[];
  readonly census: Census | undefined;
}

/**
 * Whether an account that is being deleted may go: not while resources use it, as nobody could delete their VMs; nor while VMs
 * are left that this installation made and that nobody wanted kept, as nobody would hear of them again. A resource may have
 * gone a moment ago, by hand, and have left its VM behind: so it takes a list that was requested since; and where it went while a
 * deploy call was in doubt, one that was requested when that can make no VM any more. Where none can be had, as without credentials
 * or after a long outage, the last one counts.
 */
export class Farewell {
  readonly #deps: FarewellDeps;
  /** By UID, since when no resource has used it. */
  readonly #since = new Map<string, number>();

  /** By account, from when on a list shows whatever was made for resources that are gone. */
  readonly #doubtEndsAt = new Map<string, number>();

  constructor(deps: FarewellDeps) {
    this.#deps = deps;
  }

  /** A resource went, as it should or by force; this was its last state. */
  noteGone(last: CustomObject): void {
    const { spec, status, isStatusDamaged } = parseVm(last);
    if (!isStatusDamaged && !isInDoubt(status)) return;
    this.#doubtEndsAt.set(spec.accountName, this.#deps.clock.now() + this.#deps.callEffectMs);
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
    return isListAwaited(seen, this.#deps.clock.now()) ? this.#remainsByList(account, seen) : leftOf(unmanagedVms);
  }

  #remainsByList({ metadata: { uid, name } }: CustomObject, { census, pollFailure }: Seen): Remains | undefined {
    const since = Math.max(this.#sinceOf(uid, name), this.#doubtEndsAt.get(name) ?? -Infinity);
    if (census === undefined || !provesAbsence(census.list) || census.list.requestedAt < since)
      return { kind: 'unknown' };
    if (census.list.isUnchecked !== true) return leftOf(census.entries);
    // Nobody waits for lists of an account without resources: the next one is compared with the bill.
    if (pollFailure === undefined) this.#deps.accounts.runtime(name)?.fleet.refresh();
    return { kind: 'unknown' };
  }

  #sinceOf(uid: string, name: string): number {
    const known = this.#since.get(uid);
    if (known !== undefined) return known;
    const now = this.#deps.clock.now();
    this.#since.set(uid, now);
    this.#deps.accounts.runtime(name)?.fleet.refresh();
    return now;
  }

  forget(uid: string): void {
    this.#since.delete(uid);
  }
}

/** A list that fails is tried again: only who has no credentials, or none that the provider takes, waits in vain. */
function isListAwaited({ organization, pollFailure }: Seen, now: number): boolean {
  if (organization === undefined || organization.kind === 'unproven') return false;
  return pollFailure === undefined || (pollFailure.kind !== 'unauthorized' && now - pollFailure.since < silenceMs);
}

function leftOf(unmanaged: readonly UnmanagedVm[]): Remains | undefined {
  const ids = unmanaged.filter(({ kept }) => kept === undefined).map(({ id }) => id);
  return ids.length === 0 ? undefined : { kind: 'vms', ids };
}
