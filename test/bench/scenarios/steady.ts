import { setTimeout as pause } from 'node:timers/promises';

import { apiRequests, requestsSince, writesOf } from '../api-requests.ts';
import type { Measured } from '../measured.ts';
import { operatorMetrics } from '../operator-metrics.ts';
import type { Figures } from '../report.ts';
import { Scene } from '../scene.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { measureColdStart } from './cold-start.ts';

/** As many lists as there are in ten minutes, in a fifth of the time. */
const polls = 40;
const pollSeconds = 3;
const ofProductionSeconds = 15;
const idle = { 'poll-active': '1s', 'poll-idle': `${pollSeconds}s` };

/** Everything is as it should be, and then a process that knows nothing of it. */
export const steady: Scenario = {
  name: 'steady',
  what: '10,000 GpuVms that run, forty lists in which nothing changes; then a new process',
  isForBaseline: false,
  play: async ({ bundle, directory, contender, scale }: Stage) => {
    await using scene = await Scene.set({ bundle, directory });
    const count = Math.ceil(10_000 * scale);
    const maker = await scene.start(contender, idle);
    const crowd = await scene.crowd();
    const begun = performance.now();
    await Promise.all([crowd.create(count), crowd.untilReady(count)]);
    const made = (performance.now() - begun) / 1000;
    await scene.requestsUntilQuiet(new Map());
    await maker.end();

    const operator = scene.spawn(contender, idle);
    const cold = await measureColdStart(scene, operator, count);
    return { 'all Ready s': made, ...cold, ...(await measureIdling(scene, operator)) };
  },
};

async function measureIdling(scene: Scene, operator: Measured): Promise<Figures> {
  const telemetry = await operator.ready;
  // The start ends with the second answer about the balance, which the status of the account shows.
  await pause(2 * pollSeconds * 1000);
  await scene.requestsUntilQuiet(new Map());
  await operatorMetrics(telemetry);
  const before = {
    api: await apiRequests(scene.cluster),
    calls: (await scene.provider.state()).requests,
    cpu: operator.usage().cpuSeconds,
  };
  await pause(polls * pollSeconds * 1000);
  const { cpuSeconds, peakRssMB } = operator.usage();
  const { requests } = await scene.provider.state();
  const lists = (requests['client/list'] ?? 0) - (before.calls['client/list'] ?? 0);
  const calls = Object.values(requests).reduce((sum, n) => sum + n, 0) - sum(before.calls);
  const api = requestsSince(before.api, await apiRequests(scene.cluster));
  const metrics = await operatorMetrics(telemetry);
  const cpuPerList = (cpuSeconds - before.cpu) / lists;
  return {
    'API writes': writesOf(api, 'gpuvms', 'gpuaccounts', 'gpubudgets', 'gpupools', 'spotvms', 'secrets', 'events'),
    lists,
    'other provider calls': calls - lists,
    'CPU ms per list': cpuPerList * 1000,
    'share of a core at a list every 15 s, %': (cpuPerList / ofProductionSeconds) * 100,
    'peak RSS MB': peakRssMB,
    'event loop delay p99 ms': metrics.value('nodejs_eventloop_lag_p99_seconds') * 1000,
    'event loop delay most ms': metrics.value('nodejs_eventloop_lag_max_seconds') * 1000,
  };
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, n) => total + n, 0);
}
