import { describe, expect, it } from 'vitest';

import { launchOf, minute, recordedVm, second, snapshotOf } from '../../../test/support/builders.ts';
import type { PollFailure } from '../../fleet/contract.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import type { Remains } from '../../plan/account-status.ts';
import type { CustomObject } from '../objects.ts';
import type { Census } from '../unmanaged/census.ts';
import { Farewell } from './farewell.ts';

type Seen = Parameters<Farewell['remains']>[1];

const callEffectMs = 165 * second;
const account = {
  metadata: { name: 'default', uid: 'account-1' },
  status: { unmanagedVms: [] },
} as unknown as CustomObject;

function stage(): { clock: VirtualClock; farewell: Farewell; start: number } {
  const clock = new VirtualClock();
  return {
    clock,
    start: clock.now(),
    farewell: new Farewell({ clock, accounts: { runtime: () => undefined }, callEffectMs }),
  };
}

/** A list without a VM that is nobody's. */
function listed(requestedAt: number): Census {
  return { list: snapshotOf([], { requestedAt }), entries: [] } as unknown as Census;
}

function seen(changes: Partial<Seen>): Seen {
  const organization = { kind: 'proven', organization: undefined } as const;
  return { users: [], organization, pollFailure: undefined, census: undefined, ...changes };
}

function failure(kind: string, since: number): PollFailure {
  return { kind, since, message: 'It said no.', consecutive: 1 };
}

function gone(status: object): CustomObject {
  const spec = { accountName: 'default', gpu: { count: 1 } };
  const metadata = { name: 'trainer', namespace: 'research', uid: 'uid-1' };
  return { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata, spec, status } as unknown as CustomObject;
}

describe('an account that nobody uses any more, by its status without a VM that is nobody’s', () => {
  const unproven = { kind: 'unproven', message: '', organization: undefined } as const;
  it.each<[string, (start: number) => Partial<Seen>, Remains['kind'] | undefined]>([
    ['waits for a list', () => ({}), 'unknown'],
    [
      'waits for it after one that failed',
      (start) => ({ pollFailure: failure('unavailable', start - second) }),
      'unknown',
    ],
    [
      'waits so for ten minutes',
      (start) => ({ pollFailure: failure('unavailable', start - 10 * minute + 1) }),
      'unknown',
    ],
    ['goes after that', (start) => ({ pollFailure: failure('unavailable', start - 10 * minute) }), undefined],
    ['goes where its credentials are refused', (start) => ({ pollFailure: failure('unauthorized', start) }), undefined],
    ['goes where it has none', () => ({ organization: undefined }), undefined],
    ['goes where nobody knows whose they are', () => ({ organization: unproven }), undefined],
    ['waits for a list of now', (start) => ({ census: listed(start - 1) }), 'unknown'],
    ['goes by a list of now', (start) => ({ census: listed(start) }), undefined],
    [
      'waits for one that was compared with the bill, where it is empty',
      (start) => ({ census: { ...listed(start), list: { ...listed(start).list, isUnchecked: true } } }),
      'unknown',
    ],
    [
      'goes by it though the next one failed',
      (start) => ({ census: listed(start), pollFailure: failure('unavailable', start) }),
      undefined,
    ],
  ])('%s', (_, changes, expected) => {
    const { farewell, start } = stage();
    expect(farewell.remains(account, seen(changes(start)))?.kind).toBe(expected);
  });
});

describe('after a resource went', () => {
  const launch = launchOf({ outcome: 'Uncertain' });
  it.each<[string, object, boolean]>([
    ['while a deploy call was in doubt', { launch }, true],
    ['with a status that nobody can read', { phase: 7, vm: 'no' }, true],
    ['with its VM recorded', { launch, vm: recordedVm('vm-1') }, false],
    ['before anything was deployed', {}, false],
    ['after a call that was refused', { launch: launchOf({ outcome: 'Refused' }) }, false],
  ])('%s, its account goes when no call can make a VM any more', async (_, status, waits) => {
    const { farewell, clock } = stage();
    farewell.noteGone(gone(status));
    await clock.advance(callEffectMs - 1);
    expect(farewell.remains(account, seen({ census: listed(clock.now()) }))?.kind).toBe(waits ? 'unknown' : undefined);
    await clock.advance(1);
    expect(farewell.remains(account, seen({ census: listed(clock.now()) }))).toBeUndefined();
  });
});
