import { describe, expect, test } from 'vitest';

import type { Condition } from '../../api/conditions.ts';
import type { CustomObject } from '../../controllers/objects.ts';
import { now } from '../../../test/support/builders.ts';
import { plain } from '../common/io.ts';
import { vmViewOf, type VmView } from '../common/vm-view.ts';
import { withAccounts } from './bad-account.ts';
import { overviewOf, renderOverview } from './overview.ts';
import { reportOfPool, renderPool } from './pool-report.ts';
import { problemsOf } from './problems.ts';
import { nextStepOf } from './next-step.ts';
import { renderVm } from './render-vm.ts';
import { reportOfVm } from './vm-report.ts';

const surroundings = { now, program: 'gpuvm' };
const spec = { gpu: { models: ['a4000'] }, vcpus: 4, memoryGB: 16, storageGB: 100, maxHourlyPrice: '0.80' };
const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString();

function condition(type: string, status: Condition['status'], reason: string, message = 'A sentence.'): Condition {
  return { type, status, reason, message, lastTransitionTime: ago(90) };
}

interface Changes {
  readonly name?: string;
  readonly spec?: object;
  readonly status?: object | undefined;
  readonly createdAgo?: number;
  readonly meta?: object;
}

function viewOf(changes: Changes = {}): VmView {
  const status = { observedGeneration: 1, conditions: [condition('Ready', 'True', 'Running')], ...changes.status };
  return vmViewOf('GpuVm', {
    metadata: {
      ...{ name: changes.name ?? 'trainer', namespace: 'research', uid: 'u', resourceVersion: '1', generation: 1 },
      creationTimestamp: ago(changes.createdAgo ?? 300),
      ...changes.meta,
    },
    spec: { ...spec, ...changes.spec },
    ...('status' in changes && changes.status === undefined ? {} : { status }),
  });
}

function notReady(reason: string, message?: string): { conditions: Condition[] } {
  return { conditions: [condition('Ready', 'False', reason, message)] };
}

describe('the problem of a VM', () => {
  test.each<[string, Changes, string[]]>([
    ['that is Ready is none', {}, []],
    ['that is being built is none: it ends by itself', { status: notReady('Building') }, []],
    ['that is released as asked is none', { spec: { powerState: 'Released' }, status: notReady('Released') }, []],
    ['outside of its hours is none', { status: notReady('OffHours') }, []],
    [
      'that no host fits is said as the operator says it',
      { status: notReady('NoOffer', '31 hosts: 31 over price.') },
      ['NoOffer: 31 hosts: 31 over price.'],
    ],
    ['that nobody has looked at yet is none in the first minute', { status: undefined, createdAgo: 20 }, []],
    [
      'that nobody has looked at for longer is that no operator runs',
      { status: undefined, createdAgo: 200 },
      ['No operator has looked at the resource yet.'],
    ],
    [
      'whose change nobody has looked at is that',
      { meta: { generation: 2 } },
      ['The operator has not looked at the last change of the spec yet.'],
    ],
    [
      'whose reconcile fails is that, also while it runs',
      {
        status: {
          conditions: [condition('Ready', 'True', 'Running'), condition('Synced', 'False', 'ProviderUnavailable')],
        },
      },
      ['ProviderUnavailable: A sentence.'],
    ],
    [
      'that two conditions say alike is said once',
      {
        status: {
          conditions: [condition('Ready', 'False', 'CrdOutdated'), condition('Synced', 'False', 'CrdOutdated')],
        },
      },
      ['CrdOutdated: A sentence.'],
    ],
    [
      'whose size is another one is that',
      {
        status: {
          conditions: [condition('Ready', 'True', 'Running'), condition('UpToDate', 'False', 'ResizeNoCapacity')],
        },
      },
      ['ResizeNoCapacity: A sentence.'],
    ],
    ['whose status is of another release is that', { status: { phase: 'Flying' } }, ['The status is not one that']],
  ])('%s', (_what, changes, problems) => {
    const found = problemsOf(viewOf(changes), surroundings).map(({ what }) => what);
    expect(found.length).toBeGreaterThanOrEqual(problems.length);
    for (const [at, problem] of problems.entries()) expect(found[at]).toContain(problem);
    if (problems.length === 0) expect(found).toEqual([]);
  });
});

describe('the next step', () => {
  test.each<[string, Changes, string]>([
    ['with a VM that runs is to log in', { status: { ssh: 'ssh -p 1 user@a' } }, 'gpuvm ssh trainer'],
    ['with one without SSH is to look where it is', {}, 'gpuvm urls trainer'],
    ['with one that is released is to start it', { status: notReady('Released') }, 'gpuvm start trainer'],
    [
      'with one that finds no host is to look what there is',
      { status: notReady('NoOffer') },
      'gpuvm offers --for gpuvm/trainer',
    ],
    [
      'with one that is being built is to wait',
      { status: notReady('Building') },
      'kubectl wait --for=condition=Ready gpuvm/trainer',
    ],
    ['with one that nobody has looked at is the doctor', { status: { observedGeneration: undefined } }, 'gpuvm doctor'],
    [
      'with one that is being deleted is to wait for that',
      { meta: { deletionTimestamp: ago(1) } },
      'kubectl wait --for=delete gpuvm/trainer',
    ],
    [
      'where the account cannot be used is to look at that',
      { status: notReady('AccountNotReady') },
      'gpuvm account default',
    ],
  ])('%s', (_what, changes, step) => {
    expect(nextStepOf(viewOf(changes), surroundings)).toContain(step);
  });
});

const running = {
  ...{ phase: 'Running', gpu: '1x a4000', location: 'Winnipeg, Canada', address: '192.0.2.7', user: 'user' },
  ssh: 'ssh -p 30001 user@192.0.2.7',
  hourlyPrice: { running: '0.199', storage: '0.005', billedNow: '0.199' },
  ports: [{ name: 'ssh', internal: 22, external: 30_001 }],
};

test('one VM is shown in sections', () => {
  const lines = renderVm(reportOfVm(viewOf({ status: running }), surroundings), { now, paint: plain });
  expect(lines.join('\n')).toMatchInlineSnapshot(`
    "GpuVm research/trainer

    Summary
      Phase:       Running
      Ready:       True (Running) for 1m30s
      VM:          none yet
      Size:        1x a4000
      Place:       Winnipeg, Canada
      Price now:   $0.199 per hour, $145.27 per month
      Price:       running $0.199, released $0.005, at most $0.80
      Account:     default
      Age:         5m

    Access
      SSH:       ssh -p 30001 user@192.0.2.7
      Address:   192.0.2.7
      Ports:     ssh 22 at 30001

    Conditions
      TYPE    STATUS   REASON    SINCE   MESSAGE
      Ready   True     Running   1m30s   A sentence.

    Problems
      none

    Next step
      gpuvm ssh trainer"
  `);
});

test('an escape sequence in a status does not reach the terminal', () => {
  const status = { ...running, location: '\u001b[2JWinnipeg', ...notReady('NoOffer', 'a\u001b]0;title\u0007b') };
  const lines = renderVm(reportOfVm(viewOf({ status }), surroundings), { now, paint: plain });
  expect(lines.join('\n')).not.toMatch(/[\u001b\u0007]/);
});

test('all of a namespace is shown as a table, with what it costs, what is wrong and where to look first', () => {
  const vms = [
    viewOf({ status: running }),
    viewOf({ name: 'sweep', status: notReady('NoOffer', 'No host fits.') }),
  ].map((view) => reportOfVm(view, surroundings));
  const lines = renderOverview(overviewOf('research', [], vms), { now, paint: plain, program: 'gpuvm' });
  expect(lines.join('\n')).toMatchInlineSnapshot(`
    "GPU VMs in namespace research
    2 VMs, 1 ready; $0.199 per hour, $145.27 per month

    VMs
      NAME      KIND    READY   STATUS    GPU        LOCATION           $/H NOW   ADDRESS     AGE
      trainer   GpuVm   True    Running   1x a4000   Winnipeg, Canada   $0.199    192.0.2.7   5m
      sweep     GpuVm   False   NoOffer                                                       5m

    Problems
      gpuvm/sweep
        - NoOffer: No host fits.

    Next step
      gpuvm status gpuvm/sweep -n research"
  `);
});

describe('an account that something is the matter with', () => {
  const problems = [{ what: 'InvalidCredentials: The provider refuses key or token.' }];
  const accounts = [{ kind: 'GpuAccount', name: 'default', problems }] as const;

  test('is shown beside a VM that runs all the same, and is what to see to', () => {
    const report = withAccounts(reportOfVm(viewOf({ status: running }), surroundings), surroundings, { accounts });
    const lines = renderVm(report, { now, paint: plain }).join('\n');
    expect(lines).toContain('Problems\n  - gpuaccount/default: InvalidCredentials: The provider refuses key or token.');
    expect(lines).toContain('Next step\n  gpuvm account default');
  });

  test('comes after what is wrong with the VM itself', () => {
    const vm = reportOfVm(viewOf({ status: notReady('NoOffer', 'No host fits.') }), surroundings);
    const report = withAccounts(vm, surroundings, { accounts });
    expect(report.nextStep).toContain('gpuvm offers --for gpuvm/trainer');
    expect(renderVm(report, { now, paint: plain })).toContain('  - NoOffer: No host fits.');
  });

  test('is shown once for all VMs of a namespace, before them', () => {
    const vms = ['one', 'two'].map((name) => reportOfVm(viewOf({ name, status: running }), surroundings));
    const look = { now, paint: plain, program: 'gpuvm' };
    const lines = renderOverview(overviewOf('research', [], vms, accounts), look).join('\n');
    expect(lines.split('Problems\n')[1]).toBe(
      [
        '  gpuaccount/default',
        '    - InvalidCredentials: The provider refuses key or token.',
        '',
        'Next step',
        '  gpuvm account default',
      ].join('\n'),
    );
  });
});

test('where there is nothing it says how to begin', () => {
  const lines = renderOverview(overviewOf('research', [], []), { now, paint: plain, program: 'kubectl gpuvm' });
  expect(lines[0]).toBe('Nothing is rented in namespace research.');
  expect(lines.slice(2)).toEqual([
    'kubectl gpuvm status -A                      what there is in other namespaces',
    'kubectl gpuvm offers                         what can be had now',
    'kubectl apply -f deploy/samples/gpuvm.yaml   rents it',
  ]);
});

describe('a pool', () => {
  const pool: CustomObject = {
    metadata: { name: 'workers', namespace: 'research', uid: 'p', resourceVersion: '1', creationTimestamp: ago(3600) },
    spec: { replicas: 3, template: { spec } },
    status: {
      ...{ observedGeneration: 1, replicas: 2, readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1 },
      hourlyCost: '0.199',
      conditions: [condition('Available', 'False', 'MinimumReplicasUnavailable', '1 of 3 members is available.')],
    },
  };
  const members = [
    viewOf({ name: 'workers-1', status: running }),
    viewOf({ name: 'workers-2', status: notReady('NoOffer') }),
  ];

  test('is shown with what is wrong with the account of its members', () => {
    const reports = [reportOfVm(viewOf({ name: 'workers-1', status: running }), surroundings)];
    const quiet = { ...pool, status: { observedGeneration: 1, conditions: [] } };
    const accounts = [
      { kind: 'GpuAccount', name: 'default', problems: [{ what: 'BalanceLow: Recharge it.' }] },
    ] as const;
    const report = withAccounts(reportOfPool(quiet, reports, surroundings), surroundings, { accounts });
    const lines = renderPool(report, { now, paint: plain }).join('\n');
    expect(lines).toContain('Problems\n  - gpuaccount/default: BalanceLow: Recharge it.');
    expect(lines).toContain('Next step\n  gpuvm account default');
  });

  test('is shown with its members, their problems and its own', () => {
    const reports = members.map((view) => reportOfVm(view, surroundings));
    const lines = renderPool(reportOfPool(pool, reports, surroundings), { now, paint: plain });
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "GpuPool research/workers

      Summary
        Members:     1 ready of 3, 1 available, 2 up to date
        Price now:   $0.199 per hour, $145.27 per month
        Age:         1h

      Members
        NAME        KIND    READY   STATUS    GPU        LOCATION           $/H NOW   ADDRESS     AGE
        workers-1   GpuVm   True    Running   1x a4000   Winnipeg, Canada   $0.199    192.0.2.7   5m
        workers-2   GpuVm   False   NoOffer                                                       5m

      Conditions
        TYPE        STATUS   REASON                       SINCE   MESSAGE
        Available   False    MinimumReplicasUnavailable   1m30s   1 of 3 members is available.

      Problems
        - MinimumReplicasUnavailable: 1 of 3 members is available.
        - workers-2: NoOffer: A sentence.

      Next step
        gpuvm status gpuvm/workers-2"
    `);
  });
});
