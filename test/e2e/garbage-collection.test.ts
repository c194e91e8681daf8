import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { namespaceType, secretType, type SecretObject } from '../../src/controllers/objects.ts';
import { ControllerManager, obtainingMs } from '../support/controller-manager.ts';
import type { Organization } from '../support/organization.ts';
import { Stage, type Team } from '../support/stage.ts';
import { until } from '../support/until.ts';
import type { VmHandle } from '../support/vm-handle.ts';

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
  organization = await stage.organization({ deleteDelayMs: 300 });
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

/** Tenants of one account, whose credentials stay when a tenant goes. */
async function newTenant(): Promise<Team> {
  return { namespace: await stage.cluster.createNamespace('tenant'), account: organization.account };
}

/** `kubectl delete --cascade=…`, without waiting. */
async function deleteWith(vm: VmHandle, propagationPolicy: 'Foreground' | 'Orphan' | 'Background'): Promise<void> {
  const path = `/apis/gpuvm.dev/v1alpha1/namespaces/${vm.namespace}/${vm.type.plural}/${vm.name}`;
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

describe('a namespace that is deleted', () => {
  async function expectGone(namespace: string): Promise<void> {
    await until(
      `the namespace ${namespace} is gone`,
      async () => (await stage.cluster.kube.get(namespaceType, { name: namespace })) === undefined,
      () => stage.cluster.kube.get(namespaceType, { name: namespace }),
    );
  }

  /** VMs that run, are stopped, are being deployed, and wait for a host, and all that their specs refer to. */
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
    await running.untilReady();
    await spot.untilReady();
    await stopped.untilSaid('Stopped');
    await waiting.untilSaid('OverPriceCap');
    return team;
  }

  test('leaves nothing at the provider, and goes', async () => {
    const { namespace } = await settle();
    await stage.create({ namespace, account: organization.account }, 'just-made');
    await stage.cluster.kube.delete(namespaceType, { name: namespace });
    await expectGone(namespace);
    expect((await organization.state()).vms.filter(({ name }) => name.startsWith('gpuvm-'))).toEqual([]);
  });

  test('waits for an operator that is away, which needs nothing that is gone with it', async () => {
    const { namespace } = await settle();
    await stage.operator.kill();
    await stage.cluster.kube.delete(namespaceType, { name: namespace });
    await until('the Secrets in it are gone', async () => {
      const { items } = await stage.cluster.kube.list(secretType, { namespace });
      return items.length === 0;
    });
    expect(await vmIds()).not.toEqual([]);
    await stage.restartOperator();
    await expectGone(namespace);
    expect(await vmIds()).toEqual([]);
  });
});
