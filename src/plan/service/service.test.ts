import { describe, expect, test } from 'vitest';

import type { VmStatus } from '../../api/vm.ts';
import { endpointOf, type EndpointView, type ServiceVm } from './endpoints.ts';
import { desiredService, desiredSlice, serviceWish, type ServiceOwner } from './objects.ts';
import { serviceFact } from './words.ts';

const owner: ServiceOwner = { kind: 'GpuVm', namespace: 'research', name: 'trainer', uid: 'uid-1' };
const ports = [
  { name: 'ssh', internal: 22 },
  { name: 'web', internal: 8000 },
];

function vm(status: VmStatus = {}, deleting = false): ServiceVm {
  const ready = { type: 'Ready', status: 'True', reason: 'Running', message: '.', lastTransitionTime: '' } as const;
  return {
    ...{ kind: 'GpuVm', name: 'trainer', uid: 'uid-1', deleting },
    status: {
      conditions: [ready],
      address: '8.8.8.8',
      ports: [
        { name: 'ssh', internal: 22, external: 20_022 },
        { name: 'web', internal: 8000, external: 20_080 },
      ],
      ...status,
    },
  };
}

function viewOf(given: ServiceVm, allowPrivate = false): EndpointView {
  return endpointOf(given, ['ssh', 'web'], { allowPrivate });
}

function saidOf(given: ServiceVm, allowPrivate = false): string {
  const view = viewOf(given, allowPrivate);
  if (view.kind === 'notReady') return 'not Ready';
  return view.kind === 'unfit' ? view.why : `${view.endpoint.family} ${view.endpoint.address}`;
}

const notReady = { type: 'Ready', reason: 'Stopped', message: '.', lastTransitionTime: '' } as const;

describe('a Service leads to', () => {
  test.each<[string, ServiceVm, string]>([
    ['a VM that is Ready', vm(), 'IPv4 8.8.8.8'],
    [
      'one by IPv6, in the one way to write it',
      vm({ address: '2001:4860:4860:0:0:0:0:8888' }),
      'IPv6 2001:4860:4860::8888',
    ],
    ['one by an IPv4 address in an IPv6 one', vm({ address: '::ffff:8.8.8.8' }), 'IPv4 8.8.8.8'],
    ['none that is not Ready', vm({ conditions: [{ ...notReady, status: 'False' }] }), 'not Ready'],
    ['none of which nobody knows', vm({ conditions: [{ ...notReady, status: 'Unknown' }] }), 'not Ready'],
    ['none without a condition', vm({ conditions: [] }), 'not Ready'],
    ['none that is being deleted', vm({}, true), 'not Ready'],
    [
      'none without an address',
      { ...vm(), status: { ...vm().status, address: undefined } },
      'the provider gives no address of it',
    ],
    ['none by a host name', vm({ address: 'mass-a.example.com' }), '"mass-a.example.com" is no IP address'],
    ['none in this machine', vm({ address: '127.0.0.1' }), '127.0.0.1 is a loopback address'],
    ['none in this machine by IPv6', vm({ address: '::1' }), '::1 is a loopback address'],
    ['none in this machine in disguise', vm({ address: '::ffff:127.0.0.1' }), '127.0.0.1 is a loopback address'],
    ['none in the cluster', vm({ address: '10.96.0.1' }), '10.96.0.1 is a private or loopback address'],
    ['none in the cluster by IPv6', vm({ address: 'fd00::1' }), 'fd00::1 is a private or loopback address'],
    [
      'none in the cluster by way of NAT64',
      vm({ address: '64:ff9b::10.96.0.1' }),
      '64:ff9b::a60:1 is a private or loopback address',
    ],
    [
      'no metadata service',
      vm({ address: '169.254.169.254' }),
      '169.254.169.254 is a link-local, metadata or reserved address',
    ],
    ['no interface of a node', vm({ address: 'fe80::1%eth0' }), '"fe80::1%eth0" is no IP address'],
    ['nothing by an address in another form', vm({ address: '0x7f.1' }), '"0x7f.1" is no IP address'],
    ['none without a forward', vm({ ports: [] }), 'none of the published ports is forwarded to it'],
  ])('%s', (_what, given, said) => {
    expect(saidOf(given)).toBe(said);
  });

  test('private addresses where that is allowed, but never a loopback one, which no API server takes', () => {
    expect(saidOf(vm({ address: '10.0.0.7' }), true)).toBe('IPv4 10.0.0.7');
    expect(saidOf(vm({ address: '127.64.0.1' }), true)).toBe('127.64.0.1 is a loopback address');
    expect(saidOf(vm({ address: '169.254.169.254' }), true)).toMatch(/link-local/);
  });

  test('those ports that are published and forwarded', () => {
    const view = endpointOf(vm(), ['web', 'other'], { allowPrivate: false });
    expect(view).toMatchObject({ endpoint: { ports: [{ name: 'web', external: 20_080 }] } });
  });
});

describe('the objects', () => {
  const wish = serviceWish(owner, {}, ports);
  const ownerReferences = [
    {
      ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', name: 'trainer', uid: 'uid-1' },
      ...{ controller: true, blockOwnerDeletion: true },
    },
  ];

  test('the Service has the ports that are inside the VM, and no selector', () => {
    const { metadata, spec } = desiredService(wish);
    expect(spec).toEqual({
      type: 'ClusterIP',
      ports: [
        { name: 'ssh', protocol: 'TCP', port: 22 },
        { name: 'web', protocol: 'TCP', port: 8000 },
      ],
    });
    expect(metadata).toEqual({
      ...{ name: 'trainer', namespace: 'research', ownerReferences },
      labels: { 'app.kubernetes.io/managed-by': 'gpuvm-operator' },
    });
  });

  test('spec.service may name it, and choose the ports', () => {
    const { metadata, spec } = desiredService(serviceWish(owner, { name: 'api', ports: [{ name: 'web' }] }, ports));
    expect(metadata.name).toBe('api');
    expect(spec.ports.map(({ name }) => name)).toEqual(['web']);
  });

  test('a slice has the ports that the VM has outside, by the same names, and is nobody else’s to manage', () => {
    const view = viewOf(vm());
    if (view.kind !== 'endpoint') throw new Error(view.kind);
    const slice = desiredSlice(wish, view.endpoint);
    expect(slice.addressType).toBe('IPv4');
    expect(slice.ports).toEqual([
      { name: 'ssh', protocol: 'TCP', port: 20_022 },
      { name: 'web', protocol: 'TCP', port: 20_080 },
    ]);
    expect(slice.endpoints).toMatchObject([{ addresses: ['8.8.8.8'], conditions: { ready: true } }]);
    expect(slice.metadata).toMatchObject({
      ownerReferences,
      labels: {
        'kubernetes.io/service-name': 'trainer',
        'endpointslice.kubernetes.io/managed-by': 'operator.gpuvm.dev',
      },
    });
  });

  test('each VM, and each type of address, has a slice of its own', () => {
    const slices = [vm(), { ...vm(), uid: 'uid-2' }, vm({ address: '2001:4860:4860::8888' })].map((given) => {
      const view = viewOf(given);
      return view.kind === 'endpoint' ? desiredSlice(wish, view.endpoint).metadata.name : '';
    });
    expect(new Set(slices).size).toBe(3);
    for (const name of slices) expect(name).toMatch(/^trainer-[0-9a-f]{10}$/);
  });
});

describe('what is said', () => {
  const fit = viewOf(vm());
  const unfit: EndpointView = { kind: 'unfit', why: '10.0.0.1 is a private or loopback address' };
  const absent: EndpointView = { kind: 'notReady' };

  test.each<[string, readonly EndpointView[], boolean, string]>([
    ['of a VM', [fit], false, 'True Published: Service "s" leads to the VM.'],
    [
      'of a VM that is not Ready',
      [absent],
      false,
      'False NothingReady: Service "s" leads nowhere until the VM is Ready.',
    ],
    [
      'of a VM that may not be published',
      [unfit],
      false,
      'False NotPublishable: Service "s" leads nowhere: the VM is Ready, but cannot be published, as 10.0.0.1 is a private or loopback address.',
    ],
    ['of a pool', [fit, absent, fit], true, 'True Published: Service "s" leads to 2 of 3 members.'],
    ['of a pool without members', [], true, 'False NothingReady: Service "s" leads nowhere until a member is Ready.'],
    [
      'of a pool with a member that may not be published',
      [fit, unfit],
      true,
      'False NotPublishable: Service "s" leads to 1 of 2 members: one that is Ready cannot be published, as 10.0.0.1 is a private or loopback address.',
    ],
  ])('%s', (_what, views, isPool, said) => {
    const { serviceName, published } = serviceFact('s', views, isPool);
    expect(serviceName).toBe('s');
    expect(`${published.status} ${published.reason}: ${published.message}`).toBe(said);
  });
});
