import { apiRequests, writesOf } from '../api-requests.ts';
import type { Crowd } from '../crowd.ts';
import type { Measured } from '../measured.ts';
import { operatorMetrics } from '../operator-metrics.ts';
import type { Figures } from '../report.ts';
import { Scene } from '../scene.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { quantile } from '../statistics.ts';

/** So many GpuVms at once, as fast as the API server takes them; when all are Ready, all are deleted. */
export function burst(name: string, latencyMs: number): Scenario {
  return {
    name,
    what: `1,000 GpuVms at once, then all deleted; each answer of the provider takes ${latencyMs} ms`,
    isForBaseline: true,
    play: (stage) => play(stage, latencyMs),
  };
}

/** As in production, but for the pause between two lists, which would be most of what is measured. */
const flags = { 'poll-active': '1s' };

async function play({ bundle, directory, contender, scale }: Stage, latencyMs: number): Promise<Figures> {
  await using scene = await Scene.set({ bundle, directory, latencyMs });
  const operator = await scene.start(contender, contender.name === 'gpuvm-operator' ? flags : {});
  const crowd = await scene.crowd();
  const count = Math.ceil(1000 * scale);
  const created = await create(scene, crowd, { operator, count });
  const metrics = contender.name === 'gpuvm-operator' ? await operatorMetrics(await operator.ready) : undefined;
  const deleted = await deleteAll(scene, crowd, { operator, count });
  return {
    ...created,
    ...(metrics && {
      'gate wait p99 s': metrics.quantile('gpuvm_gate_wait_seconds', 0.99),
      'event loop delay p99 ms': metrics.value('nodejs_eventloop_lag_p99_seconds') * 1000,
    }),
    ...deleted,
  };
}

interface Doing {
  readonly operator: Measured;
  readonly count: number;
}

async function create(scene: Scene, crowd: Crowd, { operator, count }: Doing): Promise<Figures> {
  const before = { api: await apiRequests(scene.cluster), cpu: operator.usage().cpuSeconds };
  const begun = performance.now();
  await Promise.all([crowd.create(count), crowd.untilReady(count)]);
  const wall = (performance.now() - begun) / 1000;
  const api = await scene.requestsUntilQuiet(before.api);
  const { cpuSeconds, peakRssMB } = operator.usage();
  const { requests, duplicateNames, vms } = await scene.provider.state();
  return {
    'all Ready s': wall,
    'create to Ready p50 s': quantile(crowd.secondsToReady, 0.5),
    'create to Ready p99 s': quantile(crowd.secondsToReady, 0.99),
    'CPU s': cpuSeconds - before.cpu,
    'peak RSS MB': peakRssMB,
    // The creations are the users'.
    'writes of the object per VM': (writesOf(api, 'gpuvms') - count) / count,
    'writes of Secrets per VM': writesOf(api, 'secrets') / count,
    'writes of Events per VM': writesOf(api, 'events') / count,
    'VMs deployed twice': vms.length - count + duplicateNames,
    'deploy calls per VM': (requests['client/deploy/single'] ?? 0) / count,
    'inventory calls': requests['client/deploy/hostnodes'] ?? 0,
    'list calls': requests['client/list'] ?? 0,
  };
}

async function deleteAll(scene: Scene, crowd: Crowd, { operator, count }: Doing): Promise<Figures> {
  const before = { api: await apiRequests(scene.cluster), cpu: operator.usage().cpuSeconds };
  const begun = performance.now();
  await Promise.all([crowd.deleteAll(), crowd.untilGone()]);
  const wall = (performance.now() - begun) / 1000;
  const api = await scene.requestsUntilQuiet(before.api);
  const { requests, vms } = await scene.provider.state();
  return {
    'all deleted s': wall,
    'deletion CPU s': operator.usage().cpuSeconds - before.cpu,
    'deletion writes per VM': (writesOf(api, 'gpuvms') - count) / count,
    'delete calls per VM': (requests['client/delete/single'] ?? 0) / count,
    'VMs left': vms.length,
  };
}
