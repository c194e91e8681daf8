import { annotations } from '../../src/api/group.ts';
import type { VmSpec, VmStatus } from '../../src/api/vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import { parseVm } from '../../src/controllers/vm/parse.ts';
import { expiryOf } from '../../src/plan/expiry.ts';
import { readSchedule } from '../../src/plan/schedule.ts';
import type { Exchange, SimRequest } from '../../src/sim/index.ts';
import type { SpotFacts } from './spot-facts.ts';

/** Lists that tell the truth, while nothing is in the way, after which what the clock asks for has been done: pauses are over by then. */
const mostLists = 40;

/** Holds the world to what happens by the clock: no VM runs in off hours, and resources go at their age, not before. */
export class ClockWatch {
  readonly #facts: Omit<SpotFacts, 'firstSaidAt'>;
  /** By what is overdue: true lists since it is. */
  readonly #overdue = new Map<string, number>();

  constructor(facts: Omit<SpotFacts, 'firstSaidAt'>) {
    this.#facts = facts;
  }

  /** @param wasCalm whether nothing was in the way when the request arrived */
  afterExchange({ path }: SimRequest, exchange: Exchange, wasCalm: boolean): void {
    if (!wasCalm || !this.#facts.isCalm() || !this.#facts.isOneActing) {
      this.#overdue.clear();
      return;
    }
    if (path !== 'client/list' || !exchange.carriedOut || exchange.kind !== 'answer') return;
    for (const object of this.#facts.resources()) {
      const { name, uid } = object.metadata;
      this.#count(`${name} has not expired`, uid, this.#isExpired(object));
      this.#count(`the VM of ${name} runs in off hours`, uid, this.#runsInOffHours(object));
    }
  }

  #count(what: string, uid: string, isSo: boolean): void {
    const key = `${uid} ${what}`;
    const lists = isSo ? (this.#overdue.get(key) ?? 0) + 1 : 0;
    this.#overdue.set(key, lists);
    if (lists === mostLists) this.#facts.complain(`${what}, since ${String(lists)} lists`);
  }

  #isExpired(object: CustomObject): boolean {
    const at = expiryIn(object);
    return at !== undefined && isActedOn(object) && at <= this.#facts.now() - this.#facts.writersClocks().behindMs;
  }

  /** By whatever clock the process may go. */
  #runsInOffHours(object: CustomObject): boolean {
    const { schedule, powerState } = object.spec as VmSpec;
    const { vm, observedGeneration } = (object.status ?? {}) as VmStatus;
    if (schedule === undefined || powerState !== 'Running' || !isActedOn(object)) return false;
    if (observedGeneration !== object.metadata.generation || this.#facts.isExcused(object.metadata.uid)) return false;
    const read = readSchedule(parseVm(object).spec.schedule ?? schedule);
    const { aheadMs, behindMs } = this.#facts.writersClocks();
    const now = this.#facts.now();
    if (typeof read === 'string') return false;
    const { isOn, since, until } = read.hoursAt(now);
    if (isOn || since > now - behindMs || until <= now + aheadMs) return false;
    return this.#facts.liveVms().some(({ id, status }) => id === vm?.id && status === 'Running');
  }

  /** The operator has deleted a resource. */
  afterExpiry(object: CustomObject): void {
    const at = expiryIn(object);
    const { name } = object.metadata;
    if (at === undefined || !isActedOn(object)) this.#facts.complain(`${name} was deleted, and was not to expire`);
    else if (at > this.#facts.now() + this.#facts.writersClocks().aheadMs)
      this.#facts.complain(`${name} was deleted before it expires`);
  }
}

function expiryIn({ metadata, spec }: CustomObject): number | undefined {
  const { expireAfter, deletionPolicy } = spec as Partial<VmSpec>;
  return deletionPolicy === 'Retain' ? undefined : expiryOf(Date.parse(metadata.creationTimestamp ?? ''), expireAfter);
}

function isActedOn({ metadata }: CustomObject): boolean {
  return metadata.deletionTimestamp === undefined && metadata.annotations?.[annotations.paused] !== 'true';
}
