import fc from 'fast-check';
import { expect, it } from 'vitest';

import {
  cloudVm,
  installation,
  keyFingerprint,
  markedName,
  priceOf,
  recordedVm,
  retiringVm,
  sizeOf,
  snapshotOf,
} from '../../../test/support/builders.ts';
import { markOf, vmNameOf } from '../../api/vm-name.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import { nextSnapshot } from '../../fleet/snapshot.ts';
import { Store } from '../../kube/store.ts';
import { silentLogger } from '../../lib/logger.ts';
import { money, type Money } from '../../lib/money.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { balanceTimings } from '../../plan/balance/view.ts';
import { plus, total, type Charge } from '../../plan/budget/charge.ts';
import { isRecordOfAnother, recordsOf } from '../../plan/vm/ownership.ts';
import { billedNow, type CloudVm } from '../../provider/contract.ts';
import type { AccountRuntime } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import { ownerKeyOf } from '../pool-owner.ts';
import { accountOf } from '../vm/controller.ts';
import { parseVm } from '../vm/parse.ts';
import { recordedIn } from '../vm-owners.ts';
import { Balances } from './balances.ts';
import { Ledger } from './ledger.ts';
import { SpendMeter } from './meter.ts';

const uids = ['1', '2', '3'].map((digit) => `0f8e6c1d-e2b9-4a3f-9c5d-7e8f0123456${digit}`);
const namespaces = ['research', 'ops'];
const [accountNames, pools, vmIds] = [
  ['mine', 'yours'],
  ['small', 'large'],
  ['vm-1', 'vm-2', 'vm-3', 'vm-4'],
];
const apiVersion = 'gpuvm.dev/v1alpha1';

function runtimeOf(snapshot: Snapshot | undefined): AccountRuntime {
  const balance = { last: undefined, before: undefined, failure: undefined };
  return { fleet: { snapshot, pollFailure: undefined }, balance, keyFingerprint } as unknown as AccountRuntime;
}

/** All that a ledger reads, and one that is told of each change of it. */
class Facts {
  readonly clock = new VirtualClock();
  readonly vms = this.#store({
    namespace: ({ metadata }) => metadata.namespace,
    account: ({ spec }) => (spec as { accountName: string }).accountName,
    owner: ownerKeyOf,
    uid: ({ metadata }) => metadata.uid,
    vm: recordedIn,
  });
  readonly #pools = this.#store({});
  readonly #accounts = this.#store({});
  readonly #runtimes = new Map<string, { fleet: { snapshot: Snapshot | undefined } } & AccountRuntime>();
  readonly told: Ledger;
  /** News of lists that nobody has heard yet. */
  #news: (() => void)[] = [];
  #version = 0;
  /** Nobody hears of what happens to resources. */
  isUntold = false;
  /** Who cannot be counted. */
  broken = '';

  constructor() {
    for (const namespace of namespaces) {
      for (const name of pools)
        this.#pools.applyWrite(this.#object('GpuPool', { namespace, name, uid: name }, { maxHourlyCost: '9' }));
    }
    for (const name of accountNames) {
      const limits = { maxVms: 9, maxHourlyCost: '9', minRunway: '1h' };
      const spec = { credentialsSecretRef: { namespace: 'system', name: 'pair' }, limits };
      this.#accounts.applyWrite(this.#object('GpuAccount', { name, uid: name }, spec));
    }
    this.told = this.ledger();
    this.vms.subscribe(({ old, new: current }) => {
      if (!this.isUntold) this.told.noteChange(old, current);
    });
  }

  #store(indexes: ConstructorParameters<typeof Store<CustomObject>>[0]['indexes']): Store<CustomObject> {
    return new Store<CustomObject>({ log: silentLogger, indexes: indexes ?? {} });
  }

  #object(kind: string, metadata: object, spec: object, status: object = {}): CustomObject {
    const resourceVersion = String(++this.#version);
    return {
      apiVersion,
      kind,
      spec,
      status,
      metadata: { name: '', uid: '', ...metadata, resourceVersion, generation: 1 },
    };
  }

  ledger(): Ledger {
    const accounts = {
      runtime: (name: string): AccountRuntime | undefined => this.#runtimes.get(name),
      lists: () => new Map([...this.#runtimes].map(([name, { fleet }]) => [name, fleet.snapshot])),
    };
    return new Ledger({
      ...{
        clock: this.clock,
        accounts,
        installation,
        vms: this.vms,
        pools: this.#pools,
        accountsStore: this.#accounts,
      },
      ...{ budgets: this.#store({ namespace: () => [] }), namespaces: this.#store({}) },
      ...{
        meter: new SpendMeter(this.clock),
        costs: {
          note: (uid) => {
            this.#charge(uid);
          },
        },
      },
      balances: new Balances({ clock: this.clock, accounts, timings: balanceTimings(300_000) }),
      ...{ wake: () => undefined, changed: () => undefined },
    });
  }

  #charge(uid: string): void {
    if (uid === this.broken) throw new Error(`${uid} cannot be counted`);
  }

  put(nth: number, { account, pool, status }: { account: string; pool: string | undefined; status: object }): void {
    const [uid = '', namespace = ''] = [uids[nth], namespaces[nth % namespaces.length]];
    const owner = pool === undefined ? [] : [{ apiVersion, kind: 'GpuPool', name: pool, uid: pool, controller: true }];
    const spec = { accountName: account, gpu: { models: ['a'], count: 1 }, maxHourlyPrice: '0.7' };
    this.vms.applyWrite(this.#object('GpuVm', { namespace, name: uid, uid, ownerReferences: owner }, spec, status));
  }

  of(nth: number): CustomObject | undefined {
    return this.vms.byIndex('uid', uids[nth] ?? '')[0];
  }

  remove(nth: number): void {
    const object = this.of(nth);
    if (object === undefined) return;
    this.vms.applyEvent('DELETED', {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(++this.#version) },
    });
  }

  reserve(nth: number): void {
    const object = this.of(nth);
    if (object !== undefined) this.told.reserve(object, 'launch', { vms: 1, gpus: 2, hourlyCost: money('0.6') });
  }

  listed(account: string): CloudVm[] {
    return [...(this.#runtimes.get(account)?.fleet.snapshot?.byId.values() ?? [])];
  }

  /** The news of it comes a moment later. */
  list(account: string, vms: readonly CloudVm[], unreadable: readonly string[]): void {
    const runtime = this.#runtimes.get(account) ?? runtimeOf(undefined);
    this.#runtimes.set(account, runtime);
    const { snapshot, diff } = nextSnapshot(runtime.fleet.snapshot, { vms, unreadable }, snapshotOf([]));
    Object.assign(runtime.fleet, { snapshot });
    this.#news.push(() => {
      this.told.noteList(account, { diff, snapshot });
    });
  }

  hear(): void {
    for (const tell of this.#news.splice(0)) tell();
  }

  /** It was lost on the way. */
  loseNews(): void {
    this.#news = [];
  }

  /** It is gone, with its list, or was made anew. */
  restart(account: string, isGone: boolean): void {
    if (isGone) this.#runtimes.delete(account);
    else this.#runtimes.set(account, runtimeOf(undefined));
  }

  /** What is used of everything, by the books. */
  used(): unknown {
    const books = this.told.books();
    return plain({
      charges: namespaces.map((namespace) => books.ofNamespace(namespace)),
      spent: this.#accounts.list().map((account) => books.spenderOf(account).used),
      limits: this.vms.list().map((object) => books.limitsOf(object).map(({ of, used }) => [of, used])),
    });
  }

  /** The same, all added up. */
  addedUp(): unknown {
    const objects = this.vms.list();
    const sum = (isOne: (object: CustomObject) => boolean): Charge =>
      total(objects.filter(isOne).map((object) => this.told.books().chargeOf(object)));
    const spentOf = (account: string): Money => plus(ofAccount(account), this.#strays(account).others).hourlyCost;
    const ofAccount = (account: string): Charge =>
      plus(
        sum((object) => accountOf(object) === account),
        this.#strays(account).unmanaged,
      );
    return plain({
      charges: namespaces.map((namespace) => sum(({ metadata }) => metadata.namespace === namespace)),
      spent: accountNames.map((account) => spentOf(account)),
      limits: objects.map((object) => {
        const account = ofAccount(accountOf(object));
        const key = ownerKeyOf(object);
        return [
          ...[
            ['GpuAccount', money(account.vms)],
            ['GpuAccount', account.hourlyCost],
          ],
          ['Balance', spentOf(accountOf(object))],
          ...(key === undefined ? [] : [['GpuPool', sum((other) => ownerKeyOf(other) === key).hourlyCost]]),
        ];
      }),
    });
  }

  #strays(account: string): { readonly unmanaged: Charge; readonly others: Charge } {
    const [unmanaged, others]: [Charge[], Charge[]] = [[], []];
    for (const { id, name, state, size, ...vm } of this.#runtimes.get(account)?.fleet.snapshot?.byId.values() ?? []) {
      const mark = markOf(name);
      const isOurs = mark?.installation === installation;
      const isCounted = this.vms.list().some((object) => {
        if (isOurs && mark.uid === object.metadata.uid) return true;
        const { status, isStatusDamaged } = parseVm(object);
        if (isStatusDamaged) return false;
        const records = recordsOf(status).filter((record) => record.id === id);
        return accountOf(object) === account && records.some((one) => !isRecordOfAnother(one, object.metadata.uid));
      });
      const hourlyCost = billedNow({ state, ...vm }) ?? money(0);
      if (isCounted || (isOurs && state === 'terminated')) continue;
      if (isOurs) unmanaged.push({ vms: 1, gpus: size.gpuCount, hourlyCost });
      else others.push({ vms: 0, gpus: 0, hourlyCost });
    }
    return { unmanaged: total(unmanaged), others: total(others) };
  }
}

function plain(facts: object): unknown {
  return JSON.parse(JSON.stringify(facts));
}

const names = [
  ...uids.map((uid) => markedName(1, uid)),
  vmNameOf({ installation: '9f9f9f9f', uid: uids[0] ?? '', attempt: 1 }),
  'somebody-elses',
];

const record = fc
  .record({
    id: fc.constantFrom(...vmIds),
    name: fc.constantFrom(...names),
    ownerUid: fc.constantFrom(undefined, ...uids),
    adopted: fc.constantFrom(undefined, true as const),
  })
  .map(({ id, ownerUid, adopted, name }) =>
    recordedVm(id, { name, ...(adopted && { adopted }), ...(ownerUid !== undefined && { ownerUid }) }),
  );

const status = fc.record({
  // Nothing is read of one that is damaged.
  phase: fc.constantFrom('Pending', 'Running', 'Released', 'damaged'),
  vm: fc.option(record, { nil: undefined }),
  retiring: fc.array(
    record.map((one) => retiringVm(one.id, { ...one, billedNow: '0.05' })),
    { maxLength: 2 },
  ),
});

const listed = fc
  .record({
    id: fc.constantFrom(...vmIds),
    name: fc.constantFrom(...names),
    state: fc.constantFrom('running', 'released', 'terminated'),
    price: fc.constantFrom(priceOf('0.5', '0.1'), priceOf('0.3', '0.3'), undefined),
    gpuCount: fc.integer({ min: 1, max: 2 }),
  })
  .map(({ id, gpuCount, ...vm }) => cloudVm(id, { ...vm, size: sizeOf({ gpuCount }) }));

type Act = (facts: Facts) => void;
const nth = fc.nat({ max: uids.length - 1 });
const account = fc.constantFrom(...accountNames);

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(nth, fc.record({ account, pool: fc.constantFrom(undefined, ...pools), status }))
      .map(([of, what]): Act => (facts) => {
        facts.put(of, what);
      }),
  },
  {
    weight: 8,
    arbitrary: fc
      .tuple(
        account,
        fc.uniqueArray(listed, { selector: ({ id }) => id }),
        fc.subarray(vmIds),
        fc.constantFrom('heard', 'later', 'lost'),
        fc.boolean(),
      )
      .map(([of, some, ids, news, isAddition]): Act => (facts) => {
        const kept = facts.listed(of).filter((vm) => isAddition && !some.some(({ id }) => id === vm.id));
        const vms = [...kept, ...some];
        const unreadable = ids.filter((id) => !vms.some((vm) => vm.id === id));
        facts.list(of, vms, unreadable);
        if (news === 'heard') facts.hear();
        if (news === 'lost') facts.loseNews();
      }),
  },
  fc.constant<Act>((facts) => {
    facts.hear();
  }),
  nth.map((of): Act => (facts) => {
    facts.remove(of);
  }),
  nth.map((of): Act => (facts) => {
    facts.reserve(of);
  }),
  nth.map((of): Act => (facts) => {
    facts.told.release(uids[of] ?? '');
  }),
  fc.tuple(account, fc.boolean()).map(([of, isGone]): Act => (facts) => {
    facts.restart(of, isGone);
  }),
);

it('what is counted change by change comes to what all add up to, also between a list and the news of it', () => {
  const asked = fc.record({ act, isAsked: fc.constantFrom(false, false, true) });
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 30, size: 'max' }), (deeds) => {
      const facts = new Facts();
      for (const { act, isAsked } of [...deeds, { act: () => undefined, isAsked: true }]) {
        act(facts);
        if (isAsked) expect(facts.used()).toEqual(facts.addedUp());
      }
    }),
    { numRuns: 1_000 },
  );
});

it('an account that goes in the moment in which another one comes takes its list with it', () => {
  const facts = new Facts();
  facts.put(0, { account: 'mine', pool: undefined, status: { phase: 'Pending', retiring: [] } });
  facts.list('mine', [cloudVm('vm-1', { name: markedName(1, uids[0]) })], []);
  facts.hear();
  expect(facts.told.books().ofNamespace('research').vms).toBe(1);
  facts.restart('mine', true);
  facts.restart('yours', false);
  expect(facts.told.books().ofNamespace('research').vms).toBe(0);
});

it('what nobody was told of is counted some lists later all the same', () => {
  const deed = fc.record({ act, isUntold: fc.boolean() });
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 20, size: 'max' }), (deeds) => {
      const facts = new Facts();
      for (const { act, isUntold } of deeds) {
        facts.isUntold = isUntold;
        act(facts);
        facts.used();
      }
      for (let list = 0; list < 45; list++) {
        facts.list('mine', facts.listed('mine'), []);
        facts.used();
      }
      expect(facts.used()).toEqual(facts.addedUp());
    }),
  );
});

it('one that cannot be counted keeps everybody from spending, and nobody from being counted, until it can be', () => {
  const facts = new Facts();
  const status = { phase: 'Pending', retiring: [] };
  const [broken = ''] = uids;
  facts.put(0, { account: 'mine', pool: undefined, status });
  facts.put(2, { account: 'mine', pool: undefined, status });
  facts.reserve(0);
  facts.reserve(2);
  facts.broken = broken;
  facts.told.release(broken);
  facts.told.release(uids[2] ?? '');
  const asking = facts.of(2) ?? expect.fail();
  expect(() => facts.told.viewFor(asking).limits).toThrow('cannot be counted');
  // Whoever has others stopped goes by what could be counted last.
  expect(facts.told.books().ofNamespace('research').vms).toBe(1);
  facts.broken = '';
  expect(facts.told.viewFor(asking).limits.map(({ used }) => used.toFixed())).toEqual(['0', '0', '0']);
  expect(facts.used()).toEqual(facts.addedUp());
  expect(facts.told.books().ofNamespace('research').vms).toBe(0);
});
