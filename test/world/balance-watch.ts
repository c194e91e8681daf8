import type { GpuAccountSpec, GpuAccountStatus } from '../../src/api/gpu-account.ts';
import { markOf } from '../../src/api/vm-name.ts';
import type { VmStatus } from '../../src/api/vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import { parseDuration } from '../../src/lib/duration.ts';
import type { Exchange, SimRequest } from '../../src/sim/index.ts';
import type { Vm } from '../../src/sim/state.ts';
import { sparedFor } from './importance.ts';

export interface BalanceFacts {
  now(): number;
  resources(): readonly CustomObject[];
  liveVms(): readonly Vm[];
  writersClocks(): { readonly behindMs: number };
  isCalm(): boolean;
  readonly isOneActing: boolean;
  isExcused(uid: string): boolean;
  complain(what: string): void;
}

/** In hours; 0: no limit. */
interface Runways {
  readonly at: number;
  readonly min: number;
  readonly release: number;
}

/** An answer about the balance, in dollars. */
interface Reading {
  readonly at: number;
  readonly amount: number;
  /** After an empty list it is asked whether that is true, and nobody decides about money by what it says then. */
  readonly mayBeBill: boolean;
}

/** What a VM is billed per hour, since when, and what it was before. */
interface Rate {
  readonly now: number;
  readonly before: number;
  readonly at: number;
}

/** A call that was allowed when its intent was written may be late. */
const onTheWayMs = 180_000;
/** How long an answer is believed, and how long ago the last one may be that has a VM released. */
const staleMs = 30 * 60_000;
const freshMs = 4 * 60_000;
/** What happened so lately may be in no list yet, or in no store. */
const newsMs = 120_000;
/** What a resource may be committed to at most, whatever it costs in the end. */
const mostPerResource = 4;
/** The bill is read so soon after a list that it is compared with. */
const billMs = 10_000;
const hourMs = 3_600_000;

/**
 * Holds the world to what an account's runways promise: nothing is deployed or started for which the balance, as the provider
 * has said it, does not last; and VMs are released for want of it only by two answers, the least important ones first.
 */
export class BalanceWatch {
  readonly #facts: BalanceFacts;
  readonly #runways: Runways[] = [{ at: -Infinity, min: 0, release: 0 }];
  readonly #readings: Reading[] = [];
  /** When a list was empty last. */
  #emptyAt = -Infinity;
  readonly #rates = new Map<string, Rate>();
  readonly #changedAt = new Map<string, number>();

  constructor(facts: BalanceFacts) {
    this.#facts = facts;
  }

  /** A platform team has made the account, or changed it. */
  afterAccountSpec({ spec }: CustomObject): void {
    const { minRunway, releaseBelowRunway } = (spec as GpuAccountSpec).limits ?? {};
    this.#runways.push({ at: this.#facts.now(), min: hours(minRunway), release: hours(releaseBelowRunway) });
  }

  afterVmSpec({ metadata }: CustomObject): void {
    this.#changedAt.set(metadata.uid, this.#facts.now());
  }

  /** Something may cost something else than before. */
  look(): void {
    const at = this.#facts.now();
    for (const vm of this.#facts.liveVms()) {
      const now = billed(vm);
      const known = this.#rates.get(vm.id) ?? { now: 0, before: 0, at: -Infinity };
      if (known.now !== now) this.#rates.set(vm.id, { now, before: known.now, at });
    }
  }

  /** After `look`. */
  afterExchange({ path, params }: SimRequest, exchange: Exchange): void {
    if (path === 'client/list') this.#noteList(exchange);
    if (path === 'billing/balance') this.#note(exchange);
    if (path !== 'client/start/single' || !exchange.carriedOut) return;
    const vm = this.#facts.liveVms().find(({ id }) => id === params.get('server')?.[0]);
    const rate = vm === undefined ? undefined : this.#rates.get(vm.id);
    const isDearer = rate !== undefined && rate.at === this.#facts.now() && rate.now > rate.before;
    if (vm !== undefined && isDearer && this.#facts.isCalm()) this.#check('started', vm, rate.now);
  }

  #noteList(exchange: Exchange): void {
    if (exchange.kind !== 'answer' || exchange.answer.status !== 200) return;
    const { virtualmachines = {} } = parsed(exchange.answer.body);
    if (Object.keys(virtualmachines).length === 0) this.#emptyAt = this.#facts.now();
  }

  #note(exchange: Exchange): void {
    if (exchange.kind !== 'answer' || exchange.answer.status !== 200) return;
    const { balance } = parsed(exchange.answer.body);
    const now = this.#facts.now();
    const mayBeBill = now - this.#emptyAt <= billMs;
    if (balance !== undefined) this.#readings.push({ at: now, amount: balance, mayBeBill });
  }

  /** After `look`. */
  afterDeployed(vm: Vm): void {
    this.#check('deployed', vm, Math.min(billed(vm), this.#quotedFor(vm)));
  }

  /** What the inventory said: that a host has become dearer since is seen by the next list. */
  #quotedFor({ name }: Vm): number {
    const owner = this.#facts.resources().find(({ metadata }) => metadata.uid === markOf(name)?.uid);
    const { launch } = (owner?.status ?? {}) as VmStatus;
    return launch?.name === name ? Number(launch.quotedHourlyPrice) : Infinity;
  }

  #check(what: string, vm: Vm, own: number): void {
    const { isOneActing } = this.#facts;
    const min = Math.min(...this.#inForce().map((runways) => runways.min));
    if (!isOneActing || min === 0) return;
    const amount = Math.max(...this.#believed().map((reading) => reading.amount));
    const rate = own + (this.#knowsAll() ? this.#settledRate(vm) : 0);
    // Prices are rounded, and something is spent between two answers.
    if (amount >= 0.97 * min * rate) return;
    const left = amount === -Infinity ? 'nobody knows the balance' : `$${amount.toFixed(4)} are left`;
    this.#facts.complain(`${vm.name} was ${what} for $${own.toFixed(4)}, beside $${(rate - own).toFixed(4)}; ${left}`);
  }

  /** An edited status hides what is used. */
  #knowsAll(): boolean {
    return this.#facts.isCalm() && !this.#facts.resources().some(({ metadata }) => this.#facts.isExcused(metadata.uid));
  }

  #inForce(): Runways[] {
    const since = this.#facts.now() - onTheWayMs - this.#facts.writersClocks().behindMs;
    return this.#runways.filter((_, index) => (this.#runways[index + 1]?.at ?? Infinity) >= since);
  }

  /** Answers that a decision may rest on whose call is carried out now. */
  #believed(): Reading[] {
    const now = this.#facts.now();
    const lateMs = onTheWayMs + this.#facts.writersClocks().behindMs;
    const recent = this.#readings.filter(({ at }) => now - at <= staleMs + lateMs);
    if (!this.#facts.isCalm()) return recent;
    const last = recent.findLastIndex(
      ({ at, mayBeBill }) => !mayBeBill && now - at >= 60_000 + this.#facts.writersClocks().behindMs,
    );
    return last < 0 ? recent : recent.slice(last);
  }

  /** What all others cost, but for what is news. */
  #settledRate(except: Vm): number {
    const now = this.#facts.now();
    return this.#facts.liveVms().reduce((sum, { id }) => {
      const rate = this.#rates.get(id);
      if (rate === undefined || id === except.id) return sum;
      return sum + (now - rate.at < newsMs ? Math.min(rate.now, rate.before) : rate.now);
    }, 0);
  }

  /** The account's status was written. */
  afterAccountStatus({ status }: CustomObject, before: GpuAccountStatus | undefined): void {
    const { stopped = [] } = (status ?? {}) as GpuAccountStatus;
    const known = new Set(before?.stopped?.map(({ uid }) => uid));
    const added = stopped.filter(({ uid }) => !known.has(uid));
    if (added.length === 0 || !this.#facts.isOneActing) return;
    this.#checkReason(added.map(({ name }) => name).join(', '));
    if (this.#facts.isCalm()) this.#checkOrder(new Set(stopped.map(({ uid }) => uid)), added);
  }

  #checkReason(names: string): void {
    const release = Math.max(...this.#inForce().map((runways) => runways.release));
    if (release === 0) this.#facts.complain(`${names} is released for want of balance, and nobody has asked for that`);
    const latestMs = freshMs + this.#facts.writersClocks().behindMs;
    const fresh = this.#readings.findLastIndex(({ at }) => this.#facts.now() - at > latestMs);
    const most = this.#facts.liveVms().reduce((sum, vm) => sum + running(vm), 0);
    const enough = release * (most + mostPerResource * this.#facts.resources().length);
    const isSaidTwice = this.#readings.some(({ amount }, index) => {
      const { amount: earlier } = this.#readings[index - 1] ?? { amount: Infinity };
      return index > fresh && Math.max(amount, earlier) < enough;
    });
    if (!isSaidTwice) this.#facts.complain(`${names} is released for want of balance, which was not said twice lately`);
  }

  #checkOrder(stopped: ReadonlySet<string>, added: NonNullable<GpuAccountStatus['stopped']>): void {
    const resources = this.#facts.resources();
    const holding = resources.filter((object) => !stopped.has(object.metadata.uid) && this.#holdsItsGpu(object));
    for (const { uid, name } of added) {
      const victim = resources.find(({ metadata }) => metadata.uid === uid);
      if (victim === undefined || this.#isNews(victim)) continue;
      const spared = sparedFor(victim, holding);
      if (spared !== undefined) this.#facts.complain(`${name} is released for want of balance, and ${spared} goes on`);
    }
  }

  #isNews({ metadata: { uid } }: CustomObject): boolean {
    return this.#facts.now() - (this.#changedAt.get(uid) ?? -Infinity) < newsMs;
  }

  #holdsItsGpu(object: CustomObject): boolean {
    const { metadata, status } = object;
    if (metadata.deletionTimestamp !== undefined || this.#isNews(object)) return false;
    const id = (status as VmStatus | undefined)?.vm?.id;
    const vm = this.#facts.liveVms().find((one) => one.id === id);
    const rate = this.#rates.get(id ?? '');
    return vm?.holdsCompute === true && rate !== undefined && this.#facts.now() - rate.at >= newsMs;
  }
}

function billed(vm: Vm): number {
  return ((vm.holdsCompute ? vm.computeRate : 0) + vm.storageRate) / 1e9;
}

function running({ computeRate, storageRate }: Vm): number {
  return (computeRate + storageRate) / 1e9;
}

function hours(duration: string | undefined): number {
  return duration === undefined ? 0 : (parseDuration(duration) ?? 0) / hourMs;
}

interface Body {
  readonly balance?: number;
  readonly virtualmachines?: object;
}

/** Nothing of an answer that breaks off in the middle. */
function parsed(body: string): Body {
  try {
    return JSON.parse(body) as Body;
  } catch {
    return {};
  }
}
