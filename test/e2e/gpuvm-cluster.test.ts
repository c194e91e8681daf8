import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { gpuVmType } from '../../src/api/group.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import type { ResourceType } from '../../src/kube/contract.ts';
import { CallWatch } from '../support/call-watch.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import type { GpuVm } from '../support/vm-handle.ts';

/** Trouble on the side of the cluster: an API server that is away, a damaged status, an account that is to go. */

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});

afterAll(() => stage.strike());

const crdType: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};
const crd = { name: 'gpuvms.gpuvm.dev' };

interface Schema {
  readonly properties?: Readonly<Record<string, object>>;
}

/** From now on the CRD knows of another status, as in a release before, until the test ends or what is returned is called. */
async function changeStatusSchema(change: (status: Schema) => Schema): Promise<() => Promise<void>> {
  const { kube } = stage.cluster;
  const { versions } = (await kube.get<CustomObject>(crdType, crd))?.spec as {
    versions: { schema: { openAPIV3Schema: { properties: { status: Schema } } } }[];
  };
  const changed = structuredClone(versions);
  for (const { schema } of changed) {
    const { properties } = schema.openAPIV3Schema;
    properties.status = change(properties.status);
  }
  await kube.mergePatch(crdType, crd, { spec: { versions: changed } });
  const restore = async (): Promise<void> => {
    await kube.mergePatch(crdType, crd, { spec: { versions } });
  };
  onTestFinished(restore);
  return restore;
}

const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as Schema;

const refusedLaunch = {
  ...{ attempt: 1, name: 'refused', hostnode: 'host', gpuModel: 'gpu', quotedHourlyPrice: '1', failures: 1 },
  ...{ intentAt: '2026-01-01T00:00:00.000Z', outcome: 'Refused' },
};

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
    const watch = new CallWatch();
    stage.atEnd(watch);
    const team = await stage.organization({ endpoint: (url) => watch.standBefore(url) });
    const call = watch.catch('after');
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
  test('is left alone with its VM and told so, and harms nobody else; repaired, it goes on', async () => {
    const { kube } = stage.cluster;
    const team = await stage.organization();
    const vm = await stage.create(team, 'damaged');
    const { vm: recorded } = await vm.untilReady();
    stage.excuseStatusOf(vm);
    // Without a schema for the status, as it may have been in a release before.
    await changeStatusSchema(() => anything);
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

describe('a CRD that is older than the operator', () => {
  test('and drops the journal lets no deploy call leave, and the resource says what to do', async () => {
    const { kube } = stage.cluster;
    const team = await stage.organization();
    const witness = await stage.create(team, 'witness', { powerState: 'Stopped' });
    await witness.untilSaid('Stopped');
    stage.excuseStatusOf(witness);
    const restore = await changeStatusSchema(({ properties, ...schema }) => {
      const known = Object.entries(properties ?? {}).filter(([name]) => name !== 'launch');
      return { ...schema, properties: Object.fromEntries(known) };
    });
    // The new schema takes a moment to arrive.
    await until('the API server drops the field', async () => {
      const status = { launch: refusedLaunch, lastHandledReconcileAt: String(Math.random()) };
      const written = await kube.mergePatch<GpuVm>(gpuVmType, witness, { status }, 'status');
      return written.status?.launch === undefined;
    });
    const calls = (await team.state()).requests['client/deploy/single'] ?? 0;

    const vm = await stage.create(team, 'trainer');
    expect(await vm.untilSaid('CrdOutdated')).toContain('apply the CRDs');
    expect(await vm.condition('Synced')).toMatchObject({ status: 'False', reason: 'CrdOutdated' });
    expect((await team.state()).requests['client/deploy/single'] ?? 0).toBe(calls);

    await restore();
    await vm.untilReady();
    expect((await team.state()).requests['client/deploy/single']).toBe(calls + 1);
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
    expect(ready.message).toContain(`GpuVm ${team.namespace}/tenant`);

    await vm.patchSpec({ powerState: 'Stopped' });
    await vm.untilSaid('Stopped');
    await vm.delete();
    await until('the account is gone', async () => (await team.accountObject()) === undefined);
    expect((await team.state()).vms).toEqual([]);
  });
});
