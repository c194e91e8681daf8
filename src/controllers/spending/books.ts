import { gpuAccountSpecSchema } from '../../api/gpu-account.ts';
import { gpuBudgetSpecSchema, type GpuBudgetSpec } from '../../api/gpu-budget.ts';
import { markOf } from '../../api/vm-name.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { KubeObject } from '../../kube/contract.ts';
import type { Indexed, ReadStore } from '../../kube/store.ts';
import { money, parseMoney, type Money } from '../../lib/money.ts';
import { billedNow } from '../../provider/contract.ts';
import { billedFor } from '../../plan/balance/burn-rate.ts';
import { runwayLimit, type Spender } from '../../plan/balance/limits.ts';
import { thresholdsOf } from '../../plan/balance/runway.ts';
import { viewBalance } from '../../plan/balance/view.ts';
import { larger, nothing, plus, total, type Charge } from '../../plan/budget/charge.ts';
import { commitmentOf, type Commitment } from '../../plan/budget/commitment.ts';
import { amountOf, isOverTime, measures, type Limit, type Measure } from '../../plan/budget/limits.ts';
import { isRecordOfAnother } from '../../plan/vm/ownership.ts';
import type { AccountRegistry } from '../accounts.ts';
import { markedVmsOf, markIndex } from '../marks.ts';
import type { CustomObject } from '../objects.ts';
import { memberKeyOf, poolOwnerOf } from '../pool-owner.ts';
import { parseVm } from '../vm/parse.ts';
import type { Balances } from './balances.ts';
import type { SpendMeter } from './meter.ts';
import { Owed, type OwedDeps } from './owed.ts';
import { releasedBy, stoppedBy } from './standby.ts';

export interface BooksDeps extends OwedDeps {
  /** Resources of all kinds that stand for one VM, by `namespace`, `account`, `owner`, `uid` and `vm`. */
  readonly vms: Indexed<CustomObject>;
  /** By `namespace`. */
  readonly budgets: Indexed<CustomObject>;
  readonly accountsStore: ReadStore<CustomObject>;
  readonly pools: ReadStore<CustomObject>;
  readonly namespaces: ReadStore<KubeObject>;
  readonly accounts: Pick<AccountRegistry, 'runtime' | 'runtimes'>;
  readonly installation: string;
  readonly meter: SpendMeter;
  readonly balances: Balances;
}

/** What is reserved for a resource, though the store does not know of it yet. */
export interface Reservation {
  readonly kind: 'launch' | 'start' | 'resize' | 'return';
  readonly charge: Charge;
  /** Of the resource. */
  readonly namespace: string;
}

const noVms: ReadonlyMap<string, CloudVm> = new Map();

/**
 * All that is used of every limit, for as long as nothing changes what anybody is committed to: then they are thrown away. Sums,
 * and limits that hold for a moment, are made once.
 */
export class Books {
  readonly #deps: BooksDeps;
  readonly #reservations: ReadonlyMap<string, Reservation>;
  readonly #sums = new Map<string, Charge>();
  /** By the object that sets them: another version of it is another object. */
  readonly #limits = new Map<CustomObject, readonly Limit[]>();
  readonly #owed: Owed;

  constructor(deps: BooksDeps, reservations: ReadonlyMap<string, Reservation>) {
    this.#deps = deps;
    this.#reservations = reservations;
    this.#owed = new Owed(deps, this);
  }

  commitmentOf(object: CustomObject): Commitment {
    const { spec, status, isStatusDamaged } = parseVm(object);
    const { uid } = object.metadata;
    const snapshot = this.#deps.accounts.runtime(spec.accountName)?.fleet.snapshot;
    return commitmentOf({
      uid,
      spec,
      status: isStatusDamaged ? 'damaged' : status,
      listed: snapshot?.byId ?? noVms,
      marked: snapshot === undefined ? [] : markedVmsOf(snapshot, this.#deps.installation, uid),
    });
  }

  mayRetain(namespace: string): boolean {
    return mayRetain(this.#deps, namespace);
  }

  /** With what is reserved. */
  chargeOf(object: CustomObject): Charge {
    const { now } = this.commitmentOf(object);
    const reserved = this.#reservations.get(object.metadata.uid);
    return reserved === undefined ? now : larger(now, reserved.charge);
  }

  ofNamespace(namespace: string): Charge {
    return this.#sum(`namespace/${namespace}`, () =>
      this.#deps.vms.byIndex('namespace', namespace).map((object) => this.chargeOf(object)),
    );
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
  limitsOfBudget(budget: CustomObject): Limit[] {
    const limits = this.#once(budget, () => this.#readLimits(budget));
    // What is spent grows by itself.
    return limits.map((limit) => {
      return isOverTime(limit.measure) ? { ...limit, used: this.#usedOfBudget(budget, limit.measure) } : limit;
    });
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

  #once(object: CustomObject, limits: () => readonly Limit[]): readonly Limit[] {
    const known = this.#limits.get(object);
    if (known !== undefined) return known;
    const made = limits();
    this.#limits.set(object, made);
    return made;
  }

  #usedOfBudget(budget: CustomObject, measure: Measure): Money {
    const charge = this.ofNamespace(budget.metadata.namespace ?? '');
    if (!isOverTime(measure)) return amountOf(charge, measure);
    const spent = this.#deps.meter.read(budget, charge.hourlyCost);
    return measure === 'dailyCost' ? spent.daily : spent.monthly;
  }

  #limitsOfAccount(object: CustomObject): readonly Limit[] {
    const name = parseVm(object).spec.accountName;
    const account = this.#deps.accountsStore.get(name);
    if (account === undefined) return [];
    return [...this.#once(account, () => this.#readAccount(account)), ...this.#runwayOf(account, object)];
  }

  /** What is left shrinks by itself: it is reckoned each time. */
  #runwayOf(account: CustomObject, object: CustomObject): Limit[] {
    const { min } = thresholdsOf(parseAccount(account)?.limits);
    if (min === undefined) return [];
    const facts = this.#deps.balances.factsOf(account);
    const view = facts === undefined ? ({ kind: 'unread' } as const) : viewBalance(facts);
    const limit = runwayLimit(this.spenderOf(account), min, view);
    return this.#owed.added(object, [limit], releasedBy(account));
  }

  /** All that the balance of the account has to last for: also VMs of others, and what is billed beside VMs. */
  spenderOf(account: CustomObject): Spender {
    const { name } = account.metadata;
    const { hourlyCost } = plus(this.#ofAccount(name), this.#ofOthers(name));
    return { account: name, used: hourlyCost.plus(this.#deps.balances.unlisted(account)) };
  }

  /** VMs that somebody else has made, or that nobody here has recorded. */
  #ofOthers(account: string): Charge {
    return this.#sum(`others/${account}`, () => {
      const { accounts, installation } = this.#deps;
      const listed = accounts.runtime(account)?.fleet.snapshot?.byId.values() ?? [];
      const others = [...listed].filter(({ id, name }) => {
        return markOf(name)?.installation !== installation && !this.#isRecorded(account, id);
      });
      return [{ ...nothing, hourlyCost: billedFor(others) }];
    });
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
    return this.#sum(`account/${account}`, () => [
      ...this.#deps.vms.byIndex('account', account).map((object) => this.chargeOf(object)),
      ...this.#unmanaged(account),
    ]);
  }

  /** Whether a resource counts it by what it has recorded, as one does that has adopted it. */
  #isRecorded(account: string, id: string): boolean {
    return this.#deps.vms.byIndex('vm', id).some((object) => {
      const { spec, status, isStatusDamaged } = parseVm(object);
      if (isStatusDamaged || spec.accountName !== account) return false;
      const records = [status.vm, ...(status.retiring ?? [])];
      return records.some((record) => record?.id === id && !isRecordOfAnother(record, object.metadata.uid));
    });
  }

  /** VMs of this installation whose resource is gone cost the same, unless another one has taken them over. */
  #unmanaged(account: string): Charge[] {
    const { accounts, installation, vms } = this.#deps;
    const snapshot = accounts.runtime(account)?.fleet.snapshot;
    if (snapshot === undefined) return [];
    return [...markIndex(snapshot, installation)].flatMap(([uid, marked]) => {
      if (vms.byIndex('uid', uid).length > 0) return [];
      const left = marked.filter(({ id }) => !this.#isRecorded(account, id));
      return left.map((vm) => ({ vms: 1, gpus: vm.size.gpuCount, hourlyCost: billedNow(vm) ?? money(0) }));
    });
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
    const used = this.#ofPool(pool).hourlyCost;
    return [{ of: 'GpuPool', name, domain: `pool/${uid}`, measure: 'hourlyCost', hard, used }];
  }

  #ofPool(pool: CustomObject): Charge {
    return this.#sum(`pool/${pool.metadata.uid}`, () =>
      this.#deps.vms.byIndex('owner', memberKeyOf(pool)).map((object) => this.chargeOf(object)),
    );
  }

  #sum(key: string, charges: () => readonly Charge[]): Charge {
    const known = this.#sums.get(key);
    if (known !== undefined) return known;
    const sum = total(charges());
    this.#sums.set(key, sum);
    return sum;
  }
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
