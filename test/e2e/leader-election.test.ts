import { afterAll, beforeAll, expect, test } from 'vitest';

import { OperatorProcess, type OperatorFlags } from '../support/operator-process.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';

/** Two processes, one of which may act. */

const election: OperatorFlags = {
  'leader-elect': '',
  'leader-elect-resource-namespace': 'default',
  'leader-elect-lease-duration': '4s',
  'leader-elect-renew-deadline': '2s',
  'leader-elect-retry-period': '300ms',
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

async function standby(): Promise<OperatorProcess> {
  const operator = new OperatorProcess(stage.cluster.kubeconfigPath, election);
  stage.atEnd({ close: () => void operator.kill() });
  await operator.started;
  return operator;
}

test('the one that waits calls nobody, takes over from a leader that freezes, and is not disturbed when that wakes up', async () => {
  const first = await stage.create(team, 'first');
  await first.untilReady();
  const second = await standby();
  expect(await second.metric('gpuvm_provider_requests_total')).toBe(0);

  stage.operator.send('SIGSTOP');
  const meanwhile = await stage.create(team, 'meanwhile');
  await meanwhile.untilReady();
  expect(await second.metric('gpuvm_provider_requests_total', { endpoint: 'client/deploy/single' })).toBe(1);
  stage.operator.send('SIGCONT');
  expect(await stage.operator.ended).toEqual({ code: 1, signal: null });
  expect(stage.operator.output.join('\n')).toContain('no longer leading');

  // The one that was deposed starts again, as its pod would, and waits in its turn.
  await stage.restartOperator();
  await second.kill();
  const afterwards = await stage.create(team, 'afterwards');
  await afterwards.untilReady();
  for (const vm of [first, meanwhile, afterwards]) await vm.delete();
  const { vms, duplicateNames } = await team.state();
  expect({ vms, duplicateNames, deployed: await deployCalls() }).toEqual({ vms: [], duplicateNames: 0, deployed: 3 });
});
