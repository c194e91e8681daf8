import { describe, expect, it } from 'vitest';

import { namespaceType } from '../controllers/objects.ts';
import { alwaysLeading } from '../kube/leader.ts';
import { MemoryApi } from '../kube/testing/memory-api.ts';
import { leaseType } from '../kube/lease.ts';
import { silentLogger } from '../lib/logger.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { leadershipFrom, type LeaderElectionFlags } from './leader-election.ts';

const flags: LeaderElectionFlags = {
  leaderElect: true,
  leaderElectResourceName: 'gpuvm-operator',
  leaderElectResourceNamespace: 'gpuvm-system',
  leaderElectLeaseDuration: 15_000,
  leaderElectRenewDeadline: 10_000,
  leaderElectRetryPeriod: 2_000,
};

function deps(): Parameters<typeof leadershipFrom>[1] & { readonly clock: VirtualClock } {
  const clock = new VirtualClock();
  const kube = new MemoryApi({
    clock,
    kinds: [{ type: namespaceType }, { type: leaseType }],
    namespaces: ['gpuvm-system'],
  });
  return { kube, clock, random: () => 0, log: silentLogger, instance: 'pod-1' };
}

describe('leader election', () => {
  it('is off unless asked for', () => {
    expect(leadershipFrom({ ...flags, leaderElect: false }, deps())).toBe(alwaysLeading);
  });

  it('takes the Lease that the flags name, under an identity that a restarted pod does not share', async () => {
    const given = deps();
    const leadership = leadershipFrom(flags, given);
    leadership.start();
    await given.clock.advance(0);
    expect(leadership.isLeader()).toBe(true);
    const lease = await given.kube.get(leaseType, { namespace: 'gpuvm-system', name: 'gpuvm-operator' });
    expect(lease).toMatchObject({ spec: { holderIdentity: expect.stringMatching(/^pod-1_[0-9a-f-]{36}$/) as string } });
    await leadership.stop(1_000);
  });

  it.each<[string, Partial<LeaderElectionFlags>]>([
    ['a lease shorter than a second', { leaderElectLeaseDuration: 900, leaderElectRenewDeadline: 800 }],
    ['a deadline as long as the lease', { leaderElectRenewDeadline: 15_000 }],
    ['a pause too long for the deadline', { leaderElectRetryPeriod: 9_000 }],
  ])('refuses %s, and says what would do', (_, wrong) => {
    expect(() => leadershipFrom({ ...flags, ...wrong }, deps())).toThrow(/must be at least 1s and longer than/);
  });

  it('asks for a namespace where there is no pod to take it from', () => {
    const withoutNamespace = { ...flags, leaderElectResourceNamespace: undefined };
    expect(() => leadershipFrom(withoutNamespace, deps())).toThrow('--leader-elect-resource-namespace');
  });
});
