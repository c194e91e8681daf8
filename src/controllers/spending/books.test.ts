import { describe, expect, it } from 'vitest';

import {
  cloudVm,
  installation,
  keyFingerprint,
  markedName,
  priceOf,
  recordedVm,
  snapshotOf,
  specOf,
  uid,
} from '../../../test/support/builders.ts';
import { Store } from '../../kube/store.ts';
import { silentLogger } from '../../lib/logger.ts';
import { money } from '../../lib/money.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { ratesOf } from '../../plan/balance/burn-rate.ts';
import { balanceTimings } from '../../plan/balance/view.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { AccountRuntime } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import { Balances } from './balances.ts';
import type { Books } from './books.ts';
import { CostMeter } from './cost-meter.ts';
import { Ledger } from './ledger.ts';
import { SpendMeter } from './meter.ts';

const goneUid = '99999999-0000-4000-8000-000000000000';
const account: CustomObject = {
  apiVersion: 'gpuvm.dev/v1alpha1',
  kind: 'GpuAccount',
  metadata: object('default', 'a'),
};

function object(name: string, of: string): CustomObject['metadata'] {
  return { name, namespace: 'research', uid: of, resourceVersion: '1', generation: 1 };
}

function gpuVm(of: string, status: object, accountName = 'default'): CustomObject {
  const spec = { accountName, gpu: { count: 1 } };
  return { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata: object(of, of), spec, status };
}

/** A namespace's resources, and the account that they use, by its last list and answer about the balance. */
function booksOf(
  listed: readonly CloudVm[],
  resources: readonly CustomObject[],
  {
    owner = account,
    amount = '100',
    budget,
  }: { readonly owner?: CustomObject; readonly amount?: string; readonly budget?: CustomObject } = {},
): Books {
  const clock = new VirtualClock();
  const vms = new Store<CustomObject>({
    log: silentLogger,
    indexes: {
      namespace: () => ['research'],
      account: ({ spec }) => [(spec as { accountName: string }).accountName],
      owner: () => [],
      uid: ({ metadata }) => [metadata.uid],
      vm: ({ status }) => {
        const { vm, retiring = [] } = status as { vm?: { id: string }; retiring?: { id: string }[] };
        return [vm, ...retiring].flatMap((one) => one?.id ?? []);
      },
    },
  });
  for (const one of resources) vms.applyWrite(one);
  const budgets = new Store<CustomObject>({ log: silentLogger, indexes: { namespace: () => ['research'] } });
  if (budget !== undefined) budgets.applyWrite(budget);
  const none = new Store<CustomObject>({ log: silentLogger, indexes: { namespace: () => [] } });
  const accountsStore = new Store<CustomObject>({ log: silentLogger });
  accountsStore.applyWrite(owner);
  const snapshot = snapshotOf(listed, { requestedAt: clock.now() });
  const { billed, most } = ratesOf(snapshot);
  const asked = { requestedAt: clock.now(), askedAs: keyFingerprint };
  const last = { amount: money(amount), hourlyCost: billed, mostListed: most, ...asked };
  const balance = { last, before: undefined, failure: undefined };
  const runtime = { fleet: { snapshot }, balance, keyFingerprint } as unknown as AccountRuntime;
  const accounts = {
    runtime: (name: string) => (name === 'default' ? runtime : undefined),
    lists: () => new Map([['default', snapshot]]),
  };
  const balances = new Balances({ clock, accounts, timings: balanceTimings(300_000) });
  const stores = { vms, budgets, accountsStore, pools: none, namespaces: none };
  const meters = { meter: new SpendMeter(clock), costs: new CostMeter(clock, []) };
  const nobody = { wake: () => undefined, changed: () => undefined };
  return new Ledger({ ...stores, ...meters, ...nobody, clock, accounts, installation, balances }).books();
}

/** What all costs per hour, by the books and by the list. */
function costs(listed: readonly CloudVm[], resources: readonly CustomObject[]): { used: string; billed: string } {
  const { used } = booksOf(listed, resources).spenderOf(account);
  return { used: used.toFixed(), billed: ratesOf(snapshotOf(listed)).billed.toFixed() };
}

const ofGone = cloudVm('vm-2', { name: markedName(1, goneUid), price: priceOf('0.30') });
const foreign = cloudVm('vm-3', { name: 'somebody-elses', price: priceOf('0.40') });
const adopted = (id: string, name: string): object => ({
  phase: 'Running',
  vm: recordedVm(id, { name, adopted: true, ownerUid: uid }),
});

describe('what all VMs of an account cost by the books is what they cost by the list', () => {
  it.each<[string, readonly CloudVm[], readonly CustomObject[]]>([
    ['with one that a resource has deployed', [cloudVm('vm-1')], [gpuVm(uid, { vm: recordedVm('vm-1') })]],
    ['with one that nobody has recorded yet', [cloudVm('vm-1')], [gpuVm(uid, {})]],
    ['with one whose resource is gone', [ofGone], []],
    [
      'with one whose resource is gone and that another one has adopted',
      [ofGone],
      [gpuVm(uid, adopted('vm-2', ofGone.name))],
    ],
    ['with one of somebody else', [foreign], []],
    ['with one of somebody else that was adopted', [foreign], [gpuVm(uid, adopted('vm-3', 'somebody-elses'))]],
    [
      'with one that a status names which says itself that it was written for another resource',
      [ofGone, foreign],
      [
        gpuVm(uid, { vm: recordedVm('vm-2', { ownerUid: goneUid }) }),
        gpuVm('other', { vm: recordedVm('vm-3', { ownerUid: goneUid }) }),
      ],
    ],
    [
      'with one that a resource of another account names',
      [ofGone, foreign],
      [
        gpuVm(uid, adopted('vm-2', ofGone.name), 'another'),
        gpuVm('other', { vm: recordedVm('vm-3', { ownerUid: 'other', adopted: true }) }, 'another'),
      ],
    ],
  ])('%s', (_, listed, resources) => {
    const { used, billed } = costs(listed, resources);
    expect(used).toBe(billed);
  });
});

function ranked(
  of: string,
  { priority = 0, seconds = 0, ...spec }: Record<string, unknown>,
  status = {},
): CustomObject {
  const made = gpuVm(of, status);
  const creationTimestamp = `2026-01-01T00:00:${String(seconds).padStart(2, '0')}Z`;
  const { paused, ...fields } = spec;
  const annotations = paused === true ? { 'gpuvm.dev/paused': 'true' } : {};
  return {
    ...made,
    metadata: { ...made.metadata, creationTimestamp, annotations },
    spec: { ...specOf({ priority, ...fields }) },
  };
}

describe('while a budget keeps a VM released', () => {
  const released = cloudVm('vm-1', { state: 'released', price: priceOf('0.50', '0.10') });
  const stopByPriority = { onExceeded: 'StopByPriority' };
  const hard = { gpus: 3, hourlyCost: '9', vms: 1 };

  it.each<[string, Record<string, unknown>, Record<string, unknown>, object, [string, string]]>([
    ['what that needs to be started is kept from a younger one', {}, { seconds: 5 }, stopByPriority, ['1', '0.5']],
    [
      'it is kept from a less important one, however old',
      { seconds: 5, priority: 1 },
      {},
      stopByPriority,
      ['1', '0.5'],
    ],
    ['a more important one may take it', {}, { priority: 1, seconds: 5 }, stopByPriority, ['0', '0.1']],
    [
      'it is not kept for one that is not wanted to run',
      { powerState: 'Released' },
      { seconds: 5 },
      stopByPriority,
      ['0', '0.1'],
    ],
    ['it is not kept for one that is paused', { paused: true }, { seconds: 5 }, stopByPriority, ['0', '0.1']],
    [
      'it is not kept for one in off hours',
      { schedule: { start: '0 8 * * *', stop: '0 18 * * *' } },
      { seconds: 5 },
      stopByPriority,
      ['0', '0.1'],
    ],
    [
      'it is not kept for one for which there are not enough GPUs as a whole',
      {},
      { seconds: 5 },
      { ...stopByPriority, hard: { ...hard, gpus: 0 } },
      ['0', '0.1'],
    ],
    [
      'it is not kept for one that costs too much as a whole',
      {},
      { seconds: 5 },
      { ...stopByPriority, hard: { ...hard, hourlyCost: '0.4' } },
      ['0', '0.1'],
    ],
    ['it is not kept where the budget releases nobody any more', {}, { seconds: 5 }, {}, ['0', '0.1']],
  ])('%s', (_, waiting, newcomer, spec, used) => {
    const budget: CustomObject = {
      ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuBudget', metadata: object('team', 'b') },
      spec: { hard, ...spec },
      status: { stopped: [{ kind: 'GpuVm', name: uid, uid }] },
    };
    const one = ranked(uid, waiting, { phase: 'Released', vm: recordedVm('vm-1') });
    const other = ranked('newcomer', newcomer);
    const books = booksOf([released], [one, other], { budget });
    const usedOf = (who: CustomObject): (string | undefined)[] =>
      ['gpus', 'hourlyCost'].map((measure) =>
        books
          .limitsOf(who)
          .find((limit) => limit.measure === measure)
          ?.used.toFixed(),
      );
    expect(usedOf(other)).toEqual(used);
    expect(usedOf(one)).toEqual(['0', '0.1']);
    expect(books.limitsOfBudget(budget).map((limit) => limit.used.toFixed())).toEqual(['1', '0', '0.1']);
  });
});

describe('while the account keeps a VM released for want of balance', () => {
  /** It costs 10 cents, and 50 while it runs. */
  const released = cloudVm('vm-1', { state: 'released', price: priceOf('0.50', '0.10') });

  it.each<[string, Record<string, unknown>, Record<string, unknown>, string, string]>([
    ['what that needs to be started is kept from a younger one', {}, { seconds: 5 }, '100', '0.5'],
    ['it is kept from a less important one, however old', { seconds: 5, priority: 1 }, {}, '100', '0.5'],
    ['a more important one may take it', {}, { priority: 1, seconds: 5 }, '100', '0.1'],
    ['it is not kept for one that would not run anyway', { powerState: 'Released' }, { seconds: 5 }, '100', '0.1'],
    ['it is not kept for one for which there is not enough as a whole', {}, { seconds: 5 }, '2.9', '0.1'],
  ])('%s', (_, waiting, newcomer, amount, used) => {
    const status = {
      stopped: [{ kind: 'GpuVm', namespace: 'research', name: 'x', uid }],
      organization: { keyFingerprint },
    };
    const spec = {
      endpoint: 'https://dashboard.tensordock.com',
      credentialsSecretRef: { namespace: 'gpuvm-system', name: 'tensordock' },
      limits: { minRunway: '6h', releaseBelowRunway: '2h' },
    };
    const one = ranked(uid, waiting, { phase: 'Released', vm: recordedVm('vm-1') });
    const other = ranked('newcomer', newcomer);
    const books = booksOf([released], [one, other], {
      owner: { ...account, metadata: { ...account.metadata, namespace: undefined }, spec, status },
      amount,
    });
    const limit = books.limitsOf(other).find(({ of }) => of === 'Balance');
    expect(limit?.balance?.is).toBe('known');
    expect(limit?.used.toFixed()).toBe(used);
    const own = books.limitsOf(one).find(({ of }) => of === 'Balance');
    expect(own?.used.toFixed()).toBe('0.1');
  });
});
