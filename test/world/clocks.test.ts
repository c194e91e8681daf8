import { expect, it } from 'vitest';

import { createWorld } from './world.ts';

/** Machines whose clocks disagree: what one has written down must not hold the other up. */

const minute = 60_000;
const hour = 60 * minute;

it.each([hour, -hour])(
  'a VM that is lost is replaced at once by a process whose clock is %i ms behind that of the one which recorded it',
  async (skewMs) => {
    const world = await createWorld({ seed: 70, replicas: 2, skewsMs: [skewMs, 0] });
    const [first] = world.replicas;
    expect(await world.until(() => world.replicas.some(({ isLeading }) => isLeading), minute)).toBeDefined();
    expect(first?.isLeading).toBe(true);
    await world.apply('trainer');
    const isReady = (): boolean => world.conditionOf('trainer', 'Ready') === 'True Running';
    expect(await world.until(isReady, 5 * minute)).toBeDefined();
    const [lost] = world.vms();
    world.retire(0);
    world.control('POST', `vms/${lost?.id ?? ''}`, { remove: true });
    const isReplaced = (): boolean =>
      isReady() && world.vms().some(({ id }) => id === world.statusOf('trainer')?.vm?.id);
    expect(await world.until(isReplaced, 5 * minute)).toBeDefined();
    expect(world.watchdog.breaches).toEqual([]);
  },
);
