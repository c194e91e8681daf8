import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { cloudVm, observe, recordedVm, snapshotOf } from '../../../test/support/builders.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import { nextSnapshot } from '../../fleet/snapshot.ts';
import { Store } from '../../kube/store.ts';
import { silentLogger } from '../../lib/logger.ts';
import { money } from '../../lib/money.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { balanceTimings } from '../../plan/balance/view.ts';
import type { Charge } from '../../plan/budget/charge.ts';
import type { Verdict } from '../../plan/vm/verdict.ts';
import type { AccountRuntime } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import { recordedIn } from '../vm-owners.ts';
import { Balances } from './balances.ts';
import { CostMeter } from './cost-meter.ts';
import type { ListNews } from './counts.ts';
import { Ledger } from './ledger.ts';
import { SpendMeter } from './meter.ts';

const one: Charge = { vms: 1, gpus: 1, hourlyCost: money('0.5') };

/** A namespace with one budget, and one account. */
class Office {
  readonly clock = new VirtualClock();
  readonly meter = new SpendMeter(this.clock);
  readonly costs = new CostMeter(this.clock, ['team']);
  readonly vms = new Store<CustomObject>({
    log: silentLogger,
    indexes: {
      namespace: () => ['research'],
      account: () => ['default'],
      owner: () => [],
      uid: ({ metadata }) => [metadata.uid],
      vm: recordedIn,
    },
  });
  readonly budget: CustomObject;
  readonly ledger: Ledger;
  readonly woken: string[] = [];
  /** How often it was asked what somebody is held to. */
  looks = 0;
  #list: Snapshot = snapshotOf([]);
  #version = 0;

  constructor(hard: object) {
    const budgets = new Store<CustomObject>({ log: silentLogger, indexes: { namespace: () => ['research'] } });
    const spec = { hard, warnAtPercent: 80, onExceeded: 'BlockCreate', allowRetain: false };
    this.budget = { ...this.#object('GpuBudget', 'team'), spec };
    budgets.applyWrite(this.budget);
    const none = new Store<CustomObject>({ log: silentLogger });
    const runtime = { fleet: Object.defineProperty({}, 'snapshot', { get: () => this.#list }) };
    const accounts = {
      runtime: () => runtime as unknown as AccountRuntime,
      lists: () => new Map([['default', this.#list]]),
    };
    this.ledger = new Ledger({
      ...{
        clock: this.clock,
        meter: this.meter,
        costs: this.costs,
        pools: none,
        namespaces: none,
        accountsStore: none,
      },
      vms: this.vms,
      budgets: {
        list: () => budgets.list(),
        byIndex: (index, value) => {
          this.looks++;
          return budgets.byIndex(index, value);
        },
      },
      accounts,
      balances: new Balances({ clock: this.clock, accounts, timings: balanceTimings(300_000) }),
      installation: 'ab12cd',
      wake: (key) => this.woken.push(key.split('/').at(-1) ?? ''),
      changed: () => undefined,
    });
    this.vms.subscribe(({ old, new: current }) => {
      this.ledger.noteChange(old, current);
    });
  }

  #object(kind: string, name: string): CustomObject {
    const creationTimestamp = new Date(this.clock.now() + this.#version++ * 1000).toISOString();
    const resourceVersion = String(this.#version);
    const metadata = {
      name,
      namespace: 'research',
      uid: `uid-${name}`,
      resourceVersion,
      generation: 1,
      creationTimestamp,
    };
    return { apiVersion: 'gpuvm.dev/v1alpha1', kind, metadata };
  }

  vm(name: string, status: object = {}): CustomObject {
    const made = { ...this.#object('GpuVm', name), spec: { accountName: 'default', gpu: { count: 1 } }, status };
    this.vms.applyWrite(made);
    return made;
  }

  /** One whose VM the list shows. */
  vmListed(name: string, state: 'running' | 'outbid'): CustomObject {
    this.#show(name, state);
    const vm = recordedVm('vm-1', { ownerUid: `uid-${name}` });
    return this.vm(name, { phase: 'Running', vm });
  }

  /** The list shows its VM so, and those who decide by it are told. */
  list(name: string, state: 'running' | 'outbid'): void {
    this.ledger.noteList('default', this.#show(name, state));
  }

  #show(name: string, state: 'running' | 'outbid'): ListNews {
    const price = { total: money('0.5'), compute: money('0.4'), storage: money('0.1') };
    const listing = { vms: [cloudVm('vm-1', { name, state, price })], unreadable: [] };
    const news = nextSnapshot(this.#list, listing, this.#list);
    this.#list = news.snapshot;
    return news;
  }

  statusOf(object: CustomObject, status: object): void {
    const resourceVersion = String(++this.#version);
    this.vms.applyWrite({ ...object, metadata: { ...object.metadata, resourceVersion }, status });
  }

  /** Somebody labels it. */
  label(object: CustomObject, team: string): void {
    const resourceVersion = String(++this.#version);
    this.vms.applyWrite({ ...object, metadata: { ...object.metadata, resourceVersion, labels: { team } } });
  }

  stored(name: string): CustomObject | undefined {
    return this.vms.get(`research/${name}`);
  }

  /** As a reconcile does; whether there is room. */
  asks(object: CustomObject, more: Charge = one): boolean {
    const spend = this.ledger.viewFor(object);
    const isRoom = spend.limits.every(({ used, ahead, hard }) => used.plus(ahead).lt(hard));
    const verdict: Verdict = {
      ...{ rule: 'test', step: { kind: 'wait' }, phase: 'Pending', ready: 'keep' },
      need: { kind: 'launch', after: more, more },
    };
    this.ledger.noteDecision(object, { ...observe(), spend }, verdict);
    return isRoom;
  }
}

/** Of a deployment that is under way. */
const intent = {
  launch: {
    ...{ attempt: 1, name: 'x', hostnode: 'host-1', gpuModel: 'rtx4090', gpuCount: 1, quotedHourlyPrice: '0.5' },
    ...{ intentAt: '2026-01-01T00:00:00Z', outcome: 'Pending', failures: 0 },
  },
};

describe('those that wait for room', () => {
  it('are not woken by an intent that is in the store: nothing is free by that', () => {
    const office = new Office({ vms: 2 });
    const [first, second] = [office.vm('first'), office.vm('second')];
    office.asks(second);
    office.ledger.reserve(first, 'launch', one);
    office.statusOf(first, intent);
    office.ledger.release(first.metadata.uid);
    expect(office.ledger.books().ofNamespace('research').vms).toBe(1);
    expect(office.woken).toEqual([]);
  });

  it('are woken when what was reserved is not spent', () => {
    const office = new Office({ vms: 1 });
    const [first, second] = [office.vm('first'), office.vm('second')];
    office.ledger.reserve(first, 'launch', one);
    expect(office.asks(second)).toBe(false);
    office.ledger.release(first.metadata.uid);
    expect(office.woken).toEqual(['second']);
    expect(office.asks(second)).toBe(true);
  });

  it('are woken when somebody takes less than they had asked for', () => {
    const office = new Office({ gpus: 3 });
    const [first, second] = [office.vm('first'), office.vm('second')];
    office.asks(first, { ...one, gpus: 3 });
    expect(office.asks(second)).toBe(false);
    office.ledger.reserve(first, 'launch', one);
    expect(office.woken).toEqual(['second']);
  });

  it('are woken when somebody before them wants less', () => {
    const office = new Office({ gpus: 3 });
    const [first, second] = [office.vm('first'), office.vm('second')];
    office.asks(first, { ...one, gpus: 3 });
    office.asks(second);
    office.asks(first);
    expect(office.woken).toContain('second');
  });

  it.each<[string, object, (office: Office) => void]>([
    [
      'was until a moment ago',
      {},
      ({ ledger }) => {
        ledger.noteReturn('uid-released');
      },
    ],
    [
      'was until the process before this one ended',
      {
        conditions: [
          {
            ...{ type: 'Ready', status: 'False', reason: 'StoppedByBudget', message: '' },
            lastTransitionTime: '2026-01-01T00:00:00Z',
          },
        ],
      },
      () => undefined,
    ],
  ])('wait behind one that is kept released no longer, and %s', (_, more, release) => {
    const office = new Office({ gpus: 1 });
    const older = office.vm('older');
    const vm = recordedVm('vm-1', { ownerUid: 'uid-released' });
    const released = office.vm('released', { phase: 'Released', vm, ...more });
    release(office);
    expect(office.asks(older)).toBe(false);
    expect(office.asks(released)).toBe(true);
  });

  it('wait no longer behind one that was kept released and says nothing', async () => {
    const office = new Office({ gpus: 1 });
    const older = office.vm('older');
    office.vm('released', { phase: 'Released', vm: recordedVm('vm-1', { ownerUid: 'uid-released' }) });
    office.ledger.noteReturn('uid-released');
    expect(office.asks(older)).toBe(false);
    await office.clock.advance(31_000);
    expect(office.asks(older)).toBe(true);
  });

  it('are woken when the list alone shows that a VM has given its GPU back, and money is counted at that rate from then on', async () => {
    const office = new Office({ gpus: 1, dailyCost: '100' });
    office.vmListed('first', 'running');
    const second = office.vm('second');
    expect(office.asks(second)).toBe(false);
    office.list('first', 'outbid');
    expect(office.woken).toEqual(['second']);
    await office.clock.advance(3_600_000);
    expect(office.meter.read(office.budget, money(0)).daily.toFixed()).toBe('0.1');
  });

  it('and only ask again cost nobody a look at everybody', () => {
    const office = new Office({ vms: 1 });
    office.vmListed('first', 'running');
    const all = Array.from({ length: 50 }, (_, index) => office.vm(`vm-${String(index)}`));
    for (const object of all) office.asks(object);
    const { looks } = office;
    for (const object of all) expect(office.asks(object)).toBe(false);
    for (const object of all) office.statusOf(object, { phase: 'Pending' });
    for (const object of all) expect(office.asks(object)).toBe(false);
    // Each about itself: to ask about all who wait for each of them would be 5,000.
    expect(office.looks - looks).toBeLessThanOrEqual(10 * all.length);
    expect(office.ledger.waitingIn('research')).toBe(50);
  });

  it('do not wait for ever behind one that was told, and says nothing', async () => {
    const office = new Office({ vms: 2 });
    const held = office.vm('held');
    office.ledger.reserve(held, 'launch', { ...one, vms: 2 });
    const [first, second] = [office.vm('first'), office.vm('second')];
    office.asks(first);
    office.asks(second, { ...one, vms: 2 });
    office.ledger.release(held.metadata.uid);
    expect(office.woken).toEqual(['first']);
    await office.clock.advance(30_001);
    expect(office.ledger.viewFor(second).limits.map(({ ahead }) => ahead.toFixed())).toEqual(['0']);
    expect(office.woken).toEqual(['first', 'second']);
  });
});

type Act = (office: Office) => void;

/** What happens to one of a few resources, in any order. */
const acts: fc.Arbitrary<Act> = fc
  .tuple(
    fc.constantFrom('a', 'b', 'c'),
    fc.constantFrom('reserve', 'release', 'intent', 'list', 'outbid', 'label', 'go'),
  )
  .map(([name, kind]): Act => {
    return (office) => {
      const object = office.stored(name) ?? office.vm(name);
      const { uid, resourceVersion } = object.metadata;
      if (kind === 'reserve') office.ledger.reserve(object, 'launch', one);
      if (kind === 'release') office.ledger.release(uid);
      if (kind === 'intent') office.statusOf(object, intent);
      if (kind === 'label') office.label(object, `team-${String(resourceVersion.length)}`);
      if (kind === 'go') office.vms.applyEvent('DELETED', object);
      if (kind !== 'list' && kind !== 'outbid') return;
      const state = kind === 'list' ? 'running' : 'outbid';
      office.vmListed(name, state);
      office.list(name, state);
    };
  });

describe('what is charged', () => {
  it('comes to what the budget of the namespace has counted, whatever happens, and whoever is labelled anew', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(acts, fc.integer({ min: 0, max: 5_000_000 })), { maxLength: 30 }),
        async (steps) => {
          const office = new Office({ monthlyCost: '1000' });
          office.meter.read(office.budget, money(0));
          office.costs.begin();
          for (const [act, ms] of steps) {
            act(office);
            await office.clock.advance(ms);
          }
          const { hourlyCost } = office.ledger.books().ofNamespace('research');
          const counted = office.meter.read(office.budget, hourlyCost).monthly;
          const charged = office.costs.read().reduce((sum, { dollars }) => sum.plus(dollars), money(0));
          // Both round up at each change, to nine decimals.
          expect(charged.minus(counted).abs().toNumber()).toBeLessThan(1e-6);
        },
      ),
    );
  });
});
