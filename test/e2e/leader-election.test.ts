import { afterAll, beforeAll, expect, test } from 'vitest';

import type { KubeObject } from '../../src/kube/contract.ts';
import { leaseType } from '../../src/kube/lease.ts';
import { OperatorProcess, type OperatorFlags } from '../support/operator-process.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import type { VmHandle } from '../support/vm-handle.ts';

/** Two processes, one of which may act. */

const election: OperatorFlags = {
  'leader-elect': '',
  'leader-elect-resource-namespace': 'default',
  'leader-elect-lease-duration': '4s',
  'leader-elect-renew-deadline': '2s',
  'leader-elect-retry-period': '300ms',
};

/** A lease that runs out in no test: whoever leads after another one was given it. */
const longElection: OperatorFlags = {
  ...election,
  'leader-elect-lease-duration': '10m',
  'leader-elect-renew-deadline': '1m',
};

let stage: Stage;
let team: Organization;

beforeAll(async () => {
  stage = await Stage.set(election);
  team = await stage.organization();
});

afterAll(() => stage.strike());

async function deployCalls(): Promise<number> {
  return (await team.state()).requests['client/deploy/single'] ?? 0;
}

function deployCallsOf(operator: OperatorProcess): Promise<number> {
  return operator.metric('gpuvm_provider_requests_total', { endpoint: 'client/deploy/single' });
}

async function standby(flags = election): Promise<OperatorProcess> {
  const operator = new OperatorProcess(stage.cluster.kubeconfigPath, flags);
  stage.atEnd({ close: () => void operator.kill() });
  await operator.started;
  return operator;
}

/** By which name it leads; undefined: it never has. */
function leadsAs(operator: OperatorProcess): string | undefined {
  const line = operator.lines.findLast(({ message }) => message === 'leading');
  return line?.['identity'] as string | undefined;
}

function untilLeading(operator: OperatorProcess): Promise<string> {
  return until(
    'it leads',
    () => leadsAs(operator),
    () => operator.output.slice(-20),
  );
}

/** Empty: the lease was given back. */
async function holder(): Promise<string | undefined> {
  const ref = { namespace: 'default', name: 'gpuvm-operator' };
  const lease = await stage.cluster.kube.get<KubeObject & { spec?: { holderIdentity?: string } }>(leaseType, ref);
  return lease?.spec?.holderIdentity;
}

/** Whoever led: each was deployed once, of the calls after so many others, and nothing is left of them. */
async function expectOneOfEach(vms: readonly VmHandle[], callsBefore: number): Promise<void> {
  for (const vm of vms) await vm.delete();
  const { vms: left, duplicateNames } = await team.state();
  const deployed = (await deployCalls()) - callsBefore;
  expect({ left, duplicateNames, deployed }).toEqual({ left: [], duplicateNames: 0, deployed: vms.length });
}

test('the one that waits calls nobody, takes over from a leader that freezes, and is not disturbed when that wakes up', async () => {
  const first = await stage.create(team, 'first');
  await first.untilReady();
  const second = await standby();
  expect(await second.metric('gpuvm_provider_requests_total')).toBe(0);

  stage.operator.send('SIGSTOP');
  const meanwhile = await stage.create(team, 'meanwhile');
  await meanwhile.untilReady();
  expect(await deployCallsOf(second)).toBe(1);
  stage.operator.send('SIGCONT');
  expect(await stage.operator.ended).toEqual({ code: 1, signal: null });
  expect(stage.operator.output.join('\n')).toContain('no longer leading');

  // The one that was deposed starts again, as its pod would, and waits in its turn.
  await stage.restartOperator();
  await second.kill();
  const afterwards = await stage.create(team, 'afterwards');
  await afterwards.untilReady();
  await expectOneOfEach([first, meanwhile, afterwards], 0);
});

test('the one that waits leads once the lease of a leader that was killed has run out, and looks after what that has left', async () => {
  const killed = await untilLeading(stage.operator);
  const before = await deployCalls();
  const left = await stage.create(team, 'left');
  const { vm } = await left.untilReady();
  const second = await standby();
  expect(await holder()).toBe(killed);
  await stage.operator.kill();

  const next = await stage.create(team, 'next');
  await next.untilReady();
  expect(await holder()).toBe(leadsAs(second));
  expect(await deployCallsOf(second)).toBe(1);
  expect((await left.untilReady()).vm?.id).toBe(vm?.id);
  await expectOneOfEach([left, next], before);

  await second.stop();
  await stage.restartOperator();
});

test('a leader that is told to stop gives the lease back, and the one that waits leads long before it would have run out', async () => {
  const first = await standby(longElection);
  await stage.operator.stop();
  await untilLeading(first);
  const before = await deployCalls();
  const left = await stage.create(team, 'handed-over');
  const { vm } = await left.untilReady();
  const second = await standby(longElection);

  first.send('SIGTERM');
  expect(await first.ended).toEqual({ code: 0, signal: null });
  expect(await holder()).not.toBe(leadsAs(first));
  const successor = await untilLeading(second);
  expect(await holder()).toBe(successor);
  const next = await stage.create(team, 'successor');
  await next.untilReady();
  expect(await deployCallsOf(second)).toBe(1);
  expect((await left.untilReady()).vm?.id).toBe(vm?.id);
  await expectOneOfEach([left, next], before);

  await second.stop();
  await stage.restartOperator();
});
