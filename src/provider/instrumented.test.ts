import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { sleep } from '../lib/clock.ts';
import type { Provider } from './contract.ts';
import { ProviderError } from './error.ts';
import { createGate } from './gate.ts';
import { allHooks, instrumented, type CallRecord } from './instrumented.ts';
import { pauseWhenLimited } from './rate-limits.ts';
import { readThrough } from './read-through.ts';

function failure(kind: ProviderError['kind'], retryAfterMs?: number): ProviderError {
  return new ProviderError('no', { kind, outcome: 'notDone', endpoint: 'client/list', retryAfterMs });
}

function record(error: unknown): CallRecord {
  const result = error === undefined ? 'ok' : 'rateLimited';
  return { endpoint: 'client/list', result, outcome: undefined, durationMs: 0, error };
}

describe('an instrumented provider', () => {
  it('tells of every call how it ended and how long it took, and changes nothing', async () => {
    const clock = new VirtualClock();
    const records: CallRecord[] = [];
    const started: string[] = [];
    let broken = false;
    const listing = { vms: [], unreadable: ['x'] };
    const inner: Pick<Provider, 'listVms' | 'deleteVm'> = {
      listVms: async () => {
        await sleep(clock, 1_500);
        return listing;
      },
      deleteVm: () => Promise.reject(broken ? new TypeError('bug') : failure('notFound')),
    };
    const provider = instrumented(inner as Provider, {
      clock,
      hooks: allHooks({ started: (endpoint) => started.push(endpoint) }, { ended: (one) => records.push(one) }),
    });
    const listed = provider.listVms();
    await clock.advance(1_500);
    expect(await listed).toBe(listing);
    await expect(provider.deleteVm('a')).rejects.toMatchObject({ kind: 'notFound' });
    broken = true;
    await expect(provider.deleteVm('a')).rejects.toThrow('bug');
    expect(started).toEqual(['listVms', 'deleteVm', 'deleteVm']);
    expect(records).toMatchObject([
      { endpoint: 'listVms', result: 'ok', durationMs: 1_500 },
      { endpoint: 'deleteVm', result: 'notFound', outcome: 'notDone', durationMs: 0 },
      { result: 'unknown', outcome: undefined },
    ]);
  });
});

describe('too many requests', () => {
  function rig() {
    const clock = new VirtualClock(0);
    const pauses: number[] = [];
    const hooks = pauseWhenLimited({ clock, gate: { pauseUntil: (time) => pauses.push(time) } });
    return { clock, pauses, hooks };
  }

  it('pause the gate for as long as the provider says, within reason', async () => {
    const { clock, pauses, hooks } = rig();
    hooks.ended(record(failure('rateLimited', 7_000)));
    await clock.advance(10_000);
    hooks.ended(record(failure('unavailable', 900_000)));
    hooks.ended(record(failure('unavailable')));
    hooks.ended(record(new Error('no')));
    expect(pauses).toEqual([7_000, 130_000]);
  });

  it('pause it ever longer without such a word, until a call succeeds; what fails together counts once', async () => {
    const { clock, pauses, hooks } = rig();
    hooks.ended(record(failure('rateLimited')));
    hooks.ended(record(failure('rateLimited')));
    await clock.advance(2_000);
    hooks.ended(record(failure('rateLimited')));
    await clock.advance(4_000);
    hooks.ended(record(undefined));
    hooks.ended(record(failure('rateLimited')));
    expect(pauses).toEqual([2_000, 2_000, 6_000, 8_000]);
  });
});

describe('reading through the gate', () => {
  function rig(failures: readonly ProviderError[]) {
    const clock = new VirtualClock(0);
    const starts: number[] = [];
    const gate = createGate({ clock, requestsPerSecond: 1, burst: 1, onTurn: () => undefined });
    const read = readThrough({ gate, clock, random: () => 0, lane: 'lookup' }, () => {
      const error = failures[starts.length];
      starts.push(clock.now());
      return error === undefined ? Promise.resolve('read') : Promise.reject(error);
    });
    return { clock, starts, read };
  }

  it('takes a ticket for each try', async () => {
    const { clock, starts, read } = rig([failure('unavailable'), failure('malformed')]);
    await clock.advance(10_000);
    expect(await read).toBe('read');
    expect(starts).toEqual([0, 1_000, 2_000]);
  });

  it('waits for as long as the provider says', async () => {
    const { clock, starts, read } = rig([failure('rateLimited', 6_000)]);
    await clock.advance(10_000);
    await read;
    expect(starts).toEqual([0, 6_000]);
  });

  it.each([
    ['at the third failure', Array.from({ length: 5 }, () => failure('unavailable')), 3],
    ['when it would have to wait too long', [failure('rateLimited', 60_000)], 1],
    ['when trying again cannot help', [failure('unauthorized')], 1],
  ])('gives up %s', async (_name, failures, tries) => {
    const { clock, starts, read } = rig(failures);
    const rejection = expect(read).rejects.toBeInstanceOf(ProviderError);
    await clock.advance(60_000);
    await rejection;
    expect(starts).toHaveLength(tries);
  });
});
