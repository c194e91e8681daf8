import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { gpuAccountType } from '../../src/api/group.ts';
import { namespaceType, secretType, type SecretObject } from '../../src/controllers/objects.ts';
import { ControllerManager, obtainingMs } from '../support/controller-manager.ts';
import { pair, type Organization } from '../support/organization.ts';
import type { PoolHandle } from '../support/pool-handle.ts';
import { Stage, type Team } from '../support/stage.ts';
import { until } from '../support/until.ts';
import { VmHandle } from '../support/vm-handle.ts';

/**
 * Deletions in a whole cluster, where kube-controller-manager collects what had an owner and empties namespaces. Everywhere
 * else it does not run, and everything has to go without it.
 */

let stage: Stage;
let manager: ControllerManager;
let organization: Organization;

beforeAll(async () => {
  stage = await Stage.set();
  manager = await ControllerManager.start(stage.cluster.kubeconfigPath);
  organization = await stage.organization({ deleteDelayMs: 300, hosts: 20 });
}, obtainingMs);

afterEach(({ task }) => {
  if (task.result?.state === 'fail') process.stderr.write(manager.output);
});

afterAll(async () => {
  try {
    await stage.strike();
  } finally {
    await manager.stop();
  }
});

/** There is not always enough of one model for a pool. */
const manyModels = { gpu: { models: ['v100-pcie-16gb', 'rtxa4000-pcie-16gb', 'rtxa5000-pcie-24gb'] } };

/** Tenants of one account, whose credentials stay when a tenant goes. */
async function newTenant(): Promise<Team> {
  return { namespace: await stage.cluster.createNamespace('tenant'), account: organization.account };
}

/** `kubectl delete --cascade=…`, without waiting. */
async function deleteWith(
  { namespace, type, name }: VmHandle | PoolHandle,
  propagationPolicy: 'Foreground' | 'Orphan' | 'Background',
): Promise<void> {
  const path = `/apis/gpuvm.dev/v1alpha1/namespaces/${namespace}/${type.plural}/${name}`;
  const headers = { 'content-type': 'application/json' };
  await stage.cluster.raw(path, { method: 'DELETE', headers, body: JSON.stringify({ propagationPolicy }) });
}

function connectionOf(vm: VmHandle): Promise<SecretObject | undefined> {
  return stage.cluster.kube.get<SecretObject>(secretType, {
    namespace: vm.namespace,
    name: `${vm.name}-connection`,
  });
}

async function vmIds(): Promise<string[]> {
  return (await organization.state()).vms.map(({ id }) => id);
}

describe('a GpuVm that is deleted', () => {
  let team: Team;

  beforeAll(async () => {
    team = await newTenant();
  });

  test('goes after its VM, and its connection Secret goes after it', async () => {
    const vm = await stage.create(team, 'in-background');
    await vm.untilReady();
    expect(await connectionOf(vm)).toBeDefined();
    await deleteWith(vm, 'Background');
    await vm.untilGone();
    expect(await vmIds()).toEqual([]);
    await until('its Secret is gone', async () => (await connectionOf(vm)) === undefined);
  });

  test('by --cascade=foreground goes after its connection Secret, which nobody makes again, and after its VM', async () => {
    const vm = await stage.create(team, 'in-foreground');
    await vm.untilReady();
    await deleteWith(vm, 'Foreground');
    await vm.untilGone();
    expect(await connectionOf(vm)).toBeUndefined();
    expect(await vmIds()).toEqual([]);
  });

  test('by --cascade=orphan leaves its connection Secret, but no VM: that is no object of the cluster', async () => {
    const vm = await stage.create(team, 'orphaned');
    await vm.untilReady();
    await deleteWith(vm, 'Orphan');
    await vm.untilGone();
    expect(await vmIds()).toEqual([]);
    const left = await connectionOf(vm);
    expect(left).toBeDefined();
    expect(left?.metadata.ownerReferences).toBeUndefined();

    const next = await stage.create(team, 'orphaned');
    expect(await next.untilSaid('SecretConflict')).toContain('orphaned-connection');
    expect(await vmIds()).toEqual([]);
    await stage.cluster.kube.delete(secretType, { namespace: vm.namespace, name: 'orphaned-connection' });
    await next.untilReady();
    await next.delete();
  });
});

describe('a GpuPool that is deleted', () => {
  let team: Team;

  beforeAll(async () => {
    team = await newTenant();
  });

  async function secretsOf(name: string): Promise<string[]> {
    const { items } = await stage.cluster.kube.list(secretType, { namespace: team.namespace });
    return items.map(({ metadata }) => metadata.name).filter((one) => one.startsWith(name));
  }

  test.each(['Background', 'Foreground'] as const)('takes its members, VMs and Secrets with it: %s', async (policy) => {
    const pool = await stage.createPool(team, policy.toLowerCase(), { replicas: 3 }, manyModels);
    await pool.untilReady(3);
    expect(await secretsOf(pool.name)).toHaveLength(3);
    await deleteWith(pool, policy);
    await pool.untilGone();
    expect(await pool.members()).toEqual([]);
    expect(await vmIds()).toEqual([]);
    await until('their Secrets are gone', async () => (await secretsOf(pool.name)).length === 0);
  });

  test('takes members with it that are still being made', async () => {
    const pool = await stage.createPool(team, 'hasty', { replicas: 5 });
    await until('the first member is there', async () => (await pool.members()).length > 0);
    await deleteWith(pool, 'Foreground');
    await pool.untilGone();
    expect(await pool.members()).toEqual([]);
    expect(await vmIds()).toEqual([]);
  });

  test('by --cascade=orphan leaves its members running, each of which is its own from then on', async () => {
    const pool = await stage.createPool(team, 'left', { replicas: 2 }, manyModels);
    await pool.untilReady(2);
    const before = await vmIds();
    await deleteWith(pool, 'Orphan');
    await pool.untilGone();
    expect((await vmIds()).sort()).toEqual(before.sort());
    for (const name of ['left-0', 'left-1']) {
      const member = new VmHandle(stage.cluster, team.namespace, name);
      expect((await member.object())?.metadata.ownerReferences ?? []).toEqual([]);
      await member.untilReady();
      await member.delete();
    }
    expect(await vmIds()).toEqual([]);
  });
});

describe('a namespace that is deleted', () => {
  async function expectGone(namespace: string): Promise<void> {
    await until(
      `the namespace ${namespace} is gone`,
      async () => (await stage.cluster.kube.get(namespaceType, { name: namespace })) === undefined,
      () => stage.cluster.kube.get(namespaceType, { name: namespace }),
    );
  }

  /** So that nothing of it is deleted in time for what it needs. */
  async function deleteWhileOperatorIsAway(namespace: string): Promise<void> {
    await stage.operator.kill();
    await stage.cluster.kube.delete(namespaceType, { name: namespace });
    await until('the Secrets in it are gone', async () => {
      const { items } = await stage.cluster.kube.list(secretType, { namespace });
      return items.length === 0;
    });
  }

  /** VMs that run, are stopped, and wait for a host, a pool, and all that their specs refer to. */
  async function settle(): Promise<Team> {
    const team = await newTenant();
    const key = `ssh-ed25519 ${'A'.repeat(68)} me@home`;
    await stage.cluster.createSecret(team.namespace, 'key', { 'ssh-publickey': key });
    await stage.cluster.createConfigMap(team.namespace, 'setup', { script: '#!/bin/sh\ntrue\n' });
    const refs = {
      access: { sshKeySecretRef: { name: 'key', key: 'ssh-publickey' } },
      cloudInit: { configMapRef: { name: 'setup', key: 'script' } },
    };
    const running = await stage.create(team, 'running', refs);
    const stopped = await stage.create(team, 'stopped', { powerState: 'Stopped' });
    const spot = await stage.createSpot(team, 'spot');
    const waiting = await stage.create(team, 'waiting', { maxHourlyPrice: '0.01' });
    const pool = await stage.createPool(team, 'pool', { replicas: 2 }, manyModels);
    await running.untilReady();
    await spot.untilReady();
    await stopped.untilSaid('Stopped');
    await waiting.untilSaid('OverPriceCap');
    await pool.untilReady(2);
    return team;
  }

  test('leaves nothing at the provider, and goes', async () => {
    const { namespace } = await settle();
    const team = { namespace, account: organization.account };
    await stage.create(team, 'just-made');
    await stage.createPool(team, 'just-made', { replicas: 3 });
    await stage.cluster.kube.delete(namespaceType, { name: namespace });
    await expectGone(namespace);
    expect((await organization.state()).vms.filter(({ name }) => name.startsWith('gpuvm-'))).toEqual([]);
    expect(stage.operator.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('waits for an operator that is away, which needs nothing that is gone with it', async () => {
    const { namespace } = await settle();
    await deleteWhileOperatorIsAway(namespace);
    expect(await vmIds()).not.toEqual([]);
    await stage.restartOperator();
    await expectGone(namespace);
    expect(await vmIds()).toEqual([]);
  });

  test('with the credentials of the account in it says so, and goes once the account names others', async () => {
    const own = await stage.organization({ deleteDelayMs: 300 });
    const vm = await stage.create(own, 'trainer');
    await vm.untilReady();
    await deleteWhileOperatorIsAway(own.namespace);
    await stage.restartOperator();
    expect(await vm.untilSaid('CredentialsSecretNotFound', 'Synced')).toContain('tensordock');
    expect((await own.state()).vms).toHaveLength(1);

    const namespace = await stage.cluster.createNamespace('platform');
    await stage.cluster.createSecret(namespace, 'tensordock', { ...pair });
    const spec = { credentialsSecretRef: { namespace, name: 'tensordock' } };
    await stage.cluster.kube.mergePatch(gpuAccountType, { name: own.account }, { spec });
    await expectGone(own.namespace);
    expect((await own.state()).vms).toEqual([]);
  });
});
