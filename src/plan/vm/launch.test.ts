import { describe, expect, it } from 'vitest';

import {
  accountOf,
  ago,
  cloudVm,
  gpuOf,
  hostOf,
  launchOf,
  markedName,
  minute,
  now,
  observe,
  offersOf,
  second,
  type Seen,
} from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';
import type { Host } from '../../provider/contract.ts';
import type { OffersView, SecretView } from './observation.ts';

const withOffers = (hosts: readonly Host[] | undefined, changes: Partial<OffersView> = {}): Seen => ({
  account: accountOf({ offers: offersOf(hosts, changes) }),
});
const secret = (state: SecretView['state'], data: Record<string, string> = {}): Seen => ({
  secret: { name: 'trainer-connection', state, uid: undefined, data },
});
const failed = (failures: number, agoMs: number, outcome: 'Refused' | 'Lost' = 'Refused'): Seen => ({
  journal: { launch: launchOf({ outcome, failures, endedAt: ago(agoMs), message: 'The host said no.' }) },
});
const given = { kind: 'resolved', sshKey: undefined, password: 'given-password', cloudInit: undefined } as const;

describe('a VM that is wanted', () => {
  it.each<[string, Seen, Partial<Brief>]>([
    ['is deployed', {}, { rule: 'vmIsWanted', step: 'launch', phase: 'Launching' }],
    [
      'says no more where the one before it was',
      secret('ours', { password: 'kept-password', user: 'user', host: '203.0.113.4', 'port-ssh': '50000' }),
      { rule: 'secretNamesVmThatIsGone', step: 'writeSecret', phase: 'keep' },
    ],
    ['is not deployed to be stopped', { spec: { powerState: 'Stopped' } }, { step: 'wait', ready: 'False Stopped' }],
    ['is not deployed to be released', { spec: { powerState: 'Released' } }, { step: 'wait', ready: 'False Released' }],
    [
      'is not deployed right after a failure',
      failed(1, 4 * second),
      { rule: 'launchIsBackingOff', step: 'wait', ready: 'False LaunchFailed' },
    ],
    ['is deployed again after a pause', failed(1, 5 * second), { step: 'launch' }],
    ['waits longer after each failure', failed(4, 39 * second), { rule: 'launchIsBackingOff' }],
    ['waits five minutes at the most', failed(50, 5 * minute), { step: 'launch' }],
    ['says that one was lost while it waits', failed(1, second, 'Lost'), { ready: 'False VmLost' }],
    [
      'waits for the list to be readable',
      {
        account: accountOf({
          pollFailure: { kind: 'unavailable', message: 'HTTP 502', since: now - minute, consecutive: 3 },
        }),
      },
      { rule: 'listCannotBeRead', step: 'wait', ready: 'False ProviderUnavailable' },
    ],
    [
      'waits for somebody to apply the CRDs when its intent was not kept',
      { facts: { journalDroppedAt: now - 29 * second } },
      { rule: 'journalIsDropped', step: 'wait', ready: 'False CrdOutdated' },
    ],
    [
      'tries whether its intent is kept meanwhile',
      { facts: { journalDroppedAt: now - 30 * second } },
      { rule: 'vmIsWanted', step: 'launch' },
    ],
    [
      'waits for what the spec refers to to be read',
      { inputs: { kind: 'notNeeded' } },
      { step: 'readInputs', ready: 'keep' },
    ],
    [
      'waits for what the spec refers to to be there',
      { inputs: { kind: 'problem', reason: 'SecretNotFound', message: 'There is no Secret.' } },
      { rule: 'inputIsMissing', step: 'wait', ready: 'False SecretNotFound' },
    ],
    ['waits for the name of its Secret to be free', secret('foreign'), { step: 'wait', ready: 'False SecretConflict' }],
    ['gets a password first', secret('absent'), { rule: 'passwordIsNotKeptYet', step: 'writeSecret' }],
    [
      'gets another password when the kept one was replaced by one that no provider takes',
      secret('ours', { password: 'two\nlines: of it' }),
      { rule: 'passwordIsNotKeptYet', step: 'writeSecret' },
    ],
    ['has the given password kept first', { inputs: given }, { rule: 'passwordIsNotKeptYet', step: 'writeSecret' }],
    [
      'is deployed when the given password is kept',
      { inputs: given, ...secret('ours', { password: 'given-password' }) },
      { step: 'launch' },
    ],
    ['waits for a first inventory', withOffers(undefined), { rule: 'inventoryIsOld', ready: 'False LookingForHost' }],
    ['waits for a fresh inventory', withOffers([hostOf('h')], { fresh: false }), { rule: 'inventoryIsOld' }],
    [
      'says why there is no inventory',
      withOffers(undefined, { fresh: false, failure: { kind: 'rateLimited', message: 'HTTP 429' } }),
      { rule: 'inventoryIsOld', ready: 'False RateLimited' },
    ],
    ['waits for a host that fits', withOffers([hostOf('h', { gpus: [] })]), { step: 'wait', ready: 'False NoOffer' }],
    [
      'waits for a price that fits',
      { spec: { maxHourlyPrice: '0.10' } },
      { step: 'wait', ready: 'False OverPriceCap' },
    ],
    [
      'leaves a host alone that cools down',
      withOffers([hostOf('h')], { coolingDownUntil: () => now + 1 }),
      { step: 'wait' },
    ],
    [
      'comes back to a host that has cooled down',
      withOffers([hostOf('h')], { coolingDownUntil: () => now }),
      { step: 'launch' },
    ],
    [
      'leaves a host alone that refused it',
      { facts: { avoidedHosts: new Map([['host-1', now + 1]]) } },
      { step: 'wait' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observe(seen))).toMatchObject(expected);
  });

  it('gets a name that carries its mark and the next attempt', () => {
    expect(decided(observe(failed(2, 10 * minute))).step).toMatchObject({
      plan: { attempt: 2, name: markedName(2), failures: 2, offer: { host: { id: 'host-1' } } },
    });
  });

  it('is told what is wrong with each host, and what the cheapest would cost', () => {
    const hosts = [hostOf('a'), hostOf('b', { gpus: [gpuOf('a4000', 0)] }), hostOf('c', { online: false })];
    const verdict = decided(observe({ ...withOffers(hosts), spec: { maxHourlyPrice: '0.10' } }));
    expect(verdict.ready).toMatchObject({
      message: expect.stringMatching(
        /maxHourlyPrice \$0\.10, the cheapest for \$0\.199\. 3 hosts: 1 over price/,
      ) as string,
    });
  });

  it('gets a name that no VM of the list has, whether that is over or not, where the journal was lost', () => {
    const over = { state: 'terminated', providerStatus: 'Terminated' } as const;
    const vms = [cloudVm('vm-1', over), cloudVm('vm-2', { ...over, name: markedName(2) })];
    expect(decided(observe({ vms })).step).toMatchObject({ plan: { attempt: 3, name: markedName(3) } });
  });

  it('waits for exactly the rest of its pause', () => {
    expect(decided(observe(failed(1, 3 * second))).look).toEqual({ inMs: 2 * second });
  });
});
