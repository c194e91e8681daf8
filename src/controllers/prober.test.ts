import { expect, it } from 'vitest';

import { VirtualClock } from '../lib/virtual-clock.ts';
import { ProbeForbiddenError, Prober } from './prober.ts';

const target = { host: '203.0.113.10', port: 22, periodMs: 10_000, timeoutMs: 3_000, failureThreshold: 3 };

interface Setup {
  readonly clock: VirtualClock;
  readonly prober: Prober;
  readonly woken: string[];
  readonly tried: string[];
  answer: Error | undefined;
}

function setUp(answer: Error | undefined): Setup {
  const clock = new VirtualClock(0);
  const setup: Setup = {
    clock,
    woken: [],
    tried: [],
    answer,
    prober: new Prober({
      clock,
      connect: (host, port) => {
        setup.tried.push(`${String(clock.now())} ${host}:${String(port)}`);
        return setup.answer === undefined ? Promise.resolve() : Promise.reject(setup.answer);
      },
      wake: (key) => setup.woken.push(key),
    }),
  };
  return setup;
}

it('probes at once and then in its period, and wakes when the result changes only', async () => {
  const { clock, prober, woken, tried } = setUp(undefined);
  prober.watch('vm', target);
  await clock.advance(25_000);
  expect(tried).toEqual(['0 203.0.113.10:22', '10000 203.0.113.10:22', '20000 203.0.113.10:22']);
  expect(prober.fact('vm')?.result).toBe('success');
  expect(woken).toEqual(['vm']);
});

it('one failure or two are no news, three in a row are', async () => {
  const setup = setUp(undefined);
  setup.prober.watch('vm', target);
  await setup.clock.advance(5_000);
  setup.answer = new Error('connection refused');
  await setup.clock.advance(20_000);
  expect(setup.prober.fact('vm')?.result).toBe('success');
  await setup.clock.advance(10_000);
  expect(setup.prober.fact('vm')).toMatchObject({
    result: 'failure',
    message: expect.stringContaining('refused') as string,
  });
  setup.answer = undefined;
  await setup.clock.advance(10_000);
  expect(setup.prober.fact('vm')?.result).toBe('success');
  expect(setup.woken).toHaveLength(3);
});

it('a forbidden address is told at once', async () => {
  const { clock, prober } = setUp(new ProbeForbiddenError('it is private'));
  prober.watch('vm', target);
  await clock.advance(0);
  expect(prober.fact('vm')).toMatchObject({ result: 'forbidden', message: 'it is private' });
});

it('watching the same target again does not start over, another target does', async () => {
  const { clock, prober, tried } = setUp(undefined);
  prober.watch('vm', target);
  await clock.advance(1_000);
  prober.watch('vm', { ...target });
  expect(prober.fact('vm')?.result).toBe('success');
  prober.watch('vm', { ...target, port: 23 });
  expect(prober.fact('vm')).toMatchObject({ result: 'pending', target: '203.0.113.10:23' });
  expect(tried).toHaveLength(2);
});

it('leaves no timer behind', async () => {
  const { clock, prober, woken } = setUp(undefined);
  prober.watch('vm', target);
  prober.unwatch('vm');
  await clock.advance(60_000);
  expect(clock.nextDue()).toBeUndefined();
  expect(woken).toEqual([]);
});

it('gives a probe up that nobody wants to know any more, and begins none once it was stopped', async () => {
  const clock = new VirtualClock(0);
  const signals: AbortSignal[] = [];
  const prober = new Prober({
    clock,
    connect: (_host, _port, _timeoutMs, signal) => {
      signals.push(signal);
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('aborted'));
        });
      });
    },
    wake: () => undefined,
  });
  prober.watch('one', target);
  prober.watch('two', target);
  prober.unwatch('one');
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  prober.stop();
  prober.watch('three', target);
  await clock.advance(0);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  expect(clock.nextDue()).toBeUndefined();
});
