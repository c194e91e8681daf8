import { dollars, type Money } from '../lib/money.ts';
import type { VmListing } from '../provider/contract.ts';

/**
 * Is a listing to be believed where it does not have a VM? What speaks against it, and for how long:
 *
 * - A VM that it lacks, but that the provider showed when asked for it by id: one is enough, since who omits one may omit
 *   others. Until it is listed, or the provider says that there is none. Whoever has the VM goes on asking; where nobody
 *   asks or answers any more, until an hour after the last word.
 * - A VM that it lacks, that a resource had recorded when the listing was requested, and whose end the provider has not
 *   confirmed. Its resource asks for it by id, and then it is one of the kind above, or accounted for. After a restart
 *   nothing else is known of the listings before, so this is what the evidence starts with. One that vanishes while its
 *   delete call is under way does not speak against the listing yet, which may have overtaken the answer: if the call fails
 *   it does, and until then the listing is no proof either.
 * - At least three VMs, and a fifth of all, that were listed before and whose deletion we did not ask for. A VM stops
 *   being missing as soon as it is listed again (also unreadably), or the provider says that there is none.
 *
 * Distrust must end where the VMs are really gone and nobody asks for them by id, for example because no resource ever
 * owned them. So a VM of the last two kinds that was missing from every listing for ten minutes, and from three of them at
 * least, is taken for gone.
 *
 * A last doubt concerns listings without a single VM, which are also what a provider sends that has lost its way: they
 * are compared with what the organization is being billed. Billing may lag behind a deletion, or bill something that is no
 * VM, so that doubt ends after an hour of empty listings; if the balance merely cannot be read, after ten minutes. A balance
 * that cannot be read takes nothing back of a bill that could.
 */
export interface EvidenceLimits {
  readonly leastMissing: number;
  readonly missingShare: number;
  readonly acceptAfterMs: number;
  readonly acceptAfterListings: number;
  /** For listings that something positive speaks against: a bill, or a VM that was found alive. */
  readonly acceptContradictedAfterMs: number;
}

export const defaultEvidenceLimits: EvidenceLimits = {
  leastMissing: 3,
  missingShare: 0.2,
  acceptAfterMs: 600_000,
  acceptAfterListings: 3,
  acceptContradictedAfterMs: 3_600_000,
};

interface Absence {
  /** When the first listing without it was requested. */
  readonly since: number;
  readonly listings: number;
}

/** What the balance said about an empty listing. */
export type Billing = { readonly hourlyCost: Money } | 'unreadable';

/** The circumstances of a listing. */
export interface Request {
  readonly requestedAt: number;
  /** Ids of the VMs that resources had recorded when the request was about to leave. */
  readonly recorded: ReadonlySet<string>;
  /** Ids of the VMs whose delete calls are under way as the listing is judged. */
  readonly beingDeleted: ReadonlySet<string>;
}

export class Evidence {
  readonly #limits: EvidenceLimits;
  #listed: ReadonlySet<string> = new Set();
  /** As of the last listing. */
  #recorded: ReadonlySet<string> = new Set();
  /** VMs that should be in the listing and are not, for reasons that nobody knows. */
  readonly #missing = new Map<string, Absence>();
  /** VMs that are not listed, but were found alive by id, and when the last listing before that was requested. */
  readonly #alive = new Map<string, number>();
  /** VMs that may be recorded, but need not be in a listing that was requested after this time. */
  readonly #accountedFor = new Map<string, number>();
  readonly #deletionRequested = new Set<string>();
  /** Recorded VMs that have vanished since their delete calls left, which have no answer yet. */
  #deletionOpen = new Set<string>();
  /** Of the empty listings in a row, those since the bill last agreed with one, and whether it has spoken against one of them. */
  #emptyUnexplained: (Absence & { readonly isBilled: boolean }) | undefined;
  #lastRequestedAt = 0;

  constructor(limits: EvidenceLimits = defaultEvidenceLimits) {
    this.#limits = limits;
  }

  /** What is known now, to go on from in another way. */
  copy(): Evidence {
    const copy = new Evidence(this.#limits);
    copy.#listed = this.#listed;
    copy.#recorded = this.#recorded;
    for (const [id, absence] of this.#missing) copy.#missing.set(id, absence);
    for (const [id, at] of this.#alive) copy.#alive.set(id, at);
    for (const [id, at] of this.#accountedFor) copy.#accountedFor.set(id, at);
    for (const id of this.#deletionRequested) copy.#deletionRequested.add(id);
    copy.#deletionOpen = new Set(this.#deletionOpen);
    copy.#emptyUnexplained = this.#emptyUnexplained;
    copy.#lastRequestedAt = this.#lastRequestedAt;
    return copy;
  }

  /** We are about to ask for the deletion of this VM: that it vanishes from here on is what we want. */
  noteDeletionRequested(id: string): void {
    this.#deletionRequested.add(id);
    if (!this.#missing.delete(id)) return;
    // It is missing already. There may be a call before this one that has failed, and a bill that is still being read.
    if (this.#recorded.has(id)) this.#missing.set(id, goOn(undefined, this.#lastRequestedAt));
  }

  /** The provider says that it has deleted this VM. Where it omitted the VM before, omitting it still proves nothing. */
  noteDeleted(id: string, now: number): void {
    this.#accountFor(id, now);
  }

  /**
   * The VM is not deleted, or nobody knows: that it vanished while the call was under way may be a lie. Returns the sentence
   * that says why the last listing is no proof, if that one is without it.
   */
  noteDeletionFailed(id: string): string | undefined {
    if (!this.#deletionOpen.delete(id)) return undefined;
    this.#missing.set(id, goOn(undefined, this.#lastRequestedAt));
    return this.objection();
  }

  /** The provider, asked for it by id, said that there is none. */
  noteConfirmedGone(id: string, now: number): void {
    this.#alive.delete(id);
    this.#accountFor(id, now);
  }

  /**
   * The provider, asked for it by id, showed it: listings without it are wrong. Returns the sentence that says so if the
   * last one is without it.
   */
  noteFoundAlive(id: string): string | undefined {
    this.#accountedFor.delete(id);
    if (this.#listed.has(id)) return undefined;
    this.#alive.set(id, this.#lastRequestedAt);
    return this.#contradiction();
  }

  /** Takes a listing in. Returns the sentence that says why it is no proof of absence, if it is not. */
  judge(listing: VmListing, request: Request): string | undefined {
    const listed = new Set([...listing.vms.map((vm) => vm.id), ...listing.unreadable]);
    this.#lastRequestedAt = request.requestedAt;
    this.#forgetListed(listed);
    this.#updateMissing(listed, request);
    this.#listed = listed;
    this.#recorded = request.recorded;
    if (!this.isEmpty) this.#emptyUnexplained = undefined;
    return this.objection();
  }

  /** The sentence that says why the last listing is no proof of absence, but for what its emptiness says. */
  objection(): string | undefined {
    return this.#contradiction() ?? this.#openQuestion() ?? this.#massVanishing();
  }

  /** Whether the last listing lacks a VM whose delete call has no answer yet. */
  get isDeletionOpen(): boolean {
    return this.#deletionOpen.size > 0;
  }

  /** Whether the last listing has not a single VM. */
  get isEmpty(): boolean {
    return this.#listed.size === 0;
  }

  /** True while nothing explains that the listings are empty: each is to be compared with the bill. */
  get isEmptinessOpen(): boolean {
    return this.#emptyUnexplained !== undefined && !this.#isOld(this.#emptyUnexplained);
  }

  /** The doubt about an empty listing, in view of what is being billed. */
  judgeEmpty(billing: Billing): string | undefined {
    if (!this.isEmpty) return undefined;
    const hourlyCost = billing === 'unreadable' ? undefined : billing.hourlyCost;
    if (hourlyCost?.gt(0) === false) {
      this.#emptyUnexplained = undefined;
      return undefined;
    }
    if (!this.#isStillDoubtful(hourlyCost !== undefined)) return undefined;
    return hourlyCost === undefined
      ? 'the listing is empty, and the balance, which would show whether that is true, could not be read'
      : `the listing is empty, but the organization is billed ${dollars(hourlyCost)} per hour`;
  }

  /** The sentence that says which VM the last listing lacks though the provider knows it; undefined when there is none. */
  #contradiction(): string | undefined {
    const [first] = this.#alive.keys();
    if (first === undefined) return undefined;
    const others = this.#alive.size === 1 ? '' : `, and ${this.#alive.size - 1} more`;
    return `the listing lacks VM ${first}${others}, but the provider knows it when asked by id`;
  }

  /** Takes in one more empty listing that the bill does not explain. */
  #isStillDoubtful(isBilledNow: boolean): boolean {
    const before = this.#emptyUnexplained;
    const isBilled = isBilledNow || before?.isBilled === true;
    // Not from the first empty listing on: an account that was honestly empty overnight would believe the first lie of the morning.
    // Nor from where the balance could not be read: that said nothing, and the bill is the first word that there is.
    const goesOn = !isBilledNow || before?.isBilled === true;
    const unexplained = { ...goOn(goesOn ? before : undefined, this.#lastRequestedAt), isBilled };
    this.#emptyUnexplained = unexplained;
    return !this.#isOld(unexplained) && (isBilled || !this.#isAccepted(unexplained));
  }

  #accountFor(id: string, at: number): void {
    this.#missing.delete(id);
    this.#deletionOpen.delete(id);
    this.#accountedFor.set(id, at);
  }

  #openQuestion(): string | undefined {
    const open = [...this.#missing.keys()].filter((id) => this.#recorded.has(id));
    if (open.length === 0) return undefined;
    const others = open.length === 1 ? '' : ` and ${open.length - 1} more`;
    return `the listing lacks VM ${open[0] ?? ''}${others}, which resources have recorded and the provider has not said to be gone`;
  }

  #massVanishing(): string | undefined {
    const missing = this.#missing.size;
    const before = this.#listed.size + missing;
    if (missing < Math.max(this.#limits.leastMissing, this.#limits.missingShare * before)) return undefined;
    return `${missing} of ${before} VMs vanished from the listing without having been deleted by this operator`;
  }

  #forgetListed(listed: ReadonlySet<string>): void {
    for (const id of listed) {
      this.#missing.delete(id);
      this.#alive.delete(id);
      if (!this.#isOlderThanWordOn(id)) this.#accountedFor.delete(id);
    }
    for (const [id, lastWordAt] of this.#alive) {
      if (this.#age(lastWordAt) >= this.#limits.acceptContradictedAfterMs) this.#alive.delete(id);
    }
  }

  #updateMissing(listed: ReadonlySet<string>, request: Request): void {
    const { requestedAt, recorded } = request;
    const isOpen = (id: string): boolean => !listed.has(id) && !this.#accountedFor.has(id) && !this.#missing.has(id);
    this.#deletionOpen = new Set(
      [...request.beingDeleted].filter((id) => isOpen(id) && this.#hasJustGone(id, recorded)),
    );
    const vanished = [...this.#listed].filter((id) => !this.#deletionRequested.has(id));
    for (const id of [...vanished, ...recorded]) {
      if (isOpen(id) && !this.#deletionOpen.has(id)) this.#missing.set(id, { since: requestedAt, listings: 0 });
    }
    for (const id of this.#deletionRequested) {
      // It has vanished: the note has done its work.
      if (!listed.has(id)) this.#deletionRequested.delete(id);
    }
    for (const [id, absence] of this.#missing) {
      const next = goOn(absence, requestedAt);
      this.#missing.set(id, next);
      if (this.#isAccepted(next) && !this.#alive.has(id)) this.#accountFor(id, requestedAt);
    }
    this.#forgetAccountedFor(recorded);
  }

  /** What was requested before the provider said that the VM is gone takes nothing back; but not where a clock was set back. */
  #isOlderThanWordOn(id: string): boolean {
    const age = this.#age(this.#accountedFor.get(id) ?? this.#lastRequestedAt);
    return age < 0 && age > -this.#limits.acceptAfterMs;
  }

  /** What was not listed before its delete call left either has not vanished by that call. */
  #hasJustGone(id: string, recorded: ReadonlySet<string>): boolean {
    return this.#deletionOpen.has(id) || (recorded.has(id) && this.#listed.has(id));
  }

  /** Nobody asks any more; but whoever is to record a VM may not have come to that yet. */
  #forgetAccountedFor(recorded: ReadonlySet<string>): void {
    for (const [id, at] of this.#accountedFor) {
      if (!recorded.has(id) && this.#age(at) >= this.#limits.acceptAfterMs) this.#accountedFor.delete(id);
    }
  }

  #age(since: number): number {
    return this.#lastRequestedAt - since;
  }

  /** Even what is positively spoken against is believed after so long. */
  #isOld({ since }: Absence): boolean {
    return this.#age(since) >= this.#limits.acceptContradictedAfterMs;
  }

  #isAccepted({ since, listings }: Absence): boolean {
    const { acceptAfterMs, acceptAfterListings } = this.#limits;
    return this.#age(since) >= acceptAfterMs && listings >= acceptAfterListings;
  }
}

/** One more listing in a row without it. */
function goOn(absence: Absence | undefined, requestedAt: number): Absence {
  if (absence === undefined) return { since: requestedAt, listings: 1 };
  return { since: absence.since, listings: absence.listings + 1 };
}
