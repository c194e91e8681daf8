import { isLessAnywhere, isSameCharge, type Charge } from '../../plan/budget/charge.ts';
import type { CustomObject } from '../objects.ts';
import { rankOf } from './standby.ts';

/** Somebody who wants room, and lacks nothing but that. */
export interface Asking {
  readonly uid: string;
  /** In milliseconds. */
  readonly createdAt: number;
  readonly more: Charge;
}

interface Heard extends Asking {
  /** When it last said so, and when it was last told that there is room. */
  readonly saidAt: number;
  readonly wokenAt: number | undefined;
}

/** Who is told that there is room, and says nothing for so long, does not keep others from it. */
const longestSilenceMs = 30_000;

/** More milliseconds than anything is old: among those that return the more important one comes first, then the older one. */
const outweighsAge = 4e12;
/** With the lowest priority that there is, somebody who returns comes before all others still. */
const aboveLowest = 1_000_001;

/** Who waits for room. */
export class Waiting {
  readonly #heard = new Map<string, Heard>();
  /** By UID the place of those of them that were kept released until a moment ago. */
  readonly #returning = new Map<string, number>();
  #silentAt = Infinity;

  get size(): number {
    return this.#heard.size;
  }

  /**
   * It was in before all who wait now, and comes before them until it is in again, or wants nothing any more. It keeps its place
   * though its priority is edited meanwhile: it would stand in the line twice, and wait behind itself.
   */
  noteReturning(object: CustomObject): void {
    const { uid, createdAt, priority } = rankOf(object);
    this.#returning.set(uid, createdAt - (priority + aboveLowest) * outweighsAge);
  }

  /** By which it has its place. */
  ageOf(object: CustomObject): number {
    const { uid, createdAt } = rankOf(object);
    return this.#returning.get(uid) ?? createdAt;
  }

  has(uid: string): boolean {
    return this.#heard.has(uid);
  }

  /** Most say again what they have said. */
  note(asking: Asking, now: number): 'new' | 'same' | 'other' | 'less' {
    const before = this.#heard.get(asking.uid);
    this.#heard.set(asking.uid, { ...asking, saidAt: now, wokenAt: undefined });
    if (before === undefined) return 'new';
    if (isLessAnywhere(asking.more, before.more)) return 'less';
    return isSilent(before, now) || !isSameCharge(before.more, asking.more) ? 'other' : 'same';
  }

  /** As it was; undefined: it did not wait. */
  forget(uid: string): Asking | undefined {
    const heard = this.#heard.get(uid);
    this.#heard.delete(uid);
    this.#returning.delete(uid);
    return heard;
  }

  noteWoken(uid: string, now: number): void {
    const heard = this.#heard.get(uid);
    if (heard === undefined) return;
    this.#heard.set(uid, { ...heard, wokenAt: heard.wokenAt ?? now });
    this.#silentAt = Math.min(this.#silentAt, now + longestSilenceMs);
  }

  /** Whether somebody may have been silent for too long since `heard` was read. */
  isOld(now: number): boolean {
    return now > this.#silentAt;
  }

  /** Those that others wait behind. */
  heard(now: number): readonly Asking[] {
    const all = [...this.#heard.values()].filter((heard) => !isSilent(heard, now));
    this.#silentAt = Math.min(...all.map(({ wokenAt }) => (wokenAt ?? Infinity) + longestSilenceMs));
    return all;
  }

  uids(): string[] {
    return [...this.#heard.keys()];
  }
}

function isSilent({ saidAt, wokenAt }: Heard, now: number): boolean {
  return wokenAt !== undefined && wokenAt >= saidAt && now - wokenAt > longestSilenceMs;
}
