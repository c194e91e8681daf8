import { gpuBudgetType } from '../../../src/api/group.ts';
import { apiRequests, writesOf } from '../api-requests.ts';
import type { Measured } from '../measured.ts';
import type { Figures } from '../report.ts';
import { Scene } from '../scene.ts';
import type { Scenario, Stage } from '../scenario.ts';

/** Limits of every kind, each with what has to be added up: the number of VMs is the one that is met. */
export const budgets: Scenario = {
  name: 'budgets',
  what: '1,000 GpuVms at once where a GpuBudget has room for half of them, which are then deleted',
  isForBaseline: false,
  play: async ({ bundle, directory, contender, scale }: Stage): Promise<Figures> => {
    const half = Math.ceil(500 * scale);
    const limits = { maxVms: 4 * half, maxHourlyCost: '100000', minRunway: '1h' };
    await using scene = await Scene.set({ bundle, directory, limits });
    await scene.cluster.kube.create(gpuBudgetType, {
      ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuBudget' },
      metadata: { namespace: scene.namespace, name: 'team' },
      spec: { hard: { vms: half, gpus: 2 * half, hourlyCost: '100000', dailyCost: '100000', monthlyCost: '100000' } },
    });
    const operator = await scene.start(contender, { 'poll-active': '1s' });
    const crowd = await scene.crowd();
    const first = await during(scene, operator, () => Promise.all([crowd.create(2 * half), crowd.untilReady(half)]));
    const { ready } = crowd;
    const second = await during(scene, operator, () => Promise.all([crowd.delete(ready), crowd.untilReady(2 * half)]));
    const { vms, duplicateNames } = await scene.provider.state();
    return {
      'first half Ready s': first.seconds,
      'first half CPU s': first.cpuSeconds,
      'first half writes of objects': first.writes - 2 * half,
      'second half Ready s': second.seconds,
      'second half CPU s': second.cpuSeconds,
      'second half writes of objects': second.writes - half,
      'peak RSS MB': operator.usage().peakRssMB,
      'VMs too many': vms.length - half + duplicateNames,
    };
  },
};

interface Took {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Of GpuVms, by whomever. */
  readonly writes: number;
}

async function during(scene: Scene, operator: Measured, act: () => Promise<unknown>): Promise<Took> {
  const before = { api: await apiRequests(scene.cluster), cpu: operator.usage().cpuSeconds };
  const begun = performance.now();
  await act();
  const seconds = (performance.now() - begun) / 1000;
  const api = await scene.requestsUntilQuiet(before.api);
  return { seconds, cpuSeconds: operator.usage().cpuSeconds - before.cpu, writes: writesOf(api, 'gpuvms') };
}
