import type { Clock } from '../../lib/clock.ts';
import { money, type Money } from '../../lib/money.ts';
import { costOf } from '../../plan/budget/spend.ts';
import { ownValue, type CustomObject } from '../objects.ts';

/** Who is charged: what a counter is told apart by. */
export interface Payer {
  readonly kind: string;
  readonly namespace: string;
  /** Of the labels that costs are told apart by, in their order; empty where the resource has none. */
  readonly labels: readonly string[];
}

export interface Cost extends Payer {
  readonly dollars: Money;
}

interface Account {
  readonly payer: Payer;
  /** Per hour. */
  rate: Money;
  /** Up to `at`. */
  dollars: Money;
  at: number;
}

/**
 * Whoever may label resources could make counters without end. So many combinations of labels count by themselves, for each
 * namespace and kind, so that no team takes them from another.
 */
export const mostCombinations = 100;
/** What all others count under, in each of the labels. */
export const otherValues = '(other)';

/**
 * What resources have cost, by who pays for them. It is told of the same changes of the same rates as budgets are, so that
 * both come to the same sum; it keeps nothing beyond the life of the process, as counters do.
 */
export class CostMeter {
  readonly #clock: Clock;
  readonly #labels: readonly string[];
  readonly #accounts = new Map<string, Account>();
  /** Of all accounts, by kind and namespace. */
  readonly #combinations = new Map<string, number>();
  /** By the UID of the resource; those that cost nothing are in no account. */
  readonly #charged = new Map<string, { readonly account: Account; readonly rate: Money }>();
  #isCounting = false;

  /** @param labels names of the labels of resources by which costs are told apart */
  constructor(clock: Clock, labels: readonly string[]) {
    this.#clock = clock;
    this.#labels = labels;
  }

  /** From now on. Of several replicas one counts: the others would add the same once more. */
  begin(): void {
    if (this.#isCounting) return;
    this.#isCounting = true;
    for (const account of this.#accounts.values()) account.at = this.#clock.now();
  }

  /**
   * From now on the resource costs so much per hour.
   * @param object undefined: it is gone from the store, and what it still costs is charged as before
   */
  note(uid: string, rate: Money, object: CustomObject | undefined): void {
    const before = this.#charged.get(uid);
    const account = object === undefined ? before?.account : this.#accountOf(object);
    if (account === undefined || (before?.account === account && before.rate.eq(rate))) return;
    if (before !== undefined) this.#add(before.account, before.rate.neg());
    this.#charged.delete(uid);
    if (rate.eq(0)) return;
    this.#add(account, rate);
    this.#charged.set(uid, { account, rate });
  }

  /** Up to now. Nothing while it is somebody else who counts. */
  read(): Cost[] {
    if (!this.#isCounting) return [];
    return [...this.#accounts.values()].map((account) => {
      this.#settle(account);
      return { ...account.payer, dollars: account.dollars };
    });
  }

  #add(account: Account, rate: Money): void {
    this.#settle(account);
    account.rate = account.rate.plus(rate);
  }

  #settle(account: Account): void {
    const now = this.#clock.now();
    if (this.#isCounting && now > account.at)
      account.dollars = account.dollars.plus(costOf(account.rate, now - account.at));
    account.at = Math.max(account.at, now);
  }

  #accountOf(object: CustomObject): Account {
    const { kind = '', metadata } = object;
    const { namespace = '' } = metadata;
    const own = this.#labels.map((label) => ownValue(metadata.labels, label) ?? '');
    const known = this.#accounts.get(keyOf({ kind, namespace, labels: own }));
    if (known !== undefined) return known;
    const isFull = (this.#combinations.get(`${kind}/${namespace}`) ?? 0) >= mostCombinations;
    return this.#open({ kind, namespace, labels: isFull ? own.map(() => otherValues) : own });
  }

  #open(payer: Payer): Account {
    const key = keyOf(payer);
    const known = this.#accounts.get(key);
    if (known !== undefined) return known;
    const account = { payer, rate: money(0), dollars: money(0), at: this.#clock.now() };
    this.#accounts.set(key, account);
    const domain = `${payer.kind}/${payer.namespace}`;
    this.#combinations.set(domain, (this.#combinations.get(domain) ?? 0) + 1);
    return account;
  }
}

function keyOf({ kind, namespace, labels }: Payer): string {
  return [kind, namespace, ...labels].join('/');
}
