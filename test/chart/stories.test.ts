import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ensureHelm } from '../../hack/control-plane/binaries.ts';
import { startControlPlane } from '../../hack/control-plane/start.ts';
import { AnyObjects } from '../support/any-object.ts';
import { chartHouse, installedRules, release } from '../support/chart-house.ts';
import { Cluster } from '../support/cluster.ts';
import { obtainingMs } from '../support/controller-manager.ts';
import { grantsOf, inVain, inWords, isGranted, type Grant } from '../support/grants.ts';
import type { Manifest } from '../support/helm.ts';
import { playIn } from '../support/stage.ts';
import { Witness, type Deed } from '../support/witness.ts';

/**
 * The stories of test/e2e, with the operator that the chart installs: what a kubelet would start for its Deployment, with the
 * token of its ServiceAccount. An authorizer that has no opinion remembers what the API servers were asked meanwhile.
 */

const witness = await Witness.call();
playIn(chartHouse(witness));

// Each story installs the chart, within the time that hooks have.
beforeAll(() => ensureHelm(), obtainingMs);
afterAll(() => witness.leave());

describe('a GpuVm', async () => {
  await import('../e2e/gpuvm-life.test.ts');
});
describe('what a GpuVm is given', async () => {
  await import('../e2e/gpuvm-input.test.ts');
});
describe('a SpotVm', async () => {
  await import('../e2e/spotvm-life.test.ts');
});
describe('a GpuPool', async () => {
  await import('../e2e/gpupool-life.test.ts');
});
describe('a schedule, and an expiry', async () => {
  await import('../e2e/gpuvm-clock.test.ts');
});
describe('a Service', async () => {
  await import('../e2e/service.test.ts');
});
describe('a VM that nobody owns', async () => {
  await import('../e2e/unmanaged.test.ts');
});
describe('a budget', async () => {
  await import('../e2e/gpubudget.test.ts');
});

describe('the rights of the operator', () => {
  let grants: readonly Grant[];
  let deeds: readonly Deed[];

  beforeAll(async () => {
    grants = grantsOf(await installedRules());
    // Before it asks about one kind, the admission plugin asks about all of them; nobody needs that right.
    deeds = witness
      .deedsOf(`system:serviceaccount:${release.namespace}:${release.name}`)
      .filter(({ resource }) => resource !== '*/finalizers');
  });

  test('suffice for all that it has wanted to do in these stories', () => {
    expect([...new Set(deeds.filter((deed) => !isGranted(deed, grants)).map(inWords))]).toEqual([]);
  });

  test('are all needed: each verb on each resource was asked for', () => {
    expect(inVain(grants, deeds)).toEqual([]);
    expect(inVain([...grants, { verb: 'list', group: '', resource: 'pods', name: undefined }], deeds)).toEqual([
      'list pods',
    ]);
  });

  test('reach into one namespace where no more is needed', () => {
    const leases = deeds.filter(({ resource }) => resource === 'leases');
    expect(new Set(leases.map(({ namespace }) => namespace))).toEqual(new Set([release.namespace]));
  });

  describe('less any one of them', () => {
    let cluster: Cluster;

    beforeAll(async () => {
      cluster = Cluster.on(await startControlPlane({}));
    });
    afterAll(() => cluster.stop());

    test('do not allow something that was done in these stories, by the judgement of an API server', async () => {
      await bind(cluster, 'all', grants);
      for (const [index, grant] of grants.entries()) {
        const needed = deeds.find((deed) => isGranted(deed, [grant]));
        if (needed === undefined) throw new Error(`nobody needs ${inWords(grant)}`);
        const user = `without-${index}`;
        await bind(cluster, user, grants.toSpliced(index, 1));
        const judgements = { with: await mayDo(cluster, 'all', needed), without: await mayDo(cluster, user, needed) };
        expect({ [inWords(grant)]: judgements }).toEqual({ [inWords(grant)]: { with: true, without: false } });
      }
    });
  });
});

const apiGroup = 'rbac.authorization.k8s.io';

async function bind(cluster: Cluster, user: string, grants: readonly Grant[]): Promise<void> {
  const objects = new AnyObjects(cluster);
  const common = { apiVersion: `${apiGroup}/v1`, metadata: { name: user } };
  const rules = grants.map(({ verb, group, resource, name }) => ({
    ...{ verbs: [verb], apiGroups: [group], resources: [resource] },
    ...(name === undefined ? {} : { resourceNames: [name] }),
  }));
  await objects.apply({ ...common, kind: 'ClusterRole', rules } as unknown as Manifest);
  await objects.apply({
    ...{ ...common, kind: 'ClusterRoleBinding' },
    roleRef: { apiGroup, kind: 'ClusterRole', name: user },
    subjects: [{ apiGroup, kind: 'User', name: user }],
  } as unknown as Manifest);
}

async function mayDo(cluster: Cluster, user: string, deed: Deed): Promise<boolean> {
  const [resource, subresource] = deed.resource.split('/');
  const answer = await cluster.raw('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' },
      spec: { user, resourceAttributes: { ...deed, resource, subresource } },
    }),
  });
  return (JSON.parse(answer) as { status: { allowed: boolean } }).status.allowed;
}
