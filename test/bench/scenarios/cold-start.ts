import { setTimeout as pause } from 'node:timers/promises';

import type { Measured } from '../measured.ts';
import { operatorMetrics } from '../operator-metrics.ts';
import type { Figures } from '../report.ts';
import { Scene } from '../scene.ts';
import type { Scenario, Stage } from '../scenario.ts';

/** An account and nothing else; the second process has to be elected, as those of the chart are. */
export const coldStart: Scenario = {
  name: 'cold start',
  what: 'an account without resources: from the start of the process to the first reconcile',
  isForBaseline: false,
  play: async ({ bundle, directory, contender }: Stage) => {
    await using scene = await Scene.set({ bundle, directory });
    const alone = scene.spawn(contender);
    const first = await untilReconciled(alone, 1);
    await alone.end();
    const elected = scene.spawn(contender, {
      'leader-elect': '',
      'leader-elect-resource-namespace': scene.namespace,
    });
    return {
      'first reconcile s': first,
      'first reconcile, after an election s': await untilReconciled(elected, 1),
      'peak RSS MB': elected.usage().peakRssMB,
    };
  },
};

/** Of a process that has just been started where so many GpuVms run. */
export async function measureColdStart(scene: Scene, operator: Measured, count: number): Promise<Figures> {
  const before = (await scene.provider.state()).requests;
  await operator.ready;
  const storesComplete = secondsSince(operator.startedAt);
  const allReconciled = await untilReconciled(operator, count, 'gpuvm');
  const { requests } = await scene.provider.state();
  const calls = (endpoint: string): number => (requests[endpoint] ?? 0) - (before[endpoint] ?? 0);
  const [lists, inventories] = [calls('client/list'), calls('client/deploy/hostnodes')];
  const all = Object.keys(requests).reduce((sum, endpoint) => sum + calls(endpoint), 0);
  return {
    'stores complete s': storesComplete,
    'all reconciled s': allReconciled,
    'cold start CPU s': operator.usage().cpuSeconds,
    'cold start lists': lists,
    'cold start inventories': inventories,
    'cold start other calls': all - lists - inventories,
  };
}

/** Seconds from the start of the process until so many reconciles have ended, of all controllers or of one. */
async function untilReconciled(operator: Measured, count: number, controller?: string): Promise<number> {
  const telemetry = await operator.ready;
  const labels = controller === undefined ? {} : { controller };
  const reconciled = async (): Promise<number> =>
    (await operatorMetrics(telemetry)).value('controller_runtime_reconcile_total', labels);
  while ((await reconciled()) < count) await pause(count === 1 ? 10 : 100);
  return secondsSince(operator.startedAt);
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1000;
}
