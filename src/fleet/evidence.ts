import { dollars, type Money } from '../lib/money.ts';
import type { VmListing } from '../provider/contract.ts';

/**
 * Is a listing to be believed where it does not have a VM?
 *
 * A VM that was listed, and is not any more without our having asked for its deletion, is missing. It stops being missing
 * as soon as it is listed again (also unreadably), or one has asked the provider for it by id and heard that there is
 * none. While at least three VMs, and a fifth of all, are missing, listings are distrusted: they prove presence only.
 *
 * Distrust must end where the VMs are really gone and nobody asks for them by id, for example because no resource ever
 * owned them. So a VM that was missing from every listing for ten minutes, and from three of them at least, is taken for
 * gone; having been found alive by id starts that time anew.
 *
 * A second doubt concerns listings without a single VM, which are also what a provider sends that has lost its way: they
 * are compared with what the organization is being billed. Billing may lag behind a deletion, or bill something that is no
 * VM, so that doubt ends after an hour of empty listings; if the balance merely cannot be read, after ten minutes.
 */
export interface EvidenceLimits {
  readonly leastMissing: number;
  readonly missingShare: number;
  readonly acceptAfterMs: number;
  readonly acceptAfterListings: number;
  readonly acceptBilledEmptyAfterMs: number;
}

export const defaultEvidenceLimits: EvidenceLimits = {
  leastMissing: 3,
  missingShare: 0.2,
  acceptAfterMs: 600_000,
  acceptAfterListings: 3,
  acceptBilledEmptyAfterMs: 3_600_000,
};

interface Absence {
  /** When the first listing without it was requested. */
  since: number;
  listings: number;
}

/** What the balance said about an empty listing. */
export type Billing = { readonly hourlyCost: Money } | 'unreadable';

export class Evidence {
  readonly #limits: EvidenceLimits;
  #listed: ReadonlySet<string> = new Set();
  readonly #missing = new Map<string, Absence>();
  readonly #deletionRequested = new Set<string>();
  #empty: Absence | undefined;
  #lastRequestedAt = 0;

  constructor(limits: EvidenceLimits = defaultEvidenceLimits) {
    this.#limits = limits;
  }

  /** We are about to ask for the deletion of this VM: that it vanishes is what we want. */
  noteDeletionRequested(id: string): void {
    this.#deletionRequested.add(id);
    this.#missing.delete(id);
  }

  /** The provider, asked for it by id, said that there is none. */
  noteConfirmedGone(id: string): void {
    this.#missing.delete(id);
  }

  /** The provider, asked for it by id, showed it: listings without it are wrong. */
  noteFoundAlive(id: string): void {
    const absence = this.#missing.get(id);
    if (absence !== undefined) this.#missing.set(id, { since: Infinity, listings: 0 });
  }

  /** Takes a listing in. Returns the sentence that says why it is no proof of absence, if it is not. */
  judge(listing: VmListing, requestedAt: number): string | undefined {
    const listed = new Set([...listing.vms.map((vm) => vm.id), ...listing.unreadable]);
    this.#updateMissing(listed, requestedAt);
    this.#listed = listed;
    this.#empty = listed.size === 0 ? goOn(this.#empty, requestedAt) : undefined;
    const missing = this.#missing.size;
    const before = listed.size + missing;
    if (missing < Math.max(this.#limits.leastMissing, this.#limits.missingShare * before)) return undefined;
    return `${missing} of ${before} VMs vanished from the listing without having been deleted by this operator`;
  }

  /** True while a listing without a single VM should be compared with the bill. */
  emptinessIsDoubtful(): boolean {
    return this.#empty !== undefined && this.#age(this.#empty) < this.#limits.acceptBilledEmptyAfterMs;
  }

  /** The doubt about an empty listing, in view of what is being billed. */
  judgeEmpty(billing: Billing): string | undefined {
    if (this.#empty === undefined) return undefined;
    if (billing === 'unreadable') {
      return this.#isAccepted(this.#empty)
        ? undefined
        : 'the listing is empty, and the balance, which would show whether that is true, could not be read';
    }
    if (!billing.hourlyCost.gt(0)) return undefined;
    return `the listing is empty, but the organization is billed ${dollars(billing.hourlyCost)} per hour`;
  }

  #updateMissing(listed: ReadonlySet<string>, requestedAt: number): void {
    this.#lastRequestedAt = requestedAt;
    for (const id of this.#listed) {
      if (listed.has(id)) continue;
      // Deletion was asked for: accounted for, and the note has done its work.
      if (!this.#deletionRequested.has(id)) this.#missing.set(id, { since: requestedAt, listings: 0 });
    }
    for (const id of this.#deletionRequested) {
      if (!listed.has(id)) this.#deletionRequested.delete(id);
    }
    for (const [id, absence] of this.#missing) {
      const next = goOn(absence, requestedAt);
      if (listed.has(id) || this.#isAccepted(next)) this.#missing.delete(id);
      else this.#missing.set(id, next);
    }
  }

  #age(absence: Absence): number {
    return this.#lastRequestedAt - absence.since;
  }

  #isAccepted(absence: Absence): boolean {
    const { acceptAfterMs, acceptAfterListings } = this.#limits;
    return this.#age(absence) >= acceptAfterMs && absence.listings >= acceptAfterListings;
  }
}

/** One more listing in a row without it. */
function goOn(absence: Absence | undefined, requestedAt: number): Absence {
  if (absence === undefined || absence.since === Infinity) return { since: requestedAt, listings: 1 };
  return { since: absence.since, listings: absence.listings + 1 };
}
