import { gpuPoolType } from '../../../src/api/group.ts';
import { apiRequests, writesOf } from '../api-requests.ts';
import { atOnce, vmSpec } from '../crowd.ts';
import type { Figures } from '../report.ts';
import { Scene } from '../scene.ts';
import type { Scenario, Stage } from '../scenario.ts';

const membersEach = 20;

/** Many pools at once, as when a cluster is made anew from Git. */
export const pools: Scenario = {
  name: 'pools',
  what: '100 GpuPools of 20 at once',
  isForBaseline: false,
  play: async ({ bundle, directory, contender, scale }: Stage): Promise<Figures> => {
    await using scene = await Scene.set({ bundle, directory });
    const operator = await scene.start(contender, { 'poll-active': '1s' });
    const crowd = await scene.crowd();
    const count = Math.ceil(100 * scale);
    const before = await apiRequests(scene.cluster);
    const begun = performance.now();
    const names = Array.from({ length: count }, (_, index) => `pool-${index}`);
    const spec = { replicas: membersEach, template: { spec: vmSpec } };
    await atOnce(names, (name) =>
      scene.cluster.kube.create(gpuPoolType, {
        ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuPool', metadata: { namespace: scene.namespace, name } },
        spec,
      }),
    );
    const members = count * membersEach;
    await crowd.untilReady(members);
    const wall = (performance.now() - begun) / 1000;
    const api = await scene.requestsUntilQuiet(before);
    const { cpuSeconds, peakRssMB } = operator.usage();
    const { vms, requests } = await scene.provider.state();
    return {
      'all members Ready s': wall,
      'CPU s': cpuSeconds,
      'peak RSS MB': peakRssMB,
      'writes of the pool per pool': (writesOf(api, 'gpupools') - count) / count,
      'writes of the member per member': writesOf(api, 'gpuvms') / members,
      'VMs too many': vms.length - members,
      'deploy calls per member': (requests['client/deploy/single'] ?? 0) / members,
    };
  },
};
