import { Scene } from '../scene.ts';
import type { Scenario, Stage } from '../scenario.ts';
import type { Figures } from '../report.ts';
import { until } from '../../support/until.ts';

/** Two replicas as the chart installs them; the one that leads ends. */
export const failOver: Scenario = {
  name: 'fail-over',
  what: 'two replicas with the default lease; the leader gets SIGTERM, and SIGKILL',
  isForBaseline: false,
  play: async (stage: Stage): Promise<Figures> => ({
    'SIGTERM to the next list s': await secondsUntilNextActs(stage, 'SIGTERM'),
    'SIGKILL to the next list s': await secondsUntilNextActs(stage, 'SIGKILL'),
  }),
};

async function secondsUntilNextActs(
  { bundle, directory, contender, scale }: Stage,
  signal: NodeJS.Signals,
): Promise<number> {
  await using scene = await Scene.set({ bundle, directory });
  const flags = { 'leader-elect-resource-namespace': scene.namespace, 'poll-active': '1s', 'poll-idle': '1s' };
  const leader = await scene.start(contender, { ...flags, 'leader-elect': '' });
  const crowd = await scene.crowd();
  const count = Math.ceil(100 * scale);
  await Promise.all([crowd.create(count), crowd.untilReady(count)]);
  await scene.requestsUntilQuiet(new Map());
  let leadsSince: number | undefined;
  const standby = await scene.start(contender, { ...flags, 'leader-elect': '' });
  standby.onLine((line) => {
    if (line.includes('"message":"leading"')) leadsSince = Date.now();
  });
  const toldAt = Date.now();
  await leader.end(signal);
  await until('the other one leads', () => leadsSince !== undefined);
  return await until('the other one has listed the VMs', async () => {
    const next = (await scene.provider.listTimes()).find((at) => at >= (leadsSince ?? Infinity));
    return next !== undefined && (next - toldAt) / 1000;
  });
}
