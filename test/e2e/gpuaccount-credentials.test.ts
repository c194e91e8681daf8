import { afterAll, beforeAll, expect, test } from 'vitest';

import { gpuAccountType, gpuVmType } from '../../src/api/group.ts';
import { secretType } from '../../src/controllers/objects.ts';
import { pair, type Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';

/** Credentials that are wrong, gone and back, and an account that is deleted too early: nothing is lost, and nothing left behind. */

const quick = { bootDelayMs: 200, stopDelayMs: 200, deleteDelayMs: 200 };
const ref = (team: Organization) => ({ namespace: team.namespace, name: 'tensordock' });

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});

afterAll(() => stage.strike());

async function untilSaid(team: Organization, type: string, said: string): Promise<string> {
  const read = (): ReturnType<Organization['accountCondition']> => team.accountCondition(type);
  const condition = await until(
    `${type} is ${said}`,
    async () => {
      const now = await read();
      return `${now?.status ?? ''} ${now?.reason ?? ''}` === said ? now : undefined;
    },
    read,
  );
  return condition.message;
}

async function putIntoSecret(team: Organization, { api_key, api_token }: typeof pair): Promise<void> {
  const [key, token] = [api_key, api_token].map((text) => Buffer.from(text).toString('base64'));
  await stage.cluster.kube.mergePatch(secretType, ref(team), { data: { api_key: key, api_token: token } });
}

test('wrong credentials are said to be wrong, asked about no more often than lists are tried, and right ones count without a restart', async () => {
  const team = await stage.organization({ ...quick, credentials: { ...pair, api_token: 'mistyped' } });
  const vm = await stage.create(team, 'patient');
  expect(await untilSaid(team, 'CredentialsValid', 'False InvalidCredentials')).toContain(
    'correct the credentials Secret',
  );
  await vm.untilSaid('InvalidCredentials');
  await team.untilListed(3);
  const { requests } = await team.state();
  const asked = requests['auth/test'] ?? 0;
  expect(asked).toBeGreaterThanOrEqual(1);
  expect(asked).toBeLessThanOrEqual((requests['client/list'] ?? 0) + 1);
  expect(Object.keys(requests).sort()).toEqual(['auth/test', 'client/list']);
  await putIntoSecret(team, pair);
  await untilSaid(team, 'CredentialsValid', 'True CredentialsAccepted');
  await untilSaid(team, 'Ready', 'True Polling');
  await vm.untilReady();
});

test('while the Secret is gone VMs go on, and deletions wait, until it is back', async () => {
  const team = await stage.organization(quick);
  const [kept, unwanted] = await Promise.all([stage.create(team, 'kept'), stage.create(team, 'unwanted')]);
  const before = [await kept.untilReady(), await unwanted.untilReady()].map(({ vm }) => vm?.id);
  await stage.cluster.kube.delete(secretType, ref(team));
  expect(await untilSaid(team, 'Ready', 'False CredentialsSecretNotFound')).toContain('create it with the keys');
  await unwanted.askDelete();
  await unwanted.untilSaid('CredentialsSecretNotFound', 'Synced');
  await kept.untilSaid('CredentialsSecretNotFound', 'Synced');
  expect(await kept.condition('Ready')).toMatchObject({ status: 'True' });
  expect((await team.state()).vms.map(({ id }) => id).sort()).toEqual(before.sort());
  expect(await unwanted.object()).toBeDefined();
  await stage.cluster.createSecret(team.namespace, 'tensordock', { ...pair });
  await unwanted.untilGone();
  await kept.until('it is in order again', ({ conditions }) => {
    return conditions?.some(({ type, status }) => type === 'Synced' && status === 'True') === true;
  });
  expect((await kept.status()).vm?.id).toBe((await team.state()).vms[0]?.id);
  expect((await team.state()).vms).toHaveLength(1);
});

test('an account that is deleted is held back by the resources that use it, then by a VM that one has left behind', async () => {
  const team = await stage.organization(quick);
  const [first, second] = await Promise.all([stage.create(team, 'first'), stage.create(team, 'second')]);
  await first.untilReady();
  const { vm } = await second.untilReady();
  await team.deleteAccount();
  const users = await untilSaid(team, 'Ready', 'False AccountInUse');
  expect(users).toContain(
    `still used by GpuVm ${team.namespace}/first, GpuVm ${team.namespace}/second: delete them first`,
  );
  await first.delete();
  // Between the two an operator that is awake may put its finalizer on again.
  stage.operator.send('SIGSTOP');
  await stage.cluster.kube.mergePatch(gpuVmType, second, { metadata: { finalizers: null } });
  await stage.cluster.kube.delete(gpuVmType, second);
  stage.operator.send('SIGCONT');
  await until('the account names the VM that is left', async () => {
    return (await team.accountCondition('Ready'))?.message.includes(`go on billing: ${vm?.id ?? ''}. gpuvm unmanaged`);
  });
  expect((await team.state()).vms.map(({ id }) => id)).toEqual([vm?.id]);
  await team.call('client/delete/single', { server: vm?.id ?? '' });
  await until('the account is gone', async () => (await team.accountObject()) === undefined);
  expect(await stage.cluster.kube.get(gpuAccountType, { name: team.account })).toBeUndefined();
});
