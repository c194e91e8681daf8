import { expect, it } from 'vitest';

import { silentLogger } from '../lib/logger.ts';
import { sleep } from '../lib/clock.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { ProviderError } from '../provider/error.ts';
import { createGate } from '../provider/gate.ts';
import { createCredentialsCheck, type RunningCredentialsCheck } from './credentials-check.ts';

interface Rig {
  readonly clock: VirtualClock;
  readonly check: RunningCredentialsCheck;
  /** How the next question ends; undefined: key and token are good. */
  failure: ProviderError['kind'] | undefined;
  asked: number;
  told: number;
}

const second = 1_000;

function rig(): Rig {
  const clock = new VirtualClock();
  const gate = createGate({ clock, requestsPerSecond: 10, burst: 10, onTurn: () => undefined });
  const provider = {
    checkCredentials: async () => {
      made.asked += 1;
      const kind = made.failure;
      await sleep(clock, second);
      if (kind !== undefined) throw new ProviderError('no', { kind, outcome: 'notDone', endpoint: 'auth/test' });
    },
  };
  const check = createCredentialsCheck({
    ...{ provider, gate, log: silentLogger },
    told: () => (made.told += 1),
  });
  const made: Rig = { clock, check, failure: undefined, asked: 0, told: 0 };
  return made;
}

it('a pair is asked about when it is new', async () => {
  const { clock, check } = rig();
  expect(check.verdict).toBeUndefined();
  check.begin();
  await clock.advance(second);
  expect(check.verdict).toBe('accepted');
});

it('each refusal of a list leads to one question at most, and none while one is under way', async () => {
  const made = rig();
  const { clock, check } = made;
  made.failure = 'unauthorized';
  check.begin();
  for (let refusals = 0; refusals < 5; refusals++) check.again();
  await clock.advance(second);
  expect([made.asked, check.verdict, made.told]).toEqual([1, 'refused', 1]);
  check.again();
  await clock.advance(second);
  expect([made.asked, made.told]).toEqual([2, 1]);
});

it('a question without an answer says nothing, and is not repeated by itself', async () => {
  const made = rig();
  const { clock, check } = made;
  made.failure = 'unavailable';
  check.begin();
  await clock.advance(600 * second);
  expect([made.asked, check.verdict, made.told]).toEqual([1, undefined, 0]);
});

it('what is said of a pair that was exchanged meanwhile does not count', async () => {
  const made = rig();
  const { clock, check } = made;
  made.failure = 'unauthorized';
  check.begin();
  await clock.advance(second / 2);
  made.failure = undefined;
  check.begin();
  await clock.advance(second / 2);
  expect(check.verdict).toBeUndefined();
  await clock.advance(second / 2);
  expect(check.verdict).toBe('accepted');
});

it('nothing is told after the account was stopped', async () => {
  const made = rig();
  made.check.begin();
  await made.clock.advance(0);
  made.check.stop();
  await made.clock.advance(second);
  expect(made.told).toBe(0);
});
