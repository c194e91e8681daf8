import { backoffMs, type Random } from '../../lib/backoff.ts';
import type { Attempt } from '../../plan/unmanaged/entries.ts';
import type { Named } from '../../plan/unmanaged/standing.ts';

interface Seen {
  readonly vm: Named;
  /** Together with what processes before this one have counted. */
  readonly countedMs: number;
  /** When the last list was requested that showed it so. */
  readonly until: number;
}

/** How long VMs of one account have been seen without a resource. Lost in a crash but for what the account has written. */
export class UnownedTimes {
  readonly #seen = new Map<string, Seen>();
  readonly #longestGapMs: number;
  /** Somebody had them meanwhile: what was counted before does not count. */
  readonly #void = new Set<string>();

  /** @param longestGapMs between two lists; in more than that nobody has looked */
  constructor(longestGapMs: number) {
    this.#longestGapMs = longestGapMs;
  }

  /** A list, and what is written down, while no store knows of a resource that has one of these VMs. */
  note(vms: readonly (Named & { readonly recordedMs: number })[], times: { now: number; requestedAt: number }): void {
    const unowned = new Set(vms.map(({ id }) => id));
    for (const id of this.#seen.keys()) if (!unowned.has(id)) this.#seen.delete(id);
    for (const vm of vms) this.#noteVm(vm, times);
  }

  #noteVm(
    { id, name, recordedMs }: Named & { readonly recordedMs: number },
    times: { now: number; requestedAt: number },
  ): void {
    const isVoid = this.#void.has(id);
    const { now, requestedAt } = times;
    const before = this.#seen.get(id);
    const counted = before === undefined ? undefined : this.#goneOn(before, requestedAt);
    // Nothing was counted yet, or another leader has counted further. From now on, not from the request of the list: a resource
    // may have had it since, and the other one's list be newer.
    const isBehind = counted === undefined || (!isVoid && counted.countedMs < recordedMs);
    const begun: Seen = { vm: { id, name }, countedMs: isVoid ? 0 : recordedMs, until: now };
    const seen = isBehind ? begun : counted;
    this.#seen.set(id, seen);
    if (recordedMs <= seen.countedMs) this.#void.delete(id);
  }

  #goneOn(seen: Seen, requestedAt: number): Seen {
    const moreMs = Math.max(0, requestedAt - seen.until);
    const countedMs = seen.countedMs + Math.min(moreMs, this.#longestGapMs);
    return { ...seen, countedMs, until: seen.until + moreMs };
  }

  /** Of a VM that this process has not seen so yet, what is written down. */
  ms(id: string, recordedMs: number): number {
    const seen = this.#seen.get(id);
    if (seen !== undefined) return seen.countedMs;
    return this.#void.has(id) ? 0 : recordedMs;
  }

  /** A resource that had these VMs has gone: for them the time begins anew. */
  ownerWent(isIts: (vm: Named) => boolean, recorded: readonly Named[]): void {
    for (const vm of [...recorded, ...[...this.#seen.values()].map((seen) => seen.vm)].filter(isIts)) {
      this.#seen.delete(vm.id);
      this.#void.add(vm.id);
    }
  }

  clear(): void {
    this.#seen.clear();
    this.#void.clear();
  }
}

interface Tried extends Attempt {
  readonly failures: number;
  /** How often in a row the API server was asked, and something spoke against the call. */
  readonly objections: number;
  readonly nextTryAt: number;
}

const untried: Tried = { confirmedAt: undefined, failure: undefined, failures: 0, objections: 0, nextTryAt: 0 };
const retry = { baseMs: 5_000, maxMs: 300_000 };
/** A longer Retry-After is not waited for: the VM is billed meanwhile. As for VMs of resources. */
const longestRetryAfterMs = 120_000;
/** A deletion that was confirmed and has had no effect for so long is asked for again. */
const patienceMs = 15 * 60_000;

/** The last delete call about each VM of one account that has no resource. */
export class Attempts {
  readonly #tried = new Map<string, Tried>();

  get(id: string): Attempt | undefined {
    return this.#tried.get(id);
  }

  nextTryAt(id: string): number {
    return this.#tried.get(id)?.nextTryAt ?? 0;
  }

  confirmed(id: string, now: number): void {
    this.#tried.set(id, { ...untried, confirmedAt: now, nextTryAt: now + patienceMs });
  }

  failed(
    id: string,
    failure: { readonly message: string; readonly retryAfterMs: number | undefined },
    { now, random }: { readonly now: number; readonly random: Random },
  ): void {
    const failures = (this.#tried.get(id)?.failures ?? 0) + 1;
    const toldMs = Math.min(failure.retryAfterMs ?? 0, longestRetryAfterMs);
    const nextTryAt = now + Math.max(toldMs, backoffMs(retry, failures, random));
    this.#tried.set(id, { ...untried, failure: failure.message, failures, nextTryAt });
  }

  /** Something speaks against it at the moment that costs nothing to look at; no failure of the call. */
  putOff(id: string, until: number): void {
    this.#tried.set(id, { ...(this.#tried.get(id) ?? untried), nextTryAt: until });
  }

  /**
   * Something speaks against it that all accounts and resources of the cluster were listed for: what does not change soon is
   * looked at ever more seldom.
   */
  objectedTo(
    id: string,
    { now, retryMs, random }: { readonly now: number; readonly retryMs: number; readonly random: Random },
  ): void {
    const before = this.#tried.get(id) ?? untried;
    const objections = before.objections + 1;
    const often = { baseMs: retryMs, maxMs: Math.max(retryMs, retry.maxMs) };
    this.#tried.set(id, { ...before, objections, nextTryAt: now + backoffMs(often, objections, random) });
  }

  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.#tried.keys()) if (!ids.has(id)) this.#tried.delete(id);
  }
}

interface OfAccount {
  readonly times: UnownedTimes;
  readonly attempts: Attempts;
}

/** What the process knows of the sweep of each account, shared by who decides and who calls. */
export class SweepMemory {
  readonly #accounts = new Map<string, OfAccount>();
  readonly #longestGapMs: number;
  #isRestored = false;

  constructor(options: { readonly longestGapMs: number }) {
    this.#longestGapMs = options.longestGapMs;
  }

  of(account: string): OfAccount {
    const known = this.#accounts.get(account) ?? {
      times: new UnownedTimes(this.#longestGapMs),
      attempts: new Attempts(),
    };
    this.#accounts.set(account, known);
    return known;
  }

  get isRestored(): boolean {
    return this.#isRestored;
  }

  /** The API server has gone back in time: for as long as this process runs a missing resource may be one that it has forgotten. */
  noteRestored(): void {
    this.#isRestored = true;
  }

  forget(account: string): void {
    this.#accounts.delete(account);
  }
}
