import { backoffMs, type BackoffPolicy, type Random } from '../../lib/backoff.ts';
import type { VmStatus } from '../../api/vm.ts';
import type { Launch } from '../../api/vm-status.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import { provesAbsence } from '../../fleet/snapshot.ts';
import type {
  Absence,
  CallFact,
  Confirmation,
  Journal,
  ProbeFact,
  VmFacts,
  VmTimings,
} from '../../plan/vm/observation.ts';
import type { Announcement } from '../../plan/vm/verdict.ts';
import { isInDoubt, mayHide, uncertainSince } from '../../plan/vm/proof.ts';
import { callPatienceMs } from '../../plan/vm/rule.ts';
import { Bidding } from './bidding.ts';
import { failedCall, retriedWith, type CallFailure, type FailedWhen } from './failed-calls.ts';
import { entered, noEntries, rememberLast, without } from './small-maps.ts';
import { isOvertaken, reconsidered, saysTheSame, withdraw, type Unsaved } from './unsaved.ts';

const noItems: ReadonlySet<string> = new Set<string>();

const hostBackoff: BackoffPolicy = { baseMs: 60_000, maxMs: 1_800_000 };

/**
 * What the process knows about one resource beyond what is written down. Losing it, in a crash, costs a call and never a
 * VM: everything that must survive is in the journal of the status.
 */
export class VmMemory {
  #unsaved: Unsaved | undefined;
  /** The journal of the status as it was read last. */
  #written: Journal = {};
  #avoidedHosts: ReadonlyMap<string, number> = noEntries;
  #refusals: ReadonlyMap<string, number> = noEntries;
  #deletedAt: ReadonlyMap<string, number> = noEntries;
  #deployed: ReadonlySet<string> = noItems;
  /** By VM; those made last come last. */
  #calls: ReadonlyMap<string, CallFact> = noEntries;
  readonly bidding = new Bidding();
  /** To be said once the status that they speak of is written: a write that is refused, or fails, does not swallow them. */
  readonly announcements: Announcement[] = [];
  /** The VM that a list has shown running last. */
  #ran: { readonly vmId: string; readonly at: number } | undefined;
  #startFiledAt: ReadonlyMap<string, number> = noEntries;
  #outbidSeenAt: ReadonlyMap<string, number> = noEntries;
  /** By VM; those asked about last come last. */
  #confirmations: ReadonlyMap<string, Confirmation> = noEntries;
  #launchSeen: { readonly name: string; readonly hasEnded: boolean; readonly at: number } | undefined;
  #vmSeen: { readonly id: string; readonly at: number } | undefined;
  #deletionSeenAt: number | undefined;
  #absence: Absence | undefined;
  #journalDroppedAt: number | undefined;
  #queuedAt: number | undefined;
  #releaseNeedsStart = false;
  #foreignSecretSeenAt: number | undefined;
  #isHeldBackAsNew = false;
  /** When the API server last did not take the intent of a change of size, as its CRD is older. */
  resizeIntentRefusedAt = -Infinity;
  /** UID of our Secret, if nothing can be taken out of it. */
  stubbornSecretUid: string | undefined;

  /** The journal as the next status has to have it; undefined while the status has it already. */
  get unsaved(): Journal | undefined {
    return this.#unsaved?.journal;
  }

  set unsaved(journal: Journal | undefined) {
    const isFound = journal?.vm !== undefined && !this.#deployed.has(journal.vm.id);
    this.#unsaved = journal === undefined ? undefined : { journal, over: this.#written, isFound };
  }

  /** The resource is looked at anew, by what is known now. */
  reconsider(): void {
    const before = this.#unsaved;
    this.#unsaved = before && reconsidered(before);
    if (this.#unsaved !== before) withdraw(this.announcements, 'LaunchAbsent');
  }

  /** What the status says, or what has come since and could not be written yet. */
  journalOver({ vm, launch, resize, retiring, spot }: VmStatus): Journal {
    const written: Journal = { vm, launch, resize, retiring, spot };
    this.#written = written;
    if (this.#unsaved !== undefined && isOvertaken(this.#unsaved, written)) {
      // Where it is what we have written ourselves, and the answer was lost, that is still to be said.
      if (!saysTheSame(this.#unsaved.journal, written)) this.announcements.length = 0;
      this.#unsaved = undefined;
    }
    return this.unsaved ?? written;
  }

  /** It waits for its turn. Returns since when it was seen to. */
  noteQueued(now: number): number {
    return (this.#queuedAt ??= now);
  }

  /** This process has added the finalizer, for an intent that may not have been written then. */
  noteHeldBack(): void {
    this.#isHeldBackAsNew = true;
  }

  /**
   * Whether this process knows that nothing has been deployed for the resource: it has no finalizer, or this process has added it,
   * and since then nothing speaks of deployments. From the first status on that says whether there has been one, one
   * that does not say it was emptied, and what another leader had written meanwhile may have gone with the rest.
   *
   * @param isTold whether the status says in words if something was deployed
   */
  noteOrigin(
    { vm, launch }: Journal,
    seen: { readonly hasFinalizer: boolean; readonly isTold: boolean },
  ): { readonly isNew: boolean } {
    if (!seen.hasFinalizer || seen.isTold || vm !== undefined || launch !== undefined) this.#isHeldBackAsNew = false;
    return { isNew: !seen.hasFinalizer || this.#isHeldBackAsNew };
  }

  /** @param vmId of the recorded VM */
  facts(probe: ProbeFact | undefined, vmId: string | undefined): VmFacts {
    return {
      deletedAt: this.#deletedAt,
      deployed: this.#deployed,
      lastCall: vmId === undefined ? undefined : this.#calls.get(vmId),
      calls: this.#calls,
      confirmations: this.#confirmations,
      launchSeenAt: this.#launchSeen?.at,
      vmSeenAt: this.#vmSeen?.at,
      vmRanAt: this.#ran?.vmId === vmId ? this.#ran?.at : undefined,
      startFiledAt: this.#startFiledAt.get(vmId ?? ''),
      outbidSeenAt: this.#outbidSeenAt,
      deletionSeenAt: this.#deletionSeenAt,
      absence: this.#absence,
      journalDroppedAt: this.#journalDroppedAt,
      stubbornSecretUid: this.stubbornSecretUid,
      probe,
      avoidedHosts: this.#avoidedHosts,
      releaseNeedsStart: this.#releaseNeedsStart,
      bidding: this.bidding.factFor(vmId),
    };
  }

  /** A Secret with the name of ours exists and is somebody else's; it is not in the store, which holds only ours. */
  noteForeignSecret(now: number): void {
    this.#foreignSecretSeenAt = now;
  }

  sawForeignSecretSince(time: number): boolean {
    return this.#foreignSecretSeenAt !== undefined && this.#foreignSecretSeenAt > time;
  }

  /** A host refused what this resource asks for: it is left alone for a while, longer after each refusal. */
  noteHostRefused(hostnode: string, now: number, random: Random): void {
    const refusals = (this.#refusals.get(hostnode) ?? 0) + 1;
    this.#refusals = entered(this.#refusals, hostnode, refusals);
    const until = now + backoffMs(hostBackoff, refusals, random);
    this.#avoidedHosts = entered(this.#avoidedHosts, hostnode, until);
  }

  /** The API server did not keep an intent as it was sent. */
  noteJournalDropped(now: number): void {
    this.#journalDroppedAt = now;
  }

  noteDeployed(vmId: string): void {
    this.#deployed = new Set([...this.#deployed, vmId]);
  }

  noteDeleted(vmId: string, now: number): void {
    this.#deletedAt = entered(this.#deletedAt, vmId, now);
  }

  noteConfirmation(confirmation: Confirmation, patienceMs: number): void {
    const { vmId, askedAt, answer } = confirmation;
    this.#confirmations = rememberLast(this.#confirmations, vmId, confirmation);
    if (answer === 'exists') this.#doubtDeletion(vmId, { seenAt: askedAt, patienceMs });
  }

  noteCallSucceeded({ kind, vmId }: CallOn, now: number): void {
    if (kind === 'stop') this.#releaseNeedsStart = false;
    if (kind === 'start') this.noteStartFiled(vmId, now);
    this.#noteCall(vmId, { call: kind, endedAt: now, failure: undefined, failures: 0, nextTryAt: now });
  }

  noteReleaseNeedsStart(vmId: string, now: number): void {
    this.#releaseNeedsStart = true;
    this.#noteCall(vmId, { call: 'stop', endedAt: now, failure: undefined, failures: 0, nextTryAt: now });
  }

  /** Returns how many times in a row this call has failed now. */
  noteCallFailed({ kind, vmId }: CallOn, failure: CallFailure, when: FailedWhen): number {
    const fact = failedCall(this.#calls.get(vmId), kind, failure, when);
    this.#noteCall(vmId, fact);
    return fact.failures;
  }

  /** Since when calls carry the key and the token that they carry now. */
  noteCredentials(since: number): void {
    this.#calls = retriedWith(this.#calls, since);
  }

  #noteCall(vmId: string, fact: CallFact): void {
    this.#calls = rememberLast(this.#calls, vmId, fact);
  }

  /**
   * A start was accepted, or its answer was lost. That a list shows the VM running afterwards does not end it: the list may be older than
   * it should be, and from before the VM was outbid.
   */
  noteStartFiled(vmId: string, at: number): void {
    this.#startFiledAt = entered(this.#startFiledAt, vmId, at);
  }

  /** A list that was requested then shows it running. */
  noteRunning(vmId: string, requestedAt: number): void {
    this.#ran = { vmId, at: requestedAt };
  }

  /** The times at which the resource was outbid, as the status has them: whoever wrote them may have another clock. */
  noteOutbidTimes(times: readonly string[], now: number): void {
    if (times.length === 0) this.#outbidSeenAt = noEntries;
    else this.#outbidSeenAt = new Map(times.map((time) => [time, this.#outbidSeenAt.get(time) ?? now]));
  }

  /** The resource is to be deleted; nothing takes that back. */
  noteDeletion(now: number): void {
    this.#deletionSeenAt ??= now;
  }

  /** The journal as it is at this moment. */
  noteJournal({ vm, launch }: Journal, now: number): void {
    this.#noteLaunch(launch, now);
    if (vm?.id !== this.#vmSeen?.id) this.#vmSeen = vm === undefined ? undefined : { id: vm.id, at: now };
  }

  #noteLaunch(launch: Journal['launch'], now: number): void {
    const hasEnded = launch?.endedAt !== undefined;
    if (launch?.name === this.#launchSeen?.name && hasEnded === this.#launchSeen?.hasEnded) return;
    this.#launchSeen = launch === undefined ? undefined : { name: launch.name, hasEnded, at: now };
  }

  /**
   * Takes a list as evidence about an uncertain launch. It counts only if it was requested after the call had ended, is
   * trusted, has no entry that could not be read and might be the VM, and, being empty, was compared with the bill.
   */
  noteListing(snapshot: Snapshot, journal: Journal, timings: ListingTimings): void {
    const { launch } = journal;
    this.#doubtDeletions(snapshot, journal, timings.transitionMs);
    if (launch === undefined || !isInDoubt(journal) || snapshot.byName.has(launch.name)) {
      this.#absence = undefined;
      return;
    }
    if (!this.#isEvidence(snapshot, launch, timings)) return;
    const { firstAt, latestAt } =
      this.#absence?.launchName === launch.name
        ? this.#absence
        : { firstAt: snapshot.requestedAt, latestAt: snapshot.requestedAt };
    this.#absence = { launchName: launch.name, firstAt, latestAt: Math.max(latestAt, snapshot.requestedAt) };
  }

  #isEvidence(snapshot: Snapshot, launch: Launch, { callTimeoutMs }: ListingTimings): boolean {
    const seenAt = this.#launchSeen?.at;
    if (seenAt === undefined || !provesAbsence(snapshot) || snapshot.isUnchecked === true) return false;
    if (mayHide(snapshot, launch)) return false;
    return snapshot.requestedAt >= uncertainSince(launch, seenAt, callTimeoutMs);
  }

  #doubtDeletions(snapshot: Snapshot, { retiring = [] }: Journal, transitionMs: number): void {
    for (const vmId of this.#deletedAt.keys()) {
      const listed = snapshot.byId.get(vmId);
      if (listed === undefined) continue;
      // It did not run when it was deleted: the market has brought it back since, and to wait longer would pay for two VMs.
      const isBack = listed.state === 'running' && retiring.some(({ id }) => id === vmId);
      const patienceMs = isBack ? callPatienceMs : transitionMs;
      this.#doubtDeletion(vmId, { seenAt: snapshot.requestedAt, patienceMs });
    }
  }

  /** A confirmed deletion that has had no effect for this long is asked for again: it is retried for ever. */
  #doubtDeletion(vmId: string, { seenAt, patienceMs }: { seenAt: number; patienceMs: number }): void {
    const deletedAt = this.#deletedAt.get(vmId);
    if (deletedAt !== undefined && seenAt - deletedAt > patienceMs) this.#deletedAt = without(this.#deletedAt, vmId);
  }
}

/** A call, and the VM that it is about. */
interface CallOn {
  readonly kind: CallFact['call'];
  readonly vmId: string;
}

type ListingTimings = Pick<VmTimings, 'callTimeoutMs' | 'transitionMs'>;
