import { expect, it } from 'vitest';

import { VirtualClock } from '../../src/lib/virtual-clock.ts';
import { Lifetime } from './lifetime.ts';

it('tells once of code that goes round and round while no time goes by, although no timer fires any more', async () => {
  const told: number[] = [];
  let rounds = 0;
  const life = new Lifetime(new VirtualClock(), { onSpin: () => told.push(rounds) });
  const { clock } = life;
  for (; told.length === 0; rounds++) await Promise.resolve(clock.now());
  for (let more = 0; more < 1_000; more++) await Promise.resolve(clock.now());
  expect(told).toEqual([rounds - 1]);
});

it('stops code that reads the clock for ever and does not listen to its end', () => {
  const { clock } = new Lifetime(new VirtualClock(), {
    onSpin: () => {
      throw new Error('killed');
    },
  });
  const spin = (): never => {
    for (;;) {
      try {
        clock.now();
      } catch (error) {
        if (!(error instanceof Error) || error.message !== 'killed') throw error;
      }
    }
  };
  expect(spin).toThrow('goes on although it was killed');
});

it('tells of code that looks every millisecond, too', async () => {
  const world = new VirtualClock();
  let isTold = false;
  const { clock } = new Lifetime(world, { onSpin: () => (isTold = true) });
  const look = (): void => {
    for (let reading = 0; reading < 12; reading++) clock.now();
    clock.after(1, look);
  };
  look();
  await world.advance(20_000);
  expect(isTold).toBe(true);
});

it('says nothing of a process that has much to do now and then', async () => {
  const world = new VirtualClock();
  let isTold = false;
  const { clock } = new Lifetime(world, { onSpin: () => (isTold = true) });
  for (let poll = 0; poll < 50; poll++) {
    for (let reading = 0; reading < 20_000; reading++) clock.now();
    await world.advance(5_000);
  }
  expect(isTold).toBe(false);
});
