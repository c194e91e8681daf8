import { annotations } from '../../src/api/group.ts';
import type { GpuAccountStatus } from '../../src/api/gpu-account.ts';
import { unmanagedIn } from '../../src/api/unmanaged-vms.ts';
import type { VmSpec, VmStatus } from '../../src/api/vm.ts';
import { markOf } from '../../src/api/vm-name.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import { parseAccount } from '../../src/controllers/spending/books.ts';
import { parseDuration } from '../../src/lib/duration.ts';
import type { SimRequest } from '../../src/sim/index.ts';
import type { Vm } from '../../src/sim/state.ts';
import { field, isOnItsWayOut } from './spot-facts.ts';

export interface UnmanagedFacts {
  readonly installation: string;
  now(): number;
  liveVms(): readonly Vm[];
  resources(): readonly CustomObject[];
  /** As the API server has it. */
  account(): CustomObject | undefined;
  /** Whether the resource of this UID was to leave its VM behind, or somebody has taken it away by force, or it never was. */
  isLetGo(uid: string): boolean;
  /** How long a process was frozen, all in all. */
  frozenMs(): number;
  /** False while two processes believe that they lead. */
  readonly isOneActing: boolean;
  complain(what: string): void;
}

/** What the account said, and from when on. */
interface Said {
  readonly at: number;
  readonly deletes: boolean;
  readonly graceMs: number;
  readonly keepVms: readonly string[];
}

/** What was asked of the API server right before a call may have changed so long before the call leaves, beside the time frozen. */
const onTheWayMs = 15_000;
/** What VMs there are is known from the last list, which a poll and a provider that answers with old lists make so old. */
const listAgeMs = 90_000;
/** A controller that has not heard that its resource was taken away goes on with it, for as long as watches are held back. */
const staleMs = 30 * 60_000;

/**
 * Holds the world to what is promised of VMs that nobody owns: none is deleted that a resource has, wants, or had within the grace
 * period, none that somebody wanted kept, none of others, and none without the intent being written; and in the end none is left.
 */
export class UnmanagedWatch {
  readonly #facts: UnmanagedFacts;
  /** By id: since when a resource has had to do with the VM, and until when. */
  readonly #claims = new Map<string, { readonly since: number; readonly until: number | undefined }>();
  /** By id, when a resource last had the VM. That it only asked for it for a moment nobody may have heard. */
  readonly #hadAt = new Map<string, number>();
  readonly #firstSeen = new Map<string, number>();
  readonly #said: Said[] = [];
  readonly #leaks = new Set<string>();
  /** By id, when the account last said that it goes, and that this was confirmed: two leaders write one over the other. */
  readonly #intendedAt = new Map<string, number>();
  readonly #confirmedAt = new Map<string, number>();
  /** When the account was last looked at. */
  #lookedAt = -Infinity;
  /** When a resource last owned a VM by its mark, or by a record. */
  #anyOwnedAt = -Infinity;
  /** Since when the account has held back what has no resource. */
  #heldSince: number | undefined;
  /** By UID, when a resource went. */
  readonly #goneAt = new Map<string, number>();
  /** UIDs of resources that left their VMs behind as somebody wanted, and ids of these. */
  readonly #kept = new Set<string>();
  /** The same of those whose finalizer somebody took off: nobody may have been there to see what was wanted. */
  readonly #either = new Set<string>();

  constructor(facts: UnmanagedFacts) {
    this.#facts = facts;
  }

  /** Something has changed in the cluster or at the provider. */
  look(): void {
    const now = this.#facts.now();
    this.#noteAccount(now);
    const ties = tiesOf(this.#facts.resources());
    for (const vm of this.#facts.liveVms()) {
      if (!this.#firstSeen.has(vm.id)) this.#firstSeen.set(vm.id, now);
      const mark = markOf(vm.name);
      const isOwned = ties.had.has(vm.id) || (mark !== undefined && ties.had.has(mark.uid));
      if (isOwned) this.#hadAt.set(vm.id, now);
      if (isOwned && mark?.installation === this.#facts.installation) this.#anyOwnedAt = now;
      const isClaimed = isOwned || ties.wanted.has(vm.id);
      const claim = this.#claims.get(vm.id);
      const isOpen = claim !== undefined && claim.until === undefined;
      if (isClaimed && !isOpen) this.#claims.set(vm.id, { since: now, until: undefined });
      if (!isClaimed && isOpen) this.#claims.set(vm.id, { ...claim, until: now });
      if (!isClaimed) this.#checkLeak(vm);
    }
  }

  /** What is deleted in the end for want of a resource must not have lost it by a bug. */
  #checkLeak(vm: Vm): void {
    const mark = markOf(vm.name);
    if (mark?.installation !== this.#facts.installation || isOnItsWayOut(vm)) return;
    if (this.#facts.isLetGo(mark.uid) || this.#leaks.has(vm.id)) return;
    this.#leaks.add(vm.id);
    this.#facts.complain(`VM ${vm.id} (${vm.name}) has lost its resource`);
  }

  #noteAccount(now: number): void {
    this.#lookedAt = now;
    const account = this.#facts.account();
    const spec = account === undefined ? undefined : parseAccount(account);
    const { unmanagedHold } = (account?.status ?? {}) as GpuAccountStatus;
    this.#heldSince = unmanagedHold === undefined ? undefined : (this.#heldSince ?? now);
    for (const { id, deletingSince, confirmed } of unmanagedIn(account?.status)) {
      if (deletingSince !== undefined) this.#intendedAt.set(id, now);
      if (confirmed === true) this.#confirmedAt.set(id, now);
    }
    const deletes = spec?.unmanagedVms === 'Delete' && account?.metadata.deletionTimestamp === undefined;
    const graceMs = parseDuration(spec?.unmanagedVmsGracePeriod ?? '') ?? 0;
    const said: Said = { at: now, deletes, graceMs, keepVms: spec?.keepVms ?? [] };
    const last = this.#said.at(-1);
    if (last === undefined || !isSame(last, said)) this.#said.push(said);
  }

  /** A resource has gone; this was its last state. */
  afterGone(last: CustomObject, isForced: boolean): void {
    const { uid, annotations: given, deletionTimestamp } = last.metadata;
    const now = this.#facts.now();
    this.#goneAt.set(uid, now);
    for (const vm of this.#facts.liveVms()) if (has(last, vm)) this.#hadAt.set(vm.id, now);
    const isRetained = (last.spec as VmSpec).deletionPolicy === 'Retain';
    const isAbandoned = deletionTimestamp !== undefined && given?.[annotations.abandon] === 'true';
    if (!isRetained && !isAbandoned) return;
    for (const one of [uid, ...recordedIn(last)]) (isForced ? this.#either : this.#kept).add(one);
  }

  /** UID of a resource that may have left its VMs behind as somebody wanted, or id of such a VM. */
  isSpared(one: string): boolean {
    return this.#kept.has(one) || this.#either.has(one);
  }

  /** A request leaves for the provider. */
  onSend(request: SimRequest): void {
    if (request.path !== 'client/delete/single') return;
    this.look();
    const vm = this.#facts.liveVms().find(({ id }) => id === field(request, 'server'));
    if (vm === undefined) return;
    const mark = markOf(vm.name);
    const claim = this.#claims.get(vm.id);
    if (mark?.installation !== this.#facts.installation) {
      if (claim === undefined)
        this.#facts.complain(`VM ${vm.id} (${vm.name}) is deleted, and was never of anybody here`);
      return;
    }
    if (claim !== undefined && claim.until === undefined) this.#checkClaimed(vm, claim.since);
    else this.#checkUnowned(vm, claim?.until);
  }

  /** Its own resource may delete it; the sweep may not. */
  #checkClaimed(vm: Vm, since: number): void {
    if (!this.#isIntended(vm.id) || this.#facts.now() - since <= this.#onTheWayMs()) return;
    const claimants = this.#facts.resources().filter((object) => hasToDoWith(object, vm));
    if (claimants.some((object) => mayDelete(object, vm))) return;
    const names = claimants.map(({ metadata }) => metadata.name).join(', ');
    this.#facts.complain(`VM ${vm.id} is deleted as one that nobody owns, and ${names} has to do with it`);
  }

  #checkUnowned(vm: Vm, until: number | undefined): void {
    const now = this.#facts.now();
    const uid = markOf(vm.name)?.uid ?? '';
    if (!this.#isIntended(vm.id)) {
      // Also of one that was deployed for a resource which had been taken away by then, and turned out too dear.
      const lostAt = Math.max(until ?? -Infinity, this.#goneAt.get(uid) ?? -Infinity);
      const isStale = now - lostAt < staleMs + this.#facts.frozenMs();
      if (!isStale) this.#facts.complain(`VM ${vm.id} is deleted, nobody owns it, and nobody said that it goes`);
      return;
    }
    if (this.#kept.has(uid) || this.#kept.has(vm.id))
      this.#facts.complain(`VM ${vm.id} is deleted, and was to be kept`);
    if (now - this.#anyOwnedAt > listAgeMs + this.#onTheWayMs() && !this.#isConfirmed(vm.id))
      this.#facts.complain(`VM ${vm.id} is deleted, no resource owns any VM, and nobody has confirmed that`);
    if (this.#heldSince !== undefined && now - this.#heldSince > this.#onTheWayMs() && !this.#isConfirmed(vm.id))
      this.#facts.complain(`VM ${vm.id} is deleted, and the account holds back what has no resource`);
    const inForce = this.#inForce();
    if (!inForce.some(({ deletes }) => deletes))
      this.#facts.complain(`VM ${vm.id} is deleted, and the account only reports`);
    if (inForce.every(({ keepVms }) => keepVms.includes(vm.id)))
      this.#facts.complain(`VM ${vm.id} is deleted, and the account names it`);
    const graceMs = Math.min(...inForce.map((said) => said.graceMs));
    const unownedMs = now - (this.#hadAt.get(vm.id) ?? this.#firstSeen.get(vm.id) ?? now);
    if (unownedMs < graceMs)
      this.#facts.complain(`VM ${vm.id} is deleted ${unownedMs} ms after it had a resource, grace is ${graceMs} ms`);
  }

  #isIntended(id: string): boolean {
    return this.#facts.now() - (this.#intendedAt.get(id) ?? -Infinity) <= this.#onTheWayMs();
  }

  /** With two leaders also while the other one, whose list is older, has just overwritten that. */
  #isConfirmed(id: string): boolean {
    const leastAt = this.#facts.isOneActing ? this.#lookedAt : this.#facts.now() - onTheWayMs;
    return (this.#confirmedAt.get(id) ?? -Infinity) >= leastAt;
  }

  /** All that the account said while it may have been asked. */
  #inForce(): Said[] {
    const since = this.#facts.now() - this.#onTheWayMs();
    return this.#said.filter((_, at) => (this.#said[at + 1]?.at ?? Infinity) >= since);
  }

  #onTheWayMs(): number {
    return onTheWayMs + this.#facts.frozenMs();
  }

  /** Whether VMs are there that are yet to be deleted for want of a resource. */
  isQuiet(): boolean {
    this.look();
    if (this.#said.at(-1)?.deletes !== true) return true;
    const { unmanagedVms = [] } = (this.#facts.account()?.status ?? {}) as GpuAccountStatus;
    return this.#orphans().length === 0 && unmanagedVms.every(({ kept }) => kept !== undefined);
  }

  /** Once things are quiet. */
  checkQuiet(): void {
    this.look();
    const { unmanagedVms = [] } = (this.#facts.account()?.status ?? {}) as GpuAccountStatus;
    for (const vm of this.#orphans()) {
      if (this.#said.at(-1)?.deletes === true)
        this.#facts.complain(`VM ${vm.id} (${vm.name}) lives, nobody owns it, and the account was to delete it`);
      else if (!unmanagedVms.some(({ id }) => id === vm.id))
        this.#facts.complain(`VM ${vm.id} (${vm.name}) lives, nobody owns it, and the account does not report it`);
    }
  }

  /** VMs with this installation's mark that no resource has to do with, and that nobody may have wanted kept. */
  #orphans(): Vm[] {
    const keepVms = this.#said.at(-1)?.keepVms ?? [];
    return this.#facts.liveVms().filter((vm) => {
      const mark = markOf(vm.name);
      if (mark?.installation !== this.#facts.installation || keepVms.includes(vm.id)) return false;
      return (
        !this.isSpared(mark.uid) &&
        !this.isSpared(vm.id) &&
        !this.#facts.resources().some((object) => hasToDoWith(object, vm))
      );
    });
  }
}

function isSame(a: Said, b: Said): boolean {
  const keep = (said: Said): string => said.keepVms.join(' ');
  return a.deletes === b.deletes && a.graceMs === b.graceMs && keep(a) === keep(b);
}

function recordedIn({ status }: CustomObject): string[] {
  const { vm, retiring = [] } = (status ?? {}) as VmStatus;
  return [vm, ...retiring].flatMap((recorded) => recorded?.id ?? []);
}

/** What resources have, by UID or id of a VM, and ids of what they ask for: this is looked at with every step of a world. */
function tiesOf(resources: readonly CustomObject[]): {
  readonly had: ReadonlySet<string>;
  readonly wanted: ReadonlySet<string | undefined>;
} {
  return {
    had: new Set(resources.flatMap((object) => [object.metadata.uid, ...recordedIn(object)])),
    wanted: new Set(resources.map(({ metadata }) => metadata.annotations?.[annotations.adopt])),
  };
}

/** By its mark, or by what its status records. */
function has(object: CustomObject, { id, name }: Vm): boolean {
  return markOf(name)?.uid === object.metadata.uid || recordedIn(object).includes(id);
}

/** Or by what it asks for. */
function hasToDoWith(object: CustomObject, vm: Vm): boolean {
  return has(object, vm) || object.metadata.annotations?.[annotations.adopt] === vm.id;
}

/** Whether the resource itself has a reason to delete this VM. */
function mayDelete(object: CustomObject, { id, name }: Vm): boolean {
  const { vm, launch } = (object.status ?? {}) as VmStatus;
  const isMarked = markOf(name)?.uid === object.metadata.uid;
  const isItsOnly = vm?.id === id && launch?.outcome !== 'Overpriced';
  return object.metadata.deletionTimestamp !== undefined || (isMarked && !isItsOnly);
}
