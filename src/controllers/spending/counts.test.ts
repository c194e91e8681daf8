import fc from 'fast-check';
import { expect, it } from 'vitest';

import {
  cloudVm,
  installation,
  keyFingerprint,
  markedName,
  priceOf,
  recordedVm,
  sizeOf,
  snapshotOf,
} from '../../../test/support/builders.ts';
import { vmNameOf } from '../../api/vm-name.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import { nextSnapshot } from '../../fleet/snapshot.ts';
import { Store } from '../../kube/store.ts';
import { silentLogger } from '../../lib/logger.ts';
import { money } from '../../lib/money.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { balanceTimings } from '../../plan/balance/view.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { AccountRuntime } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import { ownerKeyOf } from '../pool-owner.ts';
import { recordedIn } from '../vm-owners.ts';
import { Balances } from './balances.ts';
import { CostMeter } from './cost-meter.ts';
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
      this.told.noteChange(old, current);
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
      runtimes: (): AccountRuntime[] => [...this.#runtimes.values()],
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
      ...{ meter: new SpendMeter(this.clock), costs: new CostMeter(this.clock, []) },
      balances: new Balances({ clock: this.clock, accounts, timings: balanceTimings(300_000) }),
      ...{ wake: () => undefined, changed: () => undefined },
    });
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

  /** The news of it comes a moment later. */
  list(account: string, vms: readonly CloudVm[], unreadable: readonly string[]): void {
    const runtime = this.#runtimes.get(account) ?? runtimeOf(undefined);
    this.#runtimes.set(account, runtime);
    const { snapshot, diff } = nextSnapshot(runtime.fleet.snapshot, { vms, unreadable }, snapshotOf([]));
    Object.assign(runtime.fleet, { snapshot });
    this.#news.push(() => {
      this.told.noteList(account, diff);
    });
  }

  hear(): void {
    for (const tell of this.#news.splice(0)) tell();
  }

  /** It is gone, with its list, or was made anew. */
  restart(account: string, isGone: boolean): void {
    this.#news = [];
    if (isGone) this.#runtimes.delete(account);
    else this.#runtimes.set(account, runtimeOf(undefined));
  }

  /** What is used of everything. */
  usedBy(ledger: Ledger): unknown {
    const books = ledger.books();
    const charges = namespaces.map((namespace) => books.ofNamespace(namespace));
    const spent = this.#accounts.list().map((account) => books.spenderOf(account).used);
    const limits = this.vms.list().map((object) => books.limitsOf(object).map(({ domain, used }) => [domain, used]));
    return JSON.parse(JSON.stringify({ charges, spent, limits }));
  }

  /** One that knows nothing, and counts all at once. */
  countedAtOnce(): Ledger {
    const fresh = this.ledger();
    for (const object of this.vms.list()) {
      const reservation = this.told.reservationOf(object.metadata.uid);
      if (reservation !== undefined) fresh.reserve(object, reservation.kind, reservation.charge);
    }
    // Without a single account nothing tells it that there is anything to be counted.
    for (const object of this.vms.list()) fresh.noteChange(undefined, object);
    return fresh;
  }
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
  phase: fc.constantFrom('Pending', 'Running', 'Released'),
  vm: fc.option(record, { nil: undefined }),
  retiring: fc.array(
    record.map((one) => ({ ...one, reason: 'x', since: '2026-01-01T00:00:00Z', billedNow: '0.05' })),
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
      .tuple(account, fc.uniqueArray(listed, { selector: ({ id }) => id }), fc.subarray(vmIds), fc.boolean())
      .map(([of, vms, ids, isHeard]): Act => (facts) => {
        const unreadable = ids.filter((id) => !vms.some((vm) => vm.id === id));
        facts.list(of, vms, unreadable);
        if (isHeard) facts.hear();
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

it('what is counted change by change comes to what is counted at once, also between a list and the news of it', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 30, size: 'max' }), (acts) => {
      const facts = new Facts();
      for (const act of acts) {
        act(facts);
        expect(facts.usedBy(facts.told)).toEqual(facts.usedBy(facts.countedAtOnce()));
      }
    }),
    { numRuns: 500 },
  );
});
