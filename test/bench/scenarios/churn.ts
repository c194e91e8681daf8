import { apiServerUsage } from '../api-server.ts';
import { operatorMetrics } from '../operator-metrics.ts';
import { atOnce, type Crowd } from '../crowd.ts';
import type { Figures } from '../report.ts';
import { Scene } from '../scene.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { quantile } from '../statistics.ts';

const rounds = 10;
const share = 0.05;
/** A word that nobody knows: it is shown, and nothing is done about it. */
const words = ['Inspecting', 'Running'] as const;

/** Of many VMs some change at the provider between two lists. */
export const churn: Scenario = {
  name: 'churn',
  what: '2,000 GpuVms, 5 % of which change at the provider before each of ten lists',
  isForBaseline: false,
  play: async ({ bundle, directory, contender, scale }: Stage): Promise<Figures> => {
    await using scene = await Scene.set({ bundle, directory });
    const count = Math.ceil(2_000 * scale);
    const operator = await scene.start(contender, { 'poll-active': '2s', 'poll-idle': '2s' });
    const crowd = await scene.crowd();
    await Promise.all([crowd.create(count), crowd.untilReady(count)]);
    await scene.requestsUntilQuiet(new Map());
    const cpuBefore = operator.usage().cpuSeconds;
    await operatorMetrics(await operator.ready);
    const played: Round[] = [];
    for (let round = 0; round < rounds; round++) played.push(await playRound(scene, crowd, round));
    const delays = played.flatMap((round) => round.delays);
    const undisturbed = played.filter((round) => !round.isDisturbed);
    const metrics = await operatorMetrics(await operator.ready);
    return {
      changes: delays.length,
      'list to status p50 ms': quantile(delays, 0.5),
      'list to status p99 ms': quantile(delays, 0.99),
      'rounds without garbage collection of the API server': undisturbed.length,
      'their p99 ms': quantile(
        undisturbed.flatMap((round) => round.delays),
        0.99,
      ),
      'CPU ms per change': ((operator.usage().cpuSeconds - cpuBefore) / delays.length) * 1000,
      'event loop delay p99 ms': metrics.value('nodejs_eventloop_lag_p99_seconds') * 1000,
    };
  },
};

interface Round {
  /** Milliseconds from the list that showed a change to the event that shows it in the status. */
  readonly delays: readonly number[];
  /** The API server has collected garbage meanwhile, for which it needs one of the two cores. */
  readonly isDisturbed: boolean;
}

async function playRound(scene: Scene, crowd: Crowd, round: number): Promise<Round> {
  const word = words[round % words.length] ?? '';
  const first = Math.floor(round / words.length);
  const size = Math.ceil(crowd.size * share);
  const chosen = crowd.objects.slice(first * size, (first + 1) * size);
  const changedAt = new Map<string, number>();
  const shownAt = new Map<string, number>();
  const watched = crowd.until(() => {
    for (const { metadata, status } of crowd.objects) {
      if (changedAt.has(metadata.name) && !shownAt.has(metadata.name) && status?.vm?.providerStatus === word)
        shownAt.set(metadata.name, Date.now());
    }
    return shownAt.size === chosen.length;
  });
  const before = await apiServerUsage(scene.cluster);
  await atOnce(chosen, async ({ metadata, status }) => {
    await scene.provider.control('POST', `vms/${status?.vm?.id ?? ''}`, { status: word });
    changedAt.set(metadata.name, Date.now());
  });
  await watched;
  const after = await apiServerUsage(scene.cluster);
  const lists = await scene.provider.listTimes();
  const delays = [...shownAt].map(([name, at]) => {
    const seenAt = lists.find((time) => time >= (changedAt.get(name) ?? 0));
    // The status was shown before the answer to the change was read here.
    return seenAt === undefined ? 0 : Math.max(0, at - seenAt);
  });
  return { delays, isDisturbed: after.collections > before.collections };
}
