import { gpuAccountSpecSchema } from '../../api/gpu-account.ts';
import { gpuBudgetSpecSchema, type GpuBudgetSpec } from '../../api/gpu-budget.ts';
import type { KubeObject } from '../../kube/contract.ts';
import type { Indexed, ReadStore } from '../../kube/store.ts';
import { money, parseMoney, type Money } from '../../lib/money.ts';
import { runwayLimit, type Spender } from '../../plan/balance/limits.ts';
import { thresholdsOf } from '../../plan/balance/runway.ts';
import { viewBalance } from '../../plan/balance/view.ts';
import { plus, type Charge } from '../../plan/budget/charge.ts';
import type { Commitment } from '../../plan/budget/commitment.ts';
import { amountOf, isOverTime, measures, type Limit, type Measure } from '../../plan/budget/limits.ts';
import type { CustomObject } from '../objects.ts';
import { memberKeyOf, poolOwnerOf } from '../pool-owner.ts';
import { parseVm } from '../vm/parse.ts';
import type { Balances } from './balances.ts';
import type { Counts, CountsDeps } from './counts.ts';
import { groups } from './groups.ts';
import type { SpendMeter } from './meter.ts';
import { Owed, type OwedDeps } from './owed.ts';
import { releasedBy, stoppedBy } from './standby.ts';

export interface BooksDeps extends CountsDeps, OwedDeps {
  /** By `namespace`, `account`, `owner`, `uid` and `vm`. */
  readonly vms: Indexed<CustomObject>;
  /** By `namespace`. */
  readonly budgets: Indexed<CustomObject>;
  readonly accountsStore: ReadStore<CustomObject>;
  readonly pools: ReadStore<CustomObject>;
  readonly namespaces: ReadStore<KubeObject>;
  readonly meter: SpendMeter;
  readonly balances: Balances;
}

/**
 * What is used of every limit, by what is counted at this moment. Limits are made once, and those that time alone may change once per
 * millisecond: so these books are thrown away as soon as anybody is committed to something else.
 */
export class Books {
  readonly #deps: BooksDeps;
  readonly #counts: Counts;
  /** By the object that sets them: another version of it is another object. */
  readonly #standing = new Map<CustomObject, readonly Limit[]>();
  readonly #momentary = new Map<CustomObject, readonly Limit[]>();
  #momentaryAt = NaN;
  readonly #owed: Owed;

  constructor(deps: BooksDeps, counts: Counts) {
    this.#deps = deps;
    this.#counts = counts;
    this.#owed = new Owed(deps, this);
  }

  commitmentOf(object: CustomObject): Commitment {
    return this.#counts.commitments.of(object);
  }

  mayRetain(namespace: string): boolean {
    return mayRetain(this.#deps, namespace);
  }

  /** With what is reserved. */
  chargeOf(object: CustomObject): Charge {
    return this.#counts.commitments.chargeOf(object);
  }

  ofNamespace(namespace: string): Charge {
    return this.#counts.tally.ofGroup(groups.namespace(namespace));
  }

  limitsOf(object: CustomObject): Limit[] {
    return [...this.#limitsOfNamespace(object), ...this.#limitsOfAccount(object), ...this.#limitsOfPool(object)];
  }

  #limitsOfNamespace(object: CustomObject): Limit[] {
    const { namespace = '' } = object.metadata;
    return this.#deps.budgets.byIndex('namespace', namespace).flatMap((budget) => {
      const limits = this.limitsOfBudget(budget);
      if (parseBudget(budget)?.onExceeded !== 'StopByPriority') return limits;
      const released = stoppedBy(budget).map(({ uid }) => uid);
      return this.#owed.added(object, limits, released);
    });
  }

  /** None of a budget that cannot be understood. */
  limitsOfBudget(budget: CustomObject): readonly Limit[] {
    return this.#now(budget, () => this.#readLimits(budget));
  }

  #readLimits(budget: CustomObject): Limit[] {
    const { name, namespace = '' } = budget.metadata;
    const hard = parseBudget(budget)?.hard;
    if (hard === undefined) return [];
    return measures.flatMap((measure) => {
      const most = hard[measure];
      if (most === undefined) return [];
      const used = this.#usedOfBudget(budget, measure);
      return [{ of: 'GpuBudget', name, domain: `namespace/${namespace}`, measure, hard: money(most), used } as const];
    });
  }

  #usedOfBudget(budget: CustomObject, measure: Measure): Money {
    const charge = this.ofNamespace(budget.metadata.namespace ?? '');
    if (!isOverTime(measure)) return amountOf(charge, measure);
    const spent = this.#deps.meter.read(budget, charge.hourlyCost);
    return measure === 'dailyCost' ? spent.daily : spent.monthly;
  }

  #once(object: CustomObject, limits: () => readonly Limit[]): readonly Limit[] {
    return onceIn(this.#standing, object, limits);
  }

  /** What is spent grows by itself, and what is left shrinks. */
  #now(object: CustomObject, limits: () => readonly Limit[]): readonly Limit[] {
    const now = this.#deps.clock.now();
    if (now !== this.#momentaryAt) this.#momentary.clear();
    this.#momentaryAt = now;
    return onceIn(this.#momentary, object, limits);
  }

  #limitsOfAccount(object: CustomObject): readonly Limit[] {
    const name = parseVm(object).spec.accountName;
    const account = this.#deps.accountsStore.get(name);
    if (account === undefined) return [];
    const runway = this.#now(account, () => this.#readRunway(account));
    return [
      ...this.#once(account, () => this.#readAccount(account)),
      ...(runway.length === 0 ? [] : this.#owed.added(object, runway, releasedBy(account))),
    ];
  }

  #readRunway(account: CustomObject): Limit[] {
    const { min } = thresholdsOf(parseAccount(account)?.limits);
    if (min === undefined) return [];
    const facts = this.#deps.balances.factsOf(account);
    const view = facts === undefined ? ({ kind: 'unread' } as const) : viewBalance(facts);
    return [runwayLimit(this.spenderOf(account), min, view)];
  }

  /** All that the balance of the account has to last for: also VMs of others, and what is billed beside VMs. */
  spenderOf(account: CustomObject): Spender {
    const { name } = account.metadata;
    const { hourlyCost } = plus(this.#ofAccount(name), this.#counts.strays.others(name));
    return { account: name, used: hourlyCost.plus(this.#deps.balances.unlisted(account)) };
  }

  #readAccount(account: CustomObject): Limit[] {
    const { name } = account.metadata;
    const limits = parseAccount(account)?.limits;
    if (limits === undefined) return [];
    const { maxVms, maxHourlyCost } = limits;
    const domain = `account/${name}`;
    const limit = (measure: Measure, hard: Money): Limit => {
      return { of: 'GpuAccount', name, domain, measure, hard, used: amountOf(this.#ofAccount(name), measure) };
    };
    return [
      ...(maxVms === undefined ? [] : [limit('vms', money(maxVms))]),
      ...(maxHourlyCost === undefined ? [] : [limit('hourlyCost', money(maxHourlyCost))]),
    ];
  }

  #ofAccount(account: string): Charge {
    const { tally, strays } = this.#counts;
    return plus(tally.ofGroup(groups.account(account)), strays.unmanaged(account));
  }

  #limitsOfPool(object: CustomObject): readonly Limit[] {
    const owner = poolOwnerOf(object);
    const { namespace = '' } = object.metadata;
    const pool = owner === undefined ? undefined : this.#deps.pools.get(`${namespace}/${owner.name}`);
    return pool === undefined || pool.metadata.uid !== owner?.uid ? [] : this.#once(pool, () => this.#readPool(pool));
  }

  #readPool(pool: CustomObject): Limit[] {
    const { name, uid } = pool.metadata;
    const { maxHourlyCost } = (pool.spec ?? {}) as { maxHourlyCost?: unknown };
    const hard = typeof maxHourlyCost === 'string' ? parseMoney(maxHourlyCost) : undefined;
    if (hard === undefined) return [];
    const used = this.#counts.tally.ofGroup(groups.pool(memberKeyOf(pool))).hourlyCost;
    return [{ of: 'GpuPool', name, domain: `pool/${uid}`, measure: 'hourlyCost', hard, used }];
  }
}

function onceIn(
  known: Map<CustomObject, readonly Limit[]>,
  object: CustomObject,
  limits: () => readonly Limit[],
): readonly Limit[] {
  const made = known.get(object) ?? limits();
  known.set(object, made);
  return made;
}

const parsedBudgets = new WeakMap<CustomObject, GpuBudgetSpec | 'unreadable'>();

/** Undefined for one that this release cannot read. An object of the store never changes, so each version is parsed once. */
export function parseBudget(budget: CustomObject): GpuBudgetSpec | undefined {
  const known = parsedBudgets.get(budget) ?? gpuBudgetSpecSchema.safeParse(budget.spec).data ?? 'unreadable';
  parsedBudgets.set(budget, known);
  return known === 'unreadable' ? undefined : known;
}

type AccountSpec = ReturnType<typeof gpuAccountSpecSchema.parse>;
const parsedAccounts = new WeakMap<CustomObject, AccountSpec | 'unreadable'>();

export function parseAccount(account: CustomObject): AccountSpec | undefined {
  const known = parsedAccounts.get(account) ?? gpuAccountSpecSchema.safeParse(account.spec).data ?? 'unreadable';
  parsedAccounts.set(account, known);
  return known === 'unreadable' ? undefined : known;
}

/** Whether VMs of the namespace may be left behind: every budget of it has to allow that. */
export function mayRetain({ budgets }: Pick<BooksDeps, 'budgets'>, namespace: string): boolean {
  return budgets.byIndex('namespace', namespace).every((budget) => parseBudget(budget)?.allowRetain === true);
}
