import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { gpuVmType } from '../../src/api/group.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import type { ResourceType } from '../../src/kube/contract.ts';
import { DeployWatch } from '../support/deploy-watch.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';

/** Trouble on the side of the cluster: an API server that is away, a damaged status, an account that is to go. */

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});

afterAll(() => stage.strike());

describe('while the API server cannot be reached', () => {
  test('the operator lives on, and catches up with the cluster and the provider afterwards', async () => {
    const team = await stage.organization();
    const models = ['geforcertx4090-pcie-24gb', 'v100-pcie-16gb'];
    const [stopped, lost, deleted] = await Promise.all([
      stage.create(team, 'stopped'),
      stage.create(team, 'lost', { gpu: { models } }),
      stage.create(team, 'deleted'),
    ]);
    const ids = await Promise.all([stopped, lost, deleted].map(async (vm) => (await vm.untilReady()).vm?.id ?? ''));
    const { pid } = stage.operator;

    await stage.wire.cut();
    await stopped.patchSpec({ powerState: 'Stopped' });
    await deleted.askDelete();
    const born = await stage.create(team, 'born');
    await team.changeVm(ids[1] ?? '', { remove: true });
    await team.untilListed(3);
    expect((await team.state()).requests['client/deploy/single']).toBe(3);
    await stage.wire.mend();

    await stopped.untilSaid('Stopped');
    await deleted.untilGone();
    await born.untilReady();
    await lost.until('it has another VM', ({ vm, phase }) => phase === 'Running' && vm?.id !== ids[1]);
    expect(stage.operator.pid).toBe(pid);
    expect((await team.state()).vms).toHaveLength(3);
  });

  test('a deploy call that was under way is recorded once it can be, and not made again', async () => {
    const watch = new DeployWatch();
    stage.atEnd(watch);
    const team = await stage.organization({ endpoint: (url) => watch.standBefore(url) });
    const call = watch.catch('afterDeploy');
    const vm = await stage.create(team, 'unwritten');
    await call.reached;
    await stage.wire.cut();
    call.letGo();
    await team.untilListed(2);
    expect((await vm.status()).vm).toBeUndefined();
    await stage.wire.mend();
    const { vm: recorded } = await vm.untilReady();
    expect((await team.state()).vms.map(({ id }) => id)).toEqual([recorded?.id]);
    expect((await team.state()).requests['client/deploy/single']).toBe(1);
  });
});

describe('a resource whose stored status is damaged', () => {
  const crdType: ResourceType = {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    plural: 'customresourcedefinitions',
    kind: 'CustomResourceDefinition',
    namespaced: false,
  };
  const crd = { name: 'gpuvms.gpuvm.dev' };

  /** Without its schema for the status, as it may have been in a release before. Gives the way back. */
  async function loosenCrd(): Promise<() => Promise<void>> {
    const { kube } = stage.cluster;
    const { versions } = (await kube.get<CustomObject>(crdType, crd))?.spec as { versions: object[] };
    const loose = structuredClone(versions) as Crd['versions'];
    for (const { schema } of loose) {
      schema.openAPIV3Schema.properties['status'] = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    }
    await kube.mergePatch(crdType, crd, { spec: { versions: loose } });
    return async () => {
      await kube.mergePatch(crdType, crd, { spec: { versions } });
    };
  }

  interface Crd {
    readonly versions: { schema: { openAPIV3Schema: { properties: Record<string, object> } } }[];
  }

  test('is left alone with its VM and told so, and harms nobody else; repaired, it goes on', async () => {
    const { kube } = stage.cluster;
    const team = await stage.organization();
    const vm = await stage.create(team, 'damaged');
    const { vm: recorded } = await vm.untilReady();
    stage.excuseStatusOf(vm);
    onTestFinished(await loosenCrd());
    // The new schema takes a moment to arrive.
    await until('the API server takes it', async () => {
      await kube.mergePatch(gpuVmType, vm, { status: { vm: { id: 5 } } }, 'status');
      return true;
    });
    expect(await vm.untilSaid('InvalidSpec')).toMatch(/The status is damaged \(vm\.id: /);

    const other = await stage.create(team, 'other');
    await other.untilReady();
    await other.delete();
    expect((await team.state()).vms).toMatchObject([{ id: recorded?.id, status: 'Running' }]);

    await kube.mergePatch(gpuVmType, vm, { status: { vm: { id: recorded?.id } } }, 'status');
    expect((await vm.untilReady()).vm).toEqual(recorded);
  });
});

describe('an account that is to be deleted', () => {
  test('is held while a VM uses it, says which, and goes after the last one', async () => {
    const team = await stage.organization();
    const vm = await stage.create(team, 'tenant');
    await vm.untilReady();
    await team.deleteAccount();
    const ready = await until('the account says so', async () => {
      const condition = await team.accountCondition('Ready');
      return condition?.reason === 'AccountInUse' ? condition : undefined;
    });
    expect(ready.message).toContain(`${team.namespace}/tenant`);

    await vm.patchSpec({ powerState: 'Stopped' });
    await vm.untilSaid('Stopped');
    await vm.delete();
    await until('the account is gone', async () => (await team.accountObject()) === undefined);
    expect((await team.state()).vms).toEqual([]);
  });
});
