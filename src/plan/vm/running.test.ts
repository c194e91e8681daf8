import { describe, expect, it } from 'vitest';

import { ago, cloudVm, minute, observeRunning, type Seen } from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';
import { connectionData, sshCommand } from './connection.ts';
import type { ProbeFact } from './observation.ts';

const probe = { readinessProbe: { tcpSocket: { port: 'ssh' }, periodSeconds: 7, timeoutSeconds: 2 } };
const target = '203.0.113.10:30001';
const fact = (result: ProbeFact['result'], at = target): Required<Seen>['facts'] => ({
  probe: { target: at, result, message: `The probe says ${result}.` },
});
const reachable = { type: 'Reachable', status: 'True', reason: 'ProbeSucceeded', message: 'It was.' } as const;
const wasReachable = {
  phase: 'Running',
  conditions: [{ ...reachable, observedGeneration: 3, lastTransitionTime: ago(minute).replace('.000', '') }],
} as const;

describe('a VM that runs', () => {
  it.each<[string, Seen, Partial<Brief>]>([
    ['is Ready without a probe', {}, { rule: 'vmRuns', step: 'wait', ready: 'True Running' }],
    ['is not Ready before its first probe', { spec: probe }, { ready: 'False NotReachable' }],
    ['is Ready once its probe succeeds', { spec: probe, facts: fact('success') }, { ready: 'True Running' }],
    ['is not Ready while its probe fails', { spec: probe, facts: fact('failure') }, { ready: 'False NotReachable' }],
    [
      'is not Ready where probes may not go',
      { spec: probe, facts: fact('forbidden') },
      { ready: 'False NotReachable' },
    ],
    [
      'is not Ready by the probe of another address',
      { spec: probe, facts: fact('success', '198.51.100.7:1') },
      { ready: 'False NotReachable' },
    ],
    [
      'stays Ready when the operator has restarted and not probed yet',
      { spec: probe, status: { ...wasReachable, conditions: [...wasReachable.conditions] } },
      { ready: 'True Running' },
    ],
    [
      'is not Ready without a forward for its probe',
      { spec: probe, vms: [cloudVm('vm-1', { portForwards: [{ external: 30_009, internal: 80 }] })] },
      { step: 'writeSecret' },
    ],
    [
      'has its Secret written when its address has changed',
      { vms: [cloudVm('vm-1', { address: '203.0.113.99' })] },
      { rule: 'connectionSecretIsStale', step: 'writeSecret', ready: 'keep' },
    ],
    [
      'has no Secret written over that of somebody else',
      { secret: { name: 'trainer-connection', state: 'foreign', uid: undefined, data: {} } },
      { rule: 'vmRuns', step: 'wait' },
    ],
    [
      'has no Secret while nobody knows its address',
      { vms: [cloudVm('vm-1', { address: undefined })] },
      { step: 'wait' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observeRunning(seen))).toMatchObject(expected);
  });

  it('is probed at its forward, as often as the spec says', () => {
    expect(decided(observeRunning({ spec: probe })).probe).toEqual({
      host: '203.0.113.10',
      port: 30_001,
      periodMs: 7_000,
      timeoutMs: 2_000,
      failureThreshold: 3,
    });
  });
});

it('a VM without an address is not probed, and its status says why', () => {
  const { ready, probe: target } = decided(
    observeRunning({ vms: [cloudVm('vm-1', { address: undefined })], spec: probe }),
  );
  expect(ready).toMatchObject({ reason: 'NotReachable', message: expect.stringContaining('no address') as string });
  expect(target).toBeUndefined();
});

describe('connection data', () => {
  it.each([
    ['a line break', '203.0.113.10\nProxyCommand evil'],
    ['a blank', '203.0.113.10 -o ProxyCommand=evil'],
    ['an option', '-oProxyCommand=evil'],
    ['a shell', '$(evil)'],
    ['nothing', ''],
  ])('takes no address with %s from the provider', (_, address) => {
    const vm = cloudVm('vm-1', { address });
    expect(connectionData(observeRunning(), vm)).toBeUndefined();
    expect(sshCommand(vm)).toBeUndefined();
  });

  it('takes no user from the provider that could mean something else', () => {
    expect(sshCommand(cloudVm('vm-1', { user: 'root; evil' }))).toBe('ssh -p 30001 user@203.0.113.10');
  });

  it('names every forwarded port of the spec', () => {
    const ports = [
      { name: 'ssh', internal: 22 },
      { name: 'notebook', internal: 8888 },
    ];
    const portForwards = [
      { external: 30_001, internal: 22 },
      { external: 30_002, internal: 8888 },
    ];
    expect(connectionData(observeRunning({ spec: { ports } }), cloudVm('vm-1', { portForwards }))).toMatchObject({
      port: '30001',
      'port-ssh': '30001',
      'port-notebook': '30002',
    });
  });
});
