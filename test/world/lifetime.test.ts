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

it('says nothing of a process that has much to do at one moment after the other', async () => {
  const world = new VirtualClock();
  let isTold = false;
  const { clock } = new Lifetime(world, { onSpin: () => (isTold = true) });
  for (let moment = 0; moment < 50; moment++) {
    for (let reading = 0; reading < 10_000; reading++) clock.now();
    await world.advance(1);
  }
  expect(isTold).toBe(false);
});
